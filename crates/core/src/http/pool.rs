//! The connections of a client: one pool for each process, since a forked child must not use its parent's.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use ureq::Agent;

use crate::http::tls::Trust;
use crate::wait::aside::Aside;
use crate::wait::wait::{Cancels, Wake};

/// The connections of one process. A forked child finds another process's here, and makes its own behind it: the
/// parent's are neither used nor shut down, and its lock is left alone, since a thread that a fork drops may hold it.
#[derive(Default)]
pub(crate) struct Pool {
    /// The process whose it is, or 0.
    owner: AtomicU32,
    made: OnceLock<(Agent, Trust)>,
    /// The trust store while it is read: one thread reads it, and all calls that begin meanwhile wait for that.
    reading: Mutex<Option<Aside<Reading>>>,
    next: OnceLock<Box<Pool>>,
}

/// What is trusted, or why nobody is.
pub(crate) type Reading = Result<Trust, String>;

/// Why there are no connections.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotMade {
    /// Nobody is trusted.
    Untrusting(String),
    /// The trust store is not read for a lack of threads or descriptors.
    Unread(String),
    /// The call reached its deadline first, or was cancelled.
    Stopped(Wake),
}

impl Pool {
    /// That of the process with this id.
    pub(crate) fn of(&self, process: u32) -> &Pool {
        let mut pool = self;
        loop {
            let owner = pool.owner.load(Ordering::SeqCst);
            let claimed =
                || pool.owner.compare_exchange(0, process, Ordering::SeqCst, Ordering::SeqCst);
            // Of two threads that claim it, the second finds that it is theirs.
            if owner == process
                || (owner == 0 && claimed().map_or_else(|it| it == process, |_| true))
            {
                return pool;
            }
            pool = pool.next.get_or_init(Box::default);
        }
    }

    pub(crate) fn agent(&self) -> Option<&Agent> {
        self.made.get().map(|(agent, _)| agent)
    }

    pub(crate) fn trust(&self) -> Option<&Trust> {
        self.made.get().map(|(_, trust)| trust)
    }

    /// Makes the agent. Of several that are made at once, all get the first.
    pub(crate) fn make(&self, trust: Trust, agent: impl FnOnce(&Trust) -> Agent) -> &Agent {
        let (made, _) = self.made.get_or_init(|| (agent(&trust), trust));
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = None;
        made
    }

    /// Waits for the trust store, which may be on a file system that hangs, until then at the latest. It is read by
    /// `read`: on this thread if it `is_at_hand`. What failed is told to all who waited for it, and read again for those
    /// who come later, since it may have been set right by then.
    pub(crate) fn read(
        &self,
        is_at_hand: bool,
        read: impl FnOnce() -> Reading + Send + 'static,
        until: Instant,
        cancels: &Cancels,
    ) -> Result<Trust, NotMade> {
        let unread = |error: std::io::Error| {
            NotMade::Unread(format!(
                "the trust store cannot be read on a thread of its own: {error}"
            ))
        };
        let reading = {
            let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(trust) = self.trust() {
                return Ok(trust.clone());
            }
            match &*reading {
                Some(reading) => reading.clone(),
                None => {
                    let begun = match is_at_hand {
                        true => Aside::done(read()),
                        false => Aside::begin("mpt-tokens-trust", read).map_err(unread)?,
                    };
                    reading.insert(begun).clone()
                }
            }
        };
        let failed = match reading.wait(until, cancels) {
            Ok(Ok(Ok(trust))) => return Ok(trust.clone()),
            Ok(Err(wake)) => return Err(NotMade::Stopped(wake)),
            Ok(Ok(Err(why))) => NotMade::Untrusting(why.clone()),
            Err(error) => unread(error),
        };
        let mut current = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| current.is(&reading)) {
            *current = None;
        }
        Err(failed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::wait::cancel::Cancel;

    fn agent(_: &Trust) -> Agent {
        Agent::new_with_defaults()
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn never() -> Reading {
        panic!("it is read twice")
    }

    /// A child, its sibling and a grandchild each have connections of their own, and keep them.
    #[test]
    fn every_process_has_its_own_connections() {
        let pools = Pool::default();
        let pool = |process| std::ptr::from_ref(pools.of(process));
        let found = [pool(1), pool(2), pool(3)];
        assert_ne!(found[0], found[1]);
        assert_ne!(found[1], found[2]);
        assert_ne!(found[0], found[2]);
        assert_eq!([pool(1), pool(2), pool(3)], found);
    }

    /// The store's file system hangs until the test lets it go on. Nobody waits for it past the limits of a call, the one
    /// that began to read no more than the others, and there is one reader.
    #[test]
    fn a_trust_store_that_hangs_holds_no_call() {
        let pool = Pool::default();
        let (go_on, hangs) = mpsc::channel();
        let hanging = move || {
            hangs.recv().unwrap();
            Ok(Trust::default())
        };
        let cancel = Cancel::new();
        let cancels = Cancels::new(&cancel, None);
        let late = Instant::now();
        let timed_out = Some(NotMade::Stopped(Wake::TimedOut));
        assert_eq!(pool.read(false, hanging, late, &cancels).err(), timed_out);
        assert_eq!(pool.read(false, never, late, &cancels).err(), timed_out);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| pool.read(false, never, later(), &cancels).err());
            let patient =
                scope.spawn(|| pool.read(false, never, later(), &Cancels::default()).err());
            cancel.cancel();
            assert_eq!(waiting.join().unwrap(), Some(NotMade::Stopped(Wake::Cancelled)));
            go_on.send(()).unwrap();
            assert_eq!(patient.join().unwrap(), None);
        });
        let made = std::ptr::from_ref(pool.make(Trust::default(), agent));
        assert_eq!(std::ptr::from_ref(pool.make(Trust::default(), agent)), made);
        assert!(pool.read(true, never, late, &cancels).is_ok());
        // A child that was forked while it was read has nobody to wait for.
        let childs = || Err("the child's".to_owned());
        let failed = pool.of(1).of(2).read(false, childs, later(), &Cancels::default());
        assert_eq!(failed.err(), Some(NotMade::Untrusting("the child's".to_owned())));
    }

    #[test]
    fn what_failed_is_read_again() {
        let pool = Pool::default();
        let cancels = Cancels::default();
        for is_at_hand in [false, true] {
            let failed = pool.read(is_at_hand, || Err("empty".to_owned()), later(), &cancels);
            assert_eq!(failed.err(), Some(NotMade::Untrusting("empty".to_owned())));
        }
        assert!(pool.read(false, || Ok(Trust::default()), later(), &cancels).is_ok());
    }
}
