//! The library loaded with dlopen: again after dlclose, and twice in one process.

use std::fs;

use mpt_tokens_sandbox::Sandbox;
use mpt_tokens_tools::{C_COMPILER, READELF, needs};

use crate::build::{against, compile, library_folder, root, shared_library, succeed, workplace};

/// Runs `tests/c/loading.c`; of the library it has the headers only.
fn loading(arguments: &[&std::ffi::OsStr]) {
    let folder = workplace();
    let program = folder.path().join("loading");
    compile(&root().join("crates/capi/tests/c/loading.c"), &program);
    let linked = succeed(std::process::Command::new("readelf").arg("-dW").arg(&program));
    assert!(!linked.contains("libmpt_tokens"), "{linked}");
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(against(&sandbox, &program).args(arguments));
    assert!(printed.ends_with(" checks\n"), "{printed}");
}

/// Works again after dlclose; so does a client from before, and a thread that ends after it. That the library says of
/// itself that it stays (`-z nodelete`) is read back in `header.rs`.
#[test]
fn loaded_again_after_it_was_closed() {
    needs!(C_COMPILER, READELF);
    loading(&["again".as_ref(), shared_library().as_os_str()]);
}

/// Two copies, as two plugins of one program bring them along.
#[test]
fn loaded_twice_in_one_process() {
    needs!(C_COMPILER, READELF);
    let copies = workplace();
    let copy = copies.path().join("libmpt_tokens.so.1");
    fs::copy(shared_library(), &copy).unwrap();
    let one = library_folder().join("libmpt_tokens.so.1");
    loading(&["twice".as_ref(), one.as_os_str(), copy.as_os_str()]);
}
