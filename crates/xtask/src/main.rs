//! The project's own chores: `cargo xtask <verb>`.
//!
//! `steps.rs` holds the table of everything that `cargo xtask test` checks; a new check is a line there.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its terminal")]

mod artifacts;
mod bare;
mod bench;
mod chaos;
mod conformance;
mod demo;
mod docs;
mod follow;
mod header;
mod hide;
mod log;
mod nginx;
mod npm;
mod process;
mod python;
mod readme;
mod repo;
mod steps;
mod suite;
mod tally;
mod wheels;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

/// The chores of the mpt-tokens workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    /// Check everything, and end with one line: N passed, N failed, N skipped.
    ///
    /// A step whose tool is missing is skipped and says so. With CI=true in the environment every step
    /// runs, and a missing tool is a failure.
    Test(suite::Options),

    /// Run one table of cases in every language against the sandbox, and print how each did.
    ///
    /// A language whose runtime is not here is skipped; it is a failure with CI=true, and where it was named.
    Conformance(conformance::Options),

    /// Delete tokens of a sandbox with the program, a C program and Python, and show that each is dead.
    Demo,

    /// Bring the tables in the documents up to date with the code.
    Docs {
        /// Change nothing; fail where something would change.
        #[arg(long)]
        check: bool,
    },

    /// Make include/mpt_tokens.h from the C crate.
    Header {
        /// Change nothing; fail where something would change.
        #[arg(long)]
        check: bool,
    },

    /// Measure beside peers, optimized, in one run: one warm call unless told otherwise.
    Bench {
        #[command(subcommand)]
        what: Option<bench::What>,
    },

    /// Delete tokens through random faults, and compare every outcome with what the sandbox truly did.
    Chaos(chaos::Options),

    /// Make what is released for Python, optimized, in target/wheels: the wheel of this platform and the sdist.
    Wheel,
}

fn main() -> ExitCode {
    let verb = Verb::parse();
    if let Err(error) = process::end_children_on_interrupt() {
        eprintln!("warning: an interrupt will not end the programs started here: {error}");
    }
    let done = match verb {
        Verb::Test(options) => suite::run(&options),
        Verb::Conformance(options) => conformance::run(&options),
        Verb::Demo => demo::run(),
        Verb::Docs { check: true } => docs::check().map(|()| true),
        Verb::Docs { check: false } => docs::update().map(|()| true),
        Verb::Header { check: true } => header::check().map(|()| true),
        Verb::Header { check: false } => header::update().map(|()| true),
        Verb::Bench { what } => bench::run(what.as_ref()),
        Verb::Chaos(options) => chaos::run(&options),
        Verb::Wheel => wheel(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn wheel() -> anyhow::Result<bool> {
    let mut log = log::Log::new(Duration::from_secs(30 * 60));
    let built = wheels::build(&mut log, "release", &repo::target().join("wheels"));
    let built = built.inspect_err(|_| eprint!("{}", log.text()))?;
    println!("{}\n{}", built.wheel.display(), built.sdist.display());
    Ok(true)
}
