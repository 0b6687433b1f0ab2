//! The tests of the program, in one binary. Those of shells, of signals and of terminals are for Unix only.

#![cfg_attr(
    windows,
    allow(dead_code, unused_imports, reason = "what tests for Unix use is used there only")
)]
#![allow(clippy::print_stdout, reason = "what was measured is worth reading in a log")]

mod burning;
#[cfg(unix)]
mod completing;
mod contrib;
mod deleting;
mod finding;
#[cfg(unix)]
mod interrupting;
mod killing;
mod leak_shapes;
mod leaking;
mod lists;
mod names;
mod places;
mod program;
mod proving;
#[cfg(unix)]
mod pty;
#[cfg(unix)]
mod recipes;
mod reporting;
#[cfg(unix)]
mod runbook;
mod scale;
mod shapes;
mod snapshots;
mod telling;
#[cfg(unix)]
mod terminal;
