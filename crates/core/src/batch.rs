//! Many tokens: ids in, a report for each, side by side.

mod crew;
mod ledger;
mod pace;
mod rehearse;
mod run;

use std::fmt;
use std::ops::ControlFlow;
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::cancel::Cancel;
use crate::client::Client;
use crate::journal::Journal;
use crate::report::{Error, Report};
use crate::secret::ApiToken;
use crate::token_id::shown;

pub use crew::Stopped;
pub(crate) use ledger::{Fate, Known, Ledger};
pub use pace::Pause;
pub use rehearse::Rehearsal;
pub use run::{Batch, BatchHandle};

/// How many calls may run at once.
const CONCURRENCY: RangeInclusive<usize> = 1..=256;
/// How many calls run at once unless told otherwise.
const DEFAULT_CONCURRENCY: usize = 8;

/// One id for a batch. A `&str` or a `String` is one, too.
#[derive(Clone)]
#[non_exhaustive]
pub struct BatchItem {
    /// The token id.
    pub id: String,
    /// Whether this token was asked to be deleted before and the answer is not known: as
    /// [`DeleteOptions::after_lost_answer`](crate::DeleteOptions::after_lost_answer).
    pub after_lost_answer: bool,
    /// The token's own value, which [`BatchOptions::prove`] needs; for nothing else is it used.
    pub value: Option<ApiToken>,
    /// Whether the token is known to be dead, by whoever made the list: it is not asked to be deleted, and counted as
    /// [`BatchSummary::already_done`].
    pub known_dead: bool,
    /// As [`BatchOptions::missing_ok`], for this token; `None` for what those say.
    pub missing_ok: Option<bool>,
}

/// An id that is a token value by mistake is shown without its secret.
impl fmt::Debug for BatchItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchItem")
            .field("id", &shown(&self.id))
            .field("after_lost_answer", &self.after_lost_answer)
            .field("value", &self.value)
            .field("known_dead", &self.known_dead)
            .field("missing_ok", &self.missing_ok)
            .finish()
    }
}

impl From<String> for BatchItem {
    fn from(id: String) -> BatchItem {
        BatchItem { id, after_lost_answer: false, value: None, known_dead: false, missing_ok: None }
    }
}

impl From<&str> for BatchItem {
    fn from(id: &str) -> BatchItem {
        BatchItem::from(id.to_owned())
    }
}

impl From<&String> for BatchItem {
    fn from(id: &String) -> BatchItem {
        BatchItem::from(id.clone())
    }
}

/// What the ids of a batch are made from: an id, or word that the next one is still to come.
#[derive(Clone, Debug)]
pub enum Pull {
    /// An id.
    Item(BatchItem),
    /// No id yet, and perhaps more later: a batch looks for reports meanwhile, where an iterator that waits would
    /// hold them back. A source that has nothing should wait for some milliseconds before it says so.
    NotYet,
}

impl<T: Into<BatchItem>> From<T> for Pull {
    fn from(item: T) -> Pull {
        Pull::Item(item.into())
    }
}

/// How a batch is done: made with [`BatchOptions::new`].
#[derive(Clone, Debug)]
#[must_use]
pub struct BatchOptions {
    concurrency: usize,
    missing_ok: Option<bool>,
    allow_own_token: Option<bool>,
    cancel: Option<Cancel>,
    journal: Option<Journal>,
    prove: bool,
    replay: bool,
}

impl BatchOptions {
    /// Eight calls at once, no journal; for the rest as the client does.
    pub fn new() -> BatchOptions {
        BatchOptions {
            concurrency: DEFAULT_CONCURRENCY,
            missing_ok: None,
            allow_own_token: None,
            cancel: None,
            journal: None,
            prove: false,
            replay: false,
        }
    }

    /// How many calls may run at once, 1 to 256; 8 by default. With 1 they run on the calling thread.
    pub fn concurrency(self, calls: usize) -> Self {
        BatchOptions { concurrency: calls, ..self }
    }

    /// Whether a token that the API does not know is a success (`gone`) from the first attempt on.
    pub fn missing_ok(self, yes: bool) -> Self {
        BatchOptions { missing_ok: Some(yes), ..self }
    }

    /// Whether the token in use may be deleted. It goes last then, after everything else is done.
    pub fn allow_own_token(self, yes: bool) -> Self {
        BatchOptions { allow_own_token: Some(yes), ..self }
    }

    /// A handle that ends this batch, beside the client's own: the calls under way are cancelled, what was pulled and
    /// not started is `skipped`, and no more ids are pulled.
    pub fn cancel(self, cancel: &Cancel) -> Self {
        BatchOptions { cancel: Some(cancel.clone()), ..self }
    }

    /// Whether each token that is deleted or gone and whose value is at hand ([`BatchItem::value`], and the API token
    /// in use) is asked for proof as [`Client::prove_deleted`] does: see [`Report::proof`].
    ///
    /// That holds for a token that the journal knows to be dead and not to be proven, and for one whose value comes only
    /// after its id: a report of its own, without attempts, brings the proof then.
    pub fn prove(self, yes: bool) -> Self {
        BatchOptions { prove: yes, ..self }
    }

    /// Whether ids that the journal knows to be dead are reported again, so that one batch tells of every id of the list:
    /// see [`Report::from_journal`]. They are not asked again, and count as [`BatchSummary::already_done`] alone.
    pub fn replay(self, yes: bool) -> Self {
        BatchOptions { replay: yes, ..self }
    }

    /// A record on disk that survives a crash, and from which the next batch resumes.
    pub fn journal(self, journal: Journal) -> Self {
        BatchOptions { journal: Some(journal), ..self }
    }
}

impl Default for BatchOptions {
    fn default() -> Self {
        BatchOptions::new()
    }
}

/// The counts of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BatchSummary {
    /// Reports with the outcome `deleted`.
    pub deleted: u64,
    /// Reports with the outcome `gone`.
    pub gone: u64,
    /// Reports with the outcome `not_deleted`.
    pub not_deleted: u64,
    /// Reports with the outcome `unknown`.
    pub unknown: u64,
    /// Reports with the code `not_found`: the API does not know the token, and nothing worse is known of it. They are
    /// counted by their outcome, too.
    pub not_found: u64,
    /// Reports with the code `skipped`; they are counted by their outcome, too.
    pub skipped: u64,
    /// Ids that were pulled again: not tried again, not reported again.
    pub duplicates: u64,
    /// Ids that the journal or the list ([`BatchItem::known_dead`]) knows to be dead: not asked again; what the journal
    /// knows is reported again where that is asked for ([`BatchOptions::replay`]).
    pub already_done: u64,
    /// Tokens that are dead and not proven, since their values were not at hand where proof was asked for.
    pub without_value: u64,
    /// All reports of what was tried: not those that only bring a proof, or what the journal knows.
    pub total: u64,
}

impl Client {
    /// Deletes many tokens: an iterator of reports, in order of completion, that pulls ids as it goes.
    ///
    /// Each id is tried once; memory is at most 40 bytes a distinct id. All calls together keep one pause when the
    /// server asks for one (429, or 503 with `Retry-After`), and a pace once its limit is known; they share the
    /// client's reserve of retries. An answer of 401 stops the batch, and so does a pause of more than ten minutes,
    /// or than one call may take where that is longer: what was pulled and not started is `skipped`.
    /// The token in use goes last, where deleting it is allowed at all.
    ///
    /// # Errors
    /// `invalid_argument` when the concurrency is out of its range or the journal is in use by another batch;
    /// `invalid_config` when the journal is for another base URL or another API token. Nothing was sent then.
    pub fn batch<I>(&self, ids: I, options: &BatchOptions) -> Result<Batch<I::IntoIter>, Error>
    where
        I: IntoIterator,
        I::Item: Into<Pull>,
    {
        let ledger = self.ledger(options, false)?;
        Ok(Batch::new(self, ids.into_iter(), options, ledger))
    }

    /// What [`Client::batch`] would do with these ids, in order, without sending anything: an id that would be sent
    /// has a report with the code `skipped` that says to where, and one that would be refused the report of that.
    /// The journal is looked at and not changed; [`Journal::look`] gives one for that.
    ///
    /// # Errors
    /// As [`Client::batch`].
    pub fn rehearse<I>(
        &self,
        ids: I,
        options: &BatchOptions,
    ) -> Result<Rehearsal<I::IntoIter>, Error>
    where
        I: IntoIterator,
        I::Item: Into<Pull>,
    {
        let ledger = self.ledger(options, true)?;
        Ok(Rehearsal::new(self, ids.into_iter(), options, ledger))
    }

    /// What is known of ids before the first is pulled.
    fn ledger(&self, options: &BatchOptions, only_look: bool) -> Result<Ledger, Error> {
        if !CONCURRENCY.contains(&options.concurrency) {
            let message = format!("the concurrency is {}: expected 1 to 256", options.concurrency);
            return Err(Error::invalid_argument(message));
        }
        match &options.journal {
            None => Ok(Ledger::new()),
            Some(journal) => Ok(journal.take_ledger(self, only_look)?),
        }
    }

    /// Deletes many tokens: as [`Client::batch`], with a callback on the calling thread for each report.
    ///
    /// When the callback breaks, no more ids are pulled; it is called on for those that were pulled already, which
    /// are under way or `skipped`.
    ///
    /// # Errors
    /// As [`Client::batch`].
    pub fn delete_tokens<I>(
        &self,
        ids: I,
        options: &BatchOptions,
        mut on_outcome: impl FnMut(Report) -> ControlFlow<()>,
    ) -> Result<BatchSummary, Error>
    where
        I: IntoIterator,
        I::Item: Into<Pull>,
    {
        let mut batch = self.batch(ids, options)?;
        while let Some(report) = batch.next() {
            if on_outcome(report).is_break() {
                batch.stop();
            }
        }
        Ok(batch.summary())
    }
}
