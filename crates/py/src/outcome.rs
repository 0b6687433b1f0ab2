//! A report as the `mpt_tokens.Outcome` that Python sees.

use std::time::SystemTime;

use mpt_tokens::{Attempt, AttemptEnded, Outcome, ProblemDetails, Proof};
use pyo3::BoundObject;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::lazy::{Lazy, Name};

const MODULE: &str = "mpt_tokens._outcome";

/// Imports what calls make their results of: when a client is made, not in its first call. A thread that imports while
/// another forks leaves the child with an import that never ends.
pub(crate) fn import(py: Python<'_>) -> PyResult<()> {
    py.import(MODULE)?;
    py.import("datetime")?;
    Ok(())
}

/// The arguments of a constructor, in the order in which its class has them in `__slots__`. By position: to name them
/// takes as long as all the rest.
struct Fields<'py>(Python<'py>, Vec<Bound<'py, PyAny>>);

impl<'py> Fields<'py> {
    fn new(py: Python<'py>) -> Fields<'py> {
        Fields(py, Vec::with_capacity(16))
    }

    fn put(&mut self, value: impl IntoPyObject<'py>) -> PyResult<()> {
        let value = value.into_pyobject(self.0).map_err(Into::into)?;
        self.1.push(value.into_bound().into_any());
        Ok(())
    }

    fn make(self, class: &'static Lazy) -> PyResult<Bound<'py, PyAny>> {
        class.get(self.0)?.call1(PyTuple::new(self.0, self.1)?)
    }
}

/// A moment as an aware `datetime`, to the microsecond.
fn time(py: Python<'_>, moment: SystemTime) -> PyResult<Bound<'_, PyAny>> {
    static DATETIME: Lazy = Lazy::new("datetime", "datetime");
    static TIMEZONE: Lazy = Lazy::new("datetime", "timezone");
    static UTC: Name = Name::new("utc");
    static FROM_TIMESTAMP: Name = Name::new("fromtimestamp");
    let micros = match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_micros() as f64,
        Err(before) => -(before.duration().as_micros() as f64),
    };
    let utc = TIMEZONE.get(py)?.getattr(UTC.get(py))?;
    DATETIME.get(py)?.call_method1(FROM_TIMESTAMP.get(py), (micros / 1e6, utc))
}

/// Makes the Python object. Each field goes by its name.
pub(crate) fn new<'py>(py: Python<'py>, report: &Outcome) -> PyResult<Bound<'py, PyAny>> {
    static OUTCOME: Lazy = Lazy::new(MODULE, "Outcome");
    let attempts: Vec<_> =
        report.attempts().iter().map(|it| attempt(py, it)).collect::<PyResult<_>>()?;
    let mut fields = Fields::new(py);
    fields.put(report.id())?;
    fields.put(PyString::intern(py, report.kind().name()))?;
    fields.put(PyString::intern(py, report.code().name()))?;
    fields.put(report.http_status())?;
    fields.put(PyTuple::new(py, attempts)?)?;
    fields.put(report.rounds())?;
    let problem = report.problem().map(|it| problem(py, it)).transpose()?;
    fields.put(problem)?;
    fields.put(report.message())?;
    fields.put(report.retryable())?;
    let retry_after = report.retry_after().map(|it| it.as_secs_f64());
    fields.put(retry_after)?;
    fields.put(report.trace_id())?;
    fields.put(report.elapsed().as_secs_f64())?;
    fields.put(time(py, report.settled_at())?)?;
    let proof = report.proof().map(|it| proof(py, it)).transpose()?;
    fields.put(proof)?;
    fields.put(report.index())?;
    fields.make(&OUTCOME)
}

/// Makes the Python object of a proof.
pub(crate) fn proof<'py>(py: Python<'py>, proof: &Proof) -> PyResult<Bound<'py, PyAny>> {
    static PROOF: Lazy = Lazy::new(MODULE, "Proof");
    let mut fields = Fields::new(py);
    fields.put(proof.is_proven())?;
    fields.put(new(py, proof.outcome())?)?;
    let basis = proof.basis().map(|basis| PyString::intern(py, basis.name()));
    fields.put(basis)?;
    fields.make(&PROOF)
}

/// Makes the Python object of an event.
pub(crate) fn attempt_event<'py>(
    py: Python<'py>,
    ended: &AttemptEnded,
) -> PyResult<Bound<'py, PyAny>> {
    static EVENT: Lazy = Lazy::new(MODULE, "AttemptEvent");
    let mut fields = Fields::new(py);
    fields.put(&ended.token_id)?;
    fields.put(&ended.trace_id)?;
    fields.put(attempt(py, &ended.attempt)?)?;
    fields.put(PyString::intern(py, ended.code.name()))?;
    fields.put(ended.next_in.map(|pause| pause.as_secs_f64()))?;
    fields.make(&EVENT)
}

fn attempt<'py>(py: Python<'py>, attempt: &Attempt) -> PyResult<Bound<'py, PyAny>> {
    static ATTEMPT: Lazy = Lazy::new(MODULE, "Attempt");
    let mut fields = Fields::new(py);
    fields.put(attempt.number)?;
    fields.put(attempt.sent)?;
    fields.put(attempt.http_status)?;
    let failure = attempt.failure.map(|code| PyString::intern(py, code.name()));
    fields.put(failure)?;
    fields.put(attempt.elapsed.as_secs_f64())?;
    fields.put(attempt.waited.as_secs_f64())?;
    fields.put(attempt.request_id.as_deref())?;
    if !attempt.headers.is_empty() {
        let headers = PyDict::new(py);
        for (name, value) in &attempt.headers {
            headers.set_item(name, value)?;
        }
        fields.put(headers)?;
    }
    fields.make(&ATTEMPT)
}

fn problem<'py>(py: Python<'py>, problem: &ProblemDetails) -> PyResult<Bound<'py, PyAny>> {
    static PROBLEM: Lazy = Lazy::new(MODULE, "ProblemDetails");
    let mut fields = Fields::new(py);
    fields.put(problem.type_uri())?;
    fields.put(problem.title())?;
    fields.put(problem.status())?;
    fields.put(problem.detail())?;
    fields.put(problem.instance())?;
    let extensions = crate::json::object(py, problem.extensions())?;
    fields.put(extensions)?;
    fields.put(problem.trace_id())?;
    fields.put(problem.error_code())?;
    fields.put(PyTuple::new(py, problem.errors())?)?;
    fields.make(&PROBLEM)
}
