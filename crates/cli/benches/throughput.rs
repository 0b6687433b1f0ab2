//! Deletions a second against a server that takes its time: the ideal is what one raw socket gets from it, times the
//! calls at once. `cargo xtask bench throughput` calls it, with the peers in a Python of its own.
//!
//! It measures and prints; nothing passes or fails by its speed. Every deletion is counted by the server, too.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its table")]

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use mpt_tokens_sandbox::{Sandbox, numbered_id};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// How long the server holds an answer back, in milliseconds; a server's own clock may add one.
const LATENCY_MS: u64 = 20;

/// How much is measured.
#[derive(Parser)]
struct Options {
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
    #[arg(long, default_value = "")]
    only: String,
    /// A Python that has the package and its peers.
    #[arg(long)]
    python: PathBuf,
    /// What `cargo bench` says.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy)]
enum Peer {
    /// What this machine and the server can do at all.
    Raw,
    Program {
        journal: bool,
    },
    /// By its name in `bindings/python/bench/throughput.py`.
    Python(&'static str),
}

const PEERS: [(&str, Peer); 7] = [
    ("raw sockets, a thread each", Peer::Raw),
    ("mpt-tokens delete", Peer::Program { journal: false }),
    ("mpt-tokens delete --journal", Peer::Program { journal: true }),
    ("Python: Client.delete_tokens", Peer::Python("mpt_tokens")),
    ("aiohttp: one session, tasks", Peer::Python("aiohttp")),
    ("requests: threads", Peer::Python("requests")),
    ("official client: threads", Peer::Python("mpt-api-client")),
];

/// What one peer does once, against a server of its own.
struct Run<'a> {
    sandbox: Sandbox,
    options: &'a Options,
    folder: &'a Path,
    concurrency: u32,
    /// How many tokens to delete, for those that take a list.
    count: u64,
}

/// How many it deleted, and how long that took.
type Done = (u64, Duration);

/// The rate of a peer that did not come to its end.
const FAILED: f64 = f64::NAN;

fn main() -> Result<()> {
    let options = Options::parse();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let peers: Vec<_> =
        PEERS.into_iter().filter(|(name, _)| name.contains(&options.only)).collect();
    if peers.is_empty() {
        return Err("no peer has that name: expected a part of one, such as aiohttp".into());
    }
    let before = load();
    let raw = |_| Run::new(&options, folder.path(), 1)?.rate(Peer::Raw);
    let one = median((0..options.rounds).map(raw).collect::<Result<_>>()?);
    let mut failures = Vec::new();
    let mut rows = vec![Vec::new(); peers.len()];
    for &concurrency in &options.concurrency {
        let mut rounds = vec![Vec::new(); peers.len()];
        for round in 1..=options.rounds {
            eprintln!("{concurrency} at once, round {round} of {}", options.rounds);
            for ((name, peer), rounds) in peers.iter().zip(&mut rounds) {
                let rate = Run::new(&options, folder.path(), concurrency)?.rate(*peer);
                rounds.push(rate.unwrap_or_else(|error| {
                    // The others are measured all the same.
                    failures.push(format!("{name} at {concurrency}: {error}"));
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
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

impl<'a> Run<'a> {
    fn new(options: &'a Options, folder: &'a Path, concurrency: u32) -> Result<Self> {
        let count = u64::from(concurrency) * u64::from(options.seconds) * 1_000 / LATENCY_MS;
        // Whoever deletes until the time is over may get ahead of the ideal by what is under way at the end.
        let tokens = count + 2 * u64::from(concurrency);
        let delay = Duration::from_millis(LATENCY_MS);
        let sandbox = Sandbox::builder().numbered(tokens).delay(delay).start()?;
        Ok(Run { sandbox, options, folder, concurrency, count })
    }

    /// Tokens deleted a second.
    #[allow(clippy::cast_precision_loss)]
    fn rate(&self, peer: Peer) -> Result<f64> {
        let (deleted, took) = match peer {
            Peer::Raw => self.raw()?,
            Peer::Program { journal } => self.program(journal)?,
            Peer::Python(name) => self.python(name)?,
        };
        let stats = self.sandbox.stats();
        if (stats.deleted, stats.requests) != (deleted, deleted) {
            return Err(
                format!("it deleted {deleted} tokens, and the server says {stats:?}").into()
            );
        }
        Ok(deleted as f64 / took.as_secs_f64())
    }

    /// The whole program, its start and its end included.
    fn program(&self, journal: bool) -> Result<Done> {
        let list = self.folder.join("ids.txt");
        let ids: String = (1..=self.count).map(|n| numbered_id(n) + "\n").collect();
        fs::write(&list, ids)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_mpt-tokens"));
        command.args(["delete", "--yes", "--quiet", "--concurrency"]);
        command.arg(self.concurrency.to_string()).arg("--from").arg(list);
        if journal {
            let path = self.folder.join("journal");
            let _ = fs::remove_file(&path);
            command.arg("--journal").arg(path);
        }
        let started = Instant::now();
        self.printed(&mut command)?;
        Ok((self.count, started.elapsed()))
    }

    fn python(&self, name: &str) -> Result<Done> {
        let mut command = Command::new(&self.options.python);
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../bindings/python/bench/throughput.py"));
        command.env_remove("PYTHONPATH");
        command.arg(name).args([self.concurrency, self.options.seconds].map(|n| n.to_string()));
        let printed = self.printed(&mut command)?;
        let (deleted, took) = printed.trim().split_once(' ').ok_or("it printed no result")?;
        Ok((deleted.parse()?, Duration::from_secs_f64(took.parse()?)))
    }

    /// What a program prints that must end well.
    fn printed(&self, command: &mut Command) -> Result<String> {
        command.env("MPT_API_BASE_URL", self.sandbox.base_url());
        command.env("MPT_API_TOKEN", self.sandbox.api_token());
        let done = command.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr).into()) }
    }

    /// Bytes made beforehand on a blocking socket, and the answer not looked at but for its first line.
    fn raw(&self) -> Result<Done> {
        let address = format!("127.0.0.1:{}", self.sandbox.port());
        let credential = format!("authorization: Bearer {}", self.sandbox.api_token());
        let tail = format!(" HTTP/1.1\r\nhost: {address}\r\n{credential}\r\n\r\n");
        let next = AtomicU64::new(1);
        let work = || -> Result<u64> {
            let mut socket = TcpStream::connect(&address)?;
            socket.set_nodelay(true)?;
            let mut answer = [0; 4096];
            let mut deleted = 0;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n > self.count {
                    return Ok(deleted);
                }
                let request =
                    format!("DELETE /public/v1/accounts/api-tokens/{}{tail}", numbered_id(n));
                socket.write_all(request.as_bytes())?;
                let mut filled = 0;
                while !answer[..filled].ends_with(b"\r\n\r\n") {
                    let received = socket.read(&mut answer[filled..])?;
                    if received == 0 {
                        return Err("the server closed the connection".into());
                    }
                    filled += received;
                }
                if !answer.starts_with(b"HTTP/1.1 204 ") {
                    return Err("the answer is not 204".into());
                }
                deleted += 1;
            }
        };
        let started = Instant::now();
        let deleted = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.concurrency).map(|_| scope.spawn(work)).collect();
            let ended = threads.into_iter().map(|thread| thread.join().expect("no panic"));
            ended.sum::<Result<u64>>()
        })?;
        Ok((deleted, started.elapsed()))
    }
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
