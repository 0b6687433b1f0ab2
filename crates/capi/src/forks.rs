//! How core notices a fork without asking the system in each call: by memory that the system wipes in the child. A
//! handler (pthread_atfork) would not do: clone(2) and `_Fork` run none.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Less than a page is not wiped; the system makes a whole one of it.
const LEN: usize = size_of::<AtomicU32>();
/// Since Linux 4.14: see madvise(2).
const MADV_WIPEONFORK: c_int = 18;
/// No system knows it.
const NO_ADVICE: c_int = -1;

unsafe extern "C" {
    fn madvise(address: *mut c_void, length: usize, advice: c_int) -> c_int;
}

/// Gives core a place that a fork wipes, if the system has such memory. Does so once a process, and never waits.
pub(crate) fn watch() {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    if BEGUN.load(Ordering::Relaxed) || BEGUN.swap(true, Ordering::Relaxed) {
        return;
    }
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: a new mapping, at a place that the system chooses.
    let Ok(page) = (unsafe { mmap_anonymous(null_mut(), LEN, access, flags) }) else { return };
    // SAFETY: the mapping is ours. Neither advice changes what it holds in this process.
    let wiped = unsafe {
        // Emulators that know neither say yes to both.
        madvise(page, LEN, NO_ADVICE) != 0 && madvise(page, LEN, MADV_WIPEONFORK) == 0
    };
    // Otherwise the page stays mapped and unused: there is one for each process.
    if wiped {
        // SAFETY: zeros, which are an `AtomicU32`, at the start of a page that stays mapped until the process ends.
        mpt_core::keep_process_id(unsafe { &*page.cast::<AtomicU32>() });
    }
}
