//! Cancelling: one handle that ends calls under way, from any thread and from a signal handler.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a handle without a wake-up descriptor is checked.
const WITHOUT_DESCRIPTOR: Duration = Duration::from_millis(50);

/// How often a handle that asks is checked at least, because another thread may cancel it.
const LONGEST_SLICE: Duration = Duration::from_millis(100);

/// Cancels calls: those under way end within 200 ms, whatever they wait for, and later ones end at once.
///
/// A clone is the same handle. Cancelling cannot be undone: give the next call a new handle
/// ([`Client::with_cancel`](crate::Client::with_cancel)). A cancelled call has the code `cancelled` and an accurate
/// outcome.
///
/// ```
/// let cancel = mpt_tokens::Cancel::new();
/// cancel.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Clone)]
pub struct Cancel(Arc<Inner>);

struct Inner {
    cancelled: AtomicBool,
    /// Readable for ever once cancelled, so that every wait on it ends. `None` means that the process had no descriptor
    /// left.
    wake: Option<OwnedFd>,
    /// The process that made it. A forked child has the same descriptor and a flag of its own: it leaves the
    /// descriptor alone, and neither ends its parent's calls nor takes their wake-up.
    owner: u32,
    check: Option<Check>,
}

struct Check {
    every: Duration,
    ask: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Cancel {
    /// Creates a handle that is not cancelled.
    pub fn new() -> Cancel {
        Cancel::made_of(wake_descriptor(), None)
    }

    /// Creates a handle that asks a function whether to cancel. While a call waits, `ask` runs on the calling thread
    /// after each `every` (at most 100 ms), and whenever a signal interrupts the wait. If it returns true, the handle
    /// is cancelled. This is for runtimes that must look for signals themselves, as Python does. A call that waits for
    /// less than that never asks.
    pub fn polling(every: Duration, ask: impl Fn() -> bool + Send + Sync + 'static) -> Cancel {
        let check = Some(Check { every, ask: Box::new(ask) });
        Cancel::made_of(None, check)
    }

    fn made_of(wake: Option<OwnedFd>, check: Option<Check>) -> Cancel {
        let (cancelled, owner) = (AtomicBool::new(false), process::id());
        Cancel(Arc::new(Inner { cancelled, wake, owner, check }))
    }

    /// Cancels. This is safe on any thread and in a signal handler: it sets one flag, writes to one descriptor, and
    /// allocates nothing.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        if let Some(wake) = self.descriptor() {
            // The descriptor holds a counter; that it is full already means that it is readable already.
            let _ = rustix::io::write(wake, &1u64.to_ne_bytes());
        }
    }

    /// Returns true if the handle was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Returns the descriptor to poll in addition to one's own.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.0.wake.as_ref().filter(|_| self.0.owner == process::id()).map(AsFd::as_fd)
    }

    /// Returns true if the handle asks a function.
    pub(crate) fn is_polling(&self) -> bool {
        self.0.check.is_some()
    }

    /// Returns how long a wait may last before [`Cancel::ask`] must be called. `None` means that the descriptor tells.
    pub(crate) fn slice(&self) -> Option<Duration> {
        match (&self.0.check, self.descriptor()) {
            (Some(check), _) => Some(check.every.min(LONGEST_SLICE)),
            (None, None) => Some(WITHOUT_DESCRIPTOR),
            (None, Some(_)) => None,
        }
    }

    /// Returns true if the handle is cancelled now. Asks its function first, if it has one.
    pub(crate) fn ask(&self) -> bool {
        if !self.is_cancelled() && self.0.check.as_ref().is_some_and(|check| (check.ask)()) {
            self.cancel();
        }
        self.is_cancelled()
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Cancel::new()
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn wake_descriptor() -> Option<OwnedFd> {
    use rustix::event::{EventfdFlags, eventfd};
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok()
}

/// Elsewhere the handle is checked every 50 ms.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn wake_descriptor() -> Option<OwnedFd> {
    None
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::wait::wait::{Cancels, Wake};

    /// The handle as a forked child has it: the same descriptor, a copy of the flag, another process.
    fn inherited(parent: &Cancel) -> Cancel {
        let wake = parent.0.wake.as_ref().map(|wake| wake.try_clone().unwrap());
        let cancelled = AtomicBool::new(parent.is_cancelled());
        Cancel(Arc::new(Inner { cancelled, wake, owner: process::id() + 1, check: None }))
    }

    fn wait(cancel: &Cancel, limit: Duration) -> Wake {
        Cancels::new(cancel, None).wait(&[], Instant::now() + limit).unwrap()
    }

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(120);

    #[test]
    fn a_child_does_not_cancel_its_parent() {
        let parent = Cancel::new();
        let child = inherited(&parent);
        child.cancel();
        assert_eq!(wait(&child, LONG), Wake::Cancelled);
        assert_eq!(wait(&parent, SHORT), Wake::TimedOut);
    }

    #[test]
    fn a_parent_does_not_cancel_its_child_nor_lose_its_wake_up_to_it() {
        let parent = Cancel::new();
        let child = inherited(&parent);
        parent.cancel();
        assert_eq!(wait(&child, SHORT), Wake::TimedOut);
        assert_eq!(wait(&parent, LONG), Wake::Cancelled);
    }

    #[test]
    fn a_child_is_cancelled_while_it_waits() {
        let child = inherited(&Cancel::new());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(&child, LONG));
            child.cancel();
            assert_eq!(waiting.join().unwrap(), Wake::Cancelled);
        });
    }
}
