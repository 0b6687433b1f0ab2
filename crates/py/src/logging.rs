//! What core logs, for Python's `logging`: the logger `mpt_tokens`.

use std::cell::Cell;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use log::kv::{self, Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::context;
use crate::interrupt;
use crate::lazy::{Lazy, Name};
use crate::shutdown::{self, Role};

/// The name of the logger, and of the targets that are let through: what the libraries below log is not ours to
/// vouch for.
const NAME: &str = "mpt_tokens";

struct Bridge;

/// Whether the program runs, which prints the log itself.
static PROGRAM: AtomicBool = AtomicBool::new(false);

/// Leaves the log to the program while it runs.
pub(crate) fn is_the_program(yes: bool) {
    PROGRAM.store(yes, Ordering::Relaxed);
}

/// Makes Python's `logging` the receiver. This module has its own copy of the `log` crate: no other is touched.
pub(crate) fn install() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if !INSTALLED.swap(true, Ordering::Relaxed) {
        // A second interpreter of this process finds the logger set already, and it is the same one.
        let _ = log::set_logger(&Bridge);
    }
}

/// Takes over the level of Python's logger before a call, so that what nobody hears is not even formatted.
///
/// `logging` is not imported for it: a program that has not, hears nothing.
///
/// # Errors
/// An interrupt that came meanwhile: nothing has been sent yet.
pub(crate) fn refresh(py: Python<'_>) -> PyResult<()> {
    match level(py) {
        Ok(level) => log::set_max_level(level),
        Err(error) if interrupt::is_interrupt(py, &error) => return Err(error),
        // `logging` is not there, or is somebody's own that cannot be asked: then nobody hears.
        Err(_) => log::set_max_level(LevelFilter::Off),
    }
    Ok(())
}

fn level(py: Python<'_>) -> PyResult<LevelFilter> {
    static MODULES: Lazy = Lazy::new("sys", "modules");
    static LOGGER: OnceLock<Py<PyAny>> = OnceLock::new();
    static IS_ENABLED: Name = Name::new("isEnabledFor");
    let logger = match LOGGER.get() {
        Some(logger) => logger.bind(py),
        None => {
            // Asked of a dictionary: an exception takes as long as much of a call.
            let modules = MODULES.get(py)?;
            let logging = match modules.cast::<PyDict>() {
                Ok(modules) => modules.get_item("logging")?,
                Err(_) => Some(modules.get_item("logging")?),
            };
            let Some(logging) = logging else { return Ok(LevelFilter::Off) };
            let logger = logging.call_method1("getLogger", (NAME,))?.unbind();
            LOGGER.get_or_init(|| logger).bind(py)
        }
    };
    let enabled = |level: Level| -> PyResult<bool> {
        logger.call_method1(IS_ENABLED.get(py), (number(level),))?.extract()
    };
    // Core logs nothing finer than `debug`. A program without settings of its own hears warnings: one question tells. Of
    // one that hears errors only, the logger itself drops the warnings, which are few.
    Ok(match enabled(Level::Info)? {
        false => LevelFilter::Warn,
        true if !enabled(Level::Debug)? => LevelFilter::Info,
        true => LevelFilter::Debug,
    })
}

fn number(level: Level) -> u8 {
    match level {
        Level::Error => 40,
        Level::Warn => 30,
        Level::Info => 20,
        Level::Debug => 10,
        Level::Trace => 5,
    }
}

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if PROGRAM.load(Ordering::Relaxed) {
            return mpt_tokens_cli::logger().enabled(metadata);
        }
        let target = metadata.target();
        target.strip_prefix(NAME).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        if PROGRAM.load(Ordering::Relaxed) {
            return mpt_tokens_cli::logger().log(record);
        }
        let held = Held::of(record);
        match shutdown::role() {
            // It never takes the interpreter: handlers hold locks, which may be made for other threads (gevent), and
            // the thread that iterates would wait for the worker.
            Role::Worker => waiting().push(held),
            Role::Holds => {
                Python::try_attach(|py| hand_over(py, &held, false));
            }
            Role::Detached => {
                if shutdown::try_attach(|py| hand_over(py, &held, false)).is_none() {
                    waiting().push(held);
                }
            }
        }
    }

    fn flush(&self) {}
}

/// A record that waits for a thread of Python's.
struct Held {
    level: Level,
    message: String,
    /// What it is about, by name: attributes of Python's record.
    about: Vec<(String, About)>,
    /// Where it was logged, and when: what Python would find is the thread that delivers it.
    file: &'static str,
    line: u32,
    thread: String,
    at: f64,
}

enum About {
    Number(u64),
    Text(String),
}

impl Held {
    fn of(record: &Record<'_>) -> Held {
        let mut about = Fields(Vec::new());
        // It collects, and never fails.
        let _ = record.key_values().visit(&mut about);
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Held {
            level: record.level(),
            message: record.args().to_string(),
            about: about.0,
            file: record.file_static().unwrap_or_default(),
            line: record.line().unwrap_or_default(),
            thread: std::thread::current().name().unwrap_or_default().to_owned(),
            at: at.as_secs_f64(),
        }
    }

    fn about<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let fields = PyDict::new(py);
        for (name, value) in &self.about {
            match value {
                About::Number(number) => fields.set_item(name, number)?,
                About::Text(text) => fields.set_item(name, text)?,
            }
        }
        Ok(fields)
    }
}

struct Fields(Vec<(String, About)>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let about = match (value.to_u64(), value.to_borrowed_str()) {
            (Some(number), _) => About::Number(number),
            (None, Some(text)) => About::Text(text.to_owned()),
            // There is none, such as the status of an attempt without a response.
            (None, None) => return Ok(()),
        };
        self.0.push((key.as_str().to_owned(), about));
        Ok(())
    }
}

/// What the workers of batches have logged, until a thread that iterates over one delivers it.
static WAITING: Mutex<Vec<Held>> = Mutex::new(Vec::new());

fn waiting() -> MutexGuard<'static, Vec<Held>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The lock, while this thread forks: a child that inherits it from a worker would never get it.
    static FORKS: Cell<Option<MutexGuard<'static, Vec<Held>>>> = const { Cell::new(None) };
}

/// Takes the lock, which every worker holds for a moment only.
pub(crate) fn before_fork() {
    FORKS.set(Some(waiting()));
}

/// Gives it back, in parent and child.
pub(crate) fn after_fork() {
    FORKS.set(None);
}

/// Delivers what workers have logged.
pub(crate) fn deliver(py: Python<'_>) {
    // Nothing is locked while handlers run: they may be in a call of their own. And a thread that forks keeps the lock
    // until it has the interpreter again.
    let held = match WAITING.try_lock() {
        Ok(mut waiting) => mem::take(&mut *waiting),
        Err(_) => py.detach(|| mem::take(&mut *waiting())),
    };
    for held in held {
        hand_over(py, &held, true);
    }
}

/// The same, in the middle of a call.
pub(crate) fn deliver_meanwhile() {
    if !waiting().is_empty() {
        // No interpreter: it is shutting down, and its loggers with it.
        shutdown::try_attach(deliver);
    }
}

/// A handle that is cancelled with another one, and delivers while the batch waits.
pub(crate) fn while_waiting(cancel: &mpt_tokens::Cancel) -> mpt_tokens::Cancel {
    let cancel = cancel.clone();
    mpt_tokens::Cancel::polling(interrupt::EVERY, move || {
        deliver_meanwhile();
        cancel.is_cancelled()
    })
}

/// `late`: it was logged by another thread, which the record names.
fn hand_over(py: Python<'_>, held: &Held, late: bool) {
    let log = || -> PyResult<()> {
        let logger = py.import("logging")?.call_method1("getLogger", (NAME,))?;
        let level = number(held.level);
        let about = held.about(py)?;
        if !late {
            let options = PyDict::new(py);
            options.set_item("extra", about)?;
            context::call(&logger.getattr("log")?, (level, &held.message), Some(&options))?;
            return Ok(());
        }
        if !logger.call_method1("isEnabledFor", (level,))?.extract::<bool>()? {
            return Ok(());
        }
        let (file, line) = (held.file, held.line);
        let none = py.None();
        let given =
            (NAME, level, file, line, &held.message, PyTuple::empty(py), &none, &none, about);
        let record = logger.call_method1("makeRecord", given)?;
        record.setattr("threadName", &held.thread)?;
        record.setattr("thread", &none)?;
        record.setattr("created", held.at)?;
        record.setattr("msecs", (held.at.fract() * 1e3).floor())?;
        logger.call_method1("handle", (record,))?;
        Ok(())
    };
    if let Err(error) = log() {
        if interrupt::is_interrupt(py, &error) {
            interrupt::keep(error);
        } else {
            error.write_unraisable(py, None);
        }
    }
}
