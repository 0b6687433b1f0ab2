//! The journal: a record on disk of what a batch is about to do and what came of it, so that a crash loses nothing.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::client::client::Client;
use crate::input::shown;
use crate::journal::error::{JournalError, Problem};
use crate::journal::file::{Found, LogFile};
use crate::journal::lines;
use crate::journal::owner::Owner;
use crate::journal::resumed::Resumed;
use crate::journal::seen_ids::{IdState, SeenIds};
use crate::outcome::outcome::Outcome;

/// A write-ahead record of a batch: a file of lines of JSON.
///
/// The intent to delete a token is on disk (`fdatasync`, one for many) before its request leaves. The outcome is
/// written before it is returned. If the file already exists, the batch resumes. It sends no request for a token that
/// is `deleted` or `gone` in the file. A token with an intent and no outcome, or with the outcome `unknown`, is treated
/// as one whose answer was lost, so that its 404 means `gone`.
///
/// If the process is killed, nothing that was returned is lost. A power failure may lose the last outcomes; then these
/// tokens are tried again. The file holds token ids, never a token value. A lock on it keeps a second run out, and ends
/// with the process. A clone is the same journal, and may be used from any thread; one batch at a time can write it.
///
/// A journal belongs to one base URL and one API token: what one account cannot see would be `gone` for it, and may
/// still exist.
///
/// Each line has a checksum. A damaged line may have been about any token, except those that are known to be dead and
/// those with a later line. Such a token is tried again. If the API does not know it, nobody can say whether it was
/// deleted or never existed: it is `unknown`, never `gone` or `not_deleted`. [`Resumed::damage`] reports the damage.
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
    seen_ids: Mutex<Option<SeenIds>>,
    path: PathBuf,
    /// `None` for one that is only looked at.
    log: Option<LogFile>,
}

impl Journal {
    /// Opens the journal at `path` for the batches of `client`, or creates one that only its owner can read.
    ///
    /// Removes an incomplete last line, which a crash or a power failure leaves. Keeps a damaged line; it is reported
    /// by [`Resumed::damage`] and logged as a warning.
    ///
    /// # Errors
    /// If the file cannot be opened, read, locked or written; if another run uses it; if it is a journal for another
    /// base URL or API token, or no journal at all. A file that is refused is not changed.
    pub fn open(path: impl AsRef<Path>, client: &Client) -> Result<Journal, JournalError> {
        let path = checked(path.as_ref())?;
        let mut seen_ids = SeenIds::new();
        let (log, owner, found) = LogFile::open(path, client, &mut seen_ids)?;
        let journal = Journal::new(path, Some(owner), found, seen_ids, Some(log));
        if let Some(damage) = journal.resumed().and_then(|resumed| resumed.damage) {
            log::warn!(target: "mpt_tokens", "the journal `{}` {damage}", shown::path(path));
        }
        Ok(journal)
    }

    /// Reads the journal at `path`, which need not exist, for [`Client::dry_run`](crate::Client::dry_run). Creates,
    /// locks and changes nothing; no batch can write to it.
    ///
    /// # Errors
    /// As for [`Journal::open`].
    pub fn look(path: impl AsRef<Path>, client: &Client) -> Result<Journal, JournalError> {
        let path = checked(path.as_ref())?;
        let mut seen_ids = SeenIds::new();
        let found = LogFile::look(path, client, &mut seen_ids)?;
        let owner = found.as_ref().map(|found| found.owner.clone());
        Ok(Journal::new(path, owner, found, seen_ids, None))
    }

    fn new(
        path: &Path,
        owner: Option<Owner>,
        found: Option<Found>,
        seen_ids: SeenIds,
        log: Option<LogFile>,
    ) -> Journal {
        let resumed = found.map(|found| Resumed {
            dead: seen_ids.count(IdState::is_dead),
            open: seen_ids.count(IdState::is_open),
            damage: found.damage,
        });
        Journal(Arc::new(Inner {
            owner,
            resumed,
            seen_ids: Mutex::new(Some(seen_ids)),
            path: path.to_owned(),
            log,
        }))
    }

    fn log(&self) -> &LogFile {
        self.0.log.as_ref().unwrap_or_else(|| unreachable!("a batch has a journal to write"))
    }

    /// Returns what was known when it was opened; `None` means a new journal.
    pub fn resumed(&self) -> Option<Resumed> {
        self.0.resumed
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns why the journal could not be written; `None` if that has not happened. After a failure nothing more is
    /// written and the batch stops. Its outcomes are still true.
    pub fn failure(&self) -> Option<JournalError> {
        self.0.log.as_ref().and_then(LogFile::failure)
    }

    /// Lends what is known of ids to a batch, which gives it back at its end.
    pub(crate) fn take_seen_ids(
        &self,
        client: &Client,
        only_look: bool,
    ) -> Result<SeenIds, JournalError> {
        if self.0.log.is_none() && !only_look {
            return Err(JournalError::new(self.path(), Problem::LookedAt));
        }
        if let Some(difference) = self.0.owner.as_ref().and_then(|owner| owner.difference(client)) {
            return Err(JournalError::new(self.path(), Problem::Owner(difference)));
        }
        let mut seen_ids = self
            .0
            .seen_ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(|| JournalError::new(self.path(), Problem::Batch))?;
        seen_ids.begin();
        Ok(seen_ids)
    }

    pub(crate) fn give_back(&self, seen_ids: SeenIds) {
        *self.0.seen_ids.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen_ids);
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
    pub(crate) fn outcome(&self, outcome: &Outcome) {
        self.log().append(|buffer| lines::outcome(buffer, outcome));
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
