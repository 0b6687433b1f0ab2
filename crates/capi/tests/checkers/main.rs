//! The C programs under checkers that find what a plain run does not. Slow, so not part of a plain `cargo test`:
//! `cargo test -p mpt-tokens-capi --test checkers` runs them.

mod abi;
mod archive;
mod budgets;
#[path = "../it/build.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod build;
mod packages;
mod reached;
mod sanitizers;
#[path = "../it/small_stack.rs"]
mod small_stack;
mod valgrind;
