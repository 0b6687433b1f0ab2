//! The attempt that is under way on this thread.
//!
//! ureq hands no context of a call to its connectors and transports, and keeps transports in its pool between calls.
//! Since a call runs on the thread that makes it, its context is a thread-local, set for the time of one attempt.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rustix::event::PollFlags;
use ureq::Error;
use ureq::unversioned::transport::{NextTimeout, Transport};

use crate::http::credential::Credential;
use crate::http::transport::answer::Received;
use crate::http::transport::resolve::Lookup;
use crate::http::wiped::Wiped;
use crate::wait::wait::{Cancels, Wake};

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

/// One attempt, as its transport sees it.
pub(crate) struct AttemptContext {
    /// No other attempt of this process has the same.
    pub(crate) serial: u64,
    pub(crate) deadline: Instant,
    pub(crate) connect_deadline: Instant,
    pub(crate) cancels: Cancels,
    pub(crate) lookup: Lookup,
    pub(crate) credential: Arc<Credential>,
    pub(crate) phase: Cell<Phase>,
    /// Whether the API token was put into the head of the request.
    pub(crate) authorized: Cell<bool>,
    /// Whether any byte of the request was handed down to a connection.
    pub(crate) sent: Cell<bool>,
    /// Why we ended the attempt ourselves, when we did.
    pub(crate) stopped: Cell<Option<Wake>>,
    /// When a handle that asks was asked last, as far as is known here.
    pub(crate) asked: Cell<Instant>,
    /// Bytes came after the deadline once: what was under way counts, what never ends does not.
    pub(crate) overtime: Cell<bool>,
    /// Whether the connection that carried the request had carried others.
    pub(crate) reused: Cell<bool>,
    /// The status of the answer, once its head was read.
    pub(crate) status: Cell<Option<u16>>,
    pub(crate) answer: RefCell<Option<Received>>,
    /// What a proxy answered that opened no tunnel.
    pub(crate) refusal: RefCell<Option<Received>>,
}

thread_local! {
    pub(crate) static CURRENT: RefCell<Option<Rc<AttemptContext>>> = const { RefCell::new(None) };
    /// Whether connections are only asked for what has come already: see [`is_quiet`].
    static LISTENING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a connection stands, and nothing came on it that nobody asked for.
///
/// Through every layer: what comes may wait in the kernel, in a buffer, or decrypted inside TLS, which also takes
/// messages of its own this way, such as tickets.
///
/// No wait: a layer that has nothing to give says so by [`io::ErrorKind::WouldBlock`].
pub(crate) fn is_quiet(connection: &mut dyn Transport) -> bool {
    let nothing = |error: &Error| matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock);
    connection.buffers().input().is_empty()
        && listen(|| connection.await_input(NextTimeout::default()))
            .is_err_and(|error| nothing(&error))
}

/// Runs `body`, in which connections are only asked for what has come already.
pub(crate) fn listen<T>(body: impl FnOnce() -> T) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            LISTENING.set(false);
        }
    }
    LISTENING.set(true);
    let _reset = Reset;
    body()
}

impl AttemptContext {
    pub(crate) fn new(
        deadline: Instant,
        connect_deadline: Instant,
        cancels: Cancels,
        lookup: Lookup,
        credential: Arc<Credential>,
    ) -> Rc<AttemptContext> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Rc::new(AttemptContext {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            deadline,
            connect_deadline,
            cancels,
            lookup,
            credential,
            // A pooled connection goes through no connector.
            phase: Cell::new(Phase::Exchange),
            authorized: Cell::new(false),
            sent: Cell::new(false),
            stopped: Cell::new(None),
            asked: Cell::new(Instant::now()),
            overtime: Cell::new(false),
            reused: Cell::new(false),
            status: Cell::new(None),
            answer: RefCell::new(None),
            refusal: RefCell::new(None),
        })
    }

    /// Runs `body` with this attempt as the thread's current one.
    pub(crate) fn scope<T>(self: &Rc<AttemptContext>, body: impl FnOnce() -> T) -> T {
        /// Put back also when `body` panics.
        struct Reset(Option<Rc<AttemptContext>>);
        impl Drop for Reset {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _reset = Reset(CURRENT.replace(Some(Rc::clone(self))));
        body()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn sent(&self) -> bool {
        self.sent.get()
    }

    pub(crate) fn stopped(&self) -> Option<Wake> {
        self.stopped.get()
    }

    /// Whether the connection that carried the request had carried others before.
    pub(crate) fn reused(&self) -> bool {
        self.reused.get()
    }

    /// The status of the answer, once its head was read, though the rest of it may never have come.
    pub(crate) fn status(&self) -> Option<u16> {
        self.status.get()
    }

    /// What a proxy answered that opened no tunnel.
    pub(crate) fn take_refusal(&self) -> Option<Received> {
        self.refusal.take()
    }

    /// The answer, where one came whole.
    pub(crate) fn take_answer(&self) -> Option<Received> {
        self.answer.take()
    }

    pub(crate) fn limit(&self) -> Instant {
        match self.phase.get() {
            Phase::Exchange => self.deadline,
            _ => self.deadline.min(self.connect_deadline),
        }
    }

    /// Enters a phase, except that whatever happens on the way to a proxy is the tunnel's.
    pub(crate) fn enter(&self, phase: Phase) {
        if self.phase.get() != Phase::Tunnel {
            self.phase.set(phase);
        }
    }

    pub(crate) fn wait(&self, stream: &TcpStream, flags: PollFlags) -> Result<(), Error> {
        match self.cancels.wait(&[(stream.as_fd(), flags)], self.limit())? {
            // A peer that never stops sending must not hold the call for ever.
            Wake::Ready if Instant::now() >= self.limit() && self.overtime.replace(true) => {
                Err(self.stop(Wake::TimedOut))
            }
            // Nor from the question whether to go on.
            Wake::Ready if self.is_time_to_ask() && self.cancels.ask() => {
                Err(self.stop(Wake::Cancelled))
            }
            Wake::Ready => Ok(()),
            wake => Err(self.stop(wake)),
        }
    }

    /// Whether a handle that asks was not asked for longer than it wants, since there was always something to read.
    fn is_time_to_ask(&self) -> bool {
        let Some(every) = self.cancels.slice().filter(|_| self.cancels.is_polling()) else {
            return false;
        };
        let now = Instant::now();
        let due = now.duration_since(self.asked.get()) >= every;
        if due {
            self.asked.set(now);
        }
        due
    }

    pub(crate) fn stop(&self, wake: Wake) -> Error {
        self.stopped.set(Some(wake));
        let why = match wake {
            Wake::Cancelled => "the call was cancelled",
            Wake::TimedOut | Wake::Ready => "a deadline passed",
        };
        Error::Io(io::Error::new(io::ErrorKind::TimedOut, why))
    }
}

/// The attempt under way on this thread.
pub(crate) fn current() -> Result<Rc<AttemptContext>, Error> {
    CURRENT
        .with_borrow(Clone::clone)
        .ok_or_else(|| Error::Io(io::Error::other("a connection was used outside a call")))
}

/// Makes an echo of the API token of the attempt under way unreadable in bytes that came, also where it began `before`
/// them; and keeps what of them may begin another.
pub(crate) fn mask(before: &mut Wiped, bytes: &mut [u8]) {
    CURRENT.with_borrow(|current| {
        if let Some(current) = current {
            current.credential.mask_behind(before, bytes);
        }
    });
}

/// Whether connections are only asked for what has come already.
pub(crate) fn is_listening() -> bool {
    LISTENING.get()
}
