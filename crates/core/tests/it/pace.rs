//! What a learned rate is worth: requests, refusals and time at a server with a limit, in real time. To be run by hand:
//! `cargo test --release -p mpt-tokens --test it -- --ignored --nocapture pace`.

#![allow(clippy::print_stdout, reason = "a measurement is read by a person")]

use std::time::{Duration, Instant};

use mpt_tokens::{BatchOptions, Client};
use mpt_tokens_sandbox::{Sandbox, numbered_id};
use rstest::rstest;

const LIMIT: u32 = 50;
const IDS: u64 = 1_000;

#[rstest]
#[ignore = "takes twenty seconds and more of real time: a measurement, whose figures stand in docs/scaling.md"]
fn at_a_limit_of_fifty_a_second(#[values(8, 64)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(IDS).rate(LIMIT).start().unwrap();
    let client = Client::builder()
        .base_url(sandbox.base_url())
        .api_token(sandbox.api_token())
        .build()
        .unwrap();
    let options = BatchOptions::new().concurrency(concurrency);
    let start = Instant::now();
    let mut batch = client.batch((1..=IDS).map(numbered_id), &options).unwrap();
    while batch.next().is_some() {}
    let (took, summary, stats) = (start.elapsed(), batch.summary(), sandbox.stats());
    println!(
        "concurrency {concurrency}: {} requests, {} refused, {} deleted, {} not, {:.1} s",
        stats.requests,
        stats.requests - stats.deleted,
        summary.deleted,
        summary.not_deleted + summary.unknown,
        took.as_secs_f64()
    );
    assert_eq!(summary.deleted, stats.deleted);
}

/// A server that refuses one in so many at random, without a `Retry-After` and without a limit behind it.
#[rstest]
#[ignore = "takes a minute of real time: a measurement, whose figures stand in docs/scaling.md"]
fn at_refusals_that_follow_no_rate(
    #[values(0.0, 0.01, 0.05, 0.2)] refused: f64,
    #[values(8, 64)] concurrency: usize,
) {
    const IDS: u64 = 4_000;
    let mut random = fastrand::Rng::with_seed(7);
    let ids: Vec<String> = (1..=IDS)
        .map(|n| match random.f64() < refused {
            true => format!("TKN-429-{n}"),
            false => numbered_id(n),
        })
        .collect();
    let sandbox =
        Sandbox::builder().tokens(ids.clone()).delay(Duration::from_millis(20)).start().unwrap();
    let client = Client::builder()
        .base_url(sandbox.base_url())
        .api_token(sandbox.api_token())
        .retry_reserve(10_000)
        .build()
        .unwrap();
    let start = Instant::now();
    let options = BatchOptions::new().concurrency(concurrency);
    let mut batch = client.batch(ids, &options).unwrap();
    while batch.next().is_some() {}
    let (took, summary, stats) = (start.elapsed(), batch.summary(), sandbox.stats());
    println!(
        "refused {refused}, concurrency {concurrency}: {} requests, {} deleted, {} not, {:.1} s",
        stats.requests,
        summary.deleted,
        summary.not_deleted + summary.unknown,
        took.as_secs_f64()
    );
    assert_eq!(summary.deleted, stats.deleted);
}
