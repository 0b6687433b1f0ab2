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
    seen_ids: Mutex<Option<SeenIds>>,
    path: PathBuf,
    /// `None` for one that is only looked at.
    log: Option<LogFile>,
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
        let mut seen_ids = SeenIds::new();
        let (log, owner, found) = LogFile::open(path, client, &mut seen_ids)?;
        let journal = Journal::new(path, Some(owner), found, seen_ids, Some(log));
        if let Some(damage) = journal.resumed().and_then(|resumed| resumed.damage) {
            log::warn!(target: "mpt_tokens", "the journal `{}` {damage}", shown::path(path));
        }
        Ok(journal)
    }

    /// Looks at the journal at `path`, which need not exist, for [`Client::dry_run`](crate::Client::dry_run):
    /// nothing is made, locked or changed, and no batch can write it.
    ///
    /// # Errors
    /// As [`Journal::open`].
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
