//! `mpt_tokens._native`: the Python face of `mpt-tokens`. It translates, and decides nothing.
//!
//! The package around it is in `bindings/python/mpt_tokens`: what users see is there, with its documentation.

#![forbid(unsafe_code)]

mod arguments;
mod batch;
mod calls;
mod client;
mod context;
mod error;
mod handles;
mod hook;
mod interrupt;
mod json;
mod lazy;
mod logging;
mod outcome;
mod sandbox;
mod shutdown;

/// The compiled part of the package. Private: `mpt_tokens` is the interface.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::batch::Batch;
    #[pymodule_export]
    use crate::calls::{Call, Queue, Returns};
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::handles::{ApiToken, Cancel};
    #[pymodule_export]
    use crate::sandbox::Sandbox;

    /// Runs the program `mpt-tokens` with the arguments given, its name first; returns the exit status.
    #[pyfunction]
    fn run_program(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
        crate::logging::is_the_program(true);
        let inside = crate::shutdown::Inside::enter(py);
        let status = inside.detach(py, || mpt_tokens_cli::run(arguments));
        crate::logging::is_the_program(false);
        status
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::logging::install();
        crate::shutdown::install(module.py())?;
        module.add("__version__", mpt_tokens::VERSION)?;
        let codes = mpt_tokens::Code::ALL.iter().map(|code| (code.name(), code.number()));
        module.add("CODES", codes.collect::<Vec<_>>())
    }
}
