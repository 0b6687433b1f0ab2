//! A report as the `mpt_tokens.Outcome` that Python sees.

use mpt_tokens::{Attempt, Outcome, ProblemDetails, Proof};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::lazy::Lazy;

const MODULE: &str = "mpt_tokens._outcome";

/// Imports what calls make their results of: when a client is made, not in its first call. A thread that imports while
/// another forks leaves the child with an import that never ends.
pub(crate) fn import(py: Python<'_>) -> PyResult<()> {
    py.import(MODULE)?;
    Ok(())
}

/// Makes the Python object, whose class has the fields in this order.
pub(crate) fn new<'py>(py: Python<'py>, report: &Outcome) -> PyResult<Bound<'py, PyAny>> {
    static OUTCOME: Lazy = Lazy::new(MODULE, "Outcome");
    let attempts: Vec<_> =
        report.attempts().iter().map(|it| attempt(py, it)).collect::<PyResult<_>>()?;
    let fields: [Bound<'py, PyAny>; 12] = [
        report.id().into_bound_py_any(py)?,
        PyString::intern(py, report.kind().name()).into_any(),
        PyString::intern(py, report.code().name()).into_any(),
        report.http_status().into_bound_py_any(py)?,
        PyTuple::new(py, attempts)?.into_any(),
        report.problem().map(|it| problem(py, it)).transpose()?.into_bound_py_any(py)?,
        report.message().into_bound_py_any(py)?,
        report.retryable().into_bound_py_any(py)?,
        report.retry_after().map(|it| it.as_secs_f64()).into_bound_py_any(py)?,
        report.trace_id().into_bound_py_any(py)?,
        report.elapsed().as_secs_f64().into_bound_py_any(py)?,
        report.proof().map(|it| proof(py, it)).transpose()?.into_bound_py_any(py)?,
    ];
    OUTCOME.get(py)?.call1(PyTuple::new(py, fields)?)
}

/// Makes the Python object of a proof.
pub(crate) fn proof<'py>(py: Python<'py>, proof: &Proof) -> PyResult<Bound<'py, PyAny>> {
    static PROOF: Lazy = Lazy::new(MODULE, "Proof");
    let basis = proof.basis().map(|basis| PyString::intern(py, basis.name()));
    PROOF.get(py)?.call1((proof.is_proven(), new(py, proof.outcome())?, basis))
}

fn attempt<'py>(py: Python<'py>, attempt: &Attempt) -> PyResult<Bound<'py, PyAny>> {
    static ATTEMPT: Lazy = Lazy::new(MODULE, "Attempt");
    let failure = attempt.failure.map(|code| PyString::intern(py, code.name()));
    ATTEMPT.get(py)?.call1((
        attempt.number,
        attempt.sent,
        attempt.http_status,
        failure,
        attempt.elapsed.as_secs_f64(),
        attempt.waited.as_secs_f64(),
    ))
}

fn problem<'py>(py: Python<'py>, problem: &ProblemDetails) -> PyResult<Bound<'py, PyAny>> {
    static PROBLEM: Lazy = Lazy::new(MODULE, "ProblemDetails");
    PROBLEM.get(py)?.call1((
        problem.type_uri(),
        problem.title(),
        problem.status(),
        problem.detail(),
        problem.instance(),
        crate::json::object(py, problem.extensions())?,
        problem.trace_id(),
        problem.error_code(),
        PyTuple::new(py, problem.errors())?,
    ))
}
