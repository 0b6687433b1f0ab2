//! Deletes the tokens of a list, one id a line on standard input, with a journal: a run that was killed goes on where it
//! ended when it is started again.
//!
//! ```text
//! MPT_API_TOKEN=... cargo run --example delete_list -- run.journal < ids.txt
//! ```

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{BufRead, stdin};
use std::ops::ControlFlow;

use mpt_tokens::{BatchItem, BatchOptions, Client, Journal};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("there is no path of a journal")?;
    let client = Client::from_env()?;
    // What is on disk before a request leaves, and after its answer came.
    let journal = Journal::open(path, &client)?;
    let options = BatchOptions::new().concurrency(4).journal(journal);

    // Ids are read as they are needed: a list may be of any length.
    let lines = stdin().lock().lines().map_while(Result::ok);
    let ids = lines.filter(|line| !line.trim().is_empty()).map(BatchItem::from);

    // Outcomes come as they are known, on this thread.
    let summary = client.delete_tokens(ids, &options, |outcome| {
        println!("{}\t{}", outcome.kind(), outcome.message());
        ControlFlow::Continue(())
    })?;
    println!(
        "{} deleted, {} gone, {} not deleted, {} unknown, {} done before",
        summary.deleted, summary.gone, summary.not_deleted, summary.unknown, summary.already_done
    );
    Ok(())
}
