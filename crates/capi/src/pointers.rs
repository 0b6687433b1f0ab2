//! Checks pointers from C, and creates and frees handles for C.

use std::ffi::{CStr, c_char};

use mpt_core::Error;

use crate::panic::guard;

/// Creates a handle for C, to be passed to [`free`] once.
pub(crate) fn handle<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Frees a handle. Does nothing if it is null.
///
/// # Safety
/// `pointer` is null, or was made by [`handle`] and is not used by anyone, now or later.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        guard((), || {
            // SAFETY: made by `handle` and not freed before, by the caller's promise.
            drop(unsafe { Box::from_raw(pointer) });
        });
    }
}

/// Returns what a handle points to, or `invalid_argument` if it is null.
///
/// # Safety
/// `pointer` is null or a handle that lives as long as the result is used, and that nobody changes meanwhile.
pub(crate) unsafe fn checked<'a, T>(pointer: *const T, what: &str) -> Result<&'a T, Error> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(what))
}

/// No text from C is longer, the NUL left out: nothing is sized by the caller alone.
const LONGEST: usize = 64 * 1024;

/// Returns text from C, or `invalid_argument` if it is null, not UTF-8, or longer than 64 KiB.
///
/// # Safety
/// `text` is null or NUL-terminated, and does not change while the result is used.
pub(crate) unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    utf8(unsafe { bytes(text, what) }?, what)
}

/// Returns a token id from C. One that is longer than any text may be is cut, so that it is refused as too long and not
/// copied whole.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn token_id<'a>(text: *const c_char, what: &str) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    let whole = utf8(unsafe { any_bytes(text, what) }?, what)?;
    let end = (0..=LONGEST.min(whole.len())).rev().find(|at| whole.is_char_boundary(*at));
    Ok(&whole[..end.unwrap_or(0)])
}

/// Returns bytes as text, or `invalid_argument` if they are not UTF-8.
pub(crate) fn utf8<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        Error::invalid_argument(format!(
            "the {what} is not UTF-8 from byte {}: expected UTF-8",
            error.valid_up_to()
        ))
    })
}

/// The error for a list of the caller's that is not taken in.
pub(crate) fn no_memory(bytes: usize) -> Error {
    Error::invalid_argument(format!("there is no memory for {bytes} bytes: give fewer token ids"))
}

/// Returns bytes from C without their NUL, or `invalid_argument` if the pointer is null or there are more than 64 KiB.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn bytes<'a>(text: *const c_char, what: &str) -> Result<&'a [u8], Error> {
    // SAFETY: the caller's promise.
    unsafe { bounded(text, what, LONGEST) }
}

/// As [`bytes`], but up to 1 MiB: a list of certificate authorities is longer than other text.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn pem<'a>(text: *const c_char, what: &str) -> Result<&'a [u8], Error> {
    // SAFETY: the caller's promise.
    unsafe { bounded(text, what, 1024 * 1024) }
}

/// # Safety
/// As [`text`].
unsafe fn bounded<'a>(text: *const c_char, what: &str, most: usize) -> Result<&'a [u8], Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { any_bytes(text, what) }?;
    if bytes.len() > most {
        return Err(Error::invalid_argument(format!(
            "the {what} has {} bytes: expected at most {most}",
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// # Safety
/// As [`text`].
unsafe fn any_bytes<'a>(text: *const c_char, what: &str) -> Result<&'a [u8], Error> {
    if text.is_null() {
        return Err(null(what));
    }
    // SAFETY: not null, so NUL-terminated and unchanged by the caller's promise.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes())
}

fn null(what: &str) -> Error {
    Error::invalid_argument(format!("the {what} is a null pointer: expected a value"))
}
