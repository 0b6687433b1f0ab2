//! No code: its `Cargo.toml` asks for the features that any crate of the workspace asks for.
//!
//! Cargo builds a crate once for each set of features, and the set depends on which packages are built together. The
//! chores, the program, the tests and the Python module are built apart; with this crate in each of them, they share
//! one build of what they have in common. Nothing that is released depends on it.

#![forbid(unsafe_code)]
