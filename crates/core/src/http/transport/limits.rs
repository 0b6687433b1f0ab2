//! What an attempt must not do: pass a deadline, or go on after a cancel.

use std::time::Instant;

use crate::http::transport::observed::Phase;
use crate::http::transport::route::Route;
use crate::wait::wait::Cancels;

/// The limits of one attempt, and how it opens a connection. They do not change while it runs.
pub(crate) struct Limits {
    /// When the attempt must be over.
    pub(crate) deadline: Instant,
    /// When the connection must be open: resolving, connecting, the proxy and TLS together.
    pub(crate) connect_deadline: Instant,
    /// Who may end the attempt.
    pub(crate) cancels: Cancels,
    pub(crate) route: Route,
    /// How much room the buffers need for the request, in bytes.
    pub(crate) room: usize,
}

impl Limits {
    /// Returns when a phase must be over.
    pub(super) fn of(&self, phase: Phase) -> Instant {
        match phase {
            Phase::Exchange => self.deadline,
            _ => self.deadline.min(self.connect_deadline),
        }
    }
}
