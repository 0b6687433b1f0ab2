//! SIGINT: once, twice, and before anything was begun.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

use mpt_tokens_sandbox::Sandbox;
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{outcomes, program_for};

const LONG: Duration = Duration::from_secs(60);

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[rstest]
fn the_first_ends_the_run_and_every_token_tried_is_told(
    #[values(Signal::INT, Signal::TERM)] which: Signal,
    #[values("1", "8")] concurrency: &str,
) {
    let sandbox = Sandbox::builder().numbered(10).start().unwrap();
    let mut ids: Vec<String> = (1..=10).map(mpt_tokens_sandbox::numbered_id).collect();
    ids.extend((1..=100).map(|n| format!("TKN-answersilent.always-{n}")));
    let child = program_for(&sandbox)
        .args(["delete", "--yes", "--format", "ndjson", "--concurrency", concurrency])
        .args(&ids)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(sandbox.wait_for_requests("TKN-answersilent.always-1", 1, LONG));
    signal(&child, which);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("interrupted"), "{stderr}");
    let told = outcomes(&output.stdout);
    for id in &ids {
        let asked = sandbox.truth(id).requests > 0;
        let line = told.iter().find(|line| line["id"] == **id);
        match line {
            None => assert!(!asked, "{id} was asked and not told"),
            Some(line) if asked && id.contains("silent") => {
                assert_eq!(
                    (&line["outcome"], &line["code"]),
                    (&"unknown".into(), &"cancelled".into())
                );
            }
            Some(line) if asked => assert_eq!(line["outcome"], "deleted"),
            Some(line) => assert_eq!(line["outcome"], "not_deleted"),
        }
    }
}

/// A run that nobody looks at says why it stands still; it can be ended then, too.
#[test]
fn a_pause_is_told_where_there_is_no_bar() {
    let sandbox = Sandbox::start().unwrap();
    let mut child = program_for(&sandbox)
        .args(["delete", "--yes", "--any-id", "--concurrency", "1", "TKN-429~300-1", "TKN-ok-2"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut told).unwrap();
    assert!(told.starts_with("paused ") && told.ends_with(" s by the API (429)\n"), "{told}");
    signal(&child, Signal::INT);
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told}");
    assert_eq!(told.matches("paused ").count(), 1, "{told}");
    assert_eq!(sandbox.stats().deleted, 0);
}

#[test]
fn a_second_one_leaves_at_once() {
    let sandbox = Sandbox::start().unwrap();
    let child = program_for(&sandbox)
        .args(["delete", "TKN-answersilent.always-1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(sandbox.wait_for_requests("TKN-answersilent.always-1", 1, LONG));
    // The one ends the run in good order, the other at once: whichever comes first, the status is the same.
    signal(&child, Signal::INT);
    signal(&child, Signal::TERM);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}

/// The list is still to come, so nothing is under way; the program must not wait for it.
#[test]
fn a_run_that_waits_for_its_list_ends_too() {
    let sandbox = Sandbox::builder().numbered(1).start().unwrap();
    let mut child = program_for(&sandbox)
        .args(["delete", "--yes", "--format", "ndjson", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: once this is written, the program reads.
    let lines = "TKN-1000-0001\n".repeat(20_000);
    std::io::Write::write_all(&mut input, lines.as_bytes()).unwrap();
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(sandbox.stats().requests, 0);
    assert!(String::from_utf8(output.stderr).unwrap().contains("nothing was deleted"));
    drop(input);
}

/// As a terminal that is closed does; `nohup` is asked for to outlive it.
#[rstest]
#[cfg(target_os = "linux")]
fn a_hang_up_ends_the_run_unless_it_was_ignored(#[values(false, true)] ignored: bool) {
    let sandbox = Sandbox::builder().numbered(1).start().unwrap();
    let program = program_for(&sandbox);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", if ignored { "trap '' HUP; exec \"$@\"" } else { "exec \"$@\"" }, "sh"]);
    shell.arg(program.get_program());
    for (name, value) in program.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        shell.env(name, value);
    }
    let args = ["delete", "--yes", "--format", "ndjson", "--concurrency", "1"];
    let child = shell
        .args(args)
        .args(["TKN-1000-0001", "TKN-answersilent.always-1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(sandbox.wait_for_requests("TKN-answersilent.always-1", 1, LONG));
    signal(&child, Signal::HUP);
    if ignored {
        // It is still there to be ended by another.
        signal(&child, Signal::TERM);
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let told = outcomes(&output.stdout);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((&told[0]["outcome"], &told[1]["code"]), (&"deleted".into(), &"cancelled".into()));
}
