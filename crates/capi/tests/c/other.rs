//! Another Rust library in the same process, with a runtime of its own.

use std::ffi::{c_int, c_void};
use std::panic::catch_unwind;

/// 1 where its own panic was caught.
#[unsafe(no_mangle)]
pub extern "C" fn other_catches_a_panic() -> c_int {
    let caught = catch_unwind(|| panic!("on purpose, in the other library"));
    c_int::from(caught.is_err())
}

/// What `call` returns on a thread that this library's runtime made.
#[unsafe(no_mangle)]
pub extern "C" fn other_calls_from_a_thread(
    call: extern "C" fn(*mut c_void) -> c_int,
    user_data: *mut c_void,
) -> c_int {
    let user_data = user_data as usize;
    std::thread::spawn(move || call(user_data as *mut c_void)).join().unwrap_or(-1)
}
