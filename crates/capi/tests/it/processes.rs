//! fork and signals, panics, and other Rust in the same process.

use mpt_tokens_sandbox::Sandbox;
use mpt_tokens_tools::{C_COMPILER, needs};

use crate::build::{against, compile, other_library, output, root, succeed, workplace};

/// Before and after fork, in parent and child, from a thread that Rust did not make; and a cancel in a signal handler.
#[test]
fn forks_and_signals() {
    needs!(C_COMPILER);
    let folder = workplace();
    let program = folder.path().join("processes");
    compile(&root().join("crates/capi/tests/c/processes.c"), &program);
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(against(&sandbox, &program).arg("threads"));
    assert!(printed.ends_with(" checks\n"), "{printed}");
    assert_eq!(sandbox.strays(), [] as [String; 0]);
}

/// A panic in the library and one in another Rust library: each is caught where it belongs, and both go on. The library
/// is the one that ships; `tests/c/panics.c` says what is taken away from it so that it panics.
#[test]
fn panics_stay_inside() {
    needs!(C_COMPILER);
    let folder = workplace();
    let other = other_library(folder.path());
    let program = folder.path().join("panics");
    compile(&root().join("crates/capi/tests/c/panics.c"), &program);
    let sandbox = Sandbox::start().unwrap();
    let done = output(against(&sandbox, &program).arg(&other));
    let [stdout, stderr] =
        [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(done.status.success() && stdout.ends_with(" checks\n"), "{stdout}{stderr}");
    // They were panics, and not errors that were seen coming: seven of ours, twice, and a thread's first, each with
    // another for the time of its outcome; two of the other's.
    let panics = |what: &str| stderr.lines().filter(|line| line.contains(what)).count();
    assert_eq!(panics(" panicked at "), 32, "{stderr}");
    assert_eq!(panics("on purpose, in the other library"), 2, "{stderr}");
}
