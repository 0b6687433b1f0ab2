//! SIGINT, SIGTERM and SIGHUP, and Ctrl-C and its like on Windows: the first ends the run in an orderly way, the second
//! at once.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mpt_tokens::{BatchHandle, Cancel};

use crate::signals::{Closer, Signals};
use crate::status;

/// How long the calls under way may take to end by themselves: their responses are worth more than a quick end, and
/// most calls need no longer.
const GRACE: Duration = Duration::from_millis(100);

/// Printed when that was not enough.
const HINT: &str = "interrupted: ending the calls under way; interrupt again to quit at once";

/// Prints the hint on the terminal.
type Tell = Box<dyn FnOnce(&str) + Send>;

/// Listens for signals while it lives.
pub(crate) struct Interrupt {
    shared: Arc<Shared>,
    signals: Closer,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    hit: AtomicBool,
    /// True while something is under way that must be ended and reported.
    busy: AtomicBool,
    cancel: Cancel,
    batch: Mutex<Option<BatchHandle>>,
    tell: Mutex<Option<Tell>>,
    over: Mutex<bool>,
    ended: Condvar,
}

impl Interrupt {
    /// Starts listening. Until [`Interrupt::begin`], a signal ends the process at once: nothing was deleted.
    pub(crate) fn listen() -> io::Result<Interrupt> {
        let mut signals = Signals::of_a_run()?;
        let shared = Arc::<Shared>::default();
        let heard = Arc::clone(&shared);
        let handle = signals.closer();
        let thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            while signals.wait() {
                heard.signal();
            }
        })?;
        Ok(Interrupt { shared, signals: handle, thread: Some(thread) })
    }

    /// Returns the handle that cancels the calls under way.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.shared.cancel
    }

    /// Records that something is under way from now on.
    pub(crate) fn begin(&self) {
        self.shared.busy.store(true, Ordering::SeqCst);
    }

    /// Records that nothing is under way any more, and that everything but the summary was reported.
    pub(crate) fn end(&self) {
        *self.shared.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.ended.notify_all();
    }

    /// Sets the batch that a signal stops, and how to print that this takes a moment.
    pub(crate) fn stop_batch(&self, batch: BatchHandle, tell: impl FnOnce(&str) + Send + 'static) {
        *self.shared.batch.lock().unwrap_or_else(PoisonError::into_inner) = Some(batch);
        *self.shared.tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(tell));
        if self.is_hit() {
            self.shared.stop();
        }
    }

    pub(crate) fn is_hit(&self) -> bool {
        self.shared.hit.load(Ordering::SeqCst)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.signals.close();
        // A panic there was printed there.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn signal(&self) {
        let first = !self.hit.swap(true, Ordering::SeqCst);
        if !self.busy.load(Ordering::SeqCst) {
            // The cursor stands after what was being written, or after `^C`.
            let _ = io::stderr().write_all(b"\ninterrupted: nothing was deleted\n");
            std::process::exit(status::INTERRUPTED.into());
        }
        if !first {
            // Silently: what is being written to may be the very thing that hangs.
            std::process::exit(status::INTERRUPTED.into());
        }
        self.stop();
        if self.ends_within(GRACE) {
            return;
        }
        self.cancel.cancel();
        if let Some(tell) = self.tell.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A terminal that accepts nothing must not delay the second signal. If no thread can be started, the hint
            // is skipped.
            let _ = thread::Builder::new().name("hint".to_owned()).spawn(|| tell(HINT));
        }
    }

    fn ends_within(&self, limit: Duration) -> bool {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.wait_timeout_while(over, limit, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn stop(&self) {
        if let Some(batch) = &*self.batch.lock().unwrap_or_else(PoisonError::into_inner) {
            batch.stop();
        }
    }
}
