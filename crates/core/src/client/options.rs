//! Options of a single call.

use std::time::Duration;

use crate::input::trace::TraceParent;
use crate::outcome::lost::Lost;
use crate::wait::cancel::Cancel;

/// Options of a single call, which override those of its client.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct DeleteOptions {
    pub(crate) missing_ok: Option<bool>,
    pub(crate) allow_own_token: Option<bool>,
    /// What earlier calls for this token have left in doubt.
    pub(crate) lost_before: Lost,
    /// How many attempts earlier calls for this token made.
    pub(crate) attempts_before: u32,
    pub(crate) timeout: Option<Duration>,
    pub(crate) attempts: Option<u32>,
    /// Whether the caller makes another call later, where this one comes to nothing.
    pub(crate) is_put_off: bool,
    /// Whether the retries of the call are its own, and not taken from those that all calls share: it is the only one,
    /// and its outcome decides whether there are others.
    pub(crate) has_own_reserve: bool,
    /// In a batch: each token is deleted with its own value as the credential.
    pub(crate) burn: bool,
    pub(crate) trace_parent: Option<TraceParent>,
    pub(crate) cancel: Option<Cancel>,
}

impl DeleteOptions {
    /// Creates options that override nothing.
    pub fn new() -> DeleteOptions {
        DeleteOptions::default()
    }

    /// If true, a token that the API does not know is a success (`gone`), even on the first attempt.
    pub fn missing_ok(self, yes: bool) -> Self {
        DeleteOptions { missing_ok: Some(yes), ..self }
    }

    /// If true, the token in use may be deleted. A 401 after a lost answer then means `gone`, although the API answers
    /// a value that was mistyped, and never worked, in the same way.
    pub fn allow_own_token(self, yes: bool) -> Self {
        DeleteOptions { allow_own_token: Some(yes), ..self }
    }

    /// If true, an earlier run asked to delete this token and did not learn the answer, for example because it crashed.
    /// A 404 then means `gone`. A failure is `unknown`, except that an invalid id is still `not_deleted`.
    pub fn after_lost_answer(self, yes: bool) -> Self {
        DeleteOptions { lost_before: if yes { Lost::Before } else { Lost::No }, ..self }
    }

    /// Sets the time limit of the whole call, as [`ClientBuilder::timeout`](crate::ClientBuilder::timeout) does for all
    /// calls. One that is out of range is an `invalid_argument` of the call.
    pub fn timeout(self, limit: Duration) -> Self {
        DeleteOptions { timeout: Some(limit), ..self }
    }

    /// Sets how many attempts the call may make, as [`ClientBuilder::attempts`](crate::ClientBuilder::attempts) does
    /// for all calls. A number that is out of range is an `invalid_argument` of the call.
    pub fn attempts(self, attempts: u32) -> Self {
        DeleteOptions { attempts: Some(attempts), ..self }
    }

    /// Makes the call part of the caller's trace. By default, each call has its own trace.
    pub fn trace_parent(self, parent: TraceParent) -> Self {
        DeleteOptions { trace_parent: Some(parent), ..self }
    }

    /// Sets a handle that cancels this call, in addition to the client's own.
    pub fn cancel(self, cancel: &Cancel) -> Self {
        DeleteOptions { cancel: Some(cancel.clone()), ..self }
    }
}
