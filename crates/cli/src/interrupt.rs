//! SIGINT, SIGTERM and SIGHUP: the first ends the run in good order, the second at once.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mpt_tokens::{BatchHandle, Cancel};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::{Handle, Signals};

use crate::status;

/// How long the calls under way may take to end by themselves: their answers are worth more than a quick end, and
/// most need no more.
const GRACE: Duration = Duration::from_millis(100);

/// What is told when that was not enough.
const HINT: &str = "interrupted: the calls under way are being ended; once more leaves at once";

/// How the hint comes to the terminal.
type Tell = Box<dyn FnOnce(&str) + Send>;

/// Listens for signals while it lives.
pub(crate) struct Interrupt {
    shared: Arc<Shared>,
    signals: Handle,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    hit: AtomicBool,
    /// Whether anything is under way that must be ended and reported.
    busy: AtomicBool,
    cancel: Cancel,
    batch: Mutex<Option<BatchHandle>>,
    tell: Mutex<Option<Tell>>,
    over: Mutex<bool>,
    ended: Condvar,
}

impl Interrupt {
    /// Begins to listen. Until [`Interrupt::begin`], a signal ends the process at once: nothing was deleted.
    pub(crate) fn listen() -> io::Result<Interrupt> {
        // A journal that meets a limit on the size of files must hear of it as an error, not be ended by the signal.
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGXFSZ])?;
        if !is_ignored(SIGHUP) {
            signals.add_signal(SIGHUP)?;
        }
        let shared = Arc::<Shared>::default();
        let heard = Arc::clone(&shared);
        let handle = signals.handle();
        let thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                if signal != SIGXFSZ {
                    heard.signal();
                }
            }
        })?;
        Ok(Interrupt { shared, signals: handle, thread: Some(thread) })
    }

    /// The handle that ends the calls under way.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.shared.cancel
    }

    /// Something is under way from here on.
    pub(crate) fn begin(&self) {
        self.shared.busy.store(true, Ordering::SeqCst);
    }

    /// Nothing is under way any more, and everything was told but the summary.
    pub(crate) fn end(&self) {
        *self.shared.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.ended.notify_all();
    }

    /// The batch that is to be stopped, and how to tell that this takes a moment.
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

/// Whether the process was started with a signal ignored, as `nohup` does. Where the system does not tell, a signal that
/// could be ignored is left as it is.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return true;
    };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
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
            // Without a word: what is being written to may be just what hangs.
            std::process::exit(status::INTERRUPTED.into());
        }
        self.stop();
        if self.ends_within(GRACE) {
            return;
        }
        self.cancel.cancel();
        if let Some(tell) = self.tell.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A terminal that takes nothing must not keep the second signal from being heard. Where no thread can be
            // started, the hint is what can be done without.
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
