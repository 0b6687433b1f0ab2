//! Deletions a second against a server that answers after 20 ms: the ideal is the concurrency divided by that.
//!
//! It measures and prints; nothing passes or fails by its speed. Every deletion is counted by the server, too.

mod peers;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::server::{Kind, Server};
use crate::log::Log;
use peers::{Peer, Run, Setup};

/// How long the server holds an answer back, in milliseconds.
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
    /// The server.
    #[arg(long, value_enum, default_value = "sandbox")]
    server: Kind,
    /// Only the peers whose names contain this.
    #[arg(long)]
    only: Option<String>,
}

/// Measures every peer at every concurrency, and prints the table.
pub(super) fn measure(log: &mut Log, options: &Options) -> Result<()> {
    eprintln!(
        "setting up: the program and the wheel, optimized, and the peers (minutes the first time)"
    );
    let setup = Setup::make(log)?;
    let wanted =
        |peer: &Peer| options.only.as_ref().is_none_or(|part| peer.name().contains(part.as_str()));
    let peers: Vec<Peer> = Peer::ALL.into_iter().filter(wanted).collect();
    ensure!(!peers.is_empty(), "no peer has that name: expected a part of one, such as aiohttp");
    let before = load();
    let mut failures = Vec::new();
    let mut rates = vec![Vec::new(); peers.len()];
    for concurrency in &options.concurrency {
        let mut rounds = vec![Vec::new(); peers.len()];
        for round in 1..=options.rounds {
            eprintln!("{concurrency} at once, round {round} of {}", options.rounds);
            for (peer, rounds) in peers.iter().zip(&mut rounds) {
                rounds.push(once(log, &setup, *peer, *concurrency, options).unwrap_or_else(
                    |error| {
                        // The others are measured all the same.
                        failures.push(format!("{error:#}"));
                        FAILED
                    },
                ));
            }
        }
        rates.iter_mut().zip(rounds).for_each(|(rates, rounds)| rates.push(median(rounds)));
    }
    print!("{}", table(&peers, &options.concurrency, &rates, options));
    println!("load average before: {before}; after: {}", load());
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// The rate of a peer that did not come to its end.
const FAILED: f64 = f64::NAN;

/// One peer, once, against a server of its own: tokens deleted a second.
fn once(
    log: &mut Log,
    setup: &Setup,
    peer: Peer,
    concurrency: u32,
    options: &Options,
) -> Result<f64> {
    let count = u64::from(concurrency) * u64::from(options.seconds) * 1_000 / LATENCY_MS;
    // Whoever deletes until the time is over may get ahead of the ideal by what is under way at the end.
    let tokens = count + 2 * u64::from(concurrency);
    let server = Server::start(options.server, &setup.program, tokens, LATENCY_MS)?;
    let run = Run {
        base_url: &server.base_url,
        api_token: &server.api_token,
        concurrency,
        seconds: options.seconds,
        count,
    };
    let done =
        setup.run(log, peer, &run).with_context(|| format!("{} at {concurrency}", peer.name()))?;
    let truth = server.deleted()?;
    ensure!(
        truth == done.deleted,
        "{} deleted {} tokens, and the server says {truth}",
        peer.name(),
        done.deleted
    );
    #[allow(clippy::cast_precision_loss)]
    Ok(done.deleted as f64 / done.took.as_secs_f64())
}

#[allow(clippy::cast_precision_loss)]
fn ideal(concurrency: u32) -> f64 {
    f64::from(concurrency) * 1_000.0 / LATENCY_MS as f64
}

fn median(mut rates: Vec<f64>) -> f64 {
    if rates.iter().any(|rate| rate.is_nan()) {
        return FAILED;
    }
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn table(peers: &[Peer], columns: &[u32], rates: &[Vec<f64>], options: &Options) -> String {
    let mut text = format!(
        "deletions a second, and their part of the ideal, against a server ({}) that takes {} ms: median of {} rounds of {} s\n",
        match options.server {
            Kind::Sandbox => "the sandbox",
            Kind::Threads => "a thread a connection",
        },
        LATENCY_MS,
        options.rounds,
        options.seconds
    );
    let mut row = |name: &str, cells: &mut dyn Iterator<Item = String>| {
        let cells: String = cells.map(|cell| format!("{cell:>16}")).collect();
        text.push_str(&format!("{name:<34}{cells}\n"));
    };
    row("calls at once", &mut columns.iter().map(u32::to_string));
    row("ideal", &mut columns.iter().map(|column| format!("{:.0}  100 %", ideal(*column))));
    for (peer, rates) in peers.iter().zip(rates) {
        let cells = rates.iter().zip(columns);
        row(
            peer.name(),
            &mut cells.map(|(rate, column)| match rate.is_nan() {
                true => "failed".to_owned(),
                false => format!("{rate:.0} {:>4.0} %", rate / ideal(*column) * 100.0),
            }),
        );
    }
    text
}

/// How busy the machine is: it says how far the numbers can be trusted.
fn load() -> String {
    let told = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = told.split_whitespace().take(3).collect();
    if averages.is_empty() { "not known here".to_owned() } else { averages.join(" ") }
}

/// A list of the first numbered tokens, for who wants a file.
pub(super) fn list(folder: &Path, count: u64) -> Result<PathBuf> {
    let path = folder.join("ids.txt");
    let ids: String = (1..=count).map(|n| mpt_tokens_sandbox::numbered_id(n) + "\n").collect();
    fs::write(&path, ids).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_each_rate_against_the_ideal() {
        let options = Options {
            concurrency: vec![1, 256],
            seconds: 3,
            rounds: 1,
            server: Kind::Sandbox,
            only: None,
        };
        let rates = [vec![49.0, 3_584.0], vec![FAILED, 1.0]];
        let peers = [Peer::Aiohttp, Peer::ALL[0]];
        let text = table(&peers, &options.concurrency, &rates, &options);
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
