//! One id of a batch to be tried, and what came of it.

use crate::input::api_token::ApiToken;
use crate::outcome::outcome::Outcome;

/// One id to be tried.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) after_lost_answer: bool,
    /// Whether the journal may have lost what it said of it.
    pub(crate) in_doubt: bool,
    pub(crate) missing_ok: Option<bool>,
    /// What is told of a token that is known to be dead, of which only proof is wanted.
    pub(crate) known_dead: Option<Box<Outcome>>,
    /// The token's own value, when proof is wanted.
    pub(crate) value: Option<ApiToken>,
    /// The place of its intent in the journal, which must be on disk before the request leaves.
    pub(crate) intent: Option<u64>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) job: Job,
    pub(crate) outcome: Outcome,
}
