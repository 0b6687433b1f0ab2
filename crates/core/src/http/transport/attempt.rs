//! The attempt that is under way on this thread.
//!
//! ureq hands no context of a call to its connectors and transports, and keeps transports in its pool between calls.
//! Since a call runs on the thread that makes it, its context is a thread-local, set for the time of one attempt.

use std::cell::RefCell;
use std::io;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rustix::event::PollFlags;
use ureq::Error;

use crate::http::credential::Credential;
use crate::http::request::RequestHead;
use crate::http::transport::limits::Limits;
use crate::http::transport::observed::Observed;
use crate::http::wiped::Wiped;
use crate::wait::aside::Aside;
use crate::wait::sys::AsFd;
use crate::wait::wait::Wake;

thread_local! {
    static CURRENT: RefCell<Option<Rc<AttemptContext>>> = const { RefCell::new(None) };
}

/// One attempt, as its connections see it.
pub(crate) struct AttemptContext {
    /// No other attempt of this process has the same.
    serial: u64,
    pub(super) credential: Arc<Credential>,
    pub(super) limits: Limits,
    pub(super) request: RequestHead,
    pub(crate) observed: Observed,
}

impl AttemptContext {
    pub(crate) fn new(
        limits: Limits,
        credential: Arc<Credential>,
        request: RequestHead,
        begun: Instant,
    ) -> Rc<AttemptContext> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let observed = Observed::new(begun);
        Rc::new(AttemptContext { serial, credential, limits, request, observed })
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

    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    /// Returns when the present phase must be over.
    pub(super) fn limit(&self) -> Instant {
        self.limits.of(self.observed.phase())
    }

    /// Waits until a socket is ready, at most to the end of the present phase.
    pub(super) fn wait(&self, stream: &TcpStream, flags: PollFlags) -> Result<(), Error> {
        let cancels = &self.limits.cancels;
        match cancels.wait(&[(stream.as_fd(), flags)], self.limit())? {
            // A peer that never stops sending must not hold the call for ever.
            Wake::Ready
                if Instant::now() >= self.limit() && self.observed.overtime.replace(true) =>
            {
                Err(self.stop(Wake::TimedOut))
            }
            // Nor from the question whether to go on.
            Wake::Ready if self.is_time_to_ask() && cancels.ask() => {
                Err(self.stop(Wake::Cancelled))
            }
            Wake::Ready => Ok(()),
            wake => Err(self.stop(wake)),
        }
    }

    /// Returns true if a handle that asks was not asked for longer than it wants, because there was always something to
    /// read.
    fn is_time_to_ask(&self) -> bool {
        let cancels = &self.limits.cancels;
        if !cancels.is_polling() {
            return false;
        }
        let Some(every) = cancels.slice() else { return false };
        let now = Instant::now();
        let due = now.duration_since(self.observed.asked.get()) >= every;
        if due {
            self.observed.asked.set(now);
        }
        due
    }

    /// Notes why we end the attempt, and returns the error that ends it.
    pub(super) fn stop(&self, wake: Wake) -> Error {
        self.observed.stopped.set(Some(wake));
        let why = match wake {
            Wake::Cancelled => "the call was cancelled",
            Wake::TimedOut | Wake::Ready => "a deadline passed",
        };
        Error::Io(io::Error::new(io::ErrorKind::TimedOut, why))
    }
}

/// Returns the attempt under way on this thread.
pub(super) fn current() -> Result<Rc<AttemptContext>, Error> {
    CURRENT
        .with_borrow(Clone::clone)
        .ok_or_else(|| Error::Io(io::Error::other("a connection was used outside a call")))
}

/// Does work that cannot be interrupted, at most to the end of the present phase of the attempt under way on this
/// thread.
pub(crate) fn aside<T: Clone + Send + Sync + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let current = current()?;
    match Aside::begin(name, work)?.wait(current.limit(), &current.limits.cancels)? {
        Ok(found) => Ok(found.clone()),
        Err(wake) => Err(current.stop(wake)),
    }
}

/// Returns how long its request is at most, in bytes.
pub(super) fn longest_request() -> Option<usize> {
    CURRENT.with_borrow(|current| current.as_ref().map(|current| current.limits.room))
}

/// Returns true if the attempt under way on this thread is the one with this serial number.
pub(super) fn is_current(serial: u64) -> bool {
    CURRENT.with_borrow(|current| current.as_ref().is_some_and(|current| current.serial == serial))
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
