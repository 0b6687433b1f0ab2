//! What a learned rate is worth: requests, refusals and time at a server with a limit, in real time. To be run by hand:
//! `cargo test --release -p mpt-tokens --test it -- --ignored --nocapture pace`.

#![allow(clippy::print_stdout, reason = "a measurement is read by a person")]

use std::time::Instant;

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
