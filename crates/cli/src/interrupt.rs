//! SIGINT and SIGTERM: the first ends the run in good order, the second at once.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mpt_tokens::{BatchHandle, Cancel};
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::{Handle, Signals};

use crate::status;

/// How long the calls under way may take to end by themselves: their answers are worth more than a quick end, and
/// most need no more.
const GRACE: Duration = Duration::from_millis(100);

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
}

impl Interrupt {
    /// Begins to listen. Until [`Interrupt::begin`], a signal ends the process at once: nothing was deleted.
    pub(crate) fn listen() -> io::Result<Interrupt> {
        // A journal that meets a limit on the size of files must hear of it as an error, not be ended by the signal.
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGXFSZ])?;
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

    /// The batch that is to be stopped.
    pub(crate) fn stop_batch(&self, batch: BatchHandle) {
        *self.shared.batch.lock().unwrap_or_else(PoisonError::into_inner) = Some(batch);
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
        if !first || !self.busy.load(Ordering::SeqCst) {
            // The cursor stands after what was being written, or after `^C`.
            let _ = io::stderr().write_all(b"\n");
            std::process::exit(status::INTERRUPTED.into());
        }
        self.stop();
        thread::sleep(GRACE);
        self.cancel.cancel();
    }

    fn stop(&self) {
        if let Some(batch) = &*self.batch.lock().unwrap_or_else(PoisonError::into_inner) {
            batch.stop();
        }
    }
}
