//! The program `mpt-tokens`, as a library: the binary and the Python package run the same code.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod about;
mod args;
mod delete;
mod failure;
mod find;
mod interrupt;
mod leaks;
mod log;
mod sandbox;
mod search;
mod signals;
mod stdout;
mod text;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;

use args::{Args, Verb};

/// Runs the program with the given arguments, the first of which is its name. Returns the exit status.
///
/// Reads the environment, standard input and the files named; writes to standard output and standard error. Handles
/// SIGINT, SIGTERM and SIGHUP (on Windows Ctrl-C, Ctrl-Break and the closing of the window) while it runs, and exits the
/// process on the second signal.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to standard output with status 0, mistakes to standard error with 2. Where neither
            // can be written, nobody can be informed.
            let told = error.render().to_string();
            let fit = mpt_tokens::redact_values(&told);
            let fit: Vec<_> = fit.split('\n').map(text::plain).collect();
            let fit = fit.join("\n");
            // With colours, where there is nothing to hide or to escape.
            let _ = if fit == told {
                error.print()
            } else {
                std::io::stderr().write_all(fit.as_bytes())
            };
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let done = match args.verb {
        Verb::Delete(args) => delete::run(&args),
        Verb::Burn(args) => delete::run(&(*args).into()),
        Verb::Find(args) => find::run(&args),
        Verb::Sandbox(args) => sandbox::run(args),
        Verb::Completions { shell } => about::completions(shell),
        Verb::Man => about::man(),
        Verb::Schema { report, find } => about::schema(report, find),
    };
    done.unwrap_or_else(|failure| {
        if let Some(message) = failure.message() {
            let lines =
                std::iter::once(format!("error: {message}")).chain(failure.notes().to_vec());
            for line in lines {
                // Without standard error, nobody can be informed.
                let line = text::plain(&mpt_tokens::redact_values(&line)).into_owned();
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
        failure.status()
    })
}

/// Returns the logger that the program uses: a process that has already set a logger of its own forwards to it.
pub fn logger() -> &'static dyn ::log::Log {
    &log::Printer
}

/// The exit statuses, which the help and the manual page document.
mod status {
    /// Every token is `deleted` or `gone`.
    pub(crate) const DONE: u8 = 0;
    /// Some are `not_deleted`.
    pub(crate) const NOT_DELETED: u8 = 1;
    /// The arguments, the configuration, the list or the journal cannot be used.
    pub(crate) const USAGE: u8 = 2;
    /// Some are `unknown` or not proven.
    pub(crate) const UNKNOWN: u8 = 3;
    /// Some are not known to the API, and nothing is worse.
    pub(crate) const NOT_FOUND: u8 = 4;
    /// Interrupted, after reporting every token that was tried.
    pub(crate) const INTERRUPTED: u8 = 130;

    /// Those of `find`: only 0 says that all is well, as for the other verbs.
    pub(crate) mod find {
        /// Everything was read, and there is no value in it.
        pub(crate) const NONE: u8 = 0;
        /// There are values, and everything was read.
        pub(crate) const SOME: u8 = 1;
        /// Something could not be read.
        pub(crate) const INCOMPLETE: u8 = 3;
    }
}
