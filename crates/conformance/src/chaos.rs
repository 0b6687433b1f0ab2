//! The proof of the one promise: whatever the network does, a reported outcome is true.
//!
//! Every token goes through a random schedule of faults, or every request meets one by chance, and every outcome that the
//! library reports is compared with what the sandbox remembers of that token.

mod batch;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mpt_tokens::{Client, Outcome, OutcomeKind};
use mpt_tokens_sandbox::{Sandbox, Status, numbered_id};

/// How many threads share the client unless told otherwise.
const THREADS: u64 = 16;

/// How the tokens are deleted, and from where the faults are drawn.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many tokens to delete.
    #[arg(long, default_value_t = Options::default().tokens)]
    pub(crate) tokens: u64,
    /// Draws the faults; the same seed gives every token the same faults.
    #[arg(long, default_value_t = Options::default().seed)]
    pub(crate) seed: u64,
    /// Delete by one batch with default options, and let each request meet a fault with this chance: 0.2.
    #[arg(long, value_name = "P", conflicts_with_all = ["time_scale", "silence_ms"])]
    pub(crate) fault_rate: Option<f64>,
    /// How many threads share the client, 16 unless given; of a batch, how many calls run at once.
    #[arg(long)]
    pub(crate) threads: Option<u64>,
    /// What the delays of the faults are multiplied by.
    #[arg(long, default_value_t = Options::default().time_scale)]
    pub(crate) time_scale: f64,
    /// How long an attempt waits for a server that is silent, in milliseconds.
    #[arg(long, default_value_t = Options::default().silence_ms)]
    pub(crate) silence_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        let (tokens, seed, time_scale, silence_ms) = (2_000, 1, 0.01, 100);
        Options { tokens, seed, fault_rate: None, threads: None, time_scale, silence_ms }
    }
}

/// What was reported, by what is true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// Indexed by the reported outcome, then by the truth: still there, deleted.
    cells: [[u64; 2]; 4],
    /// The first reports that were wrong, in words.
    lies: Vec<String>,
}

impl Table {
    fn add(&mut self, report: &Outcome, deleted: bool, id: &str) {
        let row = OutcomeKind::ALL.iter().position(|outcome| *outcome == report.kind());
        self.cells[row.expect("every outcome is in ALL")][usize::from(deleted)] += 1;
        let truthful = match report.kind() {
            OutcomeKind::Deleted | OutcomeKind::Gone => deleted,
            OutcomeKind::NotDeleted => !deleted,
            OutcomeKind::Unknown => true,
        };
        if !truthful && self.lies.len() < 10 {
            self.lies.push(format!("{id}: {}", report.to_json()));
        }
    }

    fn merge(&mut self, other: Table) {
        for (row, cells) in other.cells.iter().enumerate() {
            for (column, count) in cells.iter().enumerate() {
                self.cells[row][column] += count;
            }
        }
        self.lies.extend(other.lies);
    }

    fn total(&self) -> u64 {
        self.cells.iter().flatten().sum()
    }

    /// The counts of the four outcomes, as [`OutcomeKind::ALL`] orders them.
    fn by_kind(&self) -> [u64; 4] {
        self.cells.map(|[alive, dead]| alive + dead)
    }

    fn unknown(&self) -> u64 {
        self.cells[3].iter().sum()
    }

    /// Reports that say what is not so.
    pub(crate) fn false_reports(&self) -> u64 {
        let [deleted, gone, not_deleted, _] = self.cells;
        deleted[0] + gone[0] + not_deleted[1]
    }

    /// Whether fewer than one report in a hundred leaves the matter open.
    pub(crate) fn is_conclusive(&self) -> bool {
        self.unknown() * 100 < self.total()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<12} {:>12} {:>12}", "reported", "still there", "dead")?;
        for (outcome, [alive, dead]) in OutcomeKind::ALL.iter().zip(self.cells) {
            writeln!(f, "{:<12} {alive:>12} {dead:>12}", outcome.name())?;
        }
        #[allow(clippy::cast_precision_loss, reason = "a share for a person to read")]
        let share = self.unknown() as f64 * 100.0 / self.total().max(1) as f64;
        writeln!(f, "false reports: {}; unknown: {share:.3} %", self.false_reports())?;
        self.lies.iter().try_for_each(|lie| writeln!(f, "FALSE {lie}"))
    }
}

/// The verb: prints the table; `false` when anything in it is wrong.
pub(crate) fn run(options: &Options) -> Result<bool> {
    if let Some(rate) = options.fault_rate {
        return batch::run(options, rate);
    }
    let begun = Instant::now();
    let (table, requests) = play(options)?;
    print!("{table}");
    println!(
        "{} tokens, {requests} requests, {} threads, seed {}, {:.1} s",
        table.total(),
        options.threads.unwrap_or(THREADS),
        options.seed,
        begun.elapsed().as_secs_f64()
    );
    Ok(table.false_reports() == 0 && table.is_conclusive() && table.total() == options.tokens)
}

/// Deletes the tokens; the table, and how many requests the sandbox saw.
pub(crate) fn play(options: &Options) -> Result<(Table, u64)> {
    let sandbox = Sandbox::builder()
        .numbered(options.tokens)
        .faults(options.seed)
        .fault_time_scale(options.time_scale)
        .start()
        .context("the sandbox cannot be started")?;
    let client = Client::builder()
        .base_url(sandbox.base_url())
        .api_token(sandbox.api_token())
        .attempts(5)
        .attempt_timeout(Duration::from_millis(options.silence_ms))
        .backoff(Duration::from_millis(1), Duration::from_millis(10))
        // Every second call fails at first here: the reserve would protect a server that is meant to be faulty.
        .retry_reserve(u32::MAX)
        .build()?;

    let next = AtomicU64::new(1);
    let mut table = Table::default();
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..options.threads.unwrap_or(THREADS).max(1) {
            let send = send.clone();
            scope.spawn(|| {
                let send = send;
                let mut mine = Table::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > options.tokens {
                        break;
                    }
                    let id = numbered_id(number);
                    let report = Outcome::from(client.delete_token(&id));
                    let deleted = sandbox.truth(&id).status == Status::Deleted;
                    mine.add(&report, deleted, &id);
                }
                // The receiver outlives the scope.
                let _ = send.send(mine);
            });
        }
        drop(send);
        receive.iter().for_each(|part| table.merge(part));
    });
    anyhow::ensure!(sandbox.stats().strays == 0, "stray requests: {:?}", sandbox.strays());
    Ok((table, sandbox.stats().requests))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two thousand, or as many as the variable says.
    #[test]
    fn two_thousand_tokens_and_not_one_false_report() {
        let all =
            std::env::var("MPT_TOKENS_CHAOS").map_or(2_000, |all| all.parse().expect("a number"));
        for (threads, seed) in [(1, 11), (16, 12)] {
            let tokens = all / 2;
            // Where programs are many times slower, an answer that comes is not to be taken for silence.
            let silence_ms = if option_env!("MPT_TOKENS_SLOW").is_some() { 1_000 } else { 100 };
            let threads = Some(threads);
            let options = Options { tokens, seed, threads, silence_ms, ..Options::default() };
            let (table, requests) = play(&options).expect("the sandbox and the client");
            println!("{table}");
            assert_eq!(table.false_reports(), 0, "{table}");
            assert_eq!(table.total(), tokens);
            assert!(table.is_conclusive(), "{table}");
            assert!(requests > tokens * 3 / 2, "the faults were off: {requests} for {tokens}");
        }
    }

    /// The table must be able to say no.
    #[test]
    fn a_false_report_is_found() {
        let nobody = Client::builder().api_token("x").base_url("http://127.0.0.1:1").attempts(1);
        let report = Outcome::from(nobody.build().expect("a client").delete_token("TKN-1"));
        assert_eq!(report.kind(), OutcomeKind::NotDeleted);
        let mut table = Table::default();
        table.add(&report, true, "TKN-1");
        assert_eq!(table.false_reports(), 1);
        assert!(!Table { cells: [[0; 2], [0; 2], [0; 2], [1, 0]], ..table }.is_conclusive());
    }
}
