//! Python objects that are looked up once.

use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::types::PyString;

/// A name of a module, imported when it is first needed.
///
/// Not pyo3's `PyOnceLock`: that one holds a lock while it has let the interpreter go, and a fork in such a moment
/// leaves the child with a lock that nobody will ever open.
pub(crate) struct Lazy {
    module: &'static str,
    name: &'static str,
    found: OnceLock<Py<PyAny>>,
}

impl Lazy {
    pub(crate) const fn new(module: &'static str, name: &'static str) -> Lazy {
        Lazy { module, name, found: OnceLock::new() }
    }

    pub(crate) fn get<'py>(&'static self, py: Python<'py>) -> PyResult<&'py Bound<'py, PyAny>> {
        if let Some(found) = self.found.get() {
            return Ok(found.bind(py));
        }
        let found = py.import(self.module)?.getattr(self.name)?.unbind();
        // Two threads may look it up at once: they find the same.
        Ok(self.found.get_or_init(|| found).bind(py))
    }
}

/// The name of an attribute, made once.
pub(crate) struct Name {
    text: &'static str,
    made: OnceLock<Py<PyString>>,
}

impl Name {
    pub(crate) const fn new(text: &'static str) -> Name {
        Name { text, made: OnceLock::new() }
    }

    pub(crate) fn get<'py>(&'static self, py: Python<'py>) -> &'py Bound<'py, PyString> {
        if let Some(made) = self.made.get() {
            return made.bind(py);
        }
        let made = PyString::intern(py, self.text).unbind();
        self.made.get_or_init(|| made).bind(py)
    }
}
