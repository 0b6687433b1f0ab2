//! SIGKILL, again and again: resumed with its journal, the run ends with every token dead, every outcome true, and no
//! request for what was already known to be dead.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use mpt_tokens_sandbox::{Sandbox, Status, numbered_id};
use serde_json::Value;

use crate::program::{outcomes, program_for};

/// Kills in the test of every day; `MPT_TOKENS_KILLS` says another number.
const KILLS: usize = 25;
/// Tokens for each kill: enough that the next is met under way.
const TOKENS_A_KILL: usize = 40;

#[test]
fn a_run_that_is_killed_again_and_again_is_resumed_until_it_is_done() {
    let kills = std::env::var("MPT_TOKENS_KILLS").map_or(KILLS, |count| count.parse().unwrap());
    let count = kills * TOKENS_A_KILL;
    let ids: Vec<String> = (1..=count)
        .map(|n| match n % 10 {
            0 => format!("TKN-answerlost-{n}"),
            5 => format!("TKN-answer502-{n}"),
            _ => numbered_id(n as u64),
        })
        .collect();
    let sandbox =
        Sandbox::builder().numbered(count as u64).delay(Duration::from_millis(2)).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (list, journal) = (folder.path().join("ids.txt"), folder.path().join("journal"));
    fs::write(&list, ids.join("\n")).unwrap();
    let start = |stdout: Stdio| {
        program_for(&sandbox)
            .args(["delete", "--yes", "--format", "ndjson", "--from"])
            .arg(&list)
            .arg("--journal")
            .arg(&journal)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    // Requests for each token that was known to be dead, as they were counted then.
    let mut known: HashMap<String, u32> = HashMap::new();
    let printed = folder.path().join("outcomes.ndjson");
    for kill in 0..kills {
        let out = fs::OpenOptions::new().create(true).append(true).open(&printed).unwrap();
        let mut child = start(out.into());
        // Some token of this round's part, another one each time.
        let at = kill * TOKENS_A_KILL + (kill * 7919) % TOKENS_A_KILL;
        assert!(sandbox.wait_for_requests(&ids[at], 1, Duration::from_secs(60)));
        child.kill().unwrap();
        child.wait().unwrap();
        for (id, requests) in &known {
            assert_eq!(sandbox.truth(id).requests, *requests, "{id} was known to be dead");
        }
        for line in fs::read(&journal).unwrap().split_inclusive(|byte| *byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Value>(line) else {
                continue;
            };
            if matches!(line["outcome"].as_str(), Some("deleted" | "gone")) {
                let id = line["id"].as_str().unwrap();
                let truth = sandbox.truth(id);
                assert_eq!(truth.status, Status::Deleted, "{id}: {line}");
                known.entry(id.to_owned()).or_insert(truth.requests);
            }
        }
        if kill % 3 == 0 {
            // A crash of the machine tears the last line, too.
            let mut file = fs::OpenOptions::new().append(true).open(&journal).unwrap();
            file.write_all(b"{\"id\":\"TKN-10").unwrap();
        }
    }
    let out = fs::OpenOptions::new().create(true).append(true).open(&printed).unwrap();
    let output = start(out.into()).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for (id, requests) in &known {
        assert_eq!(sandbox.truth(id).requests, *requests, "{id} was known to be dead");
    }
    for id in &ids {
        assert_eq!(sandbox.truth(id).status, Status::Deleted, "{id}");
    }
    // A killed run may have torn its last line of output; whole lines are true.
    const BEGINS: &[u8] = b"{\"id\":";
    let text = fs::read(&printed).unwrap();
    let whole: Vec<u8> = text
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(BEGINS) && line.ends_with(b"}\n"))
        // The line after a torn one stands behind it.
        .filter(|line| line.windows(BEGINS.len()).filter(|part| *part == BEGINS).count() == 1)
        .flatten()
        .copied()
        .collect();
    for line in outcomes(&whole) {
        assert!(matches!(line["outcome"].as_str(), Some("deleted" | "gone")), "{line}");
    }
}

/// A disk that is full: a limit on the size of files does for it what a small disk would. Windows has no such limit.
#[test]
#[cfg(unix)]
fn a_full_disk_stops_the_run_and_what_is_told_is_true() {
    let sandbox = Sandbox::builder().numbered(2_000).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (list, journal) = (folder.path().join("ids.txt"), folder.path().join("journal"));
    let ids: Vec<String> = (1..=2_000).map(numbered_id).collect();
    fs::write(&list, ids.join("\n")).unwrap();
    let run = |blocks: &str| {
        let program = program_for(&sandbox);
        // Blocks of 512 or 1024 bytes, by the shell.
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "ulimit -f \"$1\"; shift; exec \"$@\"", "sh", blocks]);
        shell.arg(program.get_program());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.args(["delete", "--yes", "--format", "ndjson", "--from"]).arg(&list);
        shell.arg("--journal").arg(&journal).output().unwrap()
    };
    let output = run("8");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("error: the journal") && stderr.contains("cannot be written"),
        "{stderr}"
    );
    let told = outcomes(&output.stdout);
    let deleted = told.iter().filter(|line| line["outcome"] == "deleted").count() as u64;
    assert_eq!(deleted, sandbox.stats().deleted);
    assert!((1..2_000).contains(&deleted), "{deleted}");
    for line in &told {
        let dead = sandbox.truth(line["id"].as_str().unwrap()).status == Status::Deleted;
        assert_eq!(dead, line["outcome"] == "deleted", "{line}");
    }

    // Nothing can be written at all: nothing is deleted.
    let before = sandbox.stats().requests;
    let output = run("0");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(sandbox.stats().requests, before);

    let output = run("unlimited");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sandbox.stats().deleted, 2_000);
}
