//! Why the program ends without doing what it was asked for.

use std::io;

use crate::status;

/// An exit status and, unless the reason is obvious, a message.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u8,
    message: Option<String>,
    notes: Vec<String>,
}

impl Failure {
    /// The arguments or the configuration cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { status: status::USAGE, message: Some(message.into()), notes: Vec::new() }
    }

    /// Standard output cannot be written. Whoever closed it knows that already; any other reason is reported.
    pub(crate) fn output(error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::silent(status::DONE);
        }
        Failure::usage(format!("the output cannot be written: {error}"))
    }

    pub(crate) fn silent(status: u8) -> Failure {
        Failure { status, message: None, notes: Vec::new() }
    }

    /// Adds notes, one line each.
    pub(crate) fn with_notes(self, notes: Vec<String>) -> Failure {
        Failure { notes, ..self }
    }

    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub(crate) fn status(&self) -> u8 {
        self.status
    }
}

impl From<mpt_tokens::Error> for Failure {
    fn from(error: mpt_tokens::Error) -> Failure {
        Failure::usage(error.message())
    }
}
