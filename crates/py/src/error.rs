//! The one place where a report becomes what a Python call ends with: an `Outcome`, or an exception.
//!
//! The exception classes are Python's own (`mpt_tokens/_errors.py`), so that they pickle and can be derived from.

use mpt_tokens::{Code, Error, Report};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::outcome;

const MODULE: &str = "mpt_tokens._errors";

/// Returns a success, raises a failure; raises an interrupt in any case, with a note of what is true of the token.
pub(crate) fn settle<'py>(
    py: Python<'py>,
    report: &Report,
    interrupt: Option<PyErr>,
) -> PyResult<Bound<'py, PyAny>> {
    let outcome = outcome::new(py, report)?;
    match interrupt {
        Some(interrupt) => Err(with_outcome(py, interrupt, &outcome)?),
        None if report.is_success() => Ok(outcome),
        None => Err(exception(py, &outcome)?),
    }
}

/// What could not even be begun.
pub(crate) fn refused(py: Python<'_>, error: &Error) -> PyErr {
    outcome::new(py, error)
        .and_then(|outcome| exception(py, &outcome))
        .unwrap_or_else(|error| error)
}

/// What is refused here already, for a reason that core never meets: such as a number of seconds that is negative.
pub(crate) fn refuse(py: Python<'_>, code: Code, message: &str) -> PyErr {
    static REFUSAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    made(REFUSAL.import(py, MODULE, "refusal").and_then(|make| make.call1((code.name(), message))))
}

fn exception(py: Python<'_>, outcome: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(made(MAKE.import(py, MODULE, "error_of")?.call1((outcome,))))
}

fn with_outcome(py: Python<'_>, interrupt: PyErr, outcome: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    static NOTE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    NOTE.import(py, MODULE, "note_outcome")?.call1((interrupt.value(py), outcome))?;
    Ok(interrupt)
}

fn made(exception: PyResult<Bound<'_, PyAny>>) -> PyErr {
    exception.map_or_else(|error| error, PyErr::from_value)
}
