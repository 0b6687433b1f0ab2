//! Long lists: memory stays flat, nothing is lost, a server's limit is kept. `MPT_TOKENS_LIST` says how long.

use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::Stdio;

use mpt_tokens_sandbox::{Sandbox, numbered_id};
use rstest::rstest;

use crate::program::{outcome, program_for};

/// Tokens in the tests of every day.
const TOKENS: u64 = 30_000;

fn count() -> u64 {
    std::env::var("MPT_TOKENS_LIST").map_or(TOKENS, |count| count.parse().unwrap())
}

/// Peak memory near the end of a run, while the program still waits for its output to be read. What comes through a pipe
/// is kept until it is asked, since all of it is checked before.
#[rstest]
#[case::a_file(false, 64)]
#[case::a_pipe(true, 64)]
#[cfg(target_os = "linux")]
fn memory_is_a_flat_base_and_some_bytes_a_token(#[case] is_pipe: bool, #[case] bytes: u64) {
    let count = count();
    let sandbox = Sandbox::builder().numbered(count).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("ids.txt");
    let mut file = BufWriter::new(fs::File::create(&list).unwrap());
    for n in 1..=count {
        writeln!(file, "{}", numbered_id(n)).unwrap();
    }
    file.into_inner().unwrap();
    let mut command = program_for(&sandbox);
    command.args(["delete", "--yes", "--format", "ndjson", "--from"]);
    if is_pipe {
        command.arg("-").stdin(fs::File::open(&list).unwrap());
    } else {
        command.arg(&list);
    }
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut peak = 0;
    for n in 0..count {
        let line = lines.next().unwrap().unwrap();
        // Every line is looked at; a few are also held against the schema, which takes longer than the run.
        assert!(line.contains(r#""outcome":"deleted""#), "{line}");
        if n % 1_000 == 0 {
            outcome(&line);
        }
        // The lines that are left are more than a pipe holds, so the program is still there.
        if n + 1_000 == count {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            peak = status
                .lines()
                .find_map(|line| {
                    line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok()
                })
                .unwrap();
        }
    }
    assert!(child.wait().unwrap().success());
    assert!(lines.next().is_none());
    let stats = sandbox.stats();
    assert_eq!((stats.requests, stats.deleted), (count, count));
    println!("{count} tokens: {peak} KiB at the most");
    let bound = 24 * 1024 + count * bytes / 1024;
    assert!(peak > 0 && peak <= bound, "{peak} KiB for {count} tokens: more than {bound} KiB");
}

/// A limit is met a few times, not all the time.
#[test]
#[cfg_attr(windows, ignore = "under wine the program is slower than the limit")]
fn a_list_is_deleted_under_a_limit_with_few_refusals() {
    let (rate, count, concurrencies): (u32, u64, &[&str]) = match std::env::var("MPT_TOKENS_LIST") {
        Ok(_) => (100, 3_000, &["8", "256"]),
        Err(_) => (200, 1_500, &["64"]),
    };
    for concurrency in concurrencies.iter().copied() {
        let sandbox = Sandbox::builder().numbered(count).rate(rate).start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("ids.txt");
        let ids: Vec<String> = (1..=count).map(numbered_id).collect();
        fs::write(&list, ids.join("\n")).unwrap();
        let status = program_for(&sandbox)
            .args(["delete", "--yes", "--quiet", "--concurrency", concurrency, "--from"])
            .arg(&list)
            .status()
            .unwrap();
        assert!(status.success());
        let stats = sandbox.stats();
        println!(
            "{concurrency} at once: {} of {} answered 429",
            stats.rate_limited, stats.requests
        );
        assert_eq!(stats.deleted, count);
        assert!(stats.rate_limited > 0, "the limit was never met: the test shows nothing");
        assert!(stats.rate_limited * 20 < stats.requests, "{stats:?}");
    }
}
