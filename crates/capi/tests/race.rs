//! A race made on purpose: whoever looks for races must find this one. `cargo xtask test tsan` runs it, and nothing else
//! does.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

struct Shared(UnsafeCell<u64>);

// SAFETY: it is not: two threads write to it at once, which is what is to be found.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));

/// How many threads are there. Whoever looks for races sees none where one has ended before the other began; and this
/// puts nothing in order, since it is relaxed.
static THERE: AtomicU32 = AtomicU32::new(0);

fn add() {
    THERE.fetch_add(1, Ordering::Relaxed);
    while THERE.load(Ordering::Relaxed) < 2 {
        thread::yield_now();
    }
    // SAFETY: there is none, see above.
    unsafe { *SHARED.0.get() += 1 };
}

fn main() {
    thread::scope(|scope| {
        scope.spawn(add);
        scope.spawn(add);
    });
}
