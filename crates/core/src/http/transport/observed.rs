//! What the connections saw of an attempt.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use crate::http::transport::answer::Received;
use crate::wait::wait::Wake;

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Resolve,
    Connect,
    /// Talking to a proxy, or on the way to it.
    Tunnel,
    Tls,
    /// The connection stands: sending, waiting, reading.
    Exchange,
}

/// What is known of one attempt so far. Written by its connections, read when it is over.
pub(crate) struct Observed {
    pub(super) phase: Cell<Phase>,
    /// Whether the request was handed down whole.
    pub(super) written: Cell<bool>,
    pub(super) sent: Cell<bool>,
    pub(super) stopped: Cell<Option<Wake>>,
    /// When a handle that asks was asked last, as far as is known here.
    pub(super) asked: Cell<Instant>,
    /// Bytes came after the deadline once: what was under way counts, what never ends does not.
    pub(super) overtime: Cell<bool>,
    pub(super) reused: Cell<bool>,
    pub(super) status: Cell<Option<u16>>,
    pub(super) answer: RefCell<Option<Received>>,
    pub(super) refusal: RefCell<Option<Received>>,
}

impl Observed {
    pub(super) fn new(begun: Instant) -> Observed {
        Observed {
            // A pooled connection goes through no connector.
            phase: Cell::new(Phase::Exchange),
            written: Cell::new(false),
            sent: Cell::new(false),
            stopped: Cell::new(None),
            asked: Cell::new(begun),
            overtime: Cell::new(false),
            reused: Cell::new(false),
            status: Cell::new(None),
            answer: RefCell::new(None),
            refusal: RefCell::new(None),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Enters a phase, except that whatever happens on the way to a proxy is the tunnel's.
    pub(super) fn enter(&self, phase: Phase) {
        if self.phase.get() != Phase::Tunnel {
            self.phase.set(phase);
        }
    }

    /// Returns true if any byte of the request was handed down to a connection.
    pub(crate) fn sent(&self) -> bool {
        self.sent.get()
    }

    /// Returns why we ended the attempt ourselves, if we did.
    pub(crate) fn stopped(&self) -> Option<Wake> {
        self.stopped.get()
    }

    /// Returns true if the connection that carried the request had carried others before.
    pub(crate) fn reused(&self) -> bool {
        self.reused.get()
    }

    /// Returns the status of the answer, once its head was read. The rest of it may never have come.
    pub(crate) fn status(&self) -> Option<u16> {
        self.status.get()
    }

    /// Takes the answer, if one came whole.
    pub(crate) fn take_answer(&self) -> Option<Received> {
        self.answer.take()
    }

    /// Takes what a proxy answered that opened no tunnel.
    pub(crate) fn take_refusal(&self) -> Option<Received> {
        self.refusal.take()
    }
}
