//! The sandbox that the package's `Sandbox` stands on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mpt_tokens_sandbox as sandbox;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::shutdown::Inside;

/// How often a wait looks for signals.
const EVERY: Duration = Duration::from_millis(50);

/// A running sandbox; `None` once closed.
#[pyclass(frozen, module = "mpt_tokens._native")]
pub(crate) struct Sandbox(Mutex<Option<Arc<sandbox::Sandbox>>>);

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(signature = (*, port, tokens, numbered, delay, rate, faults, record))]
    #[allow(clippy::too_many_arguments, reason = "the keywords of Python's Sandbox")]
    fn new(
        py: Python<'_>,
        port: u16,
        tokens: Vec<String>,
        numbered: u64,
        delay: f64,
        rate: Option<u32>,
        faults: Option<u64>,
        record: usize,
    ) -> PyResult<Sandbox> {
        let delay = Duration::try_from_secs_f64(delay).map_err(|_| {
            PyValueError::new_err(format!("the delay is {delay}: expected seconds, not negative"))
        })?;
        let mut builder = sandbox::Sandbox::builder()
            .port(port)
            .tokens(tokens)
            .numbered(numbered)
            .delay(delay)
            .record(record);
        match rate {
            None => {}
            Some(0) => {
                return Err(PyValueError::new_err("the rate is 0: expected 1 or more a second"));
            }
            Some(rate) => builder = builder.rate(rate),
        }
        if let Some(seed) = faults {
            builder = builder.faults(seed);
        }
        let inside = Inside::enter(py);
        Ok(Sandbox(Mutex::new(Some(Arc::new(inside.detach(py, || builder.start())?)))))
    }

    #[getter]
    fn base_url(&self) -> PyResult<String> {
        self.with(sandbox::Sandbox::base_url)
    }

    #[getter]
    fn port(&self) -> PyResult<u16> {
        self.with(sandbox::Sandbox::port)
    }

    #[getter]
    fn api_token(&self) -> PyResult<String> {
        self.with(sandbox::Sandbox::api_token)
    }

    fn value_of(&self, token_id: &str) -> PyResult<String> {
        self.with(|sandbox| sandbox.value_of(token_id))
    }

    /// Status, how many requests named the token, which of them deleted it.
    fn truth(&self, token_id: &str) -> PyResult<(Option<&'static str>, u32, Option<u32>)> {
        let truth = self.with(|sandbox| sandbox.truth(token_id))?;
        Ok((truth.status.name(), truth.requests, truth.deleted_by))
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.with(sandbox::Sandbox::stats)?;
        let dict = PyDict::new(py);
        for (name, number) in [
            ("connections", stats.connections),
            ("open_connections", stats.open_connections),
            ("requests", stats.requests),
            ("deleted", stats.deleted),
            ("unauthorized", stats.unauthorized),
            ("rate_limited", stats.rate_limited),
            ("strays", stats.strays),
        ] {
            dict.set_item(name, number)?;
        }
        Ok(dict)
    }

    /// The last requests: method, target, headers.
    #[allow(clippy::type_complexity, reason = "a tuple for Python to name")]
    fn recorded(&self) -> PyResult<Vec<(String, String, Vec<(String, String)>)>> {
        let requests = self.with(sandbox::Sandbox::recorded)?;
        let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect();
        Ok(requests
            .into_iter()
            .map(|it| {
                let headers = it.headers.into_iter().map(|(name, value)| (name, text(&value)));
                (it.method, it.target, headers.collect())
            })
            .collect())
    }

    fn wait_for_requests(
        &self,
        py: Python<'_>,
        token_id: &str,
        count: u32,
        timeout: f64,
    ) -> PyResult<bool> {
        let inside = Inside::enter(py);
        let limit = Duration::try_from_secs_f64(timeout).unwrap_or_default();
        let deadline = Instant::now() + limit.min(Duration::from_secs(24 * 60 * 60));
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let slice = left.min(EVERY);
            let came = inside.detach(py, || {
                self.with(|sandbox| sandbox.wait_for_requests(token_id, count, slice))
            })?;
            if came || left.is_zero() {
                return Ok(came);
            }
            py.check_signals()?;
        }
    }

    fn close(&self, py: Python<'_>) {
        let inside = Inside::enter(py);
        let taken = self.lock().take();
        // Its threads end on their own; none of them ever takes the interpreter.
        inside.detach(py, || drop(taken));
    }

    #[getter]
    fn closed(&self) -> bool {
        self.lock().is_none()
    }
}

impl Sandbox {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<sandbox::Sandbox>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, ask: impl FnOnce(&sandbox::Sandbox) -> T) -> PyResult<T> {
        let closed = || PyValueError::new_err("the sandbox is closed: start a new one");
        // The lock is not held while the sandbox is asked: that may be a wait.
        let sandbox = self.lock().clone().ok_or_else(closed)?;
        Ok(ask(&sandbox))
    }
}
