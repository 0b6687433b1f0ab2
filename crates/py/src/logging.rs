//! What core logs, for Python's `logging`: the logger `mpt_tokens`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;

use crate::interrupt;
use crate::lazy::Lazy;

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
    let logger = match LOGGER.get() {
        Some(logger) => logger.bind(py),
        None => {
            let logging = MODULES.get(py)?.get_item("logging")?;
            let logger = logging.call_method1("getLogger", (NAME,))?.unbind();
            LOGGER.get_or_init(|| logger).bind(py)
        }
    };
    let enabled = |level: Level| -> PyResult<bool> {
        logger.call_method1("isEnabledFor", (number(level),))?.extract()
    };
    // Core logs nothing finer than `debug`; the common answer comes first.
    for level in [Level::Warn, Level::Info, Level::Debug] {
        if !enabled(level)? {
            return Ok(match level {
                Level::Warn => LevelFilter::Error,
                Level::Info => LevelFilter::Warn,
                _ => LevelFilter::Info,
            });
        }
    }
    Ok(LevelFilter::Debug)
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
        // No interpreter: it is shutting down, and its loggers with it.
        let _ = Python::try_attach(|py| {
            if let Err(error) = hand_over(py, record) {
                if interrupt::is_interrupt(py, &error) {
                    interrupt::keep(error);
                } else {
                    error.write_unraisable(py, None);
                }
            }
        });
    }

    fn flush(&self) {}
}

fn hand_over(py: Python<'_>, record: &Record<'_>) -> PyResult<()> {
    let logger = py.import("logging")?.call_method1("getLogger", (NAME,))?;
    logger.call_method1("log", (number(record.level()), record.args().to_string()))?;
    Ok(())
}
