//! The end of the interpreter, while threads of the program still make calls.
//!
//! Python ends every other thread that takes the interpreter once its end has begun (before 3.14 by `pthread_exit`),
//! and frees what belongs to that thread. With Rust on the thread's stack, or in the moment before it takes the
//! interpreter, that is a crash. So the last hook that runs before the end keeps the threads out: see `begin`.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};

use crate::logging;

/// For how long other threads are kept out of the interpreter after the hook. The end comes within milliseconds. If a
/// hook that runs after ours waits for such a thread, the thread goes on then, and Python ends it in its own way.
const KEPT_OUT: Duration = Duration::from_secs(1);

/// For how long the hook waits for threads that run Python code in a call, such as an iterable of ids that waits.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many threads are in a function of this module and have the interpreter, or are about to take it.
static INSIDE: AtomicIsize = AtomicIsize::new(0);

static ENDS: AtomicBool = AtomicBool::new(false);

struct End {
    /// The thread on which Python ends.
    thread: ThreadId,
    since: Instant,
}

static END: OnceLock<End> = OnceLock::new();

/// What this thread has to do with the interpreter.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// It is not in a function of this module: a thread of core's own.
    Worker,
    /// It is in one, and has the interpreter.
    Holds,
    /// It is in one, and has let the interpreter go.
    Detached,
}

thread_local! {
    static ROLE: Cell<Role> = const { Cell::new(Role::Worker) };
}

pub(crate) fn role() -> Role {
    ROLE.get()
}

/// Registers the hook when the module is imported. Hooks run in the reverse order: those that the program registers
/// afterwards run earlier.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let hook = |run: fn(Python<'_>)| {
        PyCFunction::new_closure(py, None, None, move |args, _: Option<&Bound<'_, PyDict>>| {
            let args: &Bound<'_, PyTuple> = args;
            run(args.py());
        })
    };
    py.import("atexit")?.call_method1("register", (hook(begin)?,))?;
    let os = py.import("os")?;
    // Windows has none.
    if os.hasattr("register_at_fork")? {
        let hooks = PyDict::new(py);
        hooks.set_item("before", hook(|_| logging::before_fork())?)?;
        hooks.set_item("after_in_parent", hook(|_| logging::after_fork())?)?;
        hooks.set_item("after_in_child", hook(forked)?)?;
        os.call_method("register_at_fork", (), Some(&hooks))?;
    }
    Ok(())
}

/// Keeps every other thread out of the interpreter, and waits until none is in a call of ours with it.
fn begin(py: Python<'_>) {
    let end = || End { thread: thread::current().id(), since: Instant::now() };
    let until = END.get_or_init(end).since + PATIENCE;
    ENDS.store(true, Ordering::SeqCst);
    py.detach(|| {
        while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// In a forked child the other threads do not exist.
fn forked(_: Python<'_>) {
    logging::after_fork();
    INSIDE.store(0, Ordering::SeqCst);
}

/// For how much longer this thread must stay out.
fn stays_out() -> Option<Duration> {
    if !ENDS.load(Ordering::SeqCst) {
        return None;
    }
    let end = END.get()?;
    let left = KEPT_OUT.checked_sub(end.since.elapsed())?;
    (thread::current().id() != end.thread).then_some(left)
}

/// Counts this thread as inside; `Err` if it must stay out.
fn try_enter() -> Result<(), Duration> {
    // Counted first: the hook sets its mark first, so that one of the two sees the other.
    INSIDE.fetch_add(1, Ordering::SeqCst);
    match stays_out() {
        None => Ok(()),
        Some(left) => {
            leave();
            Err(left)
        }
    }
}

fn enter() {
    while let Err(left) = try_enter() {
        thread::sleep(left);
    }
}

fn leave() {
    INSIDE.fetch_sub(1, Ordering::SeqCst);
}

/// Held by every function that Python calls and that runs Python code or lets the interpreter go.
pub(crate) struct Inside(Role);

impl Inside {
    pub(crate) fn enter(py: Python<'_>) -> Inside {
        if try_enter().is_err() {
            py.detach(enter);
        }
        Inside::entered()
    }

    fn entered() -> Inside {
        Inside(ROLE.replace(Role::Holds))
    }

    /// Runs `work` without the interpreter.
    pub(crate) fn detach<T, F>(&self, py: Python<'_>, work: F) -> T
    where
        F: Send + FnOnce() -> T,
        T: Send,
    {
        /// Back in, also after a panic.
        struct Back;
        impl Drop for Back {
            fn drop(&mut self) {
                enter();
                ROLE.set(Role::Holds);
            }
        }
        py.detach(|| {
            leave();
            ROLE.set(Role::Detached);
            let _back = Back;
            work()
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        leave();
        ROLE.set(self.0);
    }
}

/// Takes the interpreter in the middle of a call; `None` while its end keeps this thread out.
pub(crate) fn try_attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    try_enter().ok()?;
    attached(work)
}

/// The same, but waits; `None` if there is no interpreter any more.
pub(crate) fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    enter();
    attached(work)
}

fn attached<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = Inside::entered();
    Python::try_attach(work)
}
