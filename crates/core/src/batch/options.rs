//! What a batch is given: its ids, and how it is done.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::input::api_token::ApiToken;
use crate::input::shown::refused_id;
use crate::input::token_id::TokenId;
use crate::journal::journal::Journal;
use crate::wait::cancel::Cancel;

/// How many calls may run at once.
pub(crate) const CONCURRENCY: RangeInclusive<usize> = 1..=256;

/// How long a batch goes on without a conclusive answer unless told otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The longest time that a batch may go on so: longer is a mistake in the unit, and no clock has to reckon with it.
pub(crate) const MOST_PATIENCE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many calls run at once unless told otherwise.
const DEFAULT_CONCURRENCY: usize = 8;

/// One id for a batch. A `&str`, a `String` or a [`TokenId`](crate::TokenId) is one, too.
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
            .field("id", &refused_id(&self.id))
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

impl From<TokenId> for BatchItem {
    fn from(id: TokenId) -> BatchItem {
        BatchItem::from(id.as_str())
    }
}

impl From<&TokenId> for BatchItem {
    fn from(id: &TokenId) -> BatchItem {
        BatchItem::from(id.as_str())
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
    pub(crate) concurrency: usize,
    pub(crate) missing_ok: Option<bool>,
    pub(crate) allow_own_token: Option<bool>,
    pub(crate) cancel: Option<Cancel>,
    pub(crate) journal: Option<Journal>,
    pub(crate) prove: bool,
    pub(crate) replay: bool,
    pub(crate) patience: Duration,
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
            patience: PATIENCE,
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
    /// in use) is asked for proof as [`Client::prove_deleted`] does: see [`Outcome::proof`].
    ///
    /// That holds for a token that the journal knows to be dead and not to be proven, and for one whose value comes only
    /// after its id: a report of its own, without attempts, brings the proof then.
    pub fn prove(self, yes: bool) -> Self {
        BatchOptions { prove: yes, ..self }
    }

    /// Whether ids that the journal knows to be dead are reported again, so that one batch tells of every id of the list:
    /// see [`Outcome::from_journal`]. They are not asked again, and count as [`BatchSummary::already_done`] alone.
    pub fn replay(self, yes: bool) -> Self {
        BatchOptions { replay: yes, ..self }
    }

    /// How long to go on without one conclusive answer: 10 minutes by default, one week at most; zero for one call a token
    /// and no more.
    ///
    /// A token whose call came to nothing (no connection, a lost answer, a server error, a limit) is put off and called
    /// for again, while the API answers others; it is reported once it is settled. Where calls fail one after the other,
    /// no more ids are pulled, and one call at a time, ever more rarely, finds out whether the API is back. Only after
    /// all this time without a conclusive answer are tokens given up: reported as they are, or as `skipped` where they
    /// were pulled and never tried ([`Stopped::NoAnswer`](crate::Stopped::NoAnswer)).
    pub fn patience(self, limit: Duration) -> Self {
        BatchOptions { patience: limit, ..self }
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
