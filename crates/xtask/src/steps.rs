//! The table of everything that `cargo xtask test` checks, and nothing else.
//!
//! A new check is one line in [`STEPS`]: its name, what it shows when it passes, how it runs, and where it
//! applies what it needs of the machine and whether it is too slow for every day:
//!
//! ```text
//! step("valgrind", "the C tests leak nothing", |log| log.check(command)).needs(&[VALGRIND]).full(),
//! ```

use crate::repo::{cargo, locked};
use crate::suite::{Step, step};
use crate::tally::Runner;
use crate::tools::{self, CLIPPY, RUSTFMT};

/// In the order in which they start; a step `beside` the builds overlaps with the others.
pub(crate) const STEPS: &[Step] = &[
    step("fmt", "every Rust file is as rustfmt writes it", |log| {
        log.check(cargo("fmt").args(["--all", "--check"]))
    })
    .needs(&[RUSTFMT])
    .beside(),
    step("clippy", "no warning in any crate, tests and examples included", |log| {
        log.check(locked("clippy").args(["--workspace", "--all-targets", "--", "-Dwarnings"]))
    })
    .needs(&[CLIPPY]),
    step("rust", "the Rust tests of every crate", |log| {
        if tools::answers("cargo", &["nextest", "--version"]) {
            log.tests(Runner::Nextest, locked("nextest").args(["run", "--no-fail-fast"]))
        } else {
            log.note("cargo-nextest is not here: cargo test takes its place");
            log.tests(Runner::CargoTest, locked("test").args(["--no-fail-fast", "--all-targets"]))
        }
    }),
    step("doc", "the examples in the Rust documentation", |log| {
        log.tests(Runner::CargoTest, locked("test").args(["--no-fail-fast", "--doc"]))
    }),
];
