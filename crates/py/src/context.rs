//! The `contextvars` of the task whose call a thread makes: Python code that runs meanwhile sees them.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

thread_local! {
    static CONTEXT: RefCell<Option<Py<PyAny>>> = const { RefCell::new(None) };
}

/// Makes a `contextvars.Context` this thread's, and returns the one that was.
pub(crate) fn swap(context: Option<Py<PyAny>>) -> Option<Py<PyAny>> {
    CONTEXT.replace(context)
}

/// Calls a function in the context of this thread's call, if it has one, or else in that of the thread.
pub(crate) fn call<'py>(
    function: &Bound<'py, PyAny>,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let arguments = arguments.into_pyobject(py)?;
    let context = CONTEXT.with_borrow(|it| it.as_ref().map(|it| it.clone_ref(py)));
    let Some(context) = context else { return function.call(arguments, options) };
    let first = PyTuple::new(py, [function])?;
    let all = first.as_sequence().concat(arguments.as_sequence())?.to_tuple()?;
    context.bind(py).getattr("run")?.call(all, options)
}
