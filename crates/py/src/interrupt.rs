//! Ctrl-C: a call that waits lets Python look at its signals.

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mpt_tokens::Cancel;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::{logging, shutdown};

/// How often a waiting call looks: well within the 200 ms in which Ctrl-C is answered.
pub(crate) const EVERY: Duration = Duration::from_millis(50);

thread_local! {
    /// What interrupted the Python code that a call ran on this thread, such as a log handler.
    static PENDING: Cell<Option<PyErr>> = const { Cell::new(None) };
}

/// Keeps the exception of an interrupt that came while Rust had called Python, for the call to end with.
pub(crate) fn keep(error: PyErr) {
    PENDING.set(Some(error));
}

/// What was kept on this thread, once.
pub(crate) fn kept() -> Option<PyErr> {
    PENDING.take()
}

/// What a signal handler raised during a call: `KeyboardInterrupt`, unless the program has its own handlers.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<Mutex<Option<PyErr>>>);

impl Interrupt {
    /// A handle that cancels the call it is given to when a signal's handler raises.
    pub(crate) fn cancel(&self) -> Cancel {
        let caught = self.clone();
        let thread = AtomicU8::new(UNASKED);
        Cancel::polling(EVERY, move || caught.ask(&thread))
    }

    /// Notes what was raised.
    pub(crate) fn set(&self, raised: PyErr) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
    }

    /// What was raised, once.
    pub(crate) fn take(&self) -> Option<PyErr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().or_else(|| PENDING.take())
    }

    fn ask(&self, thread: &AtomicU8) -> bool {
        logging::deliver_meanwhile();
        let pending = PENDING.take();
        if pending.is_none() && thread.load(Ordering::Relaxed) == OTHER {
            return false;
        }
        // No interpreter: it is shutting down, and nobody is left to be interrupted.
        let raised = pending.or_else(|| {
            shutdown::try_attach(|py| {
                if thread.load(Ordering::Relaxed) == UNASKED {
                    match is_main_thread(py) {
                        Ok(main) => {
                            thread.store(if main { MAIN } else { OTHER }, Ordering::Relaxed)
                        }
                        // A signal's handler runs wherever Python code does, and this was the first to run.
                        Err(raised) => return Some(raised),
                    }
                }
                py.check_signals().err()
            })
            .flatten()
        });
        match raised {
            Some(raised) => {
                self.set(raised);
                true
            }
            None => false,
        }
    }
}

const UNASKED: u8 = 0;
const MAIN: u8 = 1;
const OTHER: u8 = 2;

/// Python runs signal handlers on its main thread only: another thread need not take the interpreter to look.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(threading) = modules.get_item("threading") else {
        // Not loaded: whoever is here is taken for the main thread, which costs a look and no more.
        return Ok(true);
    };
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    main.eq(threading.call_method0("get_ident")?)
}

/// Whether it is for the program and not for the code that met it: `KeyboardInterrupt`, `SystemExit`.
pub(crate) fn is_interrupt(py: Python<'_>, error: &PyErr) -> bool {
    !error.is_instance_of::<PyException>(py)
}

/// Runs Python code of ours that must not be cut short. What it raises the first time is taken for an interrupt that
/// came meanwhile and put into `came`; a second time it is what it is.
pub(crate) fn through<T>(came: &mut Option<PyErr>, run: impl Fn() -> PyResult<T>) -> PyResult<T> {
    run().or_else(|raised| {
        *came = Some(raised);
        run()
    })
}
