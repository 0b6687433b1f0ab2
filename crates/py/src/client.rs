//! The client that the package's `Client` and `AsyncClient` stand on.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mpt_tokens::{
    BatchOptions, CaBundle, ClientBuilder, Code, DeleteOptions, Outcome, TraceParent,
};
use pyo3::prelude::*;

use crate::batch::Batch;
use crate::error;
use crate::handles::{ApiToken, Cancel};
use crate::interrupt::Interrupt;
use crate::logging;
use crate::outcome;
use crate::shutdown::Inside;

/// Connections and settings; `None` once closed.
#[pyclass(frozen, module = "mpt_tokens._native")]
pub(crate) struct Client(Mutex<Option<mpt_tokens::Client>>);

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (
        *, api_token, base_url, timeout, attempt_timeout, connect_timeout, attempts, backoff,
        missing_ok, allow_own_token, allow_plain_http, user_agent, ca_file, ca_only, proxy, burn_only
    ))]
    #[allow(clippy::too_many_arguments, reason = "the keywords of Python's Client")]
    fn new(
        py: Python<'_>,
        api_token: Option<String>,
        base_url: Option<String>,
        timeout: Option<f64>,
        attempt_timeout: Option<f64>,
        connect_timeout: Option<f64>,
        attempts: Option<i64>,
        backoff: Option<[f64; 2]>,
        missing_ok: bool,
        allow_own_token: bool,
        allow_plain_http: bool,
        user_agent: Option<String>,
        ca_file: Option<PathBuf>,
        ca_only: bool,
        proxy: Option<String>,
        burn_only: bool,
    ) -> PyResult<Client> {
        let _inside = Inside::enter(py);
        outcome::import(py)?;
        error::import(py)?;
        let mut builder = ClientBuilder::from_env()
            .missing_ok(missing_ok)
            .allow_own_token(allow_own_token)
            .allow_plain_http(allow_plain_http)
            .burn_only(burn_only);
        if let Some(value) = api_token {
            builder = builder.api_token(value);
        }
        if let Some(url) = base_url {
            builder = builder.base_url(url);
        }
        if let Some(limit) = timeout {
            builder = builder.timeout(seconds(py, "timeout", limit)?);
        }
        if let Some(limit) = attempt_timeout {
            builder = builder.attempt_timeout(seconds(py, "attempt_timeout", limit)?);
        }
        if let Some(limit) = connect_timeout {
            builder = builder.connect_timeout(seconds(py, "connect_timeout", limit)?);
        }
        if let Some(attempts) = attempts {
            // What does not fit is out of range all the same, and core says which range that is.
            let nearest = if attempts < 0 { 0 } else { u32::MAX };
            builder = builder.attempts(u32::try_from(attempts).unwrap_or(nearest));
        }
        if let Some([base, cap]) = backoff {
            builder = builder.backoff(seconds(py, "backoff", base)?, seconds(py, "backoff", cap)?);
        }
        if let Some(product) = user_agent {
            builder = builder.user_agent(product);
        }
        builder = match (ca_file, ca_only) {
            (None, false) => builder,
            (None, true) => {
                let message = "ca_only is set without a ca_file: expected the CA file to trust";
                return Err(error::refuse(py, Code::InvalidArgument, message));
            }
            (Some(path), false) => builder.ca_file(path),
            (Some(path), true) => match CaBundle::from_file(path) {
                Ok(bundle) => builder.ca_bundle(bundle.only()),
                Err(invalid) => {
                    return Err(error::refuse(py, Code::InvalidConfig, &invalid.to_string()));
                }
            },
        };
        builder = match proxy.as_deref() {
            None => builder.proxy_from_env(),
            Some("none") => builder.no_proxy(),
            Some(url) => builder.proxy(url),
        };
        let client = builder.build().map_err(|invalid| error::refused(py, &invalid))?;
        Ok(Client(Mutex::new(Some(client))))
    }

    /// Makes the call. A cancel handle stands instead of Python's signals: its owner is on another thread.
    #[pyo3(signature = (token_id, *, missing_ok, allow_own_token, after_lost_answer, trace_parent, cancel))]
    #[allow(clippy::too_many_arguments, reason = "the keywords of Python's delete_token")]
    fn delete_token<'py>(
        &self,
        py: Python<'py>,
        token_id: &str,
        missing_ok: Option<bool>,
        allow_own_token: Option<bool>,
        after_lost_answer: bool,
        trace_parent: Option<&str>,
        cancel: Option<&Cancel>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let mut options = DeleteOptions::new().after_lost_answer(after_lost_answer);
        if let Some(yes) = missing_ok {
            options = options.missing_ok(yes);
        }
        if let Some(yes) = allow_own_token {
            options = options.allow_own_token(yes);
        }
        let options = with_trace(py, options, trace_parent)?;
        let interrupt = Interrupt::default();
        let options = options.cancel(&cancel.map_or_else(|| interrupt.cancel(), |it| it.0.clone()));
        logging::refresh(py)?;
        let report =
            inside.detach(py, || Outcome::from(client.delete_token_with(token_id, &options)));
        error::settle(py, &report, interrupt.take())
    }

    /// Asks for proof. A cancel handle stands instead of Python's signals, as in `delete_token`.
    #[pyo3(signature = (value, *, trace_parent, cancel))]
    fn prove_deleted<'py>(
        &self,
        py: Python<'py>,
        value: &ApiToken,
        trace_parent: Option<&str>,
        cancel: Option<&Cancel>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let options = with_trace(py, DeleteOptions::new(), trace_parent)?;
        let interrupt = Interrupt::default();
        let options = options.cancel(&cancel.map_or_else(|| interrupt.cancel(), |it| it.0.clone()));
        logging::refresh(py)?;
        let proof = inside.detach(py, || client.prove_deleted_with(&value.0, &options));
        error::settle_proof(py, &proof, interrupt.take())
    }

    /// Burns a value. A cancel handle stands instead of Python's signals, as in `delete_token`.
    #[pyo3(signature = (value, *, after_lost_answer, trace_parent, cancel))]
    fn burn<'py>(
        &self,
        py: Python<'py>,
        value: &ApiToken,
        after_lost_answer: bool,
        trace_parent: Option<&str>,
        cancel: Option<&Cancel>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let options = DeleteOptions::new().after_lost_answer(after_lost_answer);
        let options = with_trace(py, options, trace_parent)?;
        let interrupt = Interrupt::default();
        let options = options.cancel(&cancel.map_or_else(|| interrupt.cancel(), |it| it.0.clone()));
        logging::refresh(py)?;
        let report = inside.detach(py, || Outcome::from(client.burn_with(&value.0, &options)));
        error::settle(py, &report, interrupt.take())
    }

    /// Begins a batch that burns values: nothing is sent before the first outcome is asked for.
    #[pyo3(signature = (values, *, concurrency, journal, patience, cancel))]
    fn burn_tokens(
        &self,
        py: Python<'_>,
        values: &Bound<'_, PyAny>,
        concurrency: Option<i64>,
        journal: Option<PathBuf>,
        patience: Option<f64>,
        cancel: Option<&Cancel>,
    ) -> PyResult<Batch> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let patience = patience.map(|limit| seconds(py, "patience", limit)).transpose()?;
        let cancel = cancel.map(|cancel| &cancel.0);
        let options = BatchOptions::new().burn(true);
        Batch::new(py, &inside, &client, values, options, concurrency, journal, patience, cancel)
    }

    /// Begins a batch: nothing is sent before the first outcome is asked for.
    #[pyo3(signature = (token_ids, *, concurrency, missing_ok, allow_own_token, journal, prove, patience, cancel))]
    #[allow(clippy::too_many_arguments, reason = "the keywords of Python's delete_tokens")]
    fn delete_tokens(
        &self,
        py: Python<'_>,
        token_ids: &Bound<'_, PyAny>,
        concurrency: Option<i64>,
        missing_ok: Option<bool>,
        allow_own_token: Option<bool>,
        journal: Option<PathBuf>,
        prove: bool,
        patience: Option<f64>,
        cancel: Option<&Cancel>,
    ) -> PyResult<Batch> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let patience = patience.map(|limit| seconds(py, "patience", limit)).transpose()?;
        let cancel = cancel.map(|cancel| &cancel.0);
        let mut options = BatchOptions::new().prove(prove);
        if let Some(yes) = missing_ok {
            options = options.missing_ok(yes);
        }
        if let Some(yes) = allow_own_token {
            options = options.allow_own_token(yes);
        }
        Batch::new(py, &inside, &client, token_ids, options, concurrency, journal, patience, cancel)
    }

    /// Ends every call under way, and every later one.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        self.open(py)?.cancel_handle().cancel();
        Ok(())
    }

    /// Lets the connections go, once the calls under way on other threads are done. Closing twice is fine.
    fn close(&self) {
        self.lock().take();
    }

    #[getter]
    fn closed(&self) -> bool {
        self.lock().is_none()
    }

    #[getter]
    fn base_url(&self) -> Option<String> {
        self.lock().as_ref().map(|client| client.endpoint().base_url().to_owned())
    }

    #[getter]
    fn own_token_id(&self) -> Option<String> {
        self.lock().as_ref().and_then(|client| client.own_token_id().map(str::to_owned))
    }
}

impl Client {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<mpt_tokens::Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, py: Python<'_>) -> PyResult<mpt_tokens::Client> {
        self.lock().clone().ok_or_else(|| {
            error::refuse(py, Code::InvalidArgument, "the client is closed: make a new one")
        })
    }
}

fn with_trace(
    py: Python<'_>,
    options: DeleteOptions,
    trace_parent: Option<&str>,
) -> PyResult<DeleteOptions> {
    let Some(given) = trace_parent else {
        return Ok(options);
    };
    match given.parse::<TraceParent>() {
        Ok(parent) => Ok(options.trace_parent(parent)),
        Err(_) => {
            let message = "the trace_parent is not a W3C traceparent: expected `00-<32 hex>-<16 hex>-<2 hex>`";
            Err(error::refuse(py, Code::InvalidArgument, message))
        }
    }
}

fn seconds(py: Python<'_>, name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value).map_err(|_| {
        let message = format!("the {name} is {value}: expected seconds, not negative");
        error::refuse(py, Code::InvalidArgument, &message)
    })
}
