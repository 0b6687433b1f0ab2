//! What is drawn at random: jitter, trace ids, keys of tables. Nothing secret comes from it.
//!
//! A generator for each thread, as `fastrand` has; but one whose seed does not ask for the thread's handle. The standard
//! library makes that for a thread that it did not start, and keeps it to the end of the process by a pointer into its
//! middle, which leak checkers report as possibly lost.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use fastrand::Rng;

use crate::wait::process;

thread_local! {
    /// With the process that it is of.
    static GENERATOR: RefCell<Option<(u32, Rng)>> = const { RefCell::new(None) };
}

/// Draws from this thread's generator. A forked child has its own: it must not draw what its siblings draw.
pub(crate) fn draw<T>(draw: impl FnOnce(&mut Rng) -> T) -> T {
    GENERATOR.with_borrow_mut(|generator| {
        let process = process::id();
        let (_, rng) = match generator {
            Some(known) if known.0 == process => known,
            other => {
                // The keys are the system's, drawn once for each thread; a child has those of its parent.
                let seed = RandomState::new().hash_one((process, Instant::now()));
                other.insert((process, Rng::with_seed(seed)))
            }
        };
        draw(rng)
    })
}

/// A number from 0 up to 1, for jitter.
pub(crate) fn share() -> f64 {
    draw(Rng::f64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_is_drawn_differs_in_and_between_threads() {
        let some = || [(); 50].map(|()| draw(|rng| rng.u64(..)));
        let threads = [(); 4].map(|()| std::thread::spawn(some)).map(|it| it.join().unwrap());
        let all: BTreeSet<u64> = threads.into_iter().chain([some()]).flatten().collect();
        assert_eq!(all.len(), 250);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&share())));
    }
}
