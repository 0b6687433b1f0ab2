//! What a call needs of the network, the clock, chance, and of the calls beside it. Tests bring their own.

use std::time::{Duration, Instant};

use crate::call::answer::Answer;
use crate::input::token_id::TokenId;
use crate::input::trace::TRACEPARENT;

/// What a call needs of what is around it: the network, the clock, chance. Tests bring their own.
pub(crate) trait CallIo {
    fn now(&self) -> Instant;
    fn random(&self) -> f64;
    fn is_cancelled(&self) -> bool;
    /// Waits; `false` when the wait was cancelled.
    fn pause(&self, duration: Duration) -> bool;
    fn exchange(&self, order: &AttemptOrder<'_>) -> Answer;
}

/// What calls that run side by side share: who may start when, and what the server said of its load.
pub(crate) trait Throttle {
    /// Waits until another attempt of a call may start; not at all when that is not before `deadline`.
    fn enter(&self, io: &dyn CallIo, deadline: Instant) -> Permit;
    /// Hears what an attempt that was sent and began then was answered, if it was.
    fn answered(
        &self,
        begun: Instant,
        now: Instant,
        status: Option<u16>,
        retry_after: Option<Duration>,
    );
}

/// How a wait for a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    Go,
    /// There is no turn before the deadline.
    Late,
    /// The wait was ended: by a cancel, or by the end of what calls it.
    Ended,
}

/// The limits and names of one attempt.
#[derive(Debug)]
pub(crate) struct AttemptOrder<'a> {
    pub(crate) id: &'a TokenId,
    pub(crate) traceparent: [u8; TRACEPARENT],
    /// When it begins.
    pub(crate) begun: Instant,
    pub(crate) deadline: Instant,
    pub(crate) connect_deadline: Instant,
}
