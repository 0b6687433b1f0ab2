//! `--report FILE`: the record of a run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use mpt_tokens_sandbox::Sandbox;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::program::{program, program_for};

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = include_str!("../../../../docs/report.schema.json");
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
});

/// Reads a report, which must be as the schema says.
fn read(path: &Path) -> Value {
    let report: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let errors: Vec<String> = SCHEMA.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{report:#}\nis not as the schema says: {errors:?}");
    report
}

fn delete(sandbox: &Sandbox, report: &Path, args: &str) -> Command {
    let mut command = program_for(sandbox);
    command.args(["delete", "--yes", "--concurrency", "1", "--report"]).arg(report);
    command.args(args.split_whitespace());
    command
}

#[test]
fn a_report_has_every_token_and_its_digest_is_printed() {
    let sandbox = Sandbox::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    fs::write(&path, "what stood here before").unwrap();
    let args =
        "--patience 1m --prove=where-possible TKN-ok-1 TKN-403-1 TKN-ok-1 TKN-503-2 --attempts 1";
    let output = delete(&sandbox, &path, args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report = read(&path);
    let told: Vec<(&str, &str, u64)> = report["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| {
            let text = |name: &str| token[name].as_str().unwrap();
            (text("id"), text("outcome"), token["rounds"].as_u64().unwrap())
        })
        .collect();
    let expected =
        [("TKN-ok-1", "deleted", 1), ("TKN-403-1", "not_deleted", 1), ("TKN-503-2", "deleted", 2)];
    assert_eq!(told, expected);
    assert_eq!(report["counts"]["duplicates"], 1);
    assert_eq!(report["counts"]["put_off"], 1);
    assert_eq!(report["base_url"], sandbox.base_url());
    assert_eq!(report["own_token_id"], mpt_tokens_sandbox::MAIN_TOKEN_ID);
    assert_eq!(report["options"]["prove"], "where-possible");
    assert_eq!((&report["interrupted"], &report["stopped"]), (&false.into(), &Value::Null));
    assert_eq!(report["stopped_reason"], Value::Null);

    let file = fs::read(&path).unwrap();
    let secret = sandbox.api_token();
    let secret = secret.rsplit(':').next().unwrap();
    assert!(!String::from_utf8_lossy(&file).contains(secret));
    let sum: String =
        digest(&SHA256, &file).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let line = format!("the report is in `{}`, SHA-256 {sum}\n", path.display());
    assert!(stderr.contains(&line), "{stderr}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

/// An auditor reads why a run ended before its list.
#[test]
fn a_run_that_stopped_says_why() {
    let sandbox = Sandbox::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let args = "TKN-ok-1 TKN-401-1 TKN-401-2 TKN-ok-2 TKN-ok-3 --format ndjson";
    let output = delete(&sandbox, &path, args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report = read(&path);
    let why = "the API answered 401 (the API token is not accepted): check MPT_API_TOKEN";
    assert_eq!(report["stopped"], why);
    assert_eq!(report["stopped_reason"], "unauthorized");
    assert_eq!(
        (&report["counts"]["total"], &report["counts"]["not_tried"]),
        (&3.into(), &2.into())
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains(&format!("stopped: {why}\n")), "{stderr}");
}

/// By a signal, so on Unix.
#[test]
#[cfg(unix)]
fn an_interrupted_run_has_a_report_too() {
    use std::process::Stdio;

    use rustix::process::{Pid, Signal, kill_process};

    let sandbox = Sandbox::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let mut command = delete(&sandbox, &path, "TKN-ok-1 TKN-answersilent.always-2 TKN-ok-3");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while sandbox.truth("TKN-answersilent.always-2").requests == 0 {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let report = read(&path);
    assert_eq!(report["interrupted"], true);
    let told: Vec<&str> = report["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(told[..2], ["deleted", "unknown"]);
    assert_eq!(report["counts"]["not_tried"].as_u64().unwrap() + told.len() as u64, 3);
}

#[test]
fn a_report_that_cannot_be_written_is_noticed_before_the_first_request() {
    let sandbox = Sandbox::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let missing = if cfg!(windows) { "(os error 3)" } else { "No such file or directory" };
    for (path, why) in [
        (folder.path().to_owned(), "it is a folder: expected a path to a file"),
        (folder.path().join("missing/report.json"), missing),
    ] {
        let output = delete(&sandbox, &path, "TKN-ok-1").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        let start = format!("error: the report `{}` cannot be written: ", path.display());
        assert!(stderr.contains(&start) && stderr.contains(why), "{stderr}");
    }
    assert_eq!(sandbox.stats().requests, 0);
}

#[test]
fn the_schema_of_reports_is_the_one_in_the_tree() {
    let schema = include_str!("../../../../docs/report.schema.json");
    let printed = program().args(["schema", "--report"]).output().unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), schema);
}
