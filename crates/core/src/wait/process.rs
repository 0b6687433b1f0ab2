//! Which process this is. A forked child has the memory of its parent, and must use neither its connections, nor its
//! wake-ups, nor its random numbers.

use std::cell::Cell;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the id is kept, if a fork wipes it there.
static KEPT: OnceLock<&'static AtomicU32> = OnceLock::new();

thread_local! {
    /// The id that was asked for in this step of a call.
    static ASKED: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Keeps the id of this process in `place`, which must be 0 now, and 0 in a child as soon as a fork has made it: memory
/// that the system wipes. Then the system is asked for the id once, and otherwise once for each call. Only the first
/// place counts.
#[doc(hidden)]
pub fn keep_process_id(place: &'static AtomicU32) {
    let _ = KEPT.set(place);
}

/// The id of this process, whatever code may have forked before. Safe in a signal handler.
pub(crate) fn current() -> u32 {
    match KEPT.get() {
        Some(place) => kept(place),
        None => process::id(),
    }
}

fn kept(place: &AtomicU32) -> u32 {
    match place.load(Ordering::Relaxed) {
        0 => loop {
            let id = process::id();
            place.store(id, Ordering::Relaxed);
            // Unless a signal handler forked in between, and this is the child.
            if process::id() == id {
                return id;
            }
        },
        known => known,
    }
}

/// The id of this process, asked for at most once as long as there is a [`Step`].
pub(crate) fn id() -> u32 {
    match (KEPT.get(), ASKED.get()) {
        (Some(place), _) => kept(place),
        (None, Some(asked)) => asked,
        (None, None) => process::id(),
    }
}

/// A part of a call that runs none of the caller's code, which could fork.
pub(crate) struct Step(());

impl Step {
    /// Begins one, or goes on with the one that this is a part of.
    pub(crate) fn begin() -> Step {
        if KEPT.get().is_none() && ASKED.get().is_none() {
            ASKED.set(Some(process::id()));
        }
        Step(())
    }
}

/// Ends the step that this is a part of, too.
impl Drop for Step {
    fn drop(&mut self) {
        forget();
    }
}

/// Ends a step early, after code of the caller's.
pub(crate) fn forget() {
    ASKED.set(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fork_wiped_is_asked_for_again() {
        let place = AtomicU32::new(0);
        assert_eq!(kept(&place), process::id());
        assert_eq!(place.load(Ordering::Relaxed), process::id());
        place.store(7, Ordering::Relaxed);
        assert_eq!(kept(&place), 7);
    }

    #[test]
    fn a_step_asks_once_and_forgets_at_its_end() {
        assert_eq!(ASKED.get(), None);
        let whole = Step::begin();
        assert_eq!(ASKED.get(), Some(process::id()));
        ASKED.set(Some(7));
        let part = Step::begin();
        assert_eq!((id(), current()), (7, process::id()));
        drop(part);
        assert_eq!((ASKED.get(), id()), (None, process::id()));
        drop(whole);
    }
}
