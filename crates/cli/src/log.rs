//! Prints the library's log on standard error: warnings, and with `-v` every attempt. Never a secret.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};

use mpt_tokens::redact_values;

use crate::text::plain;

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Only warnings.
    #[default]
    Warnings,
    /// Also each attempt.
    Attempts,
    /// Also what the libraries below report, such as TLS details.
    Everything,
}

/// Writes a line to standard error; `None` means directly.
type Tell = Box<dyn Fn(&str) + Send>;

static TELL: Mutex<Option<Tell>> = Mutex::new(None);
/// Whether there is no summary that would say why a batch stopped.
static QUIET: AtomicBool = AtomicBool::new(false);
static DETAIL: Mutex<Detail> = Mutex::new(Detail::Warnings);

/// Starts logging. If another logger is already set, it forwards its records: see [`crate::logger`].
pub(crate) fn listen(detail: Detail, without_summary: bool) {
    QUIET.store(without_summary, Ordering::Relaxed);
    *DETAIL.lock().unwrap_or_else(PoisonError::into_inner) = detail;
    let _ = log::set_logger(&Printer);
    log::set_max_level(match detail {
        Detail::Warnings => LevelFilter::Warn,
        Detail::Attempts => LevelFilter::Debug,
        Detail::Everything => LevelFilter::Trace,
    });
}

/// Redirects the lines while something else, such as a progress bar, writes to the terminal.
pub(crate) fn through(tell: Option<Tell>) {
    *TELL.lock().unwrap_or_else(PoisonError::into_inner) = tell;
}

pub(crate) struct Printer;

impl Log for Printer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The summary says why a batch stopped: one line about it is enough.
        if metadata.target() == "mpt_tokens::batch" && !QUIET.load(Ordering::Relaxed) {
            return false;
        }
        let ours = metadata.target().starts_with("mpt_tokens");
        match *DETAIL.lock().unwrap_or_else(PoisonError::into_inner) {
            Detail::Warnings => ours && metadata.level() <= Level::Warn,
            Detail::Attempts => ours && metadata.level() <= Level::Debug,
            Detail::Everything => true,
        }
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = record.args().to_string();
        let message = redact_values(&message);
        let line = match record.level() {
            Level::Error => format!("error: {}\n", plain(&message)),
            Level::Warn => format!("warning: {}\n", plain(&message)),
            _ if record.target().starts_with("mpt_tokens") => format!("{}\n", plain(&message)),
            _ => format!("{}: {}\n", record.target(), plain(&message)),
        };
        match &*TELL.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(tell) => tell(&line),
            // Without standard error, nobody can be informed.
            None => drop(io::stderr().write_all(line.as_bytes())),
        }
    }

    fn flush(&self) {}
}
