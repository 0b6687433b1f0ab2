//! The journal: a record on disk of what a batch is about to do and what came of it, so that a crash loses nothing.

mod file;
mod lines;
mod owner;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::batch::{Known, Ledger};
use crate::client::Client;
use crate::code::Code;
use crate::report::{Error, Report};

use file::{Found, LogFile};
use owner::{Difference, Owner};

/// A write-ahead record of a batch: a file of lines of JSON.
///
/// The intent to delete a token is on disk (`fdatasync`, one for many) before its request leaves; the outcome is
/// written before its report is given back. When the file exists already, the batch resumes: a token that is `deleted`
/// or `gone` there is not asked again, and one with an intent and no outcome, or with the outcome `unknown`, is asked
/// as one whose answer was lost, so that its 404 means `gone`.
///
/// A process that is killed loses nothing that was reported; a power cut may lose the last outcomes. Lost outcomes
/// only make a token be asked again. The file holds token ids, never a token value. A lock on it keeps a second run
/// out, and ends with the process. A clone is the same journal, and may be used from any thread; one batch at a time
/// writes it.
///
/// It belongs to one base URL and one API token: a token that one account cannot see is `gone` for it, and may live.
///
/// Each line has a checksum. A damaged one may have been about any token that is not known to be dead, or is not told
/// about later: such a token is asked for, and where the API does not know it, nothing says whether it was deleted or
/// never there. It is `unknown` then, never `gone` or `not_deleted`. [`Resumed::damage`] tells of it.
///
/// ```no_run
/// use mpt_tokens::{BatchOptions, Client, Journal};
///
/// let client = Client::from_env()?;
/// let journal = Journal::open("offboarding.journal", &client)?;
/// for report in client.batch(["TKN-1671-0642"], &BatchOptions::new().journal(journal))? {
///     println!("{}", report.message());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    /// `None` for a new one that is only looked at.
    owner: Option<Owner>,
    resumed: Option<Resumed>,
    /// `None` while a batch has it.
    ledger: Mutex<Option<Ledger>>,
    path: PathBuf,
    /// `None` for one that is only looked at.
    log: Option<LogFile>,
}

/// What a journal that existed already knew when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// Tokens that are `deleted` or `gone`: they are not asked again.
    pub dead: u64,
    /// Tokens with an intent and no outcome, or `unknown`: they are asked as ones whose answer was lost.
    pub open: u64,
    /// Lines that are damaged, if any.
    pub damage: Option<Damage>,
}

/// Which lines of a journal are damaged: a bit of them has changed, or they were overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// How many.
    pub lines: u64,
    /// The number of the first, counted from 1.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
}

/// `has 2 damaged lines, from line 7 to line 9`, and what follows from that.
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.lines, self.first, self.last) {
            (1, first, _) => write!(f, "has a damaged line, line {first}")?,
            (lines, first, last) => {
                write!(f, "has {lines} damaged lines, from line {first} to line {last}")?;
            }
        }
        f.write_str(
            ": a token that is not known to be dead is asked for, and is `unknown` where the API does not know it",
        )
    }
}

impl Journal {
    /// Opens the journal at `path` for the batches of `client`, or makes one (readable by its owner only).
    ///
    /// A torn end, of a crash in the middle of a write or of a power cut, is taken away. A damaged line stays, and is
    /// told by [`Resumed::damage`] and logged as a warning.
    ///
    /// # Errors
    /// When the file cannot be opened, read, locked or written; when it is in use by another run; when it is a journal
    /// for another base URL or another API token, or no journal at all. A file that is refused is not changed.
    pub fn open(path: impl AsRef<Path>, client: &Client) -> Result<Journal, JournalError> {
        let path = checked(path.as_ref())?;
        let mut ledger = Ledger::new();
        let (log, owner, found) = LogFile::open(path, client, &mut ledger)?;
        let journal = Journal::new(path, Some(owner), found, ledger, Some(log));
        if let Some(damage) = journal.resumed().and_then(|resumed| resumed.damage) {
            let path = path.display().to_string();
            log::warn!(target: "mpt_tokens", "the journal `{}` {damage}", path.escape_debug());
        }
        Ok(journal)
    }

    /// Looks at the journal at `path`, which need not exist, for [`Client::rehearse`](crate::Client::rehearse):
    /// nothing is made, locked or changed, and no batch can write it.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn look(path: impl AsRef<Path>, client: &Client) -> Result<Journal, JournalError> {
        let path = checked(path.as_ref())?;
        let mut ledger = Ledger::new();
        let found = LogFile::look(path, client, &mut ledger)?;
        let owner = found.as_ref().map(|found| found.owner.clone());
        Ok(Journal::new(path, owner, found, ledger, None))
    }

    fn new(
        path: &Path,
        owner: Option<Owner>,
        found: Option<Found>,
        ledger: Ledger,
        log: Option<LogFile>,
    ) -> Journal {
        let resumed = found.map(|found| Resumed {
            dead: ledger.count(Known::is_dead),
            open: ledger.count(Known::is_open),
            damage: found.damage,
        });
        Journal(Arc::new(Inner {
            owner,
            resumed,
            ledger: Mutex::new(Some(ledger)),
            path: path.to_owned(),
            log,
        }))
    }

    fn log(&self) -> &LogFile {
        self.0.log.as_ref().unwrap_or_else(|| unreachable!("a batch has a journal to write"))
    }

    /// What was known when it was opened; `None` for a new journal.
    pub fn resumed(&self) -> Option<Resumed> {
        self.0.resumed
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Why it could not be written, once that has happened: nothing is written after that, the batch is stopped, and
    /// its reports are true all the same.
    pub fn failure(&self) -> Option<JournalError> {
        self.0.log.as_ref().and_then(LogFile::failure)
    }

    /// Lends what is known of ids to a batch, which gives it back at its end.
    pub(crate) fn take_ledger(
        &self,
        client: &Client,
        only_look: bool,
    ) -> Result<Ledger, JournalError> {
        if self.0.log.is_none() && !only_look {
            return Err(JournalError::new(self.path(), Problem::LookedAt));
        }
        if let Some(difference) = self.0.owner.as_ref().and_then(|owner| owner.difference(client)) {
            return Err(JournalError::new(self.path(), Problem::Owner(difference)));
        }
        let mut ledger = self
            .0
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(|| JournalError::new(self.path(), Problem::Batch))?;
        ledger.begin();
        Ok(ledger)
    }

    pub(crate) fn give_back(&self, ledger: Ledger) {
        *self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner) = Some(ledger);
    }

    /// Notes an intent, in memory yet; gives its place, for [`Journal::commit`].
    pub(crate) fn intent(&self, id: &str) -> u64 {
        self.log().append(|buffer| lines::intent(buffer, id))
    }

    /// Returns when everything up to `place` is on disk. Callers at the same time share one `fdatasync`.
    pub(crate) fn commit(&self, place: u64) -> Result<(), JournalError> {
        self.log().commit(place)
    }

    /// Notes an outcome, in memory yet; [`Journal::write`] is next.
    pub(crate) fn outcome(&self, report: &Report) {
        self.log().append(|buffer| lines::outcome(buffer, report));
    }

    /// Writes what was noted: it survives the process from here on, and a power cut from the next commit on.
    pub(crate) fn write(&self) -> Result<(), JournalError> {
        self.log().write()
    }

    /// Brings all that was noted to the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.log().sync()
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// Nobody means a path with a control character; a language whose texts may hold NUL has put one in its place.
fn checked(path: &Path) -> Result<&Path, JournalError> {
    if path.to_string_lossy().contains(char::is_control) {
        return Err(JournalError::new(path, Problem::ControlCharacter));
    }
    Ok(path)
}

/// Why a journal cannot be used.
#[derive(Clone, Debug)]
pub struct JournalError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Clone, Debug)]
enum Problem {
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
    fn new(path: &Path, problem: Problem) -> JournalError {
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
        let path = self.path.display().to_string();
        write!(f, "the journal `{}` ", path.escape_debug())?;
        match &self.problem {
            Problem::Io(what, why) => write!(f, "cannot be {what}: {why}"),
            Problem::ControlCharacter => {
                f.write_str("has a control character in its path: expected a path without")
            }
            Problem::NotAFile => f.write_str("is not a file: expected a path to a file"),
            Problem::Locked => f.write_str(
                "is in use by another run: wait for its end, or give each run a journal of its own",
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
        Report::refused(error.code(), None, error.to_string())
            .into_result()
            .expect_err("a refusal is no success")
    }
}
