//! Work that cannot be interrupted, such as asking the system for a name or reading a file: it runs on a thread of its
//! own, so that a call can leave it behind at its deadline, or when it is cancelled.

use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Instant;

use rustix::event::PollFlags;

use crate::wait::wait::{Cancels, Wake};
use crate::wait::wake_up::WakeUp;

/// Work under way, or done. Any number of calls may wait for it. What is left behind ends by itself.
pub(crate) struct Aside<T>(Arc<Work<T>>);

struct Work<T> {
    found: OnceLock<T>,
    /// Told when the work ends. `None` where it was done from the beginning.
    ended: Option<WakeUp>,
}

impl<T: Send + Sync + 'static> Aside<T> {
    /// Begins the work, on a thread with this name.
    pub(crate) fn begin(
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Aside<T>> {
        let ended = WakeUp::new();
        let ended = ended.ok_or_else(|| io::Error::other("the process has no descriptor left"))?;
        let shared = Arc::new(Work { found: OnceLock::new(), ended: Some(ended) });
        let ending = Ending(Arc::clone(&shared));
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _ = ending.0.found.set(work());
        })?;
        Ok(Aside(shared))
    }
}

impl<T> Aside<T> {
    /// Work that is done already.
    pub(crate) fn done(found: T) -> Aside<T> {
        Aside(Arc::new(Work { found: OnceLock::from(found), ended: None }))
    }

    /// Waits for what was found.
    pub(crate) fn wait(&self, until: Instant, cancels: &Cancels) -> io::Result<Result<&T, Wake>> {
        if let Some(ended) = self.0.ended.as_ref().filter(|_| self.0.found.get().is_none()) {
            match cancels.wait(&[(ended.descriptor(), PollFlags::IN)], until)? {
                Wake::Ready => {}
                wake => return Ok(Err(wake)),
            }
        }
        let found = self.0.found.get();
        found.map(Ok).ok_or_else(|| io::Error::other("the work ended without a result"))
    }

    pub(crate) fn is(&self, other: &Aside<T>) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for Aside<T> {
    fn clone(&self) -> Aside<T> {
        Aside(Arc::clone(&self.0))
    }
}

/// Tells that the work ended, also by a panic. By a word, not by closing an end of a pipe: a child that was forked
/// meanwhile has a copy of that end, and keeps it open.
struct Ending<T>(Arc<Work<T>>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        if let Some(ended) = &self.0.ended {
            ended.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::wait::cancel::Cancel;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    /// The work stands still until the test lets it go on.
    #[test]
    fn whoever_waits_ends_at_its_own_limits() {
        let (go_on, stands) = mpsc::channel();
        let work = Aside::begin("test", move || stands.recv().unwrap()).unwrap();
        let cancel = Cancel::new();
        let (cancels, never) = (Cancels::new(&cancel, None), Cancels::default());
        assert_eq!(work.wait(Instant::now(), &cancels).unwrap(), Err(Wake::TimedOut));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| work.wait(later(), &cancels).unwrap().copied());
            let patient = scope.spawn(|| work.wait(later(), &never).unwrap().copied());
            cancel.cancel();
            assert_eq!(waiting.join().unwrap(), Err(Wake::Cancelled));
            go_on.send(7).unwrap();
            assert_eq!(patient.join().unwrap(), Ok(7));
        });
    }

    #[test]
    fn a_panic_is_no_wait_for_ever() {
        let work: Aside<()> =
            Aside::begin("test", || std::panic::resume_unwind(Box::new(()))).unwrap();
        work.wait(later(), &Cancels::default()).unwrap_err();
    }

    #[test]
    fn what_is_done_is_not_waited_for() {
        let work = Aside::done(7);
        assert_eq!(work.wait(Instant::now(), &Cancels::default()).unwrap(), Ok(&7));
    }
}
