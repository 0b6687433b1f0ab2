//! The lines of a journal: what they say, written and read.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::batch::Fate;
use crate::report::Report;

/// The format of the lines below; a later one has a higher number.
pub(crate) const VERSION: u64 = 1;

/// How every journal begins: with nothing less does a file without a whole first line count as one.
pub(crate) const BEGINNING: &str = r#"{"journal":"mpt-tokens","#;

#[derive(Serialize)]
struct Header<'a> {
    journal: &'a str,
    version: u64,
    base_url: &'a str,
}

#[derive(Serialize)]
struct Run {
    run: String,
    pid: u32,
}

#[derive(Serialize)]
struct Intent<'a> {
    id: &'a str,
    intent: &'a str,
}

#[derive(Serialize)]
struct Outcome<'a> {
    id: &'a str,
    outcome: crate::Outcome,
    code: crate::Code,
    http_status: Option<u16>,
}

/// The first line of a file.
pub(crate) fn header(buffer: &mut Vec<u8>, base_url: &str) {
    line(buffer, &Header { journal: "mpt-tokens", version: VERSION, base_url });
}

/// The first line of a run: when, for people, and by which process. Writing it shows that the file can be written.
pub(crate) fn run(buffer: &mut Vec<u8>) {
    line(buffer, &Run { run: httpdate::fmt_http_date(SystemTime::now()), pid: std::process::id() });
}

pub(crate) fn intent(buffer: &mut Vec<u8>, id: &str) {
    line(buffer, &Intent { id, intent: "delete" });
}

pub(crate) fn outcome(buffer: &mut Vec<u8>, report: &Report) {
    line(
        buffer,
        &Outcome {
            id: report.id().unwrap_or_default(),
            outcome: report.outcome(),
            code: report.code(),
            http_status: report.http_status(),
        },
    );
}

fn line(buffer: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(&mut *buffer, value)
        .unwrap_or_else(|error| unreachable!("a line of a journal is plain data: {error}"));
    buffer.push(b'\n');
}

/// A line that was read.
pub(crate) enum Line {
    Header { version: u64, base_url: String },
    Run,
    Fate(String, Fate),
}

/// Reads a line; `None` when it is not one of a journal.
pub(crate) fn parse(text: &[u8]) -> Option<Line> {
    #[derive(Deserialize)]
    struct Any {
        journal: Option<String>,
        version: Option<u64>,
        base_url: Option<String>,
        run: Option<String>,
        id: Option<String>,
        intent: Option<String>,
        outcome: Option<String>,
    }
    match serde_json::from_slice(text).ok()? {
        Any { journal: Some(name), version: Some(version), base_url: Some(base_url), .. }
            if name == "mpt-tokens" =>
        {
            Some(Line::Header { version, base_url })
        }
        Any { run: Some(_), .. } => Some(Line::Run),
        Any { id: Some(id), intent: Some(_), outcome: None, .. } => {
            Some(Line::Fate(id, Fate::Open))
        }
        Any { id: Some(id), outcome: Some(name), .. } => {
            let outcome = crate::Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)?;
            Some(Line::Fate(id, Fate::of(outcome)))
        }
        _ => None,
    }
}
