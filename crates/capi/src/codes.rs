//! Numbers and their names.

use crate::panic::guard;
use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use mpt_core::{Code, OutcomeKind};

/// What happened to a call: MPT_OK or one of the codes above. Its numbers never change their meaning.
#[allow(non_camel_case_types, reason = "the name in C")]
pub type mpt_code = i32;

/// The version of the library that runs, such as "0.1.0": compare it with MPT_VERSION, that of the header.
///
/// Returns: text that lives as long as the program; never NULL.
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn mpt_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => panic!("a version has no NUL"),
        };
    VERSION.as_ptr()
}

/// The ABI version of the library that runs. A program that loads the library by name at run time compares it with
/// MPT_ABI_VERSION; the system's linker has done so for all others.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn mpt_abi_version() -> u32 {
    crate::MPT_ABI_VERSION
}

/// The name of a code, the same in every language and in JSON: "ok", "not_found"... "not_a_code" for a number that is
/// none.
///
/// Returns: text that lives as long as the program; never NULL.
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn mpt_code_name(code: mpt_code) -> *const c_char {
    static NAMES: OnceLock<Vec<(i32, CString)>> = OnceLock::new();
    let name = |code: &Code| (code.number(), owned(code.name()));
    look_up(&NAMES, || Code::ALL.iter().map(name).collect(), code, c"not_a_code")
}

/// One line that says when a code is given. mpt_outcome_message tells more: what happened to this very call.
///
/// Returns: text that lives as long as the program; never NULL.
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn mpt_code_message(code: mpt_code) -> *const c_char {
    static MEANINGS: OnceLock<Vec<(i32, CString)>> = OnceLock::new();
    let meaning = |code: &Code| (code.number(), owned(code.meaning()));
    let all = || Code::ALL.iter().map(meaning).collect();
    look_up(&MEANINGS, all, code, c"not a code of this version of the library")
}

/// The name of the number that mpt_outcome_kind returns, the same in every language and in JSON: "deleted", "gone",
/// "not_deleted" or "unknown"; "not_an_outcome" for any other.
///
/// Returns: text that lives as long as the program; never NULL.
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn mpt_outcome_name(kind: i32) -> *const c_char {
    static NAMES: OnceLock<Vec<(i32, CString)>> = OnceLock::new();
    let name = |kind: &OutcomeKind| (kind.number(), owned(kind.name()));
    look_up(&NAMES, || OutcomeKind::ALL.iter().map(name).collect(), kind, c"not_an_outcome")
}

/// Text with its NUL, made once from core's table.
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

/// Text for C. A NUL would end it early, so it is shown as what stands for "no character".
pub(crate) fn owned(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}
