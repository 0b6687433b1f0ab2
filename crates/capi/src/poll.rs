//! The caller's function that is polled while a call waits, to decide whether to continue.

use std::ffi::{c_int, c_void};
use std::time::Duration;

use mpt_core::Cancel;

/// Often enough to cancel within 200 ms, and rare enough to cost nothing.
const EVERY: Duration = Duration::from_millis(50);

/// The function and its argument.
#[derive(Clone, Copy)]
pub(crate) struct Poll {
    ask: unsafe extern "C-unwind" fn(*mut c_void) -> c_int,
    user_data: *mut c_void,
}

// SAFETY: it only carries the address: the header says that the function runs on every thread that makes a call, and
// whoever shares a client between threads promises that it may.
unsafe impl Send for Poll {}
// SAFETY: as above.
unsafe impl Sync for Poll {}

impl Poll {
    pub(crate) fn new(
        ask: unsafe extern "C-unwind" fn(*mut c_void) -> c_int,
        user_data: *mut c_void,
    ) -> Poll {
        Poll { ask, user_data }
    }

    /// Creates a cancel handle that polls the function.
    pub(crate) fn cancel(self) -> Cancel {
        Cancel::polling(EVERY, move || self.says_stop())
    }

    fn says_stop(self) -> bool {
        // SAFETY: the function may be called with what it was given with, as long as a client lives, by the caller's
        // promise.
        unsafe { (self.ask)(self.user_data) != 0 }
    }
}
