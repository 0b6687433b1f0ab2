//! `--report FILE`: the record of a run for an auditor, one JSON document. `docs/report.schema.json` describes it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mpt_tokens::{BatchSummary, Client, Outcome, Stopped, VERSION};
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::args::{DeleteArgs, Prove};
use crate::failure::Failure;
use crate::text::{plain, plain_json};

/// The bytes that one token takes in the report, as a rule.
const USUAL: u64 = 512;

/// A report that is being written: a temporary file beside its place, until the run has ended.
pub(crate) struct Report {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
    digest: Context,
    written: u64,
    is_first: bool,
    failure: Option<io::Error>,
}

impl Report {
    /// Creates the temporary file, and writes what is known before the first request. Fails if the file cannot be
    /// created, or if the disk has no room for `count` tokens.
    pub(crate) fn begin(
        path: &Path,
        args: &DeleteArgs,
        client: &Client,
        count: u64,
    ) -> Result<Report, Failure> {
        let cannot = |error: &dyn std::fmt::Display| {
            Failure::usage(format!("the report `{}` cannot be written: {error}", path.display()))
        };
        if path.is_dir() {
            return Err(cannot(&"it is a folder: expected a path to a file"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = tempfile::Builder::new()
            .prefix(".mpt-tokens-report-")
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(|error| cannot(&error))?;
        reserve(file.as_file(), count).map_err(|error| cannot(&error))?;
        let mut report = Report {
            file: BufWriter::new(file),
            path: path.to_owned(),
            digest: Context::new(&SHA256),
            written: 0,
            is_first: true,
            failure: None,
        };
        let head = json!({
            "report": "mpt-tokens",
            "version": 1,
            "program": format!("mpt-tokens {VERSION}"),
            "base_url": client.endpoint().base_url(),
            "own_token_id": client.own_token_id(),
            "started_at": now(),
            "options": options(args),
        });
        report.write(&(open(&head) + ",\n\"tokens\":["));
        match report.failure.take() {
            Some(error) => Err(cannot(&error)),
            None => Ok(report),
        }
    }

    /// Adds a token. A failure is reported by [`Report::end`].
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        let proof = outcome.proof();
        let token = json!({
            "id": outcome.id(),
            "outcome": outcome.kind().name(),
            "code": outcome.code().name(),
            "http_status": outcome.http_status(),
            "at": humantime::format_rfc3339_millis(outcome.settled_at()).to_string(),
            "rounds": outcome.rounds(),
            "attempts": outcome.attempts().last().map_or(0, |attempt| attempt.number),
            "trace_id": outcome.trace_id(),
            "from_journal": outcome.from_journal(),
            "proven": proof.map(mpt_tokens::Proof::is_proven),
            "basis": proof.and_then(mpt_tokens::Proof::basis).map(mpt_tokens::ProofBasis::name),
            "message": outcome.message(),
        });
        let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
        self.write(&format!("{comma}\n{}", plain_json(&token.to_string())));
    }

    /// Writes the counts, and puts the report into its place. Returns the line for standard error, with the SHA-256 of
    /// the file.
    pub(crate) fn end(
        mut self,
        summary: &BatchSummary,
        not_tried: u64,
        stopped: Option<&Stopped>,
        interrupted: bool,
    ) -> Result<String, String> {
        let mut counts = serde_json::to_value(summary).map_err(|error| error.to_string())?;
        counts["not_tried"] = not_tried.into();
        // The same, counted by the batch, which does not know the length of every list.
        if let Some(counts) = counts.as_object_mut() {
            counts.remove("not_pulled");
        }
        let tail = json!({
            "ended_at": now(),
            "interrupted": interrupted,
            "stopped": stopped.map(ToString::to_string),
            "stopped_reason": stopped.map(Stopped::reason),
            "counts": counts,
        });
        self.write(&format!("\n],\n{}\n", &plain_json(&tail.to_string())[1..]));
        let shown = self.path.display().to_string();
        let Report { file, path, digest, written, failure, .. } = self;
        let done = match failure {
            Some(error) => Err(error),
            None => place(file, &path, written),
        };
        match done {
            Ok(()) => {
                let digest: String =
                    digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
                Ok(format!("the report is in `{}`, SHA-256 {digest}\n", plain(&shown)))
            }
            Err(error) => Err(format!(
                "the report `{shown}` cannot be written: {error}; every outcome was printed, and is in the journal if \
                 there is one"
            )),
        }
    }

    fn write(&mut self, text: &str) {
        if self.failure.is_some() {
            return;
        }
        self.digest.update(text.as_bytes());
        self.written += text.len() as u64;
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            self.failure = Some(error);
        }
    }
}

/// Brings the file to the disk, and renames it.
fn place(file: BufWriter<NamedTempFile>, path: &Path, written: u64) -> io::Result<()> {
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    // The room that was reserved and not used.
    file.as_file().set_len(written)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Reserves room on the disk, so that one that is full is noticed before the first request. Not every file system can
/// do that; where it cannot, a full disk is noticed later.
#[cfg(unix)]
fn reserve(file: &File, count: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    #[cfg(any(target_os = "android", target_os = "linux"))]
    const FLAGS: FallocateFlags = FallocateFlags::KEEP_SIZE;
    // Elsewhere the file gets longer, until it is placed.
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    const FLAGS: FallocateFlags = FallocateFlags::empty();

    match fallocate(file, FLAGS, 0, size(count)) {
        Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Likewise. A longer file has its room there.
#[cfg(windows)]
fn reserve(file: &File, count: u64) -> io::Result<()> {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};

    match file.set_len(size(count)) {
        Err(error) if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) => {
            Err(error)
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What a report of so many tokens takes, as a rule.
fn size(count: u64) -> u64 {
    (count + 8).saturating_mul(USUAL)
}

fn options(args: &DeleteArgs) -> Value {
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).ok();
    json!({
        "concurrency": args.run.concurrency,
        "attempts": args.run.attempts,
        "timeout_ms": millis(args.run.timeout),
        "patience_ms": millis(args.run.patience),
        "missing_ok": args.missing_ok,
        "allow_own_token": args.allow_own_token,
        "burn": args.burn,
        "prove": match args.prove() {
            None => "none",
            Some(Prove::All) => "all",
            Some(Prove::WherePossible) => "where-possible",
        },
    })
}

/// An object without its closing brace.
fn open(value: &Value) -> String {
    let mut text = plain_json(&value.to_string()).into_owned();
    text.pop();
    text
}

fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}
