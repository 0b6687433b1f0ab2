//! Whole command lines: arguments, exit status, what was printed. `SNAPSHOTS=overwrite` writes them anew.

use std::fs;

use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox};
use snapbox::{assert_data_eq, file};

use crate::program::{program, program_for, transcript, transcript_with};

/// The sandbox of these runs; a run adds its arguments.
fn sandbox() -> Sandbox {
    Sandbox::builder().numbered(9).start().unwrap()
}

/// A run against a sandbox of its own.
fn delete(args: &str) -> String {
    let sandbox = sandbox();
    transcript(program_for(&sandbox).arg("delete").args(args.split_whitespace()))
}

/// A run without any set-up.
fn bare(args: &str) -> String {
    transcript(program().args(args.split_whitespace()))
}

#[test]
fn help() {
    assert_data_eq!(bare("--help"), file!["snapshots/help.txt"].raw());
    assert_data_eq!(bare("burn --help"), file!["snapshots/help-burn.txt"].raw());
    assert_data_eq!(bare("find --help"), file!["snapshots/help-find.txt"].raw());
    assert_data_eq!(bare("delete --help"), file!["snapshots/help-delete.txt"].raw());
    assert_data_eq!(bare("sandbox --help"), file!["snapshots/help-sandbox.txt"].raw());
}

#[test]
fn outcomes_as_text_and_their_exit_status() {
    let text = [
        delete("TKN-ok-1"),
        delete("TKN-answerlost-1"),
        delete("TKN-404-1"),
        delete("TKN-0000-0009 --missing-ok"),
        delete("TKN-503-1 --attempts 1 --patience 0"),
        delete("TKN-requestsilent-1 --attempts 1 --timeout 500ms --patience 0"),
        delete("TKN-400control-1"),
        delete("TKN-400echo-1"),
        delete("TKN-307-1"),
        delete(".. --yes"),
        delete(MAIN_TOKEN_ID),
        delete(&format!("{MAIN_TOKEN_ID} --allow-own-token --prove")),
        delete("TKN-ok-1 TKN-403-1 TKN-ok-1 TKN-answer502.403.always-1 --yes --concurrency 1"),
        delete("TKN-ok-1 TKN-403-1 --yes --concurrency 1 --quiet"),
        delete("TKN-ok-1 TKN-401-1 TKN-ok-2 --yes --concurrency 1"),
        delete("TKN-ok-1 TKN-401-1 TKN-401-2 TKN-ok-2 --yes --concurrency 1"),
        delete("TKN-ok-1 TKN-401-1 TKN-401-2 TKN-ok-2 --yes --concurrency 1 --quiet"),
        delete("TKN-ok-1 --sandbox --no-progress"),
        delete("TKN-ok-1 TKN-ok-2 -y --concurrency 1 --attempts 2 --timeout 1m --proxy none"),
    ];
    assert_data_eq!(text.join("\n"), file!["snapshots/text.txt"].raw());
}

/// What goes over the command line instead of the environment, and does not get through. In the words of Unix.
#[test]
#[cfg(unix)]
fn connections_that_are_not_made() {
    let text = [
        delete("TKN-ok-1 --attempts 1 --patience 0 --base-url http://127.0.0.1:9"),
        delete("TKN-ok-1 --attempts 1 --patience 0 --proxy http://127.0.0.1:9"),
    ];
    assert_data_eq!(text.join("\n"), file!["snapshots/connect.txt"].raw());
}

/// The files that options name, right and wrong.
#[test]
fn files_that_options_name() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let run = |text: &str, args: &str| {
        fs::write(&path, text).unwrap();
        let mut command = program_for(&sandbox);
        if args.ends_with("--token-file") {
            command.env_remove("MPT_API_TOKEN");
        }
        command.arg("delete").args(args.split_whitespace()).arg(&path);
        transcript(&mut command).replace(&path.display().to_string(), "[FILE]")
    };
    let text = [
        run(&format!("{}\n", sandbox.api_token()), "TKN-ok-1 --token-file"),
        run("", "TKN-ok-2 --token-file"),
        run("two\nlines\n", "TKN-ok-2 --token-file"),
        run("no certificate", "TKN-ok-2 --ca-file"),
        run("TKN-0000-0001\nTKN-ok-3\n", "--sandbox --yes --concurrency 1 --from"),
        run("TKN-ok-4\n{\"id\":\"TKN-ok-5\"\n", "--yes --from"),
    ];
    assert_data_eq!(text.join("\n"), file!["snapshots/files.txt"].raw());
}

#[test]
fn outcomes_as_ndjson() {
    let text = [
        delete("TKN-ok-1 --format ndjson"),
        delete("TKN-answerlost-1 --format ndjson"),
        delete("TKN-404-1 --format ndjson"),
        delete("TKN-400control-1 --format ndjson"),
        delete(&format!("{MAIN_TOKEN_ID} --allow-own-token --prove --format ndjson")),
        delete("TKN-ok-1 .. --dry-run --format ndjson"),
    ];
    assert_data_eq!(text.join("\n"), file!["snapshots/ndjson.txt"].raw());
}

/// In the words of Unix.
#[test]
#[cfg(unix)]
fn what_is_refused_before_anything_is_sent() {
    let text = [
        bare("delete"),
        bare("delete TKN-ok-1"),
        bare("delete idt:TKN-1-1:a-very-secret-value"),
        delete("TKN-ok-1 TKN-ok-2"),
        delete("--from -"),
        delete("--from /nowhere/ids.txt"),
        delete("--from /"),
        delete("--from - --yes --token-file -"),
        delete("TKN-ok-1 --token-file /nowhere/token"),
        delete("TKN-ok-1 --base-url https://user:secret@api.example"),
        delete("TKN-ok-1 --base-url http://api.example"),
        delete("TKN-ok-1 --proxy ftp://proxy.example"),
        delete("TKN-ok-1 --ca-file /nowhere/ca.pem"),
        delete("TKN-ok-1 --concurrency 0"),
        delete("TKN-ok-1 --concurrency 257"),
        delete("TKN-ok-1 --attempts 0"),
        delete("TKN-ok-1 --timeout soon"),
        delete("TKN-ok-1 --timeout 2days"),
        delete("TKN-ok-1 --format yaml"),
        delete("TKN-ok-1 --token idt:TKN-1-1:a-very-secret-value"),
        delete("TKN-ok-1 --sandbox --base-url https://api.example"),
        bare("delet TKN-ok-1"),
        bare("sandbox --fault-rate 1.5"),
        bare("sandbox --outage 10s"),
        bare("sandbox --outage 10s,1m,loud"),
        bare("sandbox --outage soon,1m"),
    ];
    let text = text.join("\n");
    let mut printed = text.lines().filter(|line| !line.starts_with("$ "));
    assert!(printed.all(|line| !line.contains("very-secret")), "{text}");
    assert_data_eq!(text, file!["snapshots/refused.txt"].raw());
}

#[test]
fn a_dry_run_sends_nothing() {
    let sandbox = sandbox();
    let run =
        |args: &str| transcript(program_for(&sandbox).arg("delete").args(args.split_whitespace()));
    let text = [
        run("--dry-run TKN-ok-1 TKN-ok-2 TKN-ok-1"),
        run(&format!("-n {MAIN_TOKEN_ID} TKN-ok-1")),
        run(&format!("-n {MAIN_TOKEN_ID} TKN-ok-1 --allow-own-token")),
        run("-n .. TKN-ok-1 --quiet"),
    ];
    assert_eq!(sandbox.stats().requests, 0);
    assert_data_eq!(text.join("\n"), file!["snapshots/dry-run.txt"].raw());
}

#[test]
fn lists_of_every_kind() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.txt");
    let run = |text: &str, args: &str| {
        fs::write(&list, text).unwrap();
        let mut command = program_for(&sandbox);
        command.args(["delete", "--yes", "--concurrency", "1"]).args(args.split_whitespace());
        let told = transcript(command.arg("--from").arg(&list));
        told.replace(&list.display().to_string(), "[LIST]")
    };
    let text = [
        run("# leavers\n\nTKN-1000-0001\n  TKN-1000-0002  \n", ""),
        run("idt:TKN-1000-0003:sandbox-secret\n", "--prove"),
        run("idt:TKN-1000-0004:another-secret\n", "--prove"),
        run("{\"id\":\"TKN-1000-0005\",\"outcome\":\"unknown\"}\n", ""),
        run("TKN-1000-0006\nsrc/a.env:3: idt:TKN-1-1:a-very-secret-value\n", ""),
        run("idt:TKN-404-1:sandbox-secret\n", "--prove --missing-ok"),
        run("\n# nobody\n", ""),
        run("TKN-1000-0007\n", "--dry-run"),
        transcript_with(
            program_for(&sandbox).args(["delete", "--yes", "--from", "-"]),
            "TKN-1000-0008\n",
        ),
    ];
    let text = text.join("\n");
    assert!(!text.contains("secret"), "{text}");
    assert_data_eq!(text, file!["snapshots/lists.txt"].raw());
}

/// In the words of Unix.
#[test]
#[cfg(unix)]
fn a_journal_is_resumed_and_refused() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("run.journal");
    let run = |args: &str| {
        let mut command = program_for(&sandbox);
        command.args(["delete", "--yes", "--concurrency", "1"]).args(args.split_whitespace());
        let told = transcript(command.arg("--journal").arg(&journal));
        told.replace(&journal.display().to_string(), "[JOURNAL]")
    };
    let text = [
        run("TKN-1000-0001 TKN-403.always-1"),
        run("TKN-1000-0001 TKN-403.always-1 TKN-1000-0002 --dry-run"),
        run("TKN-1000-0001 TKN-403.always-1 TKN-1000-0002"),
        run("TKN-1000-0003 --base-url http://127.0.0.1:9"),
        {
            let file = fs::File::open(&journal).unwrap();
            rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
            run("TKN-1000-0003")
        },
        {
            fs::write(&journal, fs::read_to_string(&journal).unwrap() + "no line\n").unwrap();
            run("TKN-1000-0001 TKN-0000-0404 TKN-1000-0004")
        },
        {
            fs::write(&journal, "{\"journal\":\"mpt-tokens\",\"version\":3,\"base_url\":\"x\"}\n")
                .unwrap();
            run("TKN-1000-0003")
        },
        {
            fs::write(&journal, "TKN-1000-0003\n").unwrap();
            run("TKN-1000-0003")
        },
        {
            fs::remove_file(&journal).unwrap();
            fs::create_dir(&journal).unwrap();
            run("TKN-1000-0003")
        },
    ];
    assert!(sandbox.truth("TKN-1000-0003").requests == 0);
    assert_data_eq!(text.join("\n"), file!["snapshots/journal.txt"].raw());
}

/// Where nothing may be made, not even by root.
#[test]
#[cfg(target_os = "linux")]
fn a_journal_that_may_not_be_made_is_refused() {
    let sandbox = sandbox();
    let told = transcript(program_for(&sandbox).args([
        "delete",
        "TKN-ok-1",
        "--journal",
        "/sys/run.journal",
    ]));
    assert_data_eq!(told, file!["snapshots/journal-permission.txt"].raw());
    assert_eq!(sandbox.stats().requests, 0);
}

#[test]
fn the_schema_is_the_one_in_the_tree() {
    let schema = include_str!("../../../../docs/outcome.schema.json");
    let printed = program().arg("schema").output().unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), schema);
}

#[test]
fn completions_and_the_manual_name_every_flag() {
    let help = String::from_utf8(program().args(["delete", "--help"]).output().unwrap().stdout);
    let help = help.unwrap();
    let flags: Vec<&str> = help
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")))
        .collect();
    assert!(flags.len() > 15, "{flags:?}");
    for args in [
        vec!["completions", "bash"],
        vec!["completions", "zsh"],
        vec!["completions", "fish"],
        vec!["completions", "elvish"],
        vec!["completions", "powershell"],
        vec!["man"],
    ] {
        let output = program().args(&args).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap().replace('\\', "");
        for flag in &flags {
            // `--flag[=<VALUE>]` where the value may be left out.
            let flag = flag.split('[').next().unwrap();
            let name = flag.trim_start_matches('-').trim_end_matches([',', '.']);
            assert!(text.contains(name), "{args:?} does not name {flag}");
        }
    }
}
