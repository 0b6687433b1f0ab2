//! The client that the package's `Client` and `AsyncClient` stand on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mpt_tokens::{
    BatchOptions, CaBundle, ClientBuilder, Code, DeleteOptions, Outcome, TraceParent,
};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arguments::{self, Id};
use crate::batch::Batch;
use crate::calls::{Call, Told};
use crate::error;
use crate::handles::{ApiToken, Cancel};
use crate::hook::Hook;
use crate::interrupt::Interrupt;
use crate::logging;
use crate::outcome;
use crate::shutdown::Inside;

/// Connections and settings.
#[pyclass(frozen, module = "mpt_tokens._native")]
pub(crate) struct Client {
    /// `None` once closed. Clients that were made of another one have the same.
    root: Arc<Mutex<Option<mpt_tokens::Client>>>,
    hook: Option<Arc<Hook>>,
    /// What the calls of a client that was made of another one have in common.
    own: Option<DeleteOptions>,
    /// Whether such a client was closed by itself.
    closed: AtomicBool,
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (
        *, api_token, base_url, timeout, attempt_timeout, connect_timeout, attempts, backoff,
        missing_ok, allow_own_token, allow_plain_http, user_agent, ca_file, ca_data, ca_only, proxy, burn_only,
        on_attempt
    ))]
    #[allow(clippy::too_many_arguments, reason = "the keywords of Python's Client")]
    fn new(
        py: Python<'_>,
        api_token: &Bound<'_, PyAny>,
        base_url: &Bound<'_, PyAny>,
        timeout: &Bound<'_, PyAny>,
        attempt_timeout: &Bound<'_, PyAny>,
        connect_timeout: &Bound<'_, PyAny>,
        attempts: &Bound<'_, PyAny>,
        backoff: &Bound<'_, PyAny>,
        missing_ok: &Bound<'_, PyAny>,
        allow_own_token: &Bound<'_, PyAny>,
        allow_plain_http: &Bound<'_, PyAny>,
        user_agent: &Bound<'_, PyAny>,
        ca_file: &Bound<'_, PyAny>,
        ca_data: &Bound<'_, PyAny>,
        ca_only: &Bound<'_, PyAny>,
        proxy: &Bound<'_, PyAny>,
        burn_only: &Bound<'_, PyAny>,
        on_attempt: &Bound<'_, PyAny>,
    ) -> PyResult<Client> {
        let _inside = Inside::enter(py);
        outcome::import(py)?;
        error::import(py)?;
        let longest = ClientBuilder::LONGEST;
        let flag = |name, value| arguments::flag(name, value).map(Option::unwrap_or_default);
        let mut builder = ClientBuilder::from_env()
            .missing_ok(flag("missing_ok", missing_ok)?)
            .allow_own_token(flag("allow_own_token", allow_own_token)?)
            .allow_plain_http(flag("allow_plain_http", allow_plain_http)?)
            .burn_only(flag("burn_only", burn_only)?);
        if let Some(value) = arguments::text("api_token", api_token)? {
            builder = builder.api_token(value);
        }
        if let Some(url) = arguments::text("base_url", base_url)? {
            builder = builder.base_url(url);
        }
        if let Some(limit) = arguments::seconds("timeout", timeout, longest)? {
            builder = builder.timeout(limit);
        }
        if let Some(limit) = arguments::seconds("attempt_timeout", attempt_timeout, longest)? {
            builder = builder.attempt_timeout(limit);
        }
        if let Some(limit) = arguments::seconds("connect_timeout", connect_timeout, longest)? {
            builder = builder.connect_timeout(limit);
        }
        if let Some(attempts) = whole_attempts(attempts)? {
            builder = builder.attempts(attempts);
        }
        if let Some((base, cap)) = arguments::backoff(backoff, longest)? {
            builder = builder.backoff(base, cap);
        }
        if let Some(product) = arguments::text("user_agent", user_agent)? {
            builder = builder.user_agent(product);
        }
        let ca_only = flag("ca_only", ca_only)?;
        let bundle =
            match (arguments::path("ca_file", ca_file)?, arguments::bytes("ca_data", ca_data)?) {
                (Some(_), Some(_)) => {
                    let message = "ca_file and ca_data are both given: expected one of them";
                    return Err(error::refuse(py, Code::InvalidArgument, message));
                }
                (Some(path), None) => Some(CaBundle::from_file(path)),
                (None, Some(data)) => Some(CaBundle::from_pem(&data)),
                (None, None) => None,
            };
        let bundle = bundle
            .transpose()
            .map_err(|invalid| error::refuse(py, Code::InvalidConfig, &invalid.to_string()))?;
        builder = match bundle {
            None if ca_only => {
                let message = "ca_only is set without a ca_file: expected the CA file to trust";
                return Err(error::refuse(py, Code::InvalidArgument, message));
            }
            None => builder,
            Some(bundle) => builder.ca_bundle(if ca_only { bundle.only() } else { bundle }),
        };
        builder = match arguments::text("proxy", proxy)?.as_deref() {
            None => builder.proxy_from_env(),
            Some("none") => builder.no_proxy(),
            Some(url) => builder.proxy(url),
        };
        let hook = Hook::new("on_attempt", on_attempt)?.map(Arc::new);
        if let Some(hook) = &hook {
            let hook = Arc::clone(hook);
            builder = builder.on_event(move |event| hook.call(event));
        }
        let client = builder.build().map_err(|invalid| renamed(py, &invalid))?;
        let root = Arc::new(Mutex::new(Some(client)));
        Ok(Client { root, hook, own: None, closed: AtomicBool::new(false) })
    }

    /// A client with the same connections and other defaults.
    #[pyo3(signature = (*, timeout, attempts, missing_ok, allow_own_token))]
    fn with_options(
        &self,
        py: Python<'_>,
        timeout: &Bound<'_, PyAny>,
        attempts: &Bound<'_, PyAny>,
        missing_ok: &Bound<'_, PyAny>,
        allow_own_token: &Bound<'_, PyAny>,
    ) -> PyResult<Client> {
        let client = self.open(py)?;
        let own = self.own.clone().unwrap_or_default();
        let own = limited(own, timeout, attempts, missing_ok, allow_own_token)?;
        client.with_options(&own).map_err(|invalid| error::refused(py, &invalid))?;
        Ok(Client {
            root: Arc::clone(&self.root),
            hook: self.hook.clone(),
            own: Some(own),
            closed: AtomicBool::new(false),
        })
    }

    /// Makes the call and returns its outcome; or begins it, if one is given, and returns what its queue needs.
    #[pyo3(signature = (
        token_id, *, timeout, attempts, missing_ok, allow_own_token, after_lost_answer, trace_parent, call
    ))]
    #[allow(clippy::too_many_arguments, reason = "the keywords of Python's delete_token")]
    fn delete_token<'py>(
        &self,
        py: Python<'py>,
        token_id: &Bound<'py, PyAny>,
        timeout: &Bound<'py, PyAny>,
        attempts: &Bound<'py, PyAny>,
        missing_ok: &Bound<'py, PyAny>,
        allow_own_token: &Bound<'py, PyAny>,
        after_lost_answer: &Bound<'py, PyAny>,
        trace_parent: &Bound<'py, PyAny>,
        call: Option<&Call>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let lost = arguments::flag("after_lost_answer", after_lost_answer)?.unwrap_or_default();
        let options = DeleteOptions::new().after_lost_answer(lost);
        let options = limited(options, timeout, attempts, missing_ok, allow_own_token)?;
        let options = with_trace(options, trace_parent)?;
        let Ok(token_id) = token_id.cast::<PyString>() else {
            return Err(arguments::not_an_id("token_id", token_id));
        };
        let token_id = match arguments::token_id(token_id)? {
            Id::Text(id) => id,
            Id::NotText(shown) => return Err(error::not_text(py, &client.not_text(&shown))),
        };
        logging::refresh(py)?;
        if let Some(call) = call {
            let token_id = token_id.to_owned();
            return begin(py, call, move |cancel| {
                let options = options.cancel(cancel);
                Told::Outcome(client.delete_token_with(&token_id, &options).into())
            });
        }
        let interrupt = Interrupt::default();
        let options = options.cancel(&interrupt.cancel());
        let report =
            inside.detach(py, || Outcome::from(client.delete_token_with(token_id, &options)));
        error::settle(py, &report, interrupt.take())
    }

    /// Asks for proof, or begins to, as in `delete_token`.
    #[pyo3(signature = (value, *, timeout, attempts, trace_parent, call))]
    fn prove_deleted<'py>(
        &self,
        py: Python<'py>,
        value: &ApiToken,
        timeout: &Bound<'py, PyAny>,
        attempts: &Bound<'py, PyAny>,
        trace_parent: &Bound<'py, PyAny>,
        call: Option<&Call>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let none = py.None().into_bound(py);
        let options = limited(DeleteOptions::new(), timeout, attempts, &none, &none)?;
        let options = with_trace(options, trace_parent)?;
        logging::refresh(py)?;
        if let Some(call) = call {
            let value = value.0.clone();
            return begin(py, call, move |cancel| {
                Told::Proof(client.prove_deleted_with(&value, &options.cancel(cancel)))
            });
        }
        let interrupt = Interrupt::default();
        let options = options.cancel(&interrupt.cancel());
        let proof = inside.detach(py, || client.prove_deleted_with(&value.0, &options));
        error::settle_proof(py, &proof, interrupt.take())
    }

    /// Burns a value, or begins to, as in `delete_token`.
    #[pyo3(signature = (value, *, timeout, attempts, after_lost_answer, trace_parent, call))]
    #[allow(clippy::too_many_arguments, reason = "the keywords of Python's burn")]
    fn burn<'py>(
        &self,
        py: Python<'py>,
        value: &ApiToken,
        timeout: &Bound<'py, PyAny>,
        attempts: &Bound<'py, PyAny>,
        after_lost_answer: &Bound<'py, PyAny>,
        trace_parent: &Bound<'py, PyAny>,
        call: Option<&Call>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let none = py.None().into_bound(py);
        let lost = arguments::flag("after_lost_answer", after_lost_answer)?.unwrap_or_default();
        let options = DeleteOptions::new().after_lost_answer(lost);
        let options = limited(options, timeout, attempts, &none, &none)?;
        let options = with_trace(options, trace_parent)?;
        logging::refresh(py)?;
        if let Some(call) = call {
            let value = value.0.clone();
            return begin(py, call, move |cancel| {
                Told::Outcome(client.burn_with(&value, &options.cancel(cancel)).into())
            });
        }
        let interrupt = Interrupt::default();
        let options = options.cancel(&interrupt.cancel());
        let report = inside.detach(py, || Outcome::from(client.burn_with(&value.0, &options)));
        error::settle(py, &report, interrupt.take())
    }

    /// Begins a batch that burns values: nothing is sent before the first outcome is asked for.
    #[pyo3(signature = (values, *, concurrency, journal, patience, cancel))]
    fn burn_tokens(
        &self,
        py: Python<'_>,
        values: &Bound<'_, PyAny>,
        concurrency: &Bound<'_, PyAny>,
        journal: &Bound<'_, PyAny>,
        patience: &Bound<'_, PyAny>,
        cancel: Option<&Cancel>,
    ) -> PyResult<Batch> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let journal = arguments::path("journal", journal)?;
        let patience = arguments::seconds("patience", patience, BatchOptions::LONGEST_PATIENCE)?;
        let concurrency = whole_concurrency(concurrency)?;
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
        concurrency: &Bound<'_, PyAny>,
        missing_ok: &Bound<'_, PyAny>,
        allow_own_token: &Bound<'_, PyAny>,
        journal: &Bound<'_, PyAny>,
        prove: &Bound<'_, PyAny>,
        patience: &Bound<'_, PyAny>,
        cancel: Option<&Cancel>,
    ) -> PyResult<Batch> {
        let inside = Inside::enter(py);
        let client = self.open(py)?;
        let missing_ok = arguments::flag("missing_ok", missing_ok)?;
        let allow_own_token = arguments::flag("allow_own_token", allow_own_token)?;
        let journal = arguments::path("journal", journal)?;
        let prove = arguments::flag("prove", prove)?.unwrap_or_default();
        let patience = arguments::seconds("patience", patience, BatchOptions::LONGEST_PATIENCE)?;
        let concurrency = whole_concurrency(concurrency)?;
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

    /// Lets the connections go, once the calls under way on other threads are done; those of another client are left to
    /// it. Closing twice is fine.
    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        if self.own.is_none() {
            self.lock().take();
        }
    }

    #[getter]
    fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed) || self.lock().is_none()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.hook.as_ref().map_or(Ok(()), |hook| hook.traverse(&visit))
    }

    fn __clear__(&self) {
        if let Some(hook) = &self.hook {
            hook.clear();
        }
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
    fn lock(&self) -> MutexGuard<'_, Option<mpt_tokens::Client>> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, py: Python<'_>) -> PyResult<mpt_tokens::Client> {
        let client = match self.closed.load(Ordering::Relaxed) {
            true => None,
            false => self.lock().clone(),
        };
        let client = client.ok_or_else(|| {
            error::refuse(py, Code::InvalidArgument, "the client is closed: make a new one")
        })?;
        match &self.own {
            None => Ok(client),
            Some(own) => client.with_options(own).map_err(|invalid| error::refused(py, &invalid)),
        }
    }
}

/// Begins a call on a thread of its queue, and returns what the queue needs.
fn begin<'py>(
    py: Python<'py>,
    call: &Call,
    work: impl FnOnce(&mpt_tokens::Cancel) -> Told + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(call.begin(Box::new(work))?.into_pyobject(py)?.into_any())
}

/// A refusal in which settings have the names that they have in Python.
fn renamed(py: Python<'_>, invalid: &mpt_tokens::Error) -> PyErr {
    let told = invalid.to_string();
    let message = told
        .replace("attempt timeout", "attempt_timeout")
        .replace("connect timeout", "connect_timeout");
    match message == told {
        true => error::refused(py, invalid),
        false => error::refuse(py, invalid.code(), &message),
    }
}

fn whole_attempts(value: &Bound<'_, PyAny>) -> PyResult<Option<u32>> {
    let range = ClientBuilder::ATTEMPTS;
    let range = u64::from(*range.start())..=u64::from(*range.end());
    let attempts = arguments::whole("attempts", "are", value, &range)?;
    Ok(attempts.and_then(|attempts| u32::try_from(attempts).ok()))
}

fn whole_concurrency(value: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    let range = BatchOptions::CONCURRENCY;
    arguments::whole("concurrency", "is", value, &(*range.start() as u64..=*range.end() as u64))
}

fn limited(
    mut options: DeleteOptions,
    timeout: &Bound<'_, PyAny>,
    attempts: &Bound<'_, PyAny>,
    missing_ok: &Bound<'_, PyAny>,
    allow_own_token: &Bound<'_, PyAny>,
) -> PyResult<DeleteOptions> {
    if let Some(limit) = arguments::seconds("timeout", timeout, ClientBuilder::LONGEST)? {
        options = options.timeout(limit);
    }
    if let Some(attempts) = whole_attempts(attempts)? {
        options = options.attempts(attempts);
    }
    if let Some(yes) = arguments::flag("missing_ok", missing_ok)? {
        options = options.missing_ok(yes);
    }
    if let Some(yes) = arguments::flag("allow_own_token", allow_own_token)? {
        options = options.allow_own_token(yes);
    }
    Ok(options)
}

fn with_trace(options: DeleteOptions, trace_parent: &Bound<'_, PyAny>) -> PyResult<DeleteOptions> {
    let Some(given) = arguments::text("trace_parent", trace_parent)? else {
        return Ok(options);
    };
    match given.parse::<TraceParent>() {
        Ok(parent) => Ok(options.trace_parent(parent)),
        Err(_) => {
            let message = "the trace_parent is not a W3C traceparent: expected `00-<32 hex>-<16 hex>-<2 hex>`";
            Err(error::refuse(trace_parent.py(), Code::InvalidArgument, message))
        }
    }
}
