//! Load: 30,000 calls and batches of 10,000 ids in one process, whose memory must not grow.

use std::ffi::OsString;
use std::iter::repeat_n;

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::Sandbox;

use crate::Count;
use crate::runner::{Request, Runner, Told};

/// Calls on one client, and how often that is done.
const CALLS: usize = 2_000;
const ROUNDS: usize = 15;
/// The ids of a batch, and how often that is done.
const BATCH: usize = 10_000;
const BATCHES: usize = 6;
/// What the memory may grow by for each call, and for each id of a batch, in bytes: less than half of one outcome, so that
/// nothing as large can be forgotten each time.
const MOST: i64 = 200;

/// One runner under load; two checks: its calls and its batches.
pub(crate) fn run(runner: &[OsString]) -> Result<Count> {
    let sandbox = Sandbox::start().context("the sandbox does not start")?;
    let mut runner = Runner::start(crate::command(runner)?, &sandbox)?;
    let mut checks = Count::default();
    // The last number: after so many rounds a runtime has what it needs.
    let kinds = [("each", CALLS, ROUNDS, 3), ("batch", BATCH, BATCHES, 3)];
    for (call, count, rounds, warm) in kinds {
        let mut resident = Vec::new();
        for round in repeat_n(count, rounds).enumerate() {
            delete(&mut runner, call, round)?;
            resident.push(kib(runner.pid())?);
        }
        let grown = steady_growth(&resident[warm - 1..]) * 1024 / count as i64;
        let word = if grown > MOST { "FAIL" } else { "pass" };
        println!(
            "{word}  {call}: {count} ids, {rounds} times: {resident:?} KiB resident, at the end {grown} bytes more for each"
        );
        checks += grown <= MOST;
    }
    runner.finish()?;
    Ok(checks)
}

/// What the memory grows by from round to round: from the first to the last, or the median over all pairs of rounds,
/// whichever is less. A leak grows in every round, so that it is both; a runtime whose collector comes and goes, or that
/// takes a few MiB once, has little of one of them.
fn steady_growth(resident: &[i64]) -> i64 {
    let slope = |earlier: usize, later: usize| {
        (resident[later] - resident[earlier]) / (later - earlier) as i64
    };
    let last = resident.len() - 1;
    let mut slopes: Vec<_> =
        (0..=last).flat_map(|later| (0..later).map(move |earlier| slope(earlier, later))).collect();
    slopes.sort_unstable();
    slope(0, last).min(slopes[slopes.len() / 2])
}

/// Deletes that many tokens; every one must be told to be deleted, once.
fn delete(runner: &mut Runner, call: &str, (round, count): (usize, usize)) -> Result<()> {
    let mut request = Request::default();
    request.set("call", call);
    for serial in 0..count {
        request.set("id", format!("TKN-ok-{call}{round}x{serial}"));
    }
    runner.ask(&request)?;
    let told = runner.answer()?;
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
fn kib(pid: u32) -> Result<i64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("no /proc here")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    line.trim().trim_end_matches(" kB").parse().context("VmRSS is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_grows_and_noise_does_not() {
        assert_eq!(steady_growth(&[8_000, 8_500, 9_000, 9_500, 10_000, 10_500]), 500, "a leak");
        assert!(steady_growth(&[8_000, 9_300, 8_800, 9_900, 9_700, 10_600]) > 300, "in noise");
        assert!(steady_growth(&[8_000, 18_000, 18_000, 18_000, 18_000, 18_000]) == 0, "once");
        assert!(steady_growth(&[8_000, 9_400, 8_100, 9_500, 8_200, 9_300]) < 150, "a collector");
        assert!(steady_growth(&[9_600, 8_000, 8_800, 9_600, 8_000, 8_800]) < 150, "a slower one");
    }
}
