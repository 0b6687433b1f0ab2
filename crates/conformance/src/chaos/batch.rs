//! One batch with default options, at a rate of faults: it must finish the job.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mpt_tokens::{BatchOptions, BatchSummary, Client};
use mpt_tokens_sandbox::{Sandbox, Status, numbered_id};

use super::{Options, Table};

/// What a batch came to.
pub(crate) struct Played {
    pub(crate) table: Table,
    pub(crate) summary: BatchSummary,
    /// What the sandbox saw.
    pub(crate) requests: u64,
    /// How many tokens took one round, two, three and so on; the last count is of those that took more.
    rounds: [u64; 10],
    elapsed: Duration,
}

impl Played {
    /// Tokens of which it is not known that they are dead.
    pub(crate) fn undone(&self) -> u64 {
        self.summary.unknown + self.summary.not_deleted
    }
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}tokens by rounds:", self.table)?;
        for (count, rounds) in self.rounds.iter().zip(1..) {
            let more = if rounds == self.rounds.len() { " or more" } else { "" };
            write!(f, " {rounds}{more}: {count};")?;
        }
        writeln!(f, " {} put off", self.summary.put_off)?;
        let (undone, elapsed) = (self.undone(), self.elapsed.as_secs_f64());
        writeln!(f, "{undone} undone, {} requests, {elapsed:.1} s", self.requests)
    }
}

/// The verb: prints what came of it; `false` when anything in it is wrong, or more than one token in 1,000 (in 10,000 up
/// to a rate of 20 %) was left undone.
pub(super) fn run(options: &Options, rate: f64) -> Result<bool> {
    let played = play(options, rate)?;
    print!("{played}");
    println!("{} tokens, fault rate {rate}, seed {}", options.tokens, options.seed);
    let one_in = if rate <= 0.2 { 10_000 } else { 1_000 };
    Ok(played.table.false_reports() == 0 && played.undone() * one_in <= options.tokens)
}

/// Deletes the tokens by one batch, and compares each outcome, and the summary, with the truth.
pub(crate) fn play(options: &Options, rate: f64) -> Result<Played> {
    let begun = Instant::now();
    let sandbox = Sandbox::builder()
        .numbered(options.tokens)
        .faults(options.seed)
        .fault_rate(rate)
        .start()
        .context("the sandbox cannot be started")?;
    let builder = Client::builder().base_url(sandbox.base_url()).api_token(sandbox.api_token());
    let client = builder.build()?;
    let mut batch_options = BatchOptions::new();
    if let Some(threads) = options.threads {
        batch_options = batch_options.concurrency(threads.try_into()?);
    }
    let mut batch = client.batch((1..=options.tokens).map(numbered_id), &batch_options)?;
    let mut table = Table::default();
    let mut rounds = [0; 10];
    for outcome in batch.by_ref() {
        let id = outcome.id().context("an outcome without an id")?;
        let deleted = sandbox.truth(id).status == Status::Deleted;
        table.add(&outcome, deleted, id);
        rounds[(outcome.rounds().max(1) as usize).min(rounds.len()) - 1] += 1;
    }
    let summary = batch.summary();
    if let Some(why) = batch.stopped() {
        println!("the batch stopped: {why}");
    }
    let stats = sandbox.stats();
    ensure!(stats.strays == 0, "stray requests: {:?}", sandbox.strays());
    ensure!(table.total() == options.tokens, "{} outcomes", table.total());
    let counts = [summary.deleted, summary.gone, summary.not_deleted, summary.unknown];
    ensure!(counts == table.by_kind(), "the summary has {counts:?}, the outcomes are\n{table}");
    Ok(Played { table, summary, requests: stats.requests, rounds, elapsed: begun.elapsed() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_one_request_in_five_fails_a_batch_finishes_the_job() {
        finishes_the_job(2_000, 0.2);
    }

    #[test]
    fn where_every_other_request_fails_a_batch_finishes_the_job() {
        finishes_the_job(500, 0.5);
    }

    fn finishes_the_job(tokens: u64, rate: f64) {
        let options = Options { tokens, ..Options::default() };
        let played = play(&options, rate).expect("the sandbox and the client");
        println!("{played}");
        assert_eq!((played.table.false_reports(), played.undone()), (0, 0), "{played}");
        // Each token is asked for until the first request without a fault, and no longer.
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        let requests = played.requests as f64 / tokens as f64 * (1.0 - rate);
        assert!((0.9..1.1).contains(&requests), "{requests} times the requests: {played}");
    }
}
