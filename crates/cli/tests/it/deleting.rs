//! What a run does, beside what it prints.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox, Status, numbered_id};
use rstest::rstest;

use crate::program::{outcomes, program, program_for, run};

#[test]
fn a_list_is_deleted_and_each_line_says_what_is_true() {
    let sandbox = Sandbox::builder().numbered(500).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("ids.txt");
    let mut ids: Vec<String> = (1..=500).map(numbered_id).collect();
    ids.extend((1..=20).map(|n| format!("TKN-answerlost-{n}")));
    ids.extend((1..=20).map(|n| format!("TKN-404-{n}")));
    fs::write(&list, ids.join("\n")).unwrap();
    let mut command = program_for(&sandbox);
    let output =
        run(command.args(["delete", "--yes", "--format", "ndjson", "--from"]).arg(&list), "");
    // Nothing worse than tokens that are not found.
    assert_eq!(output.status.code(), Some(4));
    let outcomes = outcomes(&output.stdout);
    assert_eq!(outcomes.len(), ids.len());
    for line in outcomes {
        let id = line["id"].as_str().unwrap();
        let dead = sandbox.truth(id).status == Status::Deleted;
        let expected = match (dead, id.contains("answerlost")) {
            (true, true) => "gone",
            (true, false) => "deleted",
            (false, _) => "not_deleted",
        };
        assert_eq!(line["outcome"], expected, "{line}");
    }
}

#[test]
fn its_own_output_is_its_input() {
    let sandbox = Sandbox::start().unwrap();
    let mut command = program_for(&sandbox);
    let ids = ["TKN-403-1", "TKN-ok-1", "TKN-503-1"];
    let output = run(
        command
            .args(["delete", "--yes", "--attempts", "1", "--patience", "0", "--format", "ndjson"])
            .args(ids),
        "",
    );
    assert_eq!(output.status.code(), Some(3));
    let again = String::from_utf8(output.stdout).unwrap();
    let mut command = program_for(&sandbox);
    let output = run(
        command.args(["delete", "--yes", "--missing-ok", "--format", "ndjson", "--from", "-"]),
        &again,
    );
    assert_eq!(output.status.code(), Some(0));
    // The one that is dead is not asked again.
    assert_eq!(outcomes(&output.stdout).len(), 2);
    assert_eq!((sandbox.stats().deleted, sandbox.truth("TKN-ok-1").requests), (3, 1));
}

/// An `unknown` of an earlier run says that its request may have deleted the token: that it is not there now is an
/// answer, and no mistake.
#[test]
fn an_unknown_outcome_is_settled_by_running_again() {
    let sandbox = Sandbox::start().unwrap();
    let mut command = program_for(&sandbox);
    let args =
        ["delete", "--attempts", "1", "--patience", "0", "--format", "ndjson", "TKN-answerlost-1"];
    let output = run(command.args(args), "");
    assert_eq!(output.status.code(), Some(3));
    let again = String::from_utf8(output.stdout).unwrap();
    let output = run(program_for(&sandbox).args(["delete", "--yes", "--from", "-"]), &again);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.starts_with(b"gone"));
}

/// A base URL that cannot be read must not mean the default one, which is production.
#[test]
fn an_environment_that_is_not_unicode_is_refused() {
    #[cfg(unix)]
    let url: std::ffi::OsString =
        std::os::unix::ffi::OsStringExt::from_vec(b"http://127.0.0.1:1/\xff".to_vec());
    // Half of a character.
    #[cfg(windows)]
    let url: std::ffi::OsString = {
        let units: Vec<u16> = "http://127.0.0.1:1/".encode_utf16().chain([0xd800]).collect();
        std::os::windows::ffi::OsStringExt::from_wide(&units)
    };
    let mut command = program();
    command.env("MPT_API_TOKEN", "token").env("MPT_API_BASE_URL", url);
    let output = command.args(["delete", "--dry-run", "TKN-1-1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("the base URL has characters that are not ASCII"), "{told}");
}

#[test]
fn a_value_in_the_wrong_place_is_not_repeated() {
    let sandbox = Sandbox::start().unwrap();
    for option in ["--token-file", "--from", "--ca-file", "--format", "--timeout"] {
        let mut command = program_for(&sandbox);
        let output = run(command.args(["delete", option, "idt:TKN-1-1:s3cret-s3cret", "X"]), "");
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("idt:TKN-1-1:<redacted>"), "{option}: {told}");
        assert!(!told.contains("s3cret"), "{option}: {told}");
    }
    let text = "idt:TKN-1-1:s3cret".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let text = String::from_utf8(text).unwrap();
    let output = run(program_for(&sandbox).args(["delete", "--yes", "--from", "-"]), &text);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("line 1, column 1: has a NUL character"), "{told}");
    assert_eq!(sandbox.stats().requests, 0);
}

/// What comes through a pipe is checked whole, as a file is: its last line can be the wrong one.
#[test]
fn a_stream_is_read_to_its_end_before_anything_is_sent() {
    let sandbox = Sandbox::builder().numbered(3).start().unwrap();
    let lines: String = (1..=3).map(|n| numbered_id(n) + "\n").collect();
    let run = |last: &str| {
        let mut command = program_for(&sandbox);
        command.args(["delete", "--yes", "--format", "ndjson", "--from", "-"]);
        run(&mut command, &format!("{lines}{last}"))
    };
    let output = run("TKN-1000-0004,owner\n");
    assert_eq!((output.status.code(), sandbox.stats().requests), (Some(2), 0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("line 4, column 14: `,`"), "{told}");
    let output = run("");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(outcomes(&output.stdout).len(), 3);
}

#[test]
fn a_reader_that_leaves_ends_the_run_without_a_word_of_pipes() {
    let sandbox = Sandbox::builder().numbered(5_000).start().unwrap();
    let list: String = (1..=5_000).map(|n| numbered_id(n) + "\n").collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids.txt");
    fs::write(&path, list).unwrap();
    let mut command = program_for(&sandbox);
    let mut child = command
        .args(["delete", "--yes", "--from"])
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("the output was closed, so no more tokens were deleted"), "{stderr}");
    assert!(!stderr.contains("error"), "{stderr}");
    assert!(sandbox.stats().requests < 5_000);
}

/// `mpt-tokens man | true`: nobody is there to read it, and nobody to be told.
#[rstest]
#[case::the_manual(&["man"])]
#[case::completions(&["completions", "bash"])]
#[case::the_schema(&["schema"])]
#[case::a_dry_run(&["delete", "--dry-run", "TKN-ok-1"])]
#[case::help(&["delete", "--help"])]
fn a_reader_that_never_was_is_no_mistake(#[case] args: &[&str]) {
    let sandbox = Sandbox::start().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = program_for(&sandbox).args(args).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!String::from_utf8(output.stderr).unwrap().contains("error"));
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_is_told() {
    let full = std::path::Path::new("/dev/full");
    let sandbox = Sandbox::builder().numbered(100).start().unwrap();
    let ids: Vec<String> = (1..=100).map(numbered_id).collect();
    let mut command = program_for(&sandbox);
    command.args(["delete", "--yes"]).args(&ids);
    let output = command.stdout(fs::File::create(full).unwrap()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("error: the output cannot be written"), "{stderr}");
    // Each token that is dead is told, although not where it was to be.
    let told = stderr.lines().filter(|line| line.starts_with("not written: deleted")).count();
    assert_eq!(told as u64, sandbox.stats().deleted, "{stderr}");
    assert!(sandbox.stats().requests < 100);
}

#[test]
fn leaked_values_are_deleted_and_proven_and_never_shown() {
    let sandbox = Sandbox::builder().numbered(3).start().unwrap();
    let list = format!(
        "{}\n\"{}\",\nBearer {}\n{{\"Raw\":\"{}\"}}\nTKN-ok-9\n",
        sandbox.value_of(&numbered_id(1)),
        sandbox.value_of(&numbered_id(2)),
        sandbox.value_of(&numbered_id(3)),
        sandbox.value_of("TKN-ok-4"),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leaked.txt");
    let journal = folder.path().join("journal");
    fs::write(&path, list).unwrap();
    let mut command = program_for(&sandbox);
    command
        .args(["delete", "--yes", "--prove=where-possible", "--format", "ndjson", "--from"])
        .arg(&path);
    let output = run(command.arg("--journal").arg(&journal), "");
    assert_eq!(output.status.code(), Some(0));
    let outcomes = outcomes(&output.stdout);
    assert_eq!(outcomes.len(), 5);
    for line in &outcomes {
        let proven = line.get("proof").map(|proof| &proof["proven"]);
        let expected = (line["id"] != "TKN-ok-9").then_some(&serde_json::Value::Bool(true));
        assert_eq!(proven, expected, "{line}");
    }
    for text in [output.stdout, output.stderr, fs::read(&journal).unwrap()] {
        assert!(!String::from_utf8(text).unwrap().contains("sandbox-secret"));
    }
    // On Windows a file has the access rights of its folder.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        assert_eq!(fs::metadata(&journal).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// A token found with nothing else at hand: it deletes itself, and proves it.
#[test]
fn a_found_token_burns_itself() {
    let sandbox = Sandbox::builder().tokens(["TKN-7-7"]).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("found.txt");
    fs::write(&path, sandbox.value_of("TKN-7-7")).unwrap();
    let mut command = program_for(&sandbox);
    command.env_remove("MPT_API_TOKEN").arg("delete").arg("--token-file").arg(&path);
    command.args(["--allow-own-token", "--prove", "--format", "ndjson", "--from"]).arg(&path);
    let output = run(&mut command, "");
    assert_eq!(output.status.code(), Some(0));
    let lines = outcomes(&output.stdout);
    assert_eq!(
        (&lines[0]["outcome"], &lines[0]["proof"]["proven"]),
        (&"deleted".into(), &true.into())
    );
    assert_eq!(sandbox.truth("TKN-7-7").status, Status::Deleted);
    assert_eq!(sandbox.truth(MAIN_TOKEN_ID).requests, 0);
}

#[test]
fn a_mistake_in_a_file_is_found_before_anything_is_deleted() {
    let sandbox = Sandbox::builder().numbered(2).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids.txt");
    let list = format!("{}\n{{\"id\":7}}\n{}\n", numbered_id(1), numbered_id(2));
    fs::write(&path, &list).unwrap();
    let mut command = program_for(&sandbox);
    let output = run(command.args(["delete", "--yes", "--from"]).arg(&path), "");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("line 2, column 1: "));
    assert_eq!(sandbox.stats().requests, 0);
}

#[rstest]
#[case::taken("TKN-0000-0009", 4)]
#[case::given("TKN-ok-1", 0)]
fn the_token_comes_from_a_pipe_where_that_is_asked_for(#[case] id: &str, #[case] status: i32) {
    let sandbox = Sandbox::start().unwrap();
    let mut command = program_for(&sandbox);
    command.env_remove("MPT_API_TOKEN").args(["delete", "--token-file", "-", id]);
    let output = run(&mut command, &format!("Bearer {}\n", sandbox.api_token()));
    assert_eq!(output.status.code(), Some(status));
    assert_eq!(sandbox.stats().requests, 1);
}

/// A journal that cannot be written stops the run before anything is deleted.
#[test]
fn a_journal_in_a_folder_that_is_not_there_is_refused_first() {
    let sandbox = Sandbox::start().unwrap();
    let mut command = program_for(&sandbox);
    let output =
        run(command.args(["delete", "TKN-ok-1", "--journal", "/nowhere/at/all.journal"]), "");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot be opened"));
    assert_eq!(sandbox.stats().requests, 0);
}

#[rstest]
fn no_control_character_reaches_the_terminal(
    #[values("text", "ndjson")] format: &str,
    #[values("--yes", "--dry-run", "--journal=/nowhere/\u{202e}", "--unknown-\u{202e}")] flag: &str,
) {
    let sandbox = Sandbox::start().unwrap();
    let mut command = program_for(&sandbox);
    let ids = [
        "TKN-400control-1",
        "TKN-400unicode-1",
        "c\u{202e}d",
        "c\u{200b}d",
        "c\u{ad}d",
        "c\u{2028}d",
        "c\u{3164}d",
        "c\u{e0041}d",
        ".\u{200b}.",
        "c\u{1b}[2Jd",
        "c\u{9b}d",
        "c\u{7f}d",
    ];
    let output =
        run(command.args(["delete", "--yes", "--any-id", "--format", format, flag]).args(ids), "");
    for bytes in [output.stdout, output.stderr] {
        let text = String::from_utf8(bytes).unwrap();
        let bad = text.chars().find(|c| *c != '\n' && mpt_tokens::is_unprintable(*c));
        assert_eq!(bad, None, "{}", text.escape_debug());
    }
}

/// A list is told whole of what is wrong with it, and every text of it is shown in the same way.
#[rstest]
#[case::control("TKN-1\u{1b}[2J")]
#[case::bidi("TKN-1\u{202e}")]
#[case::no_width("TKN-1\u{200b}")]
#[case::dots("{\"id\": \".\u{200b}.\"}")]
fn no_control_character_of_a_list_reaches_the_terminal(#[case] line: &str) {
    let sandbox = Sandbox::start().unwrap();
    let mut command = program_for(&sandbox);
    let output = run(command.args(["delete", "--yes", "--from", "-"]), &format!("{line}\n"));
    assert_ne!(output.status.code(), Some(0));
    for bytes in [output.stdout, output.stderr] {
        let text = String::from_utf8(bytes).unwrap();
        let bad = text.chars().find(|c| *c != '\n' && mpt_tokens::is_unprintable(*c));
        assert_eq!(bad, None, "{}", text.escape_debug());
    }
}
