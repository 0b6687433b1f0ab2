//! The tests of the program, in one binary.

#![allow(clippy::print_stdout, reason = "what was measured is worth reading in a log")]

mod burning;
mod completing;
mod contrib;
mod deleting;
mod finding;
mod interrupting;
mod killing;
mod leak_shapes;
mod leaking;
mod lists;
mod places;
mod program;
mod proving;
mod pty;
mod recipes;
mod reporting;
mod runbook;
mod scale;
mod shapes;
mod snapshots;
mod telling;
mod terminal;
