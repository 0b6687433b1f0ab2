//! `mpt-tokens burn`: whole command lines, and what the API saw.

use std::fs;
use std::process::Command;

use mpt_tokens_sandbox::{Sandbox, Status, numbered_id};
use snapbox::{assert_data_eq, file};
use tempfile::TempDir;

use crate::program::{outcomes, program_for, transcript, transcript_with};

/// A folder with the values of four tokens: two that delete themselves, one of which also leaked cut short; one that
/// is dead already; one that may not delete itself.
fn leak(sandbox: &Sandbox) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: String| fs::write(folder.path().join(path), text).unwrap();
    let one = sandbox.value_of("TKN-1000-0001");
    write(".env", format!("A=1\nTOKEN={one}\n"));
    write("a.log", format!("x {}\nx {one}\n", sandbox.value_of("TKN-1000-0002")));
    write("b.json", format!("{{\"old\":\"{}\"}}", &one[..one.len() - 1]));
    write("dead.txt", sandbox.value_of("TKN-gone-0001"));
    write("alive.txt", sandbox.value_of("TKN-403-0001"));
    write("none.md", "e.g. `idt:TKN-1000-0009:xxxxxxxxxxxx` or TKN-1000-0008\n".to_owned());
    folder
}

/// Without an API token: whatever the environment of the tests has.
fn burn(sandbox: &Sandbox, folder: &TempDir, args: &str) -> Command {
    let mut command = program_for(sandbox);
    command.env_remove("MPT_API_TOKEN").current_dir(folder.path());
    command.args(["burn", "--concurrency", "1"]).args(args.split_whitespace());
    command
}

/// `SNAPSHOTS=overwrite` writes them anew. They have the words and the paths of Unix.
#[test]
#[cfg(unix)]
fn whole_runs() {
    let run = |args: &str| {
        let sandbox = Sandbox::builder().numbered(9).start().unwrap();
        let folder = leak(&sandbox);
        // Dead already.
        transcript(&mut burn(&sandbox, &folder, "dead.txt --yes --quiet"));
        transcript(&mut burn(&sandbox, &folder, args))
    };
    let pipe = |args: &str| {
        let sandbox = Sandbox::builder().numbered(9).start().unwrap();
        let folder = leak(&sandbox);
        let text = format!("+x = '{}'\r\n", sandbox.value_of("TKN-1000-0003"));
        transcript_with(&mut burn(&sandbox, &folder, args), &text)
    };
    let text = [
        run(".env a.log --yes"),
        run(".env a.log b.json --yes"),
        run("dead.txt --yes"),
        run("alive.txt --yes"),
        run(". --yes"),
        run(". --dry-run"),
        run(".env"),
        run("none.md --yes"),
        run("nowhere --yes"),
        run(".env --yes --format ndjson"),
        run(".env --sandbox --yes"),
        pipe("- --yes"),
        pipe("-"),
        run(""),
    ];
    let text = text.join("\n");
    assert!(!text.contains("secret"), "{text}");
    assert_data_eq!(text, file!["snapshots/burn.txt"].raw());
}

/// What was deleted and proven is not asked again; the record for the auditor says how it was done.
#[test]
fn a_journal_and_a_report_of_a_burn() {
    let sandbox = Sandbox::builder().numbered(9).start().unwrap();
    let folder = leak(&sandbox);
    let run = || {
        let args = ".env a.log --yes --journal run.journal --report report.json";
        burn(&sandbox, &folder, args).output().unwrap().status.code()
    };
    assert_eq!(run(), Some(0));
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["options"]["burn"], true);
    assert_eq!(report["own_token_id"], serde_json::Value::Null);
    assert_eq!(
        (&report["counts"]["deleted"], &report["counts"]["dead_values"]),
        (&2.into(), &0.into())
    );
    assert!(report["tokens"].as_array().unwrap().iter().all(|token| token["proven"] == true));
    let requests = sandbox.stats().requests;
    assert_eq!(run(), Some(0));
    assert_eq!(sandbox.stats().requests, requests);
    for name in ["run.journal", "report.json"] {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(!text.contains("secret"), "{text}");
    }
}

/// Every fifth request meets a fault, and a thousand values are burnt by the program all the same.
#[test]
fn a_thousand_values_through_faults() {
    // With so many connections, wine takes minutes.
    let count = if cfg!(windows) { 125 } else { 1_000 };
    let sandbox = Sandbox::builder()
        .numbered(count)
        .faults(7)
        .fault_rate(0.2)
        .fault_time_scale(0.01)
        .start()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let values: Vec<String> = (1..=count).map(|n| sandbox.value_of(&numbered_id(n))).collect();
    fs::write(folder.path().join("leak"), values.join("\n")).unwrap();
    let mut command = program_for(&sandbox);
    command.env_remove("MPT_API_TOKEN").current_dir(folder.path());
    let args = "burn leak --yes --quiet --format ndjson --concurrency 64";
    let output = command.args(args.split_whitespace()).output().unwrap();
    let told = outcomes(&output.stdout);
    let proven = told.iter().filter(|outcome| outcome["proof"]["proven"] == true).count() as u64;
    assert_eq!((told.len() as u64, proven), (count, count), "{output:?}");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for n in 1..=count {
        assert_eq!(sandbox.truth(&numbered_id(n)).status, Status::Deleted, "{n}");
    }
}
