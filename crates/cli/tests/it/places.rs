//! Where a list comes from and where outcomes go to: descriptors, files that change, disks that are full.

use std::fs;
use std::process::{Command, Output, Stdio};

use mpt_tokens_sandbox::{Sandbox, numbered_id};
use rstest::rstest;

use crate::program::{outcomes, program_for};

/// Runs the program in a shell, which sets up its descriptors; `$@` is the program and its arguments.
#[cfg(unix)]
fn shell(sandbox: &Sandbox, script: &str, args: &[&str]) -> Output {
    let program = program_for(sandbox);
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(program.get_program());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.args(args).stdin(Stdio::null()).output().unwrap()
}

/// A line that the shell took off is none of the list.
#[rstest]
#[case::stdin("-", "{ read -r first; \"$@\"; } < LIST")]
#[case::dev_stdin("/dev/stdin", "{ read -r first; \"$@\"; } < LIST")]
#[case::dev_fd("/dev/fd/0", "{ read -r first; \"$@\"; } < LIST")]
#[case::proc_self("/proc/self/fd/0", "{ read -r first; \"$@\"; } < LIST")]
#[case::another("/dev/fd/3", "{ read -r first <&3; \"$@\"; } 3< LIST")]
#[case::another_proc("/proc/self/fd/3", "{ read -r first <&3; \"$@\"; } 3< LIST")]
#[cfg(target_os = "linux")]
fn an_open_descriptor_is_read_from_where_it_is(#[case] from: &str, #[case] script: &str) {
    let sandbox = Sandbox::builder().numbered(3).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    fs::write(&list, "TKN-1000-0001\nTKN-1000-0002\nTKN-1000-0003\n").unwrap();
    let script = script.replace("LIST", &format!("'{}'", list.display()));
    let output =
        shell(&sandbox, &script, &["delete", "--yes", "--format", "ndjson", "--from", from]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut ids: Vec<_> =
        outcomes(&output.stdout).iter().map(|line| line["id"].to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["\"TKN-1000-0002\"", "\"TKN-1000-0003\""]);
    assert_eq!(sandbox.stats().requests, 2);
}

/// As `<(...)` of a shell is.
#[test]
#[cfg(target_os = "linux")]
fn a_pipe_by_its_number_is_read() {
    let sandbox = Sandbox::builder().numbered(1).start().unwrap();
    let script = "echo TKN-1000-0001 | { \"$@\" 3<&0 </dev/null; }";
    let output = shell(&sandbox, script, &["delete", "--from", "/dev/fd/3"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sandbox.stats().deleted, 1);
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_is_closed_is_told_before_anything_is_sent() {
    let sandbox = Sandbox::builder().numbered(1).start().unwrap();
    let output = shell(&sandbox, "\"$@\" >&-", &["delete", "TKN-1000-0001"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("note: standard output is closed or discarded"), "{stderr}");
    // What a shell throws away is meant.
    let output = shell(&sandbox, "\"$@\" >/dev/null", &["delete", "TKN-1000-0002"]);
    assert!(!String::from_utf8(output.stderr).unwrap().contains("note"));
}

/// A limit on the size of files does what a full disk does: it takes a part of a line.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_no_half_a_line() {
    let sandbox = Sandbox::builder().numbered(200).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (list, out) = (folder.path().join("list"), folder.path().join("out"));
    let ids: Vec<String> = (1..=200).map(numbered_id).collect();
    fs::write(&list, ids.join("\n")).unwrap();
    let mut beside = 0;
    for redirect in [">", ">>"] {
        let script = format!("ulimit -f 8; \"$@\" {redirect} '{}'", out.display());
        let from = list.display().to_string();
        let args = ["delete", "--yes", "--concurrency", "1", "--format", "ndjson", "--from", &from];
        let output = shell(&sandbox, &script, &args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("error: the output cannot be written"), "{stderr}");
        let written = fs::read(&out).unwrap();
        assert!(written.ends_with(b"}\n"), "a torn line");
        let written = outcomes(&written);
        // Each that is dead is told, in the file or beside it.
        let dead = written.iter().filter(|line| line["outcome"] == "deleted").count();
        beside += stderr.lines().filter(|line| line.starts_with("not written: deleted")).count();
        assert_eq!((dead + beside) as u64, sandbox.stats().deleted, "{stderr}");
    }
}

/// A list that is still being written, or edited, is not the one that was asked about.
#[test]
fn a_list_that_changes_during_the_run_is_told() {
    let sandbox = Sandbox::builder().numbered(9).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    // Longer than what is read at once, so that the second part is still to be read when the first is asked.
    let ids = format!("TKN-answersilent-1\n{}", "TKN-1000-0001\n".repeat(10_000));
    fs::write(&list, &ids).unwrap();
    let mut command = program_for(&sandbox);
    command.args(["delete", "--yes", "--concurrency", "1", "--timeout", "500ms", "--from"]);
    let child = command.arg(&list).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let long = std::time::Duration::from_secs(60);
    assert!(sandbox.wait_for_requests("TKN-answersilent-1", 1, long));
    fs::write(&list, ids.replace("0001", "0002")).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(2 | 3)), "{stderr}");
    assert!(stderr.contains("it was changed during the run"), "{stderr}");
    assert_eq!(sandbox.truth("TKN-1000-0002").requests, 0);
}
