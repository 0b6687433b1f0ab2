//! A function of the caller's that is asked, while a call waits, whether to go on.

use std::ffi::{c_int, c_void};
use std::time::Duration;

use mpt_core::Cancel;

/// Often enough to be cancelled within 200 ms, seldom enough to cost nothing.
const EVERY: Duration = Duration::from_millis(50);

/// The function, and what it is called with.
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

    /// A new cancel handle that asks.
    pub(crate) fn cancel(self) -> Cancel {
        Cancel::polling(EVERY, move || self.says_stop())
    }

    fn says_stop(self) -> bool {
        // SAFETY: the function may be called with what it was given with, as long as a client lives, by the caller's
        // promise.
        unsafe { (self.ask)(self.user_data) != 0 }
    }
}
