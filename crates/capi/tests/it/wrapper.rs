//! `mpt_tokens.hpp`: `tests/c/wrapper.cpp`, which `tests/checkers` runs under valgrind and sanitizers, too.

use mpt_tokens_sandbox::Sandbox;
use mpt_tokens_tools::{CPP_COMPILER, needs};

use crate::build::{against, compile, root, succeed, workplace};

#[test]
fn nothing_is_lost_whatever_a_caller_throws() {
    needs!(CPP_COMPILER);
    let folder = workplace();
    let program = folder.path().join("wrapper");
    compile(&root().join("crates/capi/tests/c/wrapper.cpp"), &program);
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(&mut against(&sandbox, &program));
    assert!(printed.ends_with(" checks\n"), "{printed}");
    assert_eq!(sandbox.strays(), [] as [String; 0]);
}
