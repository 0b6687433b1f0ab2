//! Many tokens: core's batch as a Python iterator.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use mpt_tokens::{
    BatchHandle, BatchItem, BatchOptions, BatchSummary, Client, Code, Journal, Outcome, Pull,
    Stopped,
};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString};

use crate::arguments::{self, Id};
use crate::handles::ApiToken;
use crate::interrupt::{Interrupt, is_interrupt};
use crate::shutdown::{self, Inside};
use crate::{error, json, logging, outcome};

/// What Python gave to iterate over. Pulled inside core's `next`, where this thread has let the interpreter go.
struct Ids {
    shared: Arc<Shared>,
    /// How many are left, if the iterable had a length.
    left: Option<usize>,
}

/// What the batch and its ids tell each other.
struct Shared {
    /// `None` once it has ended, so that it is let go early.
    iterator: Mutex<Option<Py<PyIterator>>>,
    /// Whether `None` among the ids says that the next one is still to come.
    waits: bool,
    /// Whether a text among them is a value, to be burnt, and no id.
    burns: bool,
    cancel: mpt_tokens::Cancel,
    interrupt: Interrupt,
    /// What the iterable raised; told when every report is given.
    failure: Mutex<Option<PyErr>>,
}

impl Shared {
    fn iterator(&self) -> MutexGuard<'_, Option<Py<PyIterator>>> {
        self.iterator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pull(&self, py: Python<'_>) -> PyResult<Option<Pull>> {
        // The lock is not held while the iterable's own code runs.
        let Some(iterator) = self.iterator().as_ref().map(|it| it.clone_ref(py)) else {
            return Ok(None);
        };
        let Some(item) = iterator.into_bound(py).next().transpose()? else {
            return Ok(None);
        };
        if self.burns
            && let Ok(value) = item.cast::<PyString>()
        {
            let (Id::Text(value) | Id::NotText(value)) = arguments::token_id(value)?;
            return Ok(Some(Pull::Item(BatchItem::of_value(value))));
        }
        if let Ok(id) = item.cast::<PyString>() {
            return Ok(Some(match arguments::token_id(id)? {
                Id::Text(id) => id.into(),
                Id::NotText(shown) => BatchItem::not_text(shown).into(),
            }));
        }
        if let Ok(token) = item.cast::<ApiToken>() {
            if self.burns {
                return Ok(Some(Pull::Item(BatchItem::from(token.get().0.clone()))));
            }
            return token.get().item(py).map(|item| Some(Pull::Item(item)));
        }
        if self.waits && item.is_none() {
            return Ok(Some(Pull::NotYet));
        }
        let name = item.get_type().name()?;
        let what = if self.burns { "token value" } else { "token id" };
        let message = format!("a {what} is a {name}: expected a str, or an ApiToken");
        Err(error::refuse_type(py, &message))
    }
}

impl Iterator for Ids {
    type Item = Pull;

    fn next(&mut self) -> Option<Pull> {
        let shared = &*self.shared;
        // No interpreter: it is gone, and there are no more ids to be had.
        shutdown::attach(|py| {
            let pulled = shared.pull(py);
            if !matches!(pulled, Ok(Some(_))) {
                let ended = shared.iterator().take();
                drop(ended);
            }
            if let Ok(Some(Pull::Item(_))) = pulled {
                // More of them than it said: then nobody knows.
                self.left = self.left.and_then(|left| left.checked_sub(1));
            }
            match pulled {
                Ok(item) => item,
                Err(failure) if !is_interrupt(py, &failure) => {
                    *shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                    None
                }
                // Ctrl-C came while the iterable's own code ran.
                Err(interrupt) => {
                    shared.interrupt.set(interrupt);
                    shared.cancel.cancel();
                    None
                }
            }
        })
        .flatten()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.unwrap_or(0), self.left)
    }
}

/// The length of an iterable that has one.
fn length(ids: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    match ids.len() {
        Ok(length) => Ok(Some(length)),
        // It has none, or none that fits: as for `list`, any other error is the iterable's own.
        Err(none) if none.is_instance_of::<PyTypeError>(ids.py()) => Ok(None),
        Err(none) if none.is_instance_of::<PyOverflowError>(ids.py()) => Ok(None),
        Err(failure) => Err(failure),
    }
}

struct State {
    batch: mpt_tokens::Batch<Ids>,
    journal: Option<Journal>,
    /// Reports that came when an interrupt had to be raised first.
    held: Option<Outcome>,
}

/// A batch under way; without a state once it is closed.
#[pyclass(frozen, module = "mpt_tokens._native")]
pub(crate) struct Batch {
    state: Mutex<Option<State>>,
    /// For `stop` while another thread is in `__next__`. It holds the journal, so it goes with the state.
    handle: Mutex<Option<BatchHandle>>,
    shared: Arc<Shared>,
    /// The counts at the last look.
    summary: Mutex<BatchSummary>,
    /// Why it had stopped, once it has ended.
    stopped: Mutex<Option<Stopped>>,
}

impl Batch {
    /// With a cancel handle, its owner on another thread ends the batch; without, Python's signals do.
    #[allow(clippy::too_many_arguments, reason = "the keywords of Python's delete_tokens")]
    pub(crate) fn new(
        py: Python<'_>,
        inside: &Inside,
        client: &Client,
        ids: &Bound<'_, PyAny>,
        options: BatchOptions,
        concurrency: Option<u64>,
        journal: Option<PathBuf>,
        patience: Option<Duration>,
        cancel: Option<&mpt_tokens::Cancel>,
    ) -> PyResult<Batch> {
        if ids.is_instance_of::<PyString>() {
            // Its characters would be the ids: never what was meant.
            let what = if options.is_burning() { "values" } else { "token_ids" };
            return Err(error::refuse_type(
                py,
                &format!("the {what} are one str: expected an iterable of them, such as a list"),
            ));
        }
        let iterator = ids.try_iter().map_err(|failure| {
            match failure.is_instance_of::<PyTypeError>(py)
                && !ids.hasattr("__iter__").unwrap_or(true)
            {
                true => arguments::wrong_type(
                    if options.is_burning() { "values" } else { "token_ids" },
                    "cannot be iterated over",
                    ids,
                    "an iterable, such as a list",
                ),
                false => failure,
            }
        })?;
        let left = length(ids)?;
        let interrupt = Interrupt::default();
        let shared = Arc::new(Shared {
            iterator: Mutex::new(Some(iterator.unbind())),
            waits: cancel.is_some(),
            cancel: cancel.map_or_else(|| interrupt.cancel(), logging::while_waiting),
            burns: options.is_burning(),
            interrupt,
            failure: Mutex::new(None),
        });
        let mut options = options.index(true).cancel(&shared.cancel);
        if let Some(calls) = concurrency {
            options = options.concurrency(usize::try_from(calls).unwrap_or(usize::MAX));
        }
        if let Some(limit) = patience {
            options = options.patience(limit);
        }
        let journal = journal
            .map(|path| inside.detach(py, || Journal::open(path, client)))
            .transpose()
            .map_err(|failure| error::refuse(py, failure.code(), &failure.to_string()))?;
        if let Some(journal) = &journal {
            options = options.journal(journal.clone());
        }
        let ids = Ids { shared: Arc::clone(&shared), left };
        let batch = client.batch(ids, &options).map_err(|refused| error::refused(py, &refused))?;
        let summary = batch.summary();
        Ok(Batch {
            handle: Mutex::new(Some(batch.handle())),
            state: Mutex::new(Some(State { batch, journal, held: None })),
            shared,
            summary: Mutex::new(summary),
            stopped: Mutex::default(),
        })
    }

    fn state(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Option<State>>> {
        match self.state.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            // Another thread is in it, or the iterable itself asks for outcomes.
            Err(TryLockError::WouldBlock) => {
                let message = "the batch is in use already: ask it for one outcome at a time";
                Err(error::refuse(py, Code::InvalidArgument, message))
            }
        }
    }

    fn handle(&self) -> MutexGuard<'_, Option<BatchHandle>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the batch go, which waits for what is under way; the counts stay.
    fn let_go(&self, py: Python<'_>, inside: &Inside, state: State) {
        inside.detach(py, || {
            let State { mut batch, .. } = state;
            while batch.next().is_some() {}
            *self.summary.lock().unwrap_or_else(PoisonError::into_inner) = batch.summary();
            *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = batch.stopped();
            self.handle().take();
        });
        logging::deliver(py);
    }

    /// What is left to be told when every report is given.
    fn end(&self, py: Python<'_>, inside: &Inside, state: State) -> PyResult<()> {
        let journal = state.journal.as_ref().and_then(Journal::failure);
        self.let_go(py, inside, state);
        let failure = self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (failure, journal) {
            (Some(failure), _) => Err(failure),
            (None, Some(failure)) => Err(error::refuse(py, failure.code(), &failure.to_string())),
            (None, None) => Ok(()),
        }
    }
}

#[pymethods]
impl Batch {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let inside = Inside::enter(py);
        let mut guard = self.state(py)?;
        let Some(state) = guard.as_mut() else {
            return Ok(None);
        };
        logging::refresh(py)?;
        let report = match state.held.take() {
            Some(report) => Some(report),
            None => inside.detach(py, || state.batch.next()),
        };
        logging::deliver(py);
        *self.summary.lock().unwrap_or_else(PoisonError::into_inner) = state.batch.summary();
        if let Some(interrupt) = self.shared.interrupt.take() {
            state.held = report;
            return Err(error::interrupted(py, interrupt)?);
        }
        match report {
            Some(report) => match outcome::new(py, &report) {
                Err(error) if is_interrupt(py, &error) => {
                    state.held = Some(report);
                    self.shared.cancel.cancel();
                    Err(error::interrupted(py, error)?)
                }
                outcome => outcome.map(Some),
            },
            None => {
                guard.take().map_or(Ok(()), |state| self.end(py, &inside, state)).map(|()| None)
            }
        }
    }

    fn stop(&self) {
        if let Some(handle) = &*self.handle() {
            handle.stop();
        }
    }

    fn cancel(&self) {
        self.stop();
        self.shared.cancel.cancel();
    }

    /// Stops, waits for what is under way, and lets go. Closing twice is fine.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let inside = Inside::enter(py);
        self.stop();
        if let Some(state) = self.state(py)?.take() {
            self.let_go(py, &inside, state);
        }
        self.shared.interrupt.take().map_or(Ok(()), Err)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Who holds the lock holds the batch too: it is no garbage then.
        match self.shared.iterator.try_lock() {
            Ok(iterator) => visit.call(&*iterator),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        let taken = self.shared.iterator().take();
        drop(taken);
    }

    /// Why it stopped: a word, a code and a sentence.
    fn stopped(&self) -> Option<(&'static str, &'static str, String)> {
        let stopped = match &*self.handle() {
            Some(handle) => handle.stopped(),
            None => self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        stopped.map(|why| (why.reason(), why.code().name(), why.to_string()))
    }

    /// The counts, by the names of the fields of Python's `BatchSummary`.
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let summary = *self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        match serde_json::to_value(summary) {
            Ok(counts) => json::value(py, &counts),
            Err(failure) => Err(PyValueError::new_err(failure.to_string())),
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // Most have come to their end, and hold nothing.
        if state.is_none() {
            return;
        }
        // Others must be able to go on while this thread waits for the workers.
        let gone = Python::try_attach(|py| {
            let inside = Inside::enter(py);
            // An exception may be on its way while objects are dropped: signals must be looked for without it.
            let on_its_way = PyErr::take(py);
            inside.detach(py, || drop(state));
            logging::deliver(py);
            if self.shared.interrupt.take().is_some() {
                // Ctrl-C came meanwhile, and a destructor cannot raise: it comes again, a moment later.
                let again =
                    py.import("_thread").and_then(|module| module.call_method0("interrupt_main"));
                if let Err(failure) = again {
                    failure.write_unraisable(py, None);
                }
            }
            if let Some(error) = on_its_way {
                error.restore(py);
            }
        });
        debug_assert!(gone.is_some(), "Python drops its objects while it runs");
    }
}
