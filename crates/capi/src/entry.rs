//! How an entry point returns: a code, and an outcome or a handle through the caller's pointer.

use std::ptr::null_mut;

use mpt_core::Error;

use crate::codes::mpt_code;
use crate::outcome::Outcome;
use crate::panic::guarded;
use crate::pointers::handle;

/// Runs an entry point that produces an outcome. Returns its code, and writes the outcome to `out` if the caller wants
/// it.
///
/// # Safety
/// `out` is null or may be written.
pub(crate) unsafe fn return_outcome(
    out: *mut *mut Outcome,
    body: impl FnOnce() -> Result<Outcome, Error>,
) -> mpt_code {
    let outcome = guarded(body).unwrap_or_else(|error| Outcome::from(error.into_outcome()));
    let code = outcome.core().code().number();
    // SAFETY: the caller's promise.
    unsafe { put(out, || outcome) };
    code
}

/// Runs an entry point that creates a handle. Afterwards `out` holds the handle or null, and `failure` null or the
/// reason.
///
/// # Safety
/// `out` and `failure` are each null or may be written.
pub(crate) unsafe fn return_handle<T>(
    out: *mut *mut T,
    failure: *mut *mut Outcome,
    body: impl FnOnce() -> Result<T, Error>,
) -> mpt_code {
    // SAFETY: the caller's promise; both are written before anything can fail.
    unsafe {
        clear(out);
        clear(failure);
    }
    let made = if out.is_null() {
        Err(Error::invalid_argument(
            "the place for the new handle is a null pointer: expected an address",
        ))
    } else {
        guarded(body)
    };
    match made {
        Ok(handle) => {
            // SAFETY: the caller's promise.
            unsafe { put(out, || handle) };
            mpt_core::Code::Ok.number()
        }
        Err(error) => {
            let code = error.code().number();
            // SAFETY: the caller's promise.
            unsafe { put(failure, || Outcome::from(error.into_outcome())) };
            code
        }
    }
}

/// Writes a new handle to `out`, unless it is null.
///
/// # Safety
/// `out` is null or may be written.
unsafe fn put<T>(out: *mut *mut T, value: impl FnOnce() -> T) {
    if !out.is_null() {
        // SAFETY: not null, so it may be written by the caller's promise.
        unsafe { out.write(handle(value())) };
    }
}

/// # Safety
/// `out` is null or may be written.
unsafe fn clear<T>(out: *mut *mut T) {
    if !out.is_null() {
        // SAFETY: not null, so it may be written by the caller's promise.
        unsafe { *out = null_mut() };
    }
}

/// Tests each kind of entry point with a body that panics. Setters and accessors cannot be made to panic; they use
/// `guard` alone.
#[cfg(test)]
mod tests {
    use mpt_core::Code;

    use crate::pointers::free;

    use super::*;

    #[test]
    fn an_outcome_comes_of_a_panic() {
        let mut outcome = null_mut();
        // SAFETY: the place may be written, and what is put there is a handle that is ended once.
        unsafe {
            let code = return_outcome(&raw mut outcome, || panic!("on purpose"));
            assert_eq!(code, Code::Internal.number());
            assert_eq!((*outcome).core().code(), Code::Internal);
            free(outcome);
            let code = return_outcome(null_mut(), || panic!("on purpose"));
            assert_eq!(code, Code::Internal.number());
        }
    }

    #[test]
    fn no_handle_comes_of_a_panic() {
        let mut made: *mut i32 = std::ptr::dangling_mut();
        let mut failure = null_mut();
        // SAFETY: the places may be written, and what is put there is a handle that is ended once.
        unsafe {
            let code = return_handle(&raw mut made, &raw mut failure, || panic!("on purpose"));
            assert_eq!(code, Code::Internal.number());
            assert!(made.is_null());
            assert_eq!((*failure).core().code(), Code::Internal);
            free(failure);
        }
    }
}
