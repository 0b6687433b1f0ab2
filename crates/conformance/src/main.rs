//! Whether what a library tells is true: its runner in any language, by one table of cases and under load, and the core
//! by random faults.
//!
//! `tests/conformance/README.md` says how the table reads and what a runner is told and answers. A runner only calls
//! its library and prints what it got; whether that is right is decided here, once for all languages.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its terminal")]

mod cases;
mod chaos;
mod judge;
mod load;
mod runner;

use std::ffi::OsString;
use std::ops::AddAssign;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Parser;

/// Judges a library of API tokens by what a sandbox knows to be true.
///
/// What checks one thing after the other ends with a line such as `63 passed, 0 failed, 2 skipped`. The exit status is 0
/// when all is well, 1 when something is not, 2 when it could not be found out.
#[derive(Parser)]
enum Verb {
    /// Run the table of cases by a runner.
    Cases(CasesOptions),

    /// Make 30,000 calls and batches of 10,000 ids by a runner, with flat memory.
    Load {
        /// The runner and its arguments.
        #[arg(required = true, last = true)]
        runner: Vec<OsString>,
    },

    /// Delete tokens through random faults, and compare every outcome with what the sandbox truly did.
    Chaos(chaos::Options),
}

#[derive(clap::Args)]
struct CasesOptions {
    /// What the language is called.
    #[arg(long)]
    language: String,
    /// What a failed call raises or returns, by its name in the language.
    #[arg(long)]
    raises: String,
    /// What the language cannot do, and why: the cases that need it are left out.
    #[arg(long, value_name = "NEED=WHY", value_parser = lack)]
    lacks: Vec<(cases::Need, String)>,
    /// Run only the cases whose name has this text.
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// The runner and its arguments.
    #[arg(required = true, last = true)]
    runner: Vec<OsString>,
}

fn lack(text: &str) -> Result<(cases::Need, String), String> {
    let (need, why) = text.split_once('=').ok_or("expected NEED=WHY")?;
    Ok((<cases::Need as clap::ValueEnum>::from_str(need, false)?, why.to_owned()))
}

fn main() -> ExitCode {
    let told = match Verb::parse() {
        Verb::Cases(options) => judge::run(&options).map(Count::tell),
        Verb::Load { runner } => load::run(&runner).map(Count::tell),
        Verb::Chaos(options) => chaos::run(&options),
    };
    match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// The command that starts a runner.
fn command(runner: &[OsString]) -> Result<Command> {
    let (program, arguments) = runner.split_first().context("no runner was named")?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

/// How many checks passed, failed and were left out.
#[derive(Default)]
struct Count {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Count {
    fn tell(self) -> bool {
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
        self.failed == 0
    }
}

/// One more check.
impl AddAssign<bool> for Count {
    fn add_assign(&mut self, passed: bool) {
        self.passed += u32::from(passed);
        self.failed += u32::from(!passed);
    }
}
