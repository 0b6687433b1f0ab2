//! The core as a peer of `cargo xtask bench python`: makes as many warm calls as each line of standard input asks
//! for, and tells the seconds of wall and of processor time that they took. With the argument `serve` it is the server
//! of all peers instead, and prints where it is.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod server;

use std::io::stdin;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

fn busy() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.try_into().unwrap_or(0))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().any(|argument| argument == "serve") {
        println!("{}", server::start()?);
        // Until its input ends.
        stdin().lines().for_each(drop);
        return Ok(());
    }
    let client = mpt_tokens::Client::from_env()?;
    for line in stdin().lines() {
        let calls: u32 = line?.trim().parse()?;
        let (wall, cpu) = (Instant::now(), busy());
        for _ in 0..calls {
            client.delete_token("TKN-1671-0642")?;
        }
        println!("{} {}", wall.elapsed().as_secs_f64(), (busy() - cpu).as_secs_f64());
    }
    Ok(())
}
