//! Names and texts as people have them: paths with spaces and letters of any script, ids that are not ASCII, and files
//! as editors and shells of Windows write them.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mpt_tokens_sandbox::{Sandbox, Status};
use rstest::rstest;
use serde_json::Value;

use crate::program::{outcomes, program_for, run};

const LONG: Duration = Duration::from_secs(60);
const FOLDER: &str = "Grüße aus Köln & 東京 (1)";

fn utf8(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// As PowerShell's `Set-Content -Encoding UTF8` and Notepad write it.
fn marked(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").into_bytes()
}

/// As the `>` of Windows PowerShell writes it.
fn utf16(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn utf16_big(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[rstest]
fn a_list_and_the_token_in_a_file_of_windows(
    #[values(utf8, marked, utf16, utf16_big)] encode: fn(&str) -> Vec<u8>,
    #[values("\n", "\r\n")] end: &str,
    #[values(false, true)] by_stdin: bool,
) {
    let sandbox = Sandbox::builder().tokens(["TKN-1000-0001", "Grüße-東京"]).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (list, token) = (folder.path().join("ids.txt"), folder.path().join("token.txt"));
    let lines = ["# Büro", "TKN-1000-0001", "", "{\"id\": \"Grüße-東京\"}", ""].join(end);
    fs::write(&list, encode(&lines)).unwrap();
    fs::write(&token, encode(&format!("{}{end}", sandbox.api_token()))).unwrap();
    let mut command = program_for(&sandbox);
    command.env_remove("MPT_API_TOKEN").args(["delete", "--yes", "--json", "--token-file"]);
    command.arg(&token).arg("--from");
    let output = if by_stdin {
        command.arg("-").stdin(fs::File::open(&list).unwrap()).output().unwrap()
    } else {
        command.arg(&list).output().unwrap()
    };
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut ids: Vec<_> = outcomes(&output.stdout)
        .iter()
        .map(|line| line["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    assert_eq!(ids, ["Grüße-東京", "TKN-1000-0001"]);
    assert_eq!(sandbox.stats().deleted, 2);
}

#[test]
fn every_file_of_a_run_may_have_such_a_name() {
    let sandbox = Sandbox::builder().numbered(3).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join(FOLDER);
    fs::create_dir(&folder).unwrap();
    let path = |name: &str| folder.join(name);
    fs::write(path("Tokens für Löschen.txt"), "TKN-1000-0001\nTKN-1000-0002\n").unwrap();
    fs::write(path("Schlüssel 1.txt"), sandbox.api_token()).unwrap();
    let delete = || {
        let mut command = program_for(&sandbox);
        command.env_remove("MPT_API_TOKEN").args(["delete", "--yes", "--json"]);
        for (option, name) in [
            ("--from", "Tokens für Löschen.txt"),
            ("--token-file", "Schlüssel 1.txt"),
            ("--journal", "Übersicht 日誌"),
            ("--output", "Ausgänge.ndjson"),
            ("--report", "Prüfbericht für März.json"),
        ] {
            command.arg(option).arg(path(name));
        }
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        (outcomes(&output.stdout).len(), stderr)
    };
    let (told, stderr) = delete();
    assert_eq!(told, 2);
    assert!(stderr.contains("Prüfbericht für März.json`, SHA-256 "), "{stderr}");
    assert_eq!(outcomes(&fs::read(path("Ausgänge.ndjson")).unwrap()).len(), 2);
    let report = fs::read(path("Prüfbericht für März.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&report).unwrap()["counts"]["deleted"], 2);
    // Again, and the journal knows them.
    let (told, stderr) = delete();
    assert_eq!(told, 0, "{stderr}");
    assert_eq!(sandbox.stats().requests, 2);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 5, "a file was left over");
}

/// A second run with the same journal is told so, by the journal's name, and sends nothing.
#[test]
fn a_journal_of_such_a_name_belongs_to_one_run() {
    let sandbox = Sandbox::builder().numbered(2).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join(FOLDER);
    fs::create_dir(&folder).unwrap();
    let journal = folder.join("Übersicht 日誌");
    let delete = |id: &str, journal: &Path| {
        let mut command = program_for(&sandbox);
        command.args(["delete", "--yes", id, "--journal"]).arg(journal);
        command
    };
    let mut first = delete("TKN-answersilent.always-1", &journal);
    let mut first =
        first.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    assert!(sandbox.wait_for_requests("TKN-answersilent.always-1", 1, LONG));
    let output = run(&mut delete("TKN-1000-0001", &journal), "");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    let told = format!("the journal `{}` is in use by another run", journal.display());
    assert!(stderr.contains(&told), "{stderr}");
    assert_eq!(sandbox.truth("TKN-1000-0001").requests, 0);
    // It may be looked at meanwhile, and read.
    let looked = run(delete("TKN-1000-0001", &journal).arg("--dry-run"), "");
    assert_eq!(looked.status.code(), Some(0), "{}", String::from_utf8_lossy(&looked.stderr));
    assert!(fs::read_to_string(&journal).unwrap().contains("TKN-answersilent.always-1"));
    first.kill().unwrap();
    first.wait().unwrap();
    let output = run(&mut delete("TKN-1000-0001", &journal), "");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ids_of_any_script_come_as_arguments_and_are_told_as_they_are() {
    let ids = ["Grüße-東京", "ключ 🔑", "a\"b'c"];
    let sandbox = Sandbox::builder().tokens(ids).start().unwrap();
    let output = run(
        program_for(&sandbox).args(["delete", "--yes", "--any-id", "--concurrency=1"]).args(ids),
        "",
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(ids.iter().zip(told.lines()).all(|(id, line)| line.ends_with(id)), "{told}");
    assert!(ids.iter().all(|id| sandbox.truth(id).status == Status::Deleted));
}

/// The spellings of one path that Windows knows.
#[cfg(windows)]
#[rstest]
#[case::relative(|_: &Path, name: &str| name.to_owned())]
#[case::of_the_drive(|folder: &Path, name: &str| format!("{}{name}", &folder.to_str().unwrap()[..2]))]
#[case::rooted(|folder: &Path, name: &str| format!("{}\\{name}", &folder.to_str().unwrap()[2..]))]
#[case::slashes(|folder: &Path, name: &str| format!("{}/{name}", folder.to_str().unwrap().replace('\\', "/")))]
#[case::verbatim(|folder: &Path, name: &str| format!(r"\\?\{}\{name}", folder.to_str().unwrap()))]
#[case::device(|folder: &Path, name: &str| format!(r"\\.\{}\{name}", folder.to_str().unwrap()))]
#[case::another_case(|folder: &Path, name: &str| format!("{}\\{}", folder.to_str().unwrap().to_uppercase(), name.to_uppercase()))]
fn a_path_in_every_spelling(#[case] spell: fn(&Path, &str) -> String) {
    const ID: &str = "TKN-1000-0001";
    let sandbox = Sandbox::builder().numbered(1).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("ids.txt"), ID).unwrap();
    fs::write(folder.join("leak.env"), format!("KEY={}\n", sandbox.value_of(ID))).unwrap();
    for (requests, resumed) in [(1, false), (1, true)] {
        let mut command = program_for(&sandbox);
        command.args(["delete", "--yes", "--json"]).current_dir(folder);
        for (option, name) in [
            ("--from", "ids.txt"),
            ("--journal", "run.journal"),
            ("--output", "out.ndjson"),
            ("--report", "report.json"),
        ] {
            command.arg(option).arg(spell(folder, name));
        }
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert_eq!(outcomes(&output.stdout).is_empty(), resumed, "{stderr}");
        assert_eq!(sandbox.stats().requests, requests);
    }
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_lowercase())
        .collect();
    names.sort();
    assert_eq!(names, ["ids.txt", "leak.env", "out.ndjson", "report.json", "run.journal"]);
    let mut command = program_for(&sandbox);
    let output = run(command.arg("find").arg(spell(folder, "leak.env")).current_dir(folder), "");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}
