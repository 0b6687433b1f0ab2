//! The caller's functions that run during a call, and what they are called with.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::time::Duration;

use mpt_core::Cancel;

/// Often enough to cancel within 200 ms, and rare enough to cost nothing.
const EVERY: Duration = Duration::from_millis(50);

/// Called once with `user_data`, when nothing uses it any more. NULL means that there is nothing to free.
///
/// Threads: runs on the thread that frees the last object that used it. It must return, as mpt_poll_callback must, and
/// must not call the library.
pub type FreeCallback = Option<unsafe extern "C-unwind" fn(user_data: *mut c_void)>;

/// What a caller's function is called with, and how that is freed.
pub(crate) struct UserData {
    pointer: *mut c_void,
    free: FreeCallback,
}

// SAFETY: it only carries the address: the header says on which threads the functions run, and whoever shares a client
// between threads promises that they may.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn new(pointer: *mut c_void, free: FreeCallback) -> Arc<UserData> {
        Arc::new(UserData { pointer, free })
    }

    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: the function may be called with what it was given with, once, by the caller's promise.
            unsafe { free(self.pointer) };
        }
    }
}

/// The caller's function that is polled while a call waits, to decide whether to continue.
#[derive(Clone)]
pub(crate) struct Poll {
    ask: unsafe extern "C-unwind" fn(*mut c_void) -> c_int,
    user_data: Arc<UserData>,
}

impl Poll {
    pub(crate) fn new(
        ask: unsafe extern "C-unwind" fn(*mut c_void) -> c_int,
        user_data: Arc<UserData>,
    ) -> Poll {
        Poll { ask, user_data }
    }

    /// Creates a cancel handle that polls the function.
    pub(crate) fn cancel(self) -> Cancel {
        Cancel::polling(EVERY, move || self.says_stop())
    }

    fn says_stop(&self) -> bool {
        // SAFETY: the function may be called with what it was given with, as long as a client lives, by the caller's
        // promise.
        unsafe { (self.ask)(self.user_data.pointer()) != 0 }
    }
}
