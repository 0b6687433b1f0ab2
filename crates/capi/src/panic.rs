//! Stops panics: none reaches a caller in another language.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mpt_core::Error;

/// Runs an entry point. Returns `on_panic` after a panic, which must not reach a caller in another language.
pub(crate) fn guard<T>(on_panic: T, body: impl FnOnce() -> T) -> T {
    // Every use begins in one.
    #[cfg(windows)]
    crate::windows::stay();
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Its destructor might panic as well; the payload of that panic is leaked.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        on_panic
    })
}

/// Runs a body that may fail; a panic becomes `internal`.
pub(crate) fn guarded<T>(body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    guard(None, || Some(body())).unwrap_or_else(|| Err(Error::internal()))
}

/// `tests/c/panics.c` makes the library panic as it ships.
#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use mpt_core::Code;

    use super::*;

    /// A payload that is not text, and whose destructor panics.
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
