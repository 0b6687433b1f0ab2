//! What the library logs, on standard error: warnings, and with `-v` every attempt. Never a secret.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};

use mpt_tokens::redact_values;

use crate::text::plain;

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What somebody should know.
    #[default]
    Warnings,
    /// Also each attempt.
    Attempts,
    /// Also what the libraries below say, such as of TLS.
    Everything,
}

/// How a line comes to standard error; `None`: just so.
type Tell = Box<dyn Fn(&str) + Send>;

static TELL: Mutex<Option<Tell>> = Mutex::new(None);
static DETAIL: Mutex<Detail> = Mutex::new(Detail::Warnings);

/// Begins to listen. Where another logger is set already, that one hands over what it hears: see [`crate::logger`].
pub(crate) fn listen(detail: Detail) {
    *DETAIL.lock().unwrap_or_else(PoisonError::into_inner) = detail;
    let _ = log::set_logger(&Printer);
    log::set_max_level(match detail {
        Detail::Warnings => LevelFilter::Warn,
        Detail::Attempts => LevelFilter::Debug,
        Detail::Everything => LevelFilter::Trace,
    });
}

/// Sends the lines another way while something else writes to the terminal, such as a bar.
pub(crate) fn through(tell: Option<Tell>) {
    *TELL.lock().unwrap_or_else(PoisonError::into_inner) = tell;
}

pub(crate) struct Printer;

impl Log for Printer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
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
            // Without a standard error there is nobody to tell.
            None => drop(io::stderr().write_all(line.as_bytes())),
        }
    }

    fn flush(&self) {}
}
