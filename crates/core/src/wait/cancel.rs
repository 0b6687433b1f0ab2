//! Cancelling: one handle that ends calls under way, from any thread and from a signal handler.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::wait::process;
use crate::wait::sys;
use crate::wait::sys::BorrowedFd;
use crate::wait::wake_up::WakeUp;

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
    wake: Option<WakeUp>,
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
        Cancel::made_of(WakeUp::new(), None)
    }

    /// Creates a handle that asks a function whether to cancel. While a call waits, `ask` runs on the calling thread
    /// after each `every` (at most 100 ms), and whenever a signal interrupts the wait. If it returns true, the handle
    /// is cancelled. This is for runtimes that must look for signals themselves, as Python does. A call that waits for
    /// less than that never asks.
    pub fn polling(every: Duration, ask: impl Fn() -> bool + Send + Sync + 'static) -> Cancel {
        let check = Some(Check { every, ask: Box::new(ask) });
        Cancel::made_of(None, check)
    }

    fn made_of(wake: Option<WakeUp>, check: Option<Check>) -> Cancel {
        let cancelled = AtomicBool::new(false);
        // Which process it is takes a system call, and is asked of a wake-up only.
        let owner = wake.as_ref().map_or(0, |_| process::current());
        Cancel(Arc::new(Inner { cancelled, wake, owner, check }))
    }

    /// Cancels. This is safe on any thread and in a signal handler: it sets one flag, writes to one descriptor, and
    /// allocates nothing.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        if let Some(wake) = self.wake(process::current()) {
            wake.wake();
        }
    }

    /// Returns true if the handle was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Returns the descriptor to poll in addition to one's own.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.wake(process::id()).map(WakeUp::descriptor)
    }

    /// Its own, in the process with this id, and not that of one from which that was forked.
    fn wake(&self, process: u32) -> Option<&WakeUp> {
        self.0.wake.as_ref().filter(|_| self.0.owner == process)
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
            (None, Some(_)) => sys::WITH_WAKE_UP,
        }
    }

    /// Returns true if the handle is cancelled now. Asks its function first, if it has one.
    pub(crate) fn ask(&self) -> bool {
        if let Some(check) = self.0.check.as_ref().filter(|_| !self.is_cancelled()) {
            let stop = (check.ask)();
            process::forget();
            if stop {
                self.cancel();
            }
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rstest::rstest;
    use rustix::event::{PollFd, PollFlags};

    use super::*;
    use crate::wait::wait::{Cancels, Wake};

    /// Handles that wake by an eventfd (by a pipe where the system has none), by a pipe, and by neither.
    #[derive(Clone, Copy, Debug)]
    enum By {
        Eventfd,
        Pipe,
        Nothing,
    }

    fn handle(by: By) -> Cancel {
        let wake = match by {
            By::Eventfd => Some(WakeUp::eventfd().or_else(|_| WakeUp::pipe()).unwrap()),
            By::Pipe => Some(WakeUp::pipe().unwrap()),
            By::Nothing => None,
        };
        Cancel::made_of(wake, None)
    }

    /// The handle as a forked child has it: the same descriptor, a copy of the flag, another process.
    fn inherited(parent: &Cancel) -> Cancel {
        let wake = parent.0.wake.as_ref().map(WakeUp::inherited);
        let cancelled = AtomicBool::new(parent.is_cancelled());
        Cancel(Arc::new(Inner { cancelled, wake, owner: process::current() + 1, check: None }))
    }

    fn wait(cancel: &Cancel, limit: Duration) -> Wake {
        Cancels::new(cancel, None).wait(&[], Instant::now() + limit).unwrap()
    }

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(120);

    #[rstest]
    fn a_child_does_not_cancel_its_parent(#[values(By::Eventfd, By::Pipe, By::Nothing)] by: By) {
        let parent = handle(by);
        let child = inherited(&parent);
        child.cancel();
        assert_eq!(wait(&child, LONG), Wake::Cancelled);
        assert_eq!(wait(&parent, SHORT), Wake::TimedOut);
    }

    #[rstest]
    fn a_parent_does_not_cancel_its_child_nor_lose_its_wake_up_to_it(
        #[values(By::Eventfd, By::Pipe, By::Nothing)] by: By,
    ) {
        let parent = handle(by);
        let child = inherited(&parent);
        parent.cancel();
        assert_eq!(wait(&child, SHORT), Wake::TimedOut);
        assert_eq!(wait(&parent, LONG), Wake::Cancelled);
    }

    #[rstest]
    fn a_call_is_cancelled_while_it_waits(
        #[values(By::Eventfd, By::Pipe, By::Nothing)] by: By,
        #[values(false, true)] in_a_child: bool,
    ) {
        let mut cancel = handle(by);
        if in_a_child {
            cancel = inherited(&cancel);
        }
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(&cancel, LONG));
            cancel.cancel();
            assert_eq!(waiting.join().unwrap(), Wake::Cancelled);
        });
    }

    /// The flag alone would end a wait that looks every 50 ms: here it is the descriptor.
    #[rstest]
    fn a_handle_with_a_descriptor_is_not_looked_at(#[values(By::Eventfd, By::Pipe)] by: By) {
        let cancel = handle(by);
        assert_eq!(cancel.slice(), sys::WITH_WAKE_UP);
        cancel.cancel();
        let mut fds = [PollFd::from_borrowed_fd(cancel.descriptor().unwrap(), PollFlags::IN)];
        assert_eq!(sys::poll(&mut fds, Duration::ZERO), Ok(1));
    }

    /// A signal handler that cancels again and again neither waits for room nor undoes what it did.
    #[rstest]
    fn cancelling_more_often_than_a_pipe_has_room_ends(#[values(By::Eventfd, By::Pipe)] by: By) {
        let cancel = handle(by);
        for _ in 0..20_000 {
            cancel.cancel();
        }
        assert_eq!(wait(&cancel, LONG), Wake::Cancelled);
        cancel.cancel();
        assert_eq!(wait(&cancel, LONG), Wake::Cancelled);
    }

    /// A program that is executed has neither end: else it would keep descriptors that it does not know of. On Windows
    /// the standard library makes sure of that, and there is no safe way to ask.
    #[cfg(unix)]
    #[rstest]
    fn a_program_that_is_executed_inherits_nothing(#[values(By::Eventfd, By::Pipe)] by: By) {
        let cancel = handle(by);
        let wake = cancel.0.wake.as_ref().unwrap();
        for descriptor in wake.descriptors() {
            let flags = rustix::io::fcntl_getfd(descriptor).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        }
    }
}
