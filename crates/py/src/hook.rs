//! A function of the caller that is told of attempts.

use std::sync::{Mutex, PoisonError};

use mpt_tokens::Event;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::shutdown::{self, Role};
use crate::{arguments, context, interrupt, outcome};

/// The function, until the client that has it is garbage.
pub(crate) struct Hook(Mutex<Option<Py<PyAny>>>);

impl Hook {
    pub(crate) fn new(name: &str, function: &Bound<'_, PyAny>) -> PyResult<Option<Hook>> {
        if function.is_none() {
            return Ok(None);
        }
        if !function.is_callable() {
            let expected = "a function that takes one argument";
            return Err(arguments::wrong_type(name, "is not callable", function, expected));
        }
        Ok(Some(Hook(Mutex::new(Some(function.clone().unbind())))))
    }

    /// Calls the function. What it raises must not cost the outcome of the call: it is reported as Python reports what
    /// nobody can catch. What is for the program, such as `KeyboardInterrupt`, ends the call.
    pub(crate) fn call(&self, event: &Event) {
        let Event::AttemptEnded(ended) = event else { return };
        let tell = |py: Python<'_>| {
            let function = {
                let function = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                function.as_ref().map(|function| function.clone_ref(py))
            };
            let Some(function) = function else { return };
            let called = outcome::attempt_event(py, ended)
                .and_then(|event| context::call(function.bind(py), (event,), None).map(drop));
            if let Err(error) = called {
                if interrupt::is_interrupt(py, &error) {
                    interrupt::keep(error);
                } else {
                    error.write_unraisable(py, Some(function.bind(py)));
                }
            }
        };
        // Where there is no interpreter any more, nobody is left to hear of it.
        match shutdown::role() {
            Role::Holds => Python::try_attach(tell),
            Role::Detached => shutdown::try_attach(tell),
            // Core tells on the thread that asks for outcomes.
            Role::Worker => None,
        };
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.0.try_lock() {
            Ok(function) => visit.call(&*function),
            Err(_) => Ok(()),
        }
    }

    pub(crate) fn clear(&self) {
        let function = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(function);
    }
}
