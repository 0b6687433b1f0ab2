//! The lines of a journal: what they say, written and read.

use std::time::SystemTime;

use crc::{CRC_32_ISCSI, Crc};
use serde::{Deserialize, Serialize};

use crate::journal::owner::Owner;
use crate::journal::seen_ids::RecordedState;
use crate::outcome::json;
use crate::outcome::outcome::{Outcome, Proof, ProofBasis};

/// The format of the lines below; a later one has a higher number.
pub(crate) const VERSION: u64 = 2;

/// How every journal begins: with nothing less does a file without a whole first line count as one.
pub(crate) const BEGINNING: &str = r#"{"journal":"mpt-tokens","#;

/// CRC-32C (RFC 3720, appendix B.4): no damage of up to three bits in a line of up to 64 KiB goes unseen, and of any
/// other damage one in four thousand million.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// What stands between the members of a line and its checksum, which is of all before.
const SEAL: &[u8] = br#","crc32c":""#;
const SEAL_END: &[u8] = br#""}"#;
const SEAL_LEN: usize = SEAL.len() + 8 + SEAL_END.len();

#[derive(Serialize)]
struct Header<'a> {
    journal: &'a str,
    version: u64,
    #[serde(flatten)]
    owner: &'a Owner,
}

#[derive(Serialize)]
struct Run<'a> {
    run: String,
    pid: u32,
    #[serde(flatten)]
    owner: &'a Owner,
}

#[derive(Serialize)]
struct Intent<'a> {
    id: &'a str,
    intent: &'a str,
}

#[derive(Serialize)]
struct Settled<'a> {
    id: &'a str,
    #[serde(rename = "outcome")]
    kind: crate::OutcomeKind,
    code: crate::Code,
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_doubt: bool,
    /// Whether the token is proven dead, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    proven: Option<bool>,
    /// What the proof rests on, where that says nothing of other values of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<ProofBasis>,
}

/// The first line of a file.
pub(crate) fn header(buffer: &mut Vec<u8>, owner: &Owner) {
    line(buffer, &Header { journal: "mpt-tokens", version: VERSION, owner });
}

/// The first line of a run: when, for people, and by which process. Writing it shows that the file can be written. It
/// says again whose the journal is, so that one damaged line does not lose that.
pub(crate) fn run(buffer: &mut Vec<u8>, owner: &Owner) {
    let run = httpdate::fmt_http_date(SystemTime::now());
    line(buffer, &Run { run, pid: std::process::id(), owner });
}

pub(crate) fn intent(buffer: &mut Vec<u8>, id: &str) {
    line(buffer, &Intent { id, intent: "delete" });
}

pub(crate) fn outcome(buffer: &mut Vec<u8>, outcome: &Outcome) {
    line(
        buffer,
        &Settled {
            id: outcome.id().unwrap_or_default(),
            kind: outcome.kind(),
            code: outcome.code(),
            http_status: outcome.http_status(),
            in_doubt: outcome.is_in_doubt(),
            proven: outcome.proof().map(Proof::is_proven),
            basis: outcome.proof().filter(|proof| !proof.is_of_the_token()).and_then(Proof::basis),
        },
    );
}

fn line(buffer: &mut Vec<u8>, value: &impl Serialize) {
    let start = buffer.len();
    json::write(buffer, value);
    let closed = buffer.pop();
    debug_assert_eq!(closed, Some(b'}'));
    let sum = CRC.checksum(&buffer[start..]);
    buffer.extend_from_slice(&seal(sum));
    buffer.push(b'\n');
}

fn seal(sum: u32) -> Vec<u8> {
    [SEAL, format!("{sum:08x}").as_bytes(), SEAL_END].concat()
}

/// Whether a text is a line as it was written, by its checksum.
fn is_sound(text: &[u8]) -> bool {
    let Some(end) = text.len().checked_sub(SEAL_LEN) else {
        return false;
    };
    let (members, found) = text.split_at(end);
    found == seal(CRC.checksum(members))
}

/// Whether what stands after the last end of a line is the begin of a line, or zeros, or both: what a crash or a power
/// cut leaves of lines that were not brought to the disk. Anything else was more, and is damaged.
pub(crate) fn is_torn(tail: &[u8]) -> bool {
    let zeros = tail.iter().rev().take_while(|byte| **byte == 0).count();
    let begun = &tail[..tail.len() - zeros];
    let more_than_a_line = begun
        .windows(SEAL_LEN)
        .rev()
        .skip(1)
        .any(|part| part.starts_with(SEAL) && part.ends_with(SEAL_END));
    (begun.is_empty() || begun.starts_with(b"{")) && !begun.contains(&0) && !more_than_a_line
}

/// A line that was read.
#[derive(Debug)]
pub(crate) enum Line {
    Header(Owner),
    Run(Owner),
    /// Of a token, and whether it is proven.
    State(String, RecordedState, bool),
}

#[derive(Deserialize)]
struct Any {
    journal: Option<String>,
    version: Option<u64>,
    run: Option<String>,
    #[serde(flatten)]
    owner: Option<Owner>,
    id: Option<String>,
    intent: Option<String>,
    #[serde(rename = "outcome")]
    kind: Option<String>,
    #[serde(default)]
    in_doubt: bool,
    #[serde(default)]
    proven: Option<bool>,
    basis: Option<String>,
}

/// Reads a line: whether it is damaged, and what it says. Where the end of the line before is what was damaged, the two
/// have become one, of which the second is sound.
pub(crate) fn parse(text: &[u8]) -> (bool, Option<Line>) {
    // Where a line begins: `{"` stands nowhere else, since a quote inside a text is escaped.
    let starts = text.windows(2).enumerate().filter(|(_, pair)| *pair == b"{\"").map(|(at, _)| at);
    let sound = starts.map(|at| (at > 0, &text[at..])).find(|(_, line)| is_sound(line));
    match sound.map(|(damaged, line)| (damaged, read(line))) {
        Some((damaged, Some(line))) => (damaged, Some(line)),
        _ => (true, None),
    }
}

fn read(line: &[u8]) -> Option<Line> {
    match serde_json::from_slice(line).ok()? {
        Any { journal: Some(name), version: Some(VERSION), owner: Some(owner), .. }
            if name == "mpt-tokens" =>
        {
            Some(Line::Header(owner))
        }
        Any { run: Some(_), owner: Some(owner), .. } => Some(Line::Run(owner)),
        Any { id: Some(id), intent: Some(_), kind: None, .. } => {
            Some(Line::State(id, RecordedState::Open, false))
        }
        Any { id: Some(id), kind: Some(name), in_doubt, proven, basis, .. } => {
            let kind = crate::OutcomeKind::ALL.into_iter().find(|kind| kind.name() == name)?;
            let proven = proven == Some(true) && basis.is_none();
            Some(Line::State(id, RecordedState::of(kind, in_doubt), proven))
        }
        _ => None,
    }
}

/// The format that a first line names, sound or not.
pub(crate) fn version(text: &[u8]) -> Option<u64> {
    let Any { journal: Some(name), version: Some(version), .. } =
        serde_json::from_slice(text).ok()?
    else {
        return None;
    };
    (name == "mpt-tokens").then_some(version)
}
