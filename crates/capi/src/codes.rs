//! Codes, and the names of codes and outcomes.

use crate::panic::guard;
use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use mpt_core::{Code, OutcomeKind};

/// What happened in a call: MPT_OK or another of the codes (MPT_NOT_FOUND and others). The meaning of a number never changes.
#[allow(non_camel_case_types, reason = "the name in C")]
pub type mpt_code = i32;

/// Returns the version of the running library, such as "0.1.0". MPT_VERSION is the version of the header.
///
/// Returns: text that lives as long as the program; never NULL.
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn mpt_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => panic!("a version has no NUL"),
        };
    VERSION.as_ptr()
}

/// Returns the ABI version of the running library. Programs that load the library by name at run time should compare it
/// with MPT_ABI_VERSION; for all others, the system's linker has already done so.
///
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn mpt_abi_version() -> u32 {
    crate::MPT_ABI_VERSION
}

/// Returns the version of the running library as one number that grows, as MPT_VERSION_NUMBER is that of the header:
/// 0xMMmmpp.
///
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn mpt_version_number() -> u32 {
    const fn number(text: &str) -> u32 {
        match u32::from_str_radix(text, 10) {
            Ok(number) => number,
            Err(_) => panic!("a version has three numbers"),
        }
    }
    const NUMBER: u32 = (number(env!("CARGO_PKG_VERSION_MAJOR")) << 16)
        | (number(env!("CARGO_PKG_VERSION_MINOR")) << 8)
        | number(env!("CARGO_PKG_VERSION_PATCH"));
    NUMBER
}

/// What this library can do beside deleting tokens.
const FEATURES: &[&str] = &[
    "batch",
    "bind_address",
    "ca_pem",
    "client_certificate",
    "delete_options",
    "journal",
    "log",
    "patience",
    "proof",
    "resolve",
    #[cfg(unix)]
    "unix_socket",
];

/// Returns 1 if the running library has a feature, and 0 if not, or if the name is NULL. The names are "batch",
/// "bind_address", "ca_pem", "client_certificate", "delete_options", "journal", "log", "patience", "proof", "resolve" and
/// "unix_socket" (not on Windows); later versions have others.
///
/// `name`: the name of the feature.
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_has_feature(name: *const c_char) -> i32 {
    // SAFETY: the caller's promise.
    let name = unsafe { crate::pointers::bytes(name, "name") };
    i32::from(name.is_ok_and(|name| FEATURES.iter().any(|known| known.as_bytes() == name)))
}

/// Returns the name of a code, the same in every language and in JSON, such as "ok" or "not_found". Returns
/// "not_a_code" for any other number.
///
/// Returns: text that lives as long as the program; never NULL.
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn mpt_code_name(code: mpt_code) -> *const c_char {
    static NAMES: OnceLock<Vec<(i32, CString)>> = OnceLock::new();
    let name = |code: &Code| (code.number(), owned(code.name()));
    look_up(&NAMES, || Code::ALL.iter().map(name).collect(), code, c"not_a_code")
}

/// Returns one line that says when a code is returned. For what happened in one particular call, use
/// mpt_outcome_message.
///
/// Returns: text that lives as long as the program; never NULL.
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn mpt_code_message(code: mpt_code) -> *const c_char {
    static MEANINGS: OnceLock<Vec<(i32, CString)>> = OnceLock::new();
    let meaning = |code: &Code| (code.number(), owned(code.meaning()));
    let all = || Code::ALL.iter().map(meaning).collect();
    look_up(&MEANINGS, all, code, c"not a code of this version of the library")
}

/// Returns the name of a number from mpt_outcome_kind, the same in every language and in JSON: "deleted", "gone",
/// "not_deleted" or "unknown". Returns "not_an_outcome" for any other number.
///
/// Returns: text that lives as long as the program; never NULL.
/// Threads: any, at any time.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn mpt_outcome_name(kind: i32) -> *const c_char {
    static NAMES: OnceLock<Vec<(i32, CString)>> = OnceLock::new();
    let name = |kind: &OutcomeKind| (kind.number(), owned(kind.name()));
    look_up(&NAMES, || OutcomeKind::ALL.iter().map(name).collect(), kind, c"not_an_outcome")
}

/// Looks up a NUL-terminated text in a table that is built once from core's.
fn look_up(
    table: &'static OnceLock<Vec<(i32, CString)>>,
    all: impl FnOnce() -> Vec<(i32, CString)>,
    number: i32,
    none: &'static CStr,
) -> *const c_char {
    guard(none.as_ptr(), || {
        let row = table.get_or_init(all).iter().find(|row| row.0 == number);
        row.map_or(none, |row| row.1.as_c_str()).as_ptr()
    })
}

/// Converts text for C. A NUL would end it early, so U+FFFD replaces it.
pub(crate) fn owned(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}
