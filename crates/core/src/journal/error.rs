//! Why a journal cannot be used.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::input::shown;
use crate::journal::lines;
use crate::journal::owner::Difference;
use crate::outcome::code::Code;
use crate::outcome::result::Error;

/// Why a journal cannot be used.
#[derive(Clone, Debug)]
pub struct JournalError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Clone, Debug)]
pub(crate) enum Problem {
    /// What was tried, and the system's answer.
    Io(&'static str, String),
    NotAFile,
    ControlCharacter,
    Locked,
    NotAJournal,
    /// Of another version of the format.
    Version(u64),
    /// A journal whose first two lines are damaged, so that nobody knows whose it is.
    Nobodys,
    /// The one in the file is not the one in use.
    Owner(Difference),
    /// Another batch of this process has it.
    Batch,
    /// It was opened to be looked at.
    LookedAt,
}

impl JournalError {
    pub(crate) fn new(path: &Path, problem: Problem) -> JournalError {
        JournalError { path: path.to_owned(), problem }
    }

    /// `invalid_config`, or `invalid_argument` when another batch of this process uses the journal.
    pub fn code(&self) -> Code {
        match self.problem {
            Problem::Batch | Problem::LookedAt => Code::InvalidArgument,
            _ => Code::InvalidConfig,
        }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the journal `{}` ", shown::path(&self.path))?;
        match &self.problem {
            Problem::Io(what, why) => write!(f, "cannot be {what}: {why}"),
            Problem::ControlCharacter => {
                f.write_str("has a control character in its path: expected a path without")
            }
            Problem::NotAFile => f.write_str("is not a file: expected a path to a file"),
            Problem::Locked => f.write_str(
                "is in use by another run or program: wait for its end, or give each run a journal of its own",
            ),
            Problem::NotAJournal => f.write_str(
                "is not a journal, and was not changed: expected a new path, or that of a journal",
            ),
            Problem::Version(version) if *version > lines::VERSION => write!(
                f,
                "has format {version}, which this version does not know: use a newer mpt-tokens"
            ),
            Problem::Version(version) => write!(
                f,
                "has format {version}, of a version before {}: use a new journal",
                lines::VERSION
            ),
            Problem::Nobodys => f.write_str(
                "is damaged in its first two lines, which say whose it is, and was not changed: use a new journal",
            ),
            Problem::Owner(difference) => difference.fmt(f),
            Problem::LookedAt => f.write_str("was only looked at: open it for a batch"),
            Problem::Batch => {
                f.write_str("is in use by another batch: give each batch a journal of its own")
            }
        }
    }
}

impl std::error::Error for JournalError {}

/// A journal that cannot be used: nothing was sent.
impl From<JournalError> for Error {
    fn from(error: JournalError) -> Error {
        Error::refused(error.code(), None, error.to_string())
    }
}
