//! A race made on purpose: whoever looks for races must find this one. `cargo xtask test tsan` runs it, and nothing else
//! does.

use std::cell::UnsafeCell;
use std::thread;

struct Shared(UnsafeCell<u64>);

// SAFETY: it is not: two threads write to it at once, which is what is to be found.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));

fn add() {
    // SAFETY: there is none, see above.
    unsafe { *SHARED.0.get() += 1 };
}

fn main() {
    thread::scope(|scope| {
        scope.spawn(add);
        scope.spawn(add);
    });
}
