//! The border: panics are caught, pointers are checked, handles are made and taken back.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use mpt_core::Error;

use crate::names::mpt_code;
use crate::outcome::Outcome;

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

/// Runs an entry point that answers with an outcome: its code is returned, itself handed out where it is wanted.
///
/// # Safety
/// `out` is null or may be written.
pub(crate) unsafe fn tell(
    out: *mut *mut Outcome,
    body: impl FnOnce() -> Result<Outcome, Error>,
) -> mpt_code {
    let outcome = guarded(body).unwrap_or_else(|error| Outcome::from(error.into_report()));
    let code = outcome.report().code().number();
    // SAFETY: the caller's promise.
    unsafe { put(out, || outcome) };
    code
}

/// Runs an entry point that makes a handle. `out` has the handle or null, `failure` null or why there is none.
///
/// # Safety
/// `out` and `failure` are each null or may be written.
pub(crate) unsafe fn make<T>(
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
            unsafe { put(failure, || Outcome::from(error.into_report())) };
            code
        }
    }
}

/// Runs what may fail; a panic is `internal`.
pub(crate) fn guarded<T>(body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    guard(None, || Some(body())).unwrap_or_else(|| Err(Error::internal()))
}

/// Writes a new handle to `out`, unless nobody wants it.
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

/// A handle for C, to be given to [`free`] once.
pub(crate) fn handle<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Ends a handle; null is fine.
///
/// # Safety
/// `pointer` is null or was made by [`handle`], is not used by anyone now, and never again after this.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        guard((), || {
            // SAFETY: made by `handle` and not freed before, by the caller's promise.
            drop(unsafe { Box::from_raw(pointer) });
        });
    }
}

/// What a handle points to, or `invalid_argument`.
///
/// # Safety
/// `pointer` is null or a handle that lives as long as the result is used, and that nobody changes meanwhile.
pub(crate) unsafe fn checked<'a, T>(pointer: *const T, what: &str) -> Result<&'a T, Error> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(what))
}

/// Text from C, or `invalid_argument`.
///
/// # Safety
/// `text` is null or NUL-terminated, and stays as it is while the result is used.
pub(crate) unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(text, what) }?;
    std::str::from_utf8(bytes).map_err(|error| {
        Error::invalid_argument(format!(
            "the {what} is not UTF-8 from byte {}: expected UTF-8",
            error.valid_up_to()
        ))
    })
}

/// Bytes from C without their NUL, or `invalid_argument`.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn bytes<'a>(text: *const c_char, what: &str) -> Result<&'a [u8], Error> {
    if text.is_null() {
        return Err(null(what));
    }
    // SAFETY: not null, so NUL-terminated and unchanged by the caller's promise.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes())
}

fn null(what: &str) -> Error {
    Error::invalid_argument(format!("the {what} is a null pointer: expected a value"))
}

/// A body that panics, in each way in. `tests/c/panics.c` has the library as it ships panic; a setter and an accessor
/// cannot be made to, and come in by `guard` alone.
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
    fn a_panic_is_told_as_internal() {
        let error = guarded(|| -> Result<(), Error> { panic_any(Trap) }).unwrap_err();
        assert_eq!(error.code(), Code::Internal);

        let mut outcome = null_mut();
        // SAFETY: the place may be written, and what is put there is a handle that is ended once.
        unsafe {
            assert_eq!(tell(&raw mut outcome, || panic!("on purpose")), Code::Internal.number());
            assert_eq!((*outcome).report().code(), Code::Internal);
            free(outcome);
            assert_eq!(tell(null_mut(), || panic!("on purpose")), Code::Internal.number());
        }
    }

    #[test]
    fn no_handle_comes_of_a_panic() {
        let mut made: *mut i32 = std::ptr::dangling_mut();
        let mut failure = null_mut();
        // SAFETY: the places may be written, and what is put there is a handle that is ended once.
        unsafe {
            let code = make(&raw mut made, &raw mut failure, || panic!("on purpose"));
            assert_eq!(code, Code::Internal.number());
            assert!(made.is_null());
            assert_eq!((*failure).report().code(), Code::Internal);
            free(failure);
        }
    }
}
