//! A report as the `mpt_tokens.Outcome` that Python sees.

use std::time::SystemTime;

use mpt_tokens::{Attempt, AttemptEnded, Outcome, ProblemDetails, Proof};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::lazy::Lazy;

const MODULE: &str = "mpt_tokens._outcome";

/// Imports what calls make their results of: when a client is made, not in its first call. A thread that imports while
/// another forks leaves the child with an import that never ends.
pub(crate) fn import(py: Python<'_>) -> PyResult<()> {
    py.import(MODULE)?;
    py.import("datetime")?;
    Ok(())
}

fn put<'py>(
    fields: &Bound<'py, PyDict>,
    name: &str,
    value: impl IntoPyObject<'py>,
) -> PyResult<()> {
    fields.set_item(PyString::intern(fields.py(), name), value)
}

/// A moment as an aware `datetime`, to the microsecond.
fn time(py: Python<'_>, moment: SystemTime) -> PyResult<Bound<'_, PyAny>> {
    static DATETIME: Lazy = Lazy::new("datetime", "datetime");
    static TIMEZONE: Lazy = Lazy::new("datetime", "timezone");
    let micros = match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_micros() as f64,
        Err(before) => -(before.duration().as_micros() as f64),
    };
    let utc = TIMEZONE.get(py)?.getattr("utc")?;
    DATETIME.get(py)?.call_method1("fromtimestamp", (micros / 1e6, utc))
}

/// Makes the Python object. Each field goes by its name.
pub(crate) fn new<'py>(py: Python<'py>, report: &Outcome) -> PyResult<Bound<'py, PyAny>> {
    static OUTCOME: Lazy = Lazy::new(MODULE, "Outcome");
    let attempts: Vec<_> =
        report.attempts().iter().map(|it| attempt(py, it)).collect::<PyResult<_>>()?;
    let fields = PyDict::new(py);
    put(&fields, "id", report.id())?;
    put(&fields, "outcome", PyString::intern(py, report.kind().name()))?;
    put(&fields, "code", PyString::intern(py, report.code().name()))?;
    put(&fields, "http_status", report.http_status())?;
    put(&fields, "attempts", PyTuple::new(py, attempts)?)?;
    put(&fields, "rounds", report.rounds())?;
    let problem = report.problem().map(|it| problem(py, it)).transpose()?;
    put(&fields, "problem", problem)?;
    put(&fields, "message", report.message())?;
    put(&fields, "retryable", report.retryable())?;
    let retry_after = report.retry_after().map(|it| it.as_secs_f64());
    put(&fields, "retry_after", retry_after)?;
    put(&fields, "trace_id", report.trace_id())?;
    put(&fields, "elapsed", report.elapsed().as_secs_f64())?;
    put(&fields, "settled_at", time(py, report.settled_at())?)?;
    let proof = report.proof().map(|it| proof(py, it)).transpose()?;
    put(&fields, "proof", proof)?;
    put(&fields, "index", report.index())?;
    OUTCOME.get(py)?.call((), Some(&fields))
}

/// Makes the Python object of a proof.
pub(crate) fn proof<'py>(py: Python<'py>, proof: &Proof) -> PyResult<Bound<'py, PyAny>> {
    static PROOF: Lazy = Lazy::new(MODULE, "Proof");
    let fields = PyDict::new(py);
    put(&fields, "proven", proof.is_proven())?;
    put(&fields, "outcome", new(py, proof.outcome())?)?;
    let basis = proof.basis().map(|basis| PyString::intern(py, basis.name()));
    put(&fields, "basis", basis)?;
    PROOF.get(py)?.call((), Some(&fields))
}

/// Makes the Python object of an event.
pub(crate) fn attempt_event<'py>(
    py: Python<'py>,
    ended: &AttemptEnded,
) -> PyResult<Bound<'py, PyAny>> {
    static EVENT: Lazy = Lazy::new(MODULE, "AttemptEvent");
    let fields = PyDict::new(py);
    put(&fields, "token_id", &ended.token_id)?;
    put(&fields, "trace_id", &ended.trace_id)?;
    put(&fields, "attempt", attempt(py, &ended.attempt)?)?;
    put(&fields, "code", PyString::intern(py, ended.code.name()))?;
    put(&fields, "next_in", ended.next_in.map(|pause| pause.as_secs_f64()))?;
    EVENT.get(py)?.call((), Some(&fields))
}

fn attempt<'py>(py: Python<'py>, attempt: &Attempt) -> PyResult<Bound<'py, PyAny>> {
    static ATTEMPT: Lazy = Lazy::new(MODULE, "Attempt");
    let fields = PyDict::new(py);
    put(&fields, "number", attempt.number)?;
    put(&fields, "sent", attempt.sent)?;
    put(&fields, "http_status", attempt.http_status)?;
    let failure = attempt.failure.map(|code| PyString::intern(py, code.name()));
    put(&fields, "failure", failure)?;
    put(&fields, "elapsed", attempt.elapsed.as_secs_f64())?;
    put(&fields, "waited", attempt.waited.as_secs_f64())?;
    put(&fields, "request_id", attempt.request_id.as_deref())?;
    if !attempt.headers.is_empty() {
        let headers = PyDict::new(py);
        for (name, value) in &attempt.headers {
            headers.set_item(name, value)?;
        }
        put(&fields, "headers", headers)?;
    }
    ATTEMPT.get(py)?.call((), Some(&fields))
}

fn problem<'py>(py: Python<'py>, problem: &ProblemDetails) -> PyResult<Bound<'py, PyAny>> {
    static PROBLEM: Lazy = Lazy::new(MODULE, "ProblemDetails");
    let fields = PyDict::new(py);
    put(&fields, "type", problem.type_uri())?;
    put(&fields, "title", problem.title())?;
    put(&fields, "status", problem.status())?;
    put(&fields, "detail", problem.detail())?;
    put(&fields, "instance", problem.instance())?;
    let extensions = crate::json::object(py, problem.extensions())?;
    put(&fields, "extensions", extensions)?;
    put(&fields, "trace_id", problem.trace_id())?;
    put(&fields, "error_code", problem.error_code())?;
    put(&fields, "errors", PyTuple::new(py, problem.errors())?)?;
    PROBLEM.get(py)?.call((), Some(&fields))
}
