//! The project's own chores: `cargo xtask <verb>`.
//!
//! `steps.rs` holds the table of everything that `cargo xtask test` checks; a new check is a line there.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its terminal")]

mod artifacts;
mod bare;
mod bench;
mod checked;
mod conformance;
mod demo;
mod distributions;
mod docs;
mod examples;
mod foreign;
mod foreign_pythons;
mod foreign_wheels;
mod header;
mod hide;
mod languages;
mod log;
mod made;
mod npm;
mod others;
mod platforms;
mod process;
mod python;
mod repo;
mod steps;
mod suite;
mod tally;
mod tsan;
mod vcpkg;
mod wheels;
mod windows;

use std::process::{Command, ExitCode};

use clap::Parser;

use log::Log;

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

    /// Measure beside other clients, optimized, in one run: a warm call, a process and an import unless told otherwise.
    #[command(args_conflicts_with_subcommands = true)]
    Bench {
        /// Write what was measured into docs/benchmarks.md.
        #[arg(long)]
        write: bool,
        #[command(subcommand)]
        what: Option<bench::What>,
    },

    /// Delete tokens through random faults, and compare every outcome with what the sandbox truly did.
    #[command(disable_help_flag = true)]
    Chaos {
        /// What `mpt-tokens-conformance chaos` takes: --help tells.
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        options: Vec<String>,
    },

    /// Make what is released for Python, optimized, in target/wheels: the wheel of this platform and the sdist.
    Wheel,
}

fn main() -> ExitCode {
    let verb = Verb::parse();
    if let Err(error) = process::end_children_on_interrupt() {
        eprintln!("warning: an interrupt will not end the programs started here: {error}");
    }
    let done = match verb {
        Verb::Test(options) => suite::run(steps::STEPS, &options),
        Verb::Conformance(options) => {
            Log::of_verb("conformance", 60, |log| conformance::run(log, &options))
        }
        Verb::Demo => Log::of_verb("demo", 60, demo::run),
        Verb::Docs { check } => docs::run(check).map(|()| true),
        Verb::Header { check } => header::run(check).map(|()| true),
        Verb::Bench { write, what } => {
            Log::of_verb("bench", 120, |log| bench::run(log, what.as_ref(), write))
        }
        Verb::Chaos { options } => Log::of_verb("chaos", 5, |log| {
            let mut chaos = Command::new(artifacts::program(log, "conformance")?);
            Ok(chaos.arg("chaos").args(options).status()?.success())
        }),
        Verb::Wheel => Log::of_verb("wheel", 30, |log| {
            let built = wheels::build(log, "release", &repo::target().join("wheels"))?;
            println!("{}\n{}", built.wheel.display(), built.sdist.display());
            Ok(true)
        }),
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
