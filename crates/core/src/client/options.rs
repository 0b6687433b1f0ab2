//! What one call may do otherwise than its client.

use crate::input::trace::TraceParent;
use crate::wait::cancel::Cancel;

/// What one call may do otherwise than its client: made with [`DeleteOptions::new`], everything unset.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct DeleteOptions {
    pub(crate) missing_ok: Option<bool>,
    pub(crate) allow_own_token: Option<bool>,
    pub(crate) after_lost_answer: bool,
    /// Whether a damaged line of a journal may have said what came of an earlier call.
    pub(crate) in_doubt: bool,
    pub(crate) trace_parent: Option<TraceParent>,
    pub(crate) cancel: Option<Cancel>,
}

impl DeleteOptions {
    /// Nothing set: the call does as its client does.
    pub fn new() -> DeleteOptions {
        DeleteOptions::default()
    }

    /// Whether a token that the API does not know is a success (`gone`) from the first attempt on.
    pub fn missing_ok(self, yes: bool) -> Self {
        DeleteOptions { missing_ok: Some(yes), ..self }
    }

    /// Whether the token in use may be deleted. A 401 after a lost answer then means `gone`: a value that was mistyped
    /// never worked, and is answered the same.
    pub fn allow_own_token(self, yes: bool) -> Self {
        DeleteOptions { allow_own_token: Some(yes), ..self }
    }

    /// Whether this token was asked to be deleted before and the answer is not known (a crash in between): a 404
    /// then means `gone`, and no failure can mean `not_deleted`, but that the id is none at all.
    pub fn after_lost_answer(self, yes: bool) -> Self {
        DeleteOptions { after_lost_answer: yes, ..self }
    }

    /// Makes the call part of the caller's trace; by default each call is a trace of its own.
    pub fn trace_parent(self, parent: TraceParent) -> Self {
        DeleteOptions { trace_parent: Some(parent), ..self }
    }

    /// A handle that ends this call, beside the client's own.
    pub fn cancel(self, cancel: &Cancel) -> Self {
        DeleteOptions { cancel: Some(cancel.clone()), ..self }
    }
}
