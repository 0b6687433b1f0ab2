//! Deletions a second against a server that takes its time: the ideal is what one raw socket gets from it, times the
//! calls at once.
//!
//! It measures and prints; nothing passes or fails by its speed. Every deletion is counted by the server, too.

use std::fs;

use anyhow::{Result, ensure};

use super::peers::{Done, PEERS, Peer, Run, Setup, raw};
use super::server::Server;
use crate::log::Log;

/// How long the server holds an answer back, in milliseconds; a server's own clock may add one.
const LATENCY_MS: u64 = 20;

/// How much is measured.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many calls at once: a column each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64, 256], value_parser = clap::value_parser!(u32).range(1..=256))]
    concurrency: Vec<u32>,
    /// How long each peer deletes in a round, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// How often each is measured, in turns; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only the peers whose names contain this.
    #[arg(long)]
    only: Option<String>,
}

/// The rate of a peer that did not come to its end.
const FAILED: f64 = f64::NAN;

/// Measures every peer at every concurrency, and prints the table.
pub(super) fn measure(log: &mut Log, options: &Options) -> Result<()> {
    eprintln!(
        "setting up: the program and the wheel, optimized, and the peers (minutes the first time)"
    );
    let setup = Setup::make(log)?;
    let wanted = |name: &str| options.only.as_ref().is_none_or(|part| name.contains(part));
    let peers: Vec<_> = PEERS.into_iter().filter(|(name, _)| wanted(name)).collect();
    ensure!(!peers.is_empty(), "no peer has that name: expected a part of one, such as aiohttp");
    let before = load();
    let one = once(&setup, 1, options, raw)?;
    let mut failures = Vec::new();
    let mut rows = vec![Vec::new(); peers.len()];
    for &concurrency in &options.concurrency {
        let mut rounds = vec![Vec::new(); peers.len()];
        for round in 1..=options.rounds {
            eprintln!("{concurrency} at once, round {round} of {}", options.rounds);
            for ((name, peer), rounds) in peers.iter().zip(&mut rounds) {
                let rate = once(&setup, concurrency, options, |server, run| {
                    setup.run(log, *peer, server, run)
                });
                rounds.push(rate.unwrap_or_else(|error| {
                    // The others are measured all the same.
                    failures.push(format!("{name} at {concurrency}: {error:#}"));
                    FAILED
                }));
            }
        }
        rows.iter_mut().zip(rounds).for_each(|(row, rounds)| row.push(median(rounds)));
    }
    println!(
        "deletions a second, and their part of the ideal, against a sandbox that takes {LATENCY_MS} ms: median of {} rounds of {} s",
        options.rounds, options.seconds
    );
    print!("{}", table(&peers, &options.concurrency, &rows, one));
    println!("load average before: {before}; after: {}", load());
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// One peer, once, against a server of its own: tokens deleted a second.
#[allow(clippy::cast_precision_loss)]
fn once(
    setup: &Setup,
    concurrency: u32,
    options: &Options,
    peer: impl FnOnce(&Server, Run) -> Result<Done>,
) -> Result<f64> {
    let count = u64::from(concurrency) * u64::from(options.seconds) * 1_000 / LATENCY_MS;
    // Whoever deletes until the time is over may get ahead of the ideal by what is under way at the end.
    let server = Server::start(&setup.program, count + 2 * u64::from(concurrency), LATENCY_MS)?;
    let (deleted, took) = peer(&server, Run { concurrency, seconds: options.seconds, count })?;
    let truth = server.deleted()?;
    ensure!(truth == deleted, "it deleted {deleted} tokens, and the server says {truth}");
    Ok(deleted as f64 / took.as_secs_f64())
}

fn median(mut rates: Vec<f64>) -> f64 {
    if rates.iter().any(|rate| rate.is_nan()) {
        return FAILED;
    }
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// A row a peer; `one` is the ideal of one call at a time.
fn table(peers: &[(&str, Peer)], columns: &[u32], rows: &[Vec<f64>], one: f64) -> String {
    let row = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>16}")).collect();
        format!("{name:<34}{cells}\n")
    };
    let ideal = |column: &u32| f64::from(*column) * one;
    let mut text = row("calls at once", columns.iter().map(u32::to_string).collect());
    text += &row("ideal", columns.iter().map(|at| format!("{:.0}  100 %", ideal(at))).collect());
    for ((name, _), rates) in peers.iter().zip(rows) {
        let cell = |(rate, column): (&f64, &u32)| match rate.is_nan() {
            true => "failed".to_owned(),
            false => format!("{rate:.0} {:>4.0} %", rate / ideal(column) * 100.0),
        };
        text += &row(name, rates.iter().zip(columns).map(cell).collect());
    }
    text
}

/// How busy the machine is: it says how far the numbers can be trusted.
fn load() -> String {
    let told = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = told.split_whitespace().take(3).collect();
    if averages.is_empty() { "not known here".to_owned() } else { averages.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_each_rate_against_the_ideal() {
        let rows = [vec![49.0, 3_584.0], vec![FAILED, 1.0]];
        let text = table(&[PEERS[4], PEERS[0]], &[1, 256], &rows, 50.0);
        assert!(text.lines().last().unwrap().contains("failed"), "{text}");
        let row = text.lines().find(|line| line.starts_with("aiohttp")).unwrap();
        let words: Vec<&str> = row.split_whitespace().skip(1).collect();
        assert_eq!(words.join(" "), "one session, tasks 49 98 % 3584 28 %", "{row}");
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert!(median(vec![3.0, FAILED, 2.0]).is_nan(), "a round that failed is not left out");
    }
}
