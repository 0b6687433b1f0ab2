//! What one call may do otherwise than its client.

use crate::input::trace::TraceParent;
use crate::outcome::lost::Lost;
use crate::wait::cancel::Cancel;

/// What one call may do otherwise than its client: made with [`DeleteOptions::new`], everything unset.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct DeleteOptions {
    pub(crate) missing_ok: Option<bool>,
    pub(crate) allow_own_token: Option<bool>,
    /// What earlier calls for this token have left in doubt.
    pub(crate) lost_before: Lost,
    /// How many attempts earlier calls for this token made.
    pub(crate) attempts_before: u32,
    /// How many attempts this one may make; `None` for what the client says.
    pub(crate) attempts: Option<u32>,
    /// Whether the caller makes another call later, where this one comes to nothing.
    pub(crate) is_put_off: bool,
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
        DeleteOptions { lost_before: if yes { Lost::Before } else { Lost::No }, ..self }
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
