//! The programs of `examples/`, as cargo has built them beside these tests, run against a sandbox.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use mpt_tokens_sandbox::{Sandbox, Status};

/// An example without anything of the environment.
pub(crate) fn command(example: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let built = tests.ancestors().nth(2).unwrap().join("examples").join(example);
    let mut command = Command::new(&built);
    command.env_clear();
    // Without these there is no network on Windows, no wine, and under qemu no library of the program's
    // processor.
    for name in ["SystemRoot", "WINEPREFIX", "QEMU_LD_PREFIX"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

fn run(sandbox: &Sandbox, example: &str, args: &[&str], input: &str) -> (Option<i32>, String) {
    let mut command = command(example);
    let mut child = command
        .args(args)
        .env("MPT_API_TOKEN", sandbox.api_token())
        .env("MPT_API_BASE_URL", sandbox.base_url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{example}: {error}: build the examples, too"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(stderr).unwrap(), "");
    (status.code(), String::from_utf8(stdout).unwrap())
}

#[test]
fn delete_one() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    let (status, told) = run(&sandbox, "delete_one", &["TKN-1-1"], "");
    assert_eq!((status, told.as_str()), (Some(0), "deleted: the token `TKN-1-1` is deleted\n"));
    assert_eq!(sandbox.truth("TKN-1-1").status, Status::Deleted);
    let (status, told) = run(&sandbox, "delete_one", &["TKN-1-1"], "");
    assert_eq!(status, Some(1));
    assert!(told.starts_with("not_deleted: the API answered 404"), "{told}");
    assert!(told.ends_with("  attempt 1: sent true, Some(404)\n"), "{told}");
}

#[test]
fn delete_list() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1", "TKN-1-2"]).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("run.journal");
    let journal = journal.to_str().unwrap();
    let list = "TKN-1-1\n\nTKN-1-2\n";
    let (status, told) = run(&sandbox, "delete_list", &[journal], list);
    let ends = "2 deleted, 0 gone, 0 not deleted, 0 unknown, 0 done before\n";
    assert!(status == Some(0) && told.ends_with(ends), "{told}");
    assert!(told.contains("deleted\tthe token `TKN-1-2` is deleted\n"), "{told}");
    assert!(fs::metadata(journal).unwrap().len() > 0);
    // Started again, it asks for nothing.
    let requests = sandbox.stats().requests;
    let (status, told) = run(&sandbox, "delete_list", &[journal], list);
    let ends = "0 deleted, 0 gone, 0 not deleted, 0 unknown, 2 done before\n";
    assert!(status == Some(0) && told.ends_with(ends), "{told}");
    assert_eq!(sandbox.stats().requests, requests);
}

#[test]
fn prove() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    let (status, told) = run(&sandbox, "prove", &[], &sandbox.value_of("TKN-1-1"));
    assert_eq!(status, Some(0), "{told}");
    assert!(told.starts_with("the token `TKN-1-1` is deleted\n"), "{told}");
    assert!(told.contains("the token `TKN-1-1` is proven dead"), "{told}");
}
