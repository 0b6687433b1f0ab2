//! A thread that ends in the middle of a call, by `pthread_exit` or `pthread_cancel`: what docs/c.md says of it.

use std::os::unix::process::ExitStatusExt;

use mpt_tokens_sandbox::Sandbox;
use mpt_tokens_tools::{C_COMPILER, needs};
use rstest::rstest;

use crate::build::{against, compile, output, root, succeed, workplace};

const SIGABRT: i32 = 6;

/// glibc unwinds the stack of a thread that ends. The library does not let that pass, and the process aborts at once,
/// rather than going on with locks that nobody will ever open.
#[cfg(target_env = "gnu")]
#[rstest]
#[case("exit", "TKN-answersilent-1")]
#[case("batch", "TKN-ok-1")]
#[case("cancel", "TKN-answersilent-2")]
fn a_thread_that_ends_in_a_call_aborts(#[case] how: &str, #[case] id: &str) {
    needs!(C_COMPILER);
    let folder = workplace();
    let program = folder.path().join("ended");
    compile(&root().join("crates/capi/tests/c/ended.c"), &program);
    let sandbox = Sandbox::start().unwrap();
    let done = output(against(&sandbox, &program).args([how, id]));
    assert_eq!(done.status.signal(), Some(SIGABRT), "{done:?}");
    assert_eq!(String::from_utf8_lossy(&done.stderr).trim(), "FATAL: exception not rethrown");
}

/// Cancelling that waits for the end of the call.
#[test]
fn a_thread_may_be_cancelled_between_calls() {
    needs!(C_COMPILER);
    let folder = workplace();
    let program = folder.path().join("ended");
    compile(&root().join("crates/capi/tests/c/ended.c"), &program);
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(against(&sandbox, &program).args(["shielded", "TKN-ok-1"]));
    assert_eq!(printed, "cancelled, code 0\n");
}
