//! Panics end here: none reaches a caller in another language.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mpt_core::Error;

/// Runs an entry point. A panic must not reach a caller that knows nothing of them: `on_panic` is returned instead.
pub(crate) fn guard<T>(on_panic: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Its destructor might panic as well, and what comes of that is not ended any more.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        on_panic
    })
}

/// Runs what may fail; a panic is `internal`.
pub(crate) fn guarded<T>(body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    guard(None, || Some(body())).unwrap_or_else(|| Err(Error::internal()))
}

/// `tests/c/panics.c` has the library as it ships panic.
#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use mpt_core::Code;

    use super::*;

    /// A payload that is no text, and whose end would be a second panic.
    struct Trap;

    impl Drop for Trap {
        fn drop(&mut self) {
            panic!("a payload was dropped");
        }
    }

    #[test]
    fn a_guard_keeps_a_panic_and_its_payload_in() {
        assert_eq!(guard(7, || 1), 1);
        assert_eq!(guard(7, || panic!("on purpose")), 7);
        assert_eq!(guard(7, || panic_any(Trap)), 7);
    }

    #[test]
    fn a_panic_is_internal() {
        let error = guarded(|| -> Result<(), Error> { panic_any(Trap) }).unwrap_err();
        assert_eq!(error.code(), Code::Internal);
    }
}
