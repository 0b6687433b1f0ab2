//! `tests/c/driver.c`: every function on every path. `tests/checkers` runs it under valgrind and sanitizers.

use mpt_tokens_sandbox::Sandbox;
use mpt_tokens_tools::{C_COMPILER, needs};

use crate::build::{against, compile, root, succeed, workplace};

#[test]
fn every_function_on_every_path() {
    needs!(C_COMPILER);
    let folder = workplace();
    let program = folder.path().join("driver");
    compile(&root().join("crates/capi/tests/c/driver.c"), &program);
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(against(&sandbox, &program).arg(folder.path()));
    assert!(printed.ends_with(" checks\n"), "{printed}");
    assert_eq!(sandbox.strays(), [] as [String; 0]);
}
