//! What a client tells while a call is under way.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::input::shown::printable;
use crate::outcome::code::Code;
use crate::outcome::outcome::Attempt;

/// What a client tells while a call is under way: see [`ClientBuilder::on_event`](crate::ClientBuilder::on_event). As
/// text, it is one line for people.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// An attempt ended.
    AttemptEnded(AttemptEnded),
}

/// An attempt ended. Told before the pause that may follow it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AttemptEnded {
    /// The token id.
    pub token_id: String,
    /// The trace id of the call: 32 hexadecimal digits.
    pub trace_id: String,
    /// The attempt, as [`Outcome::attempts`](crate::Outcome::attempts) will contain it.
    pub attempt: Attempt,
    /// What the attempt means by itself. The outcome of the call may have another code: a 404 is `ok` after a lost
    /// answer.
    pub code: Code,
    /// How long the call pauses before its next attempt. `None` means that this was its last one.
    pub next_in: Option<Duration>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::AttemptEnded(ended) => ended.fmt(f),
        }
    }
}

impl fmt::Display for AttemptEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AttemptEnded { attempt, code, .. } = self;
        write!(
            f,
            "token `{}`: attempt {} ended with {code}",
            printable(&self.token_id),
            attempt.number
        )?;
        match (attempt.http_status, self.next_in) {
            (Some(status), Some(pause)) => write!(f, " ({status}); the next one is in {pause:?}"),
            (None, Some(pause)) => write!(f, "; the next one is in {pause:?}"),
            (Some(status), None) => write!(f, " ({status})"),
            (None, None) => Ok(()),
        }
    }
}

/// The function that hears of events.
#[derive(Clone)]
pub(crate) struct Listener(Arc<dyn Fn(&Event) + Send + Sync>);

impl Listener {
    pub(crate) fn new(hear: impl Fn(&Event) + Send + Sync + 'static) -> Listener {
        Listener(Arc::new(hear))
    }

    /// Tells it. A panic in it must not cost the outcome of the call.
    pub(crate) fn tell(&self, event: &Event) {
        if catch_unwind(AssertUnwindSafe(|| (self.0)(event))).is_err() {
            log::error!(target: "mpt_tokens", "the function that is told of events panicked at: {event}");
        }
    }
}
