//! Calls for an event loop: made on threads of Python's, which take the interpreter only when Python code is to run.
//!
//! A thread is in [`Queue::serve`] and has let the interpreter go. It takes one call after the other, makes it, and
//! wakes the event loop: once for all calls that end before the loop looks ([`Returns`]). The loop's thread makes the
//! Python objects of what came of them ([`Call::result`]).

use std::any::Any;
use std::collections::VecDeque;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mpt_tokens::{Error, Outcome, Proof};
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::lazy::{Lazy, Name};
use crate::shutdown::{self, Inside};
use crate::{context, error, interrupt};

/// As many threads as the connections that a client keeps.
const MOST_THREADS: usize = 256;
/// How many start without waiting whether fewer do.
const FIRST_THREADS: usize = 8;

/// What a call ends with.
pub(crate) enum Told {
    Outcome(Outcome),
    Proof(Result<Proof, Error>),
}

/// The call itself, without its cancel handle.
pub(crate) type Work = Box<dyn FnOnce(&mpt_tokens::Cancel) -> Told + Send>;

enum State {
    /// Not given to a queue.
    New,
    /// No thread has begun it.
    Waits(Work),
    Runs,
    /// With what was raised by Python code that ran meanwhile and is for the program, such as a hook's
    /// `KeyboardInterrupt`.
    Done(Box<(Told, Option<PyErr>)>),
    Panicked(Box<dyn Any + Send>),
}

struct Shared {
    state: Mutex<State>,
    ended: Condvar,
    cancel: mpt_tokens::Cancel,
    /// The future that the event loop ends when the call has ended. Let go on the loop's thread.
    waiter: Mutex<Option<Py<PyAny>>>,
    context: Mutex<Option<Py<PyAny>>>,
    back: Arc<Back>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Makes the call, unless another thread has begun it. Called without the interpreter.
    fn run(&self) -> bool {
        let work = {
            let mut state = self.state();
            match mem::replace(&mut *state, State::Runs) {
                State::Waits(work) => work,
                other => {
                    *state = other;
                    return false;
                }
            }
        };
        let outer = context::swap(lock(&self.context).take());
        let told = catch_unwind(AssertUnwindSafe(|| work(&self.cancel)));
        *lock(&self.context) = context::swap(outer);
        *self.state() = match told {
            Ok(told) => State::Done(Box::new((told, interrupt::kept()))),
            Err(panic) => State::Panicked(panic),
        };
        self.ended.notify_all();
        true
    }
}

/// One call, from its beginning to what came of it.
#[pyclass(frozen, module = "mpt_tokens._native")]
pub(crate) struct Call {
    shared: Arc<Shared>,
    queue: Py<Queue>,
}

#[pymethods]
impl Call {
    /// A call for one of the queue's threads, which the waiter waits for, in the context of whoever makes it.
    #[new]
    fn new(
        py: Python<'_>,
        queue: Py<Queue>,
        returns: &Returns,
        waiter: Py<PyAny>,
    ) -> PyResult<Call> {
        static COPY_CONTEXT: Lazy = Lazy::new("contextvars", "copy_context");
        let context = COPY_CONTEXT.get(py)?.call0()?.unbind();
        let shared = Shared {
            state: Mutex::new(State::New),
            ended: Condvar::new(),
            cancel: queue.get().cancel_handle(),
            waiter: Mutex::new(Some(waiter)),
            context: Mutex::new(Some(context)),
            back: Arc::clone(&returns.0),
        };
        Ok(Call { shared: Arc::new(shared), queue })
    }

    /// Cancels the call. One that no thread has begun is made here: it only says that it was cancelled.
    fn cancel(&self, py: Python<'_>) {
        self.shared.cancel.cancel();
        let inside = Inside::enter(py);
        inside.detach(py, || self.shared.run());
    }

    /// Ends another future in place of the first; false if the call has ended, or was never begun.
    fn wait_again(&self, waiter: Py<PyAny>) -> bool {
        let state = self.shared.state();
        let waits = matches!(*state, State::Waits(_) | State::Runs);
        if waits {
            *lock(&self.shared.waiter) = Some(waiter);
        }
        waits
    }

    /// Returns what came of it, or raises it. Waits for it if it has not ended; `None` if it was never begun.
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let inside = Inside::enter(py);
        if matches!(*self.shared.state(), State::Waits(_) | State::Runs) {
            inside.detach(py, || {
                let mut state = self.shared.state();
                while matches!(*state, State::Waits(_) | State::Runs) {
                    state = wait(&self.shared.ended, state);
                }
            });
        }
        let state = mem::replace(&mut *self.shared.state(), State::New);
        let (told, raised) = match state {
            State::Done(done) => *done,
            State::Panicked(panic) => resume_unwind(panic),
            State::New | State::Waits(_) | State::Runs => return Ok(None),
        };
        match told {
            Told::Outcome(report) => error::settle(py, &report, raised).map(Some),
            Told::Proof(proof) => error::settle_proof(py, &proof, raised).map(Some),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for held in [&self.shared.waiter, &self.shared.context] {
            if let Ok(held) = held.try_lock() {
                visit.call(&*held)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let held = (lock(&self.shared.waiter).take(), lock(&self.shared.context).take());
        drop(held);
    }
}

impl Call {
    /// Gives it to the queue, and returns what the queue needs: see [`Queue::put`].
    pub(crate) fn begin(&self, work: Work) -> PyResult<u8> {
        {
            let mut state = self.shared.state();
            if !matches!(*state, State::New) {
                return Err(PyRuntimeError::new_err("a call is made once"));
            }
            *state = State::Waits(work);
        }
        Ok(self.queue.get().push(Job::Call(Arc::clone(&self.shared))))
    }
}

impl Drop for Call {
    /// Keeps the cancel handle for another call: to make one takes two system calls.
    fn drop(&mut self) {
        // A forked child does not wait for what another thread of its parent had locked.
        let ended = self.shared.state.try_lock().is_ok_and(|state| matches!(*state, State::New));
        if ended && !self.shared.cancel.is_cancelled() {
            self.queue.get().keep(&self.shared.cancel);
        }
    }
}

enum Job {
    Call(Arc<Shared>),
    /// Python's own work, for the thread to do.
    Work(Py<PyAny>),
}

struct Waiting {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    finished: u64,
    closed: bool,
    cancels: Vec<mpt_tokens::Cancel>,
}

/// What waits for a thread, and how many threads there are. Few start at once, more while calls are slow and others
/// wait; each ends when idle. A forked child makes a queue of its own.
#[pyclass(frozen, module = "mpt_tokens._native")]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    come: Condvar,
}

/// What [`Queue::put`] asks for.
const ENOUGH: u8 = 0;
const START_ONE: u8 = 1;
const LOOK_LATER: u8 = 2;

#[pymethods]
impl Queue {
    #[new]
    fn new() -> Queue {
        let waiting = Waiting {
            jobs: VecDeque::new(),
            threads: 0,
            idle: 0,
            finished: 0,
            closed: false,
            cancels: Vec::new(),
        };
        Queue { waiting: Mutex::new(waiting), come: Condvar::new() }
    }

    /// Puts work for a thread. Returns 0 if there are threads enough, 1 if the caller must start one, and 2 if it must
    /// look later whether more help ([`Queue::grow`]).
    fn put(&self, work: Py<PyAny>) -> u8 {
        self.push(Job::Work(work))
    }

    /// A thread that was to be started could not be. Returns whether others are there.
    fn not_started(&self) -> bool {
        let mut waiting = self.waiting();
        waiting.threads -= 1;
        waiting.threads > 0
    }

    /// How many calls have ended.
    #[getter]
    fn finished(&self) -> u64 {
        self.waiting().finished
    }

    /// Doubles the threads if calls wait and take longer than since `finished` was so many. Calls that are fast need no
    /// more. Returns how many to start, and whether to look again.
    fn grow(&self, finished: u64) -> (usize, bool) {
        let mut waiting = self.waiting();
        let lacking = waiting.jobs.len().saturating_sub(waiting.idle);
        if lacking == 0 || waiting.closed {
            return (0, false);
        }
        let mut start = 0;
        if waiting.finished - finished < waiting.threads as u64 {
            start = waiting.threads.min(MOST_THREADS - waiting.threads).min(lacking);
            waiting.threads += start;
        }
        (start, waiting.threads < MOST_THREADS)
    }

    /// What a thread does: makes calls, and returns work of Python's for it. `None` once it must end: it has been idle for
    /// so many seconds, or the queue is closed.
    fn serve(&self, py: Python<'_>, idle: f64) -> Option<Py<PyAny>> {
        let inside = Inside::enter(py);
        let idle = Duration::from_secs_f64(idle.clamp(0.0, 3600.0));
        inside.detach(py, || {
            while let Some(job) = self.next(idle) {
                match job {
                    Job::Work(work) => return Some(work),
                    Job::Call(call) => {
                        if call.run() {
                            self.waiting().finished += 1;
                            Back::ended(call);
                        }
                    }
                }
            }
            None
        })
    }

    /// Work that [`Queue::serve`] returned is done.
    fn done(&self) {
        self.waiting().finished += 1;
    }

    /// Lets the threads end when all work is done.
    fn close(&self) {
        self.waiting().closed = true;
        self.come.notify_all();
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }

    fn push(&self, job: Job) -> u8 {
        let mut waiting = self.waiting();
        waiting.jobs.push_back(job);
        if waiting.jobs.len() <= waiting.idle {
            drop(waiting);
            self.come.notify_one();
            ENOUGH
        } else if waiting.threads < FIRST_THREADS {
            waiting.threads += 1;
            START_ONE
        } else if waiting.threads < MOST_THREADS {
            LOOK_LATER
        } else {
            ENOUGH
        }
    }

    /// The next job; `None` if the thread must end, which has been counted then.
    fn next(&self, idle: Duration) -> Option<Job> {
        let mut waiting = self.waiting();
        let mut until = None;
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            let until = *until.get_or_insert_with(|| Instant::now() + idle);
            let left = until.saturating_duration_since(Instant::now());
            if waiting.closed || left.is_zero() {
                waiting.threads -= 1;
                return None;
            }
            waiting.idle += 1;
            let woken = self.come.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
            waiting.idle -= 1;
        }
    }

    fn cancel_handle(&self) -> mpt_tokens::Cancel {
        self.waiting().cancels.pop().unwrap_or_default()
    }

    fn keep(&self, cancel: &mpt_tokens::Cancel) {
        if let Ok(mut waiting) = self.waiting.try_lock()
            && waiting.cancels.len() < FIRST_THREADS
        {
            waiting.cancels.push(cancel.clone());
        }
    }
}

/// The way back to one event loop: what is called there ends the futures of all calls that have ended.
#[pyclass(frozen, module = "mpt_tokens._native")]
pub(crate) struct Returns(Arc<Back>);

struct Back {
    way: Way,
    ended: Mutex<Vec<Arc<Shared>>>,
    /// Whether the loop knows already that it must look.
    told: AtomicBool,
}

/// How the event loop hears that it must look.
enum Way {
    /// It polls the end to read from. A thread writes to it without the interpreter.
    Pipe(PipeReader, PipeWriter),
    /// By its own `call_soon_threadsafe`, where it cannot poll a pipe.
    Loop(Py<PyAny>),
}

#[pymethods]
impl Returns {
    /// Over a pipe for the loop to poll; or, if a loop is given, by its `call_soon_threadsafe`.
    #[new]
    fn new(event_loop: Option<Py<PyAny>>) -> PyResult<Returns> {
        let way = match event_loop {
            Some(event_loop) => Way::Loop(event_loop),
            None => std::io::pipe().map(|(reader, writer)| Way::Pipe(reader, writer))?,
        };
        let told = AtomicBool::new(false);
        Ok(Returns(Arc::new(Back { way, ended: Mutex::default(), told })))
    }

    /// What the loop polls: this is to be called when it can be read.
    #[cfg(unix)]
    fn fileno(&self) -> Option<i32> {
        match &self.0.way {
            Way::Pipe(reader, _) => Some(std::os::fd::AsRawFd::as_raw_fd(reader)),
            Way::Loop(_) => None,
        }
    }

    /// Windows can poll sockets only.
    #[cfg(not(unix))]
    fn fileno(&self) -> Option<i32> {
        None
    }

    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        static DONE: Name = Name::new("done");
        static SET_RESULT: Name = Name::new("set_result");
        if let Way::Pipe(reader, _) = &self.0.way {
            // As much as was written since it was read last.
            let _ = (&*reader).read(&mut [0; 8]);
        }
        // Before the calls are taken: what comes from now on is told again.
        self.0.told.store(false, Ordering::SeqCst);
        let ended = mem::take(&mut *lock(&self.0.ended));
        for call in ended {
            let Some(waiter) = lock(&call.waiter).take() else { continue };
            let waiter = waiter.bind(py);
            if !waiter.call_method0(DONE.get(py))?.is_truthy()? {
                waiter.call_method1(SET_RESULT.get(py), (py.None(),))?;
            }
        }
        Ok(())
    }
}

impl Back {
    /// Wakes the event loop, from any thread that has let the interpreter go.
    fn ended(call: Arc<Shared>) {
        let back = Arc::clone(&call.back);
        lock(&back.ended).push(call);
        if back.told.swap(true, Ordering::SeqCst) {
            return;
        }
        match &back.way {
            // It has room: it is written to once, and then read.
            Way::Pipe(_, writer) => {
                let _ = (&*writer).write(&[0]);
            }
            // No interpreter: nobody is left to wait.
            Way::Loop(event_loop) => {
                shutdown::try_attach(|py| Back::wake(&back, event_loop.bind(py)));
            }
        }
    }

    fn wake(back: &Arc<Back>, event_loop: &Bound<'_, PyAny>) {
        let py = event_loop.py();
        static CALL_SOON: Name = Name::new("call_soon_threadsafe");
        let tell = || -> PyResult<()> {
            let returns = Returns(Arc::clone(back));
            match event_loop.call_method1(CALL_SOON.get(py), (returns,)) {
                Ok(_) => Ok(()),
                // Nobody is left to wait.
                Err(_) if event_loop.call_method0("is_closed")?.is_truthy()? => Ok(()),
                Err(failure) => Err(failure),
            }
        };
        if let Err(failure) = tell() {
            failure.write_unraisable(py, Some(event_loop));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
