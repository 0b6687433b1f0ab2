//! What a call or a batch is given beside its arguments: a cancel handle, and the value of a token.

use mpt_tokens::{BatchItem, Code};
use pyo3::prelude::*;

use crate::arguments;
use crate::error;

/// Ends the call that it was given to, from any thread.
#[pyclass(frozen, module = "mpt_tokens._native")]
pub(crate) struct Cancel(pub(crate) mpt_tokens::Cancel);

#[pymethods]
impl Cancel {
    #[new]
    fn new() -> Cancel {
        Cancel(mpt_tokens::Cancel::new())
    }

    fn cancel(&self) {
        self.0.cancel();
    }
}

/// The value of an API token: a secret that is never shown.
#[pyclass(frozen, module = "mpt_tokens", name = "ApiToken")]
pub(crate) struct ApiToken(pub(crate) mpt_tokens::ApiToken);

#[pymethods]
impl ApiToken {
    #[new]
    fn new(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<ApiToken> {
        let Some(value) = arguments::text("value", value)? else {
            return Err(arguments::not_a_value("value", value));
        };
        mpt_tokens::ApiToken::new(value)
            .map(ApiToken)
            .map_err(|invalid| error::refuse(py, Code::InvalidConfig, &invalid.to_string()))
    }

    #[getter]
    fn token_id(&self) -> Option<&str> {
        self.0.token_id()
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }
}

impl ApiToken {
    /// The token that the value names, to be deleted.
    pub(crate) fn item(&self, py: Python<'_>) -> PyResult<BatchItem> {
        let id = self.0.token_id().ok_or_else(|| {
            let message = "a token value has no token id in it: expected the form `idt:TKN-XXXX-XXXX:<secret>`";
            error::refuse(py, Code::InvalidArgument, message)
        })?;
        let mut item = BatchItem::from(id);
        item.value = Some(self.0.clone());
        Ok(item)
    }
}
