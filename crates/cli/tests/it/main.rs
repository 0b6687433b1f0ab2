//! The tests of the program, in one binary.

mod deleting;
mod interrupting;
mod killing;
mod program;
mod scale;
mod snapshots;
