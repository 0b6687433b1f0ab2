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
    /// Whether an earlier request for this token got no answer, like
    /// [`DeleteOptions::after_lost_answer`](crate::DeleteOptions::after_lost_answer).
    pub after_lost_answer: bool,
    /// The token's own value. Only [`BatchOptions::prove`] and [`BatchOptions::burn`] use it.
    pub value: Option<ApiToken>,
    /// Other values of the same token. [`BatchOptions::prove`] proves each of them too: the proof in the outcome is
    /// that of the first one that is not proven, or of the last one. Ignored if there is no [`BatchItem::value`].
    pub other_values: Vec<ApiToken>,
    /// Whether the author of the list knows that the token is dead. Then no request is sent for it, and it counts as
    /// [`BatchSummary::already_done`](crate::BatchSummary::already_done).
    pub known_dead: bool,
    /// Overrides [`BatchOptions::missing_ok`] for this token; `None` does not.
    pub missing_ok: Option<bool>,
    /// Whether `id` only shows what was no text.
    pub(crate) not_text: bool,
}

impl BatchItem {
    /// An id that is not text at all: its outcome is `invalid_token_id`, as that of any other id that cannot be one.
    /// `shown` is what to show in its place, with escapes.
    pub fn not_text(shown: impl Into<String>) -> BatchItem {
        BatchItem { not_text: true, ..BatchItem::from(shown.into()) }
    }
}

impl BatchItem {
    /// Makes an item of a token value, for [`BatchOptions::burn`]. In a batch, a text that is not one value is refused
    /// with `invalid_argument`; it is neither kept nor shown, and a `String` is wiped.
    pub fn of_value(text: impl Into<String>) -> BatchItem {
        match ApiToken::new(text) {
            Ok(value) => BatchItem::from(value),
            Err(_) => BatchItem::from(String::new()),
        }
    }
}

/// A token by its value, which [`BatchOptions::prove`] and [`BatchOptions::burn`] use.
impl From<ApiToken> for BatchItem {
    fn from(value: ApiToken) -> BatchItem {
        let item = BatchItem::from(value.token_id().unwrap_or_default());
        let value = Some(value).filter(|value| value.token_id().is_some());
        BatchItem { value, ..item }
    }
}

/// An id that is a token value by mistake is shown without its secret.
impl fmt::Debug for BatchItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchItem")
            .field("id", &refused_id(&self.id))
            .field("after_lost_answer", &self.after_lost_answer)
            .field("value", &self.value)
            .field("other_values", &self.other_values)
            .field("known_dead", &self.known_dead)
            .field("missing_ok", &self.missing_ok)
            .finish()
    }
}

impl From<String> for BatchItem {
    fn from(id: String) -> BatchItem {
        BatchItem {
            id,
            after_lost_answer: false,
            value: None,
            other_values: Vec::new(),
            known_dead: false,
            missing_ok: None,
            not_text: false,
        }
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

/// What a source of ids yields: an id, or the news that the next one is not there yet.
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

/// The options of a batch, made with [`BatchOptions::new`].
#[derive(Clone, Debug)]
#[must_use]
pub struct BatchOptions {
    pub(crate) concurrency: usize,
    pub(crate) missing_ok: Option<bool>,
    pub(crate) allow_own_token: Option<bool>,
    pub(crate) cancel: Option<Cancel>,
    pub(crate) journal: Option<Journal>,
    pub(crate) prove: bool,
    pub(crate) burn: bool,
    pub(crate) replay: bool,
    pub(crate) index: bool,
    pub(crate) patience: Duration,
}

impl BatchOptions {
    /// The numbers of calls that may run at once: 1 to 256.
    pub const CONCURRENCY: RangeInclusive<usize> = CONCURRENCY;
    /// The longest patience: a week.
    pub const LONGEST_PATIENCE: Duration = MOST_PATIENCE;

    /// Eight calls at once, ten minutes of patience, no journal; otherwise the client's own settings.
    pub fn new() -> BatchOptions {
        BatchOptions {
            concurrency: DEFAULT_CONCURRENCY,
            missing_ok: None,
            allow_own_token: None,
            cancel: None,
            journal: None,
            prove: false,
            burn: false,
            replay: false,
            index: false,
            patience: PATIENCE,
        }
    }

    /// Sets how many calls may run at once: 1 to 256, 8 by default. With 1, they run on the calling thread.
    pub fn concurrency(self, calls: usize) -> Self {
        BatchOptions { concurrency: calls, ..self }
    }

    /// Sets whether a token that the API does not know is a success (`gone`) from the first attempt.
    pub fn missing_ok(self, yes: bool) -> Self {
        BatchOptions { missing_ok: Some(yes), ..self }
    }

    /// Sets whether the token in use may be deleted. Then it is deleted last, after everything else is done.
    pub fn allow_own_token(self, yes: bool) -> Self {
        BatchOptions { allow_own_token: Some(yes), ..self }
    }

    /// Adds a handle that ends this batch, besides the client's own. It cancels the calls under way. What was pulled
    /// and not started is `skipped`, and no more ids are pulled.
    pub fn cancel(self, cancel: &Cancel) -> Self {
        BatchOptions { cancel: Some(cancel.clone()), ..self }
    }

    /// Sets whether to prove each token that is deleted or gone, as
    /// [`Client::prove_deleted`](crate::Client::prove_deleted) does: see [`Outcome::proof`](crate::Outcome::proof).
    /// This needs the value of the token: [`BatchItem::value`], or the API token in use.
    ///
    /// It also applies to a token that the journal lists as dead and not proven, to a token whose value comes after
    /// its id, and to each further value of an id that was pulled before. The proof then comes in an outcome of its own,
    /// without attempts.
    pub fn prove(self, yes: bool) -> Self {
        BatchOptions { prove: yes, ..self }
    }

    /// Sets whether to burn: to delete each token with its own value ([`BatchItem::value`]) as the credential, and to
    /// prove it, as [`Client::burn`](crate::Client::burn) does. The client's API token is not used; one that is
    /// [`burn_only`](crate::ClientBuilder::burn_only) will do, and a journal needs one.
    ///
    /// A 401 is about one value, so it does not stop the batch. Two values of one id are two credentials: each is burnt
    /// and has an outcome. A value takes 128 bytes of memory then. `missing_ok`, `allow_own_token` and
    /// [`BatchItem::known_dead`] have no meaning here.
    pub fn burn(self, yes: bool) -> Self {
        BatchOptions { burn: yes, ..self }
    }

    /// Returns whether the batch burns.
    pub fn is_burning(&self) -> bool {
        self.burn
    }

    /// Sets whether to return tokens that the journal lists as dead, so that one batch reports the whole list: see
    /// [`Outcome::from_journal`](crate::Outcome::from_journal). No request is sent for them, and they count only as
    /// [`BatchSummary::already_done`](crate::BatchSummary::already_done).
    pub fn replay(self, yes: bool) -> Self {
        BatchOptions { replay: yes, ..self }
    }

    /// Sets whether each outcome says where in the list its id stood: [`Outcome::index`](crate::Outcome::index).
    /// Outcomes come in order of completion.
    pub fn index(self, yes: bool) -> Self {
        BatchOptions { index: yes, ..self }
    }

    /// Sets how long to go on without a conclusive answer: 10 minutes by default, one week at most. With zero, each
    /// token gets one call and no more.
    ///
    /// If a call settles nothing (no connection, a lost answer, a server error, a limit), its token is put off and
    /// tried again later, while other tokens go on. Its outcome is returned once it is settled. If calls fail one after
    /// the other, single calls, ever further apart, find out whether the API is back. Only if no answer was conclusive
    /// for all this time does the batch give up: it returns the outcomes as they are, and `skipped` for tokens that
    /// were pulled and never tried ([`Stopped::NoAnswer`](crate::Stopped::NoAnswer)).
    pub fn patience(self, limit: Duration) -> Self {
        BatchOptions { patience: limit, ..self }
    }

    /// Sets a journal: a record on disk that survives a crash, and from which the next batch resumes.
    pub fn journal(self, journal: Journal) -> Self {
        BatchOptions { journal: Some(journal), ..self }
    }
}

impl Default for BatchOptions {
    fn default() -> Self {
        BatchOptions::new()
    }
}
