//! The one place where a report becomes what a Python call ends with: an `Outcome`, or an exception.
//!
//! The exception classes are Python's own (`mpt_tokens/_errors.py`), so that they pickle and can be derived from.

use mpt_tokens::{Code, Error, Outcome, Proof};
use pyo3::prelude::*;

use crate::interrupt::through;
use crate::lazy::Lazy;
use crate::outcome;

const MODULE: &str = "mpt_tokens._errors";

/// As [`crate::outcome::import`], for failures.
pub(crate) fn import(py: Python<'_>) -> PyResult<()> {
    py.import(MODULE)?;
    Ok(())
}

/// Returns a success, raises a failure; raises an interrupt in any case, with a note of what is true of the token.
pub(crate) fn settle<'py>(
    py: Python<'py>,
    report: &Outcome,
    mut interrupt: Option<PyErr>,
) -> PyResult<Bound<'py, PyAny>> {
    let outcome = through(&mut interrupt, || outcome::new(py, report))?;
    let error = match report.is_success() {
        true => None,
        false => Some(through(&mut interrupt, || exception(py, &outcome))?),
    };
    match (interrupt, error) {
        (Some(interrupt), _) => Err(with_outcome(py, interrupt, &outcome)?),
        (None, None) => Ok(outcome),
        (None, Some(error)) => Err(error),
    }
}

/// Returns a proof, whatever it says; raises what could not be asked, and an interrupt as [`settle`] does.
pub(crate) fn settle_proof<'py>(
    py: Python<'py>,
    proof: &Result<Proof, Error>,
    mut interrupt: Option<PyErr>,
) -> PyResult<Bound<'py, PyAny>> {
    let proof = match proof {
        Ok(proof) => proof,
        Err(refused) => return settle(py, refused.outcome(), interrupt),
    };
    let told = through(&mut interrupt, || outcome::proof(py, proof))?;
    match interrupt {
        Some(interrupt) => Err(with_outcome(py, interrupt, &told.getattr("outcome")?)?),
        None => Ok(told),
    }
}

/// An interrupt of a batch, with a note of how to learn what is true of the tokens under way.
pub(crate) fn interrupted(py: Python<'_>, interrupt: PyErr) -> PyResult<PyErr> {
    static NOTE: Lazy = Lazy::new(MODULE, "note_batch");
    NOTE.get(py)?.call1((interrupt.value(py),))?;
    Ok(interrupt)
}

/// What could not even be begun.
pub(crate) fn refused(py: Python<'_>, error: &Error) -> PyErr {
    outcome::new(py, error.outcome())
        .and_then(|outcome| exception(py, &outcome))
        .unwrap_or_else(|error| error)
}

/// What is refused here already, for a reason that core never meets: such as a number of seconds that is negative.
pub(crate) fn refuse(py: Python<'_>, code: Code, message: &str) -> PyErr {
    static REFUSAL: Lazy = Lazy::new(MODULE, "refusal");
    made(REFUSAL.get(py).and_then(|make| make.call1((code.name(), message))))
}

/// An argument of a type that is not expected: a `TypeError`, too.
pub(crate) fn refuse_type(py: Python<'_>, message: &str) -> PyErr {
    static REFUSAL: Lazy = Lazy::new(MODULE, "refusal_of_type");
    made(REFUSAL.get(py).and_then(|make| make.call1((message,))))
}

/// An id that is no text: a `UnicodeError`, too.
pub(crate) fn not_text(py: Python<'_>, report: &Outcome) -> PyErr {
    static REFUSAL: Lazy = Lazy::new(MODULE, "refusal_of_text");
    let made_of = outcome::new(py, report).and_then(|outcome| REFUSAL.get(py)?.call1((outcome,)));
    made(made_of)
}

fn exception(py: Python<'_>, outcome: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    static MAKE: Lazy = Lazy::new(MODULE, "error_of");
    Ok(made(MAKE.get(py)?.call1((outcome,))))
}

fn with_outcome(py: Python<'_>, interrupt: PyErr, outcome: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    static NOTE: Lazy = Lazy::new(MODULE, "note_outcome");
    NOTE.get(py)?.call1((interrupt.value(py), outcome))?;
    Ok(interrupt)
}

fn made(exception: PyResult<Bound<'_, PyAny>>) -> PyErr {
    exception.map_or_else(|error| error, PyErr::from_value)
}
