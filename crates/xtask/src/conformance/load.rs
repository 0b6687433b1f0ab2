//! Load: 10,000 calls and batches of 10,000 ids in one process, whose memory must not grow.

use std::iter::repeat_n;

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::Sandbox;

use super::judge::Bench;
use super::languages::Language;
use super::runner::{Request, Told};
use crate::log::Log;
use crate::tally::Tally;

/// Calls on one client, and how often that is done.
const CALLS: usize = 1_000;
const ROUNDS: usize = 10;
/// The ids of a batch, and how often that is done.
const BATCH: usize = 10_000;
const BATCHES: usize = 6;
/// What the memory may grow by in the second half of the calls, and of the batches, in KiB: less than half of what it
/// would grow by if nobody freed one outcome (over 500 bytes) of each call (2,500 KiB), or of each id (15,000 KiB).
const GROWTH: [u64; 2] = [1_200, 6_000];

/// One language under load; two tests: its calls and its batches.
pub(crate) fn run(log: &mut Log, language: &'static Language) -> Result<Tally> {
    let sandbox = Sandbox::start().context("the sandbox does not start")?;
    let mut bench = Bench::start(log, language, &sandbox)?;
    let mut tally = Tally::default();
    let kinds = [("each", CALLS, ROUNDS, GROWTH[0]), ("batch", BATCH, BATCHES, GROWTH[1])];
    for (call, count, rounds, most) in kinds {
        let mut resident = Vec::new();
        for round in repeat_n(count, rounds).enumerate() {
            delete(&mut bench, call, round)?;
            resident.push(kib(bench.runner.pid())?);
        }
        let grown = resident[rounds - 1].saturating_sub(resident[rounds / 2 - 1]);
        let word = if grown > most { "FAIL" } else { "pass" };
        log.note(&format!(
            "{word}  {call}: {count} ids, {rounds} times: {resident:?} KiB resident"
        ));
        tally += if grown > most { Tally::FAILED } else { Tally::PASSED };
    }
    bench.finish()?;
    Ok(tally)
}

/// Deletes that many tokens; every one must be told to be deleted, once.
fn delete(bench: &mut Bench, call: &str, (round, count): (usize, usize)) -> Result<()> {
    let mut request = Request::default();
    request.set("call", call);
    for serial in 0..count {
        request.set("id", format!("TKN-ok-{call}{round}x{serial}"));
    }
    bench.runner.ask(&request)?;
    let told = bench.runner.answer()?;
    let deleted = |outcome: &&_| Told::get(outcome, "outcome").is_ok_and(|word| word == "deleted");
    let dead = told.iter().filter(deleted).count();
    ensure!(
        dead == count && told.len() == count,
        "{dead} of {count} deleted, {} outcomes",
        told.len()
    );
    Ok(())
}

/// The resident memory of a process.
fn kib(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("no /proc here")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    line.trim().trim_end_matches(" kB").parse().context("VmRSS is no number")
}
