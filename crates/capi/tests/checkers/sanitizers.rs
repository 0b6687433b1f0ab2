//! AddressSanitizer in the library and the programs, and UndefinedBehaviorSanitizer in the programs.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use mpt_tokens_sandbox::Sandbox;
use rstest::rstest;

use crate::build::{output, root, shared_library, succeed, workplace};

/// The static library with AddressSanitizer, built by a nightly compiler: only that one can.
fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let target = shared_library().with_file_name("sanitized");
        let host = "x86_64-unknown-linux-gnu";
        succeed(
            Command::new("cargo")
                .args(["+nightly", "build", "--quiet", "--package=mpt-tokens-capi", "--lib"])
                .args(["--target", host, "--target-dir"])
                .arg(&target)
                .current_dir(root())
                .env("RUSTFLAGS", "-Zsanitizer=address -Zexternal-clangrt")
                // The toolchain that runs this test must not be the one that is asked for.
                .env_remove("RUSTUP_TOOLCHAIN")
                .env_remove("CARGO")
                .env_remove("RUSTC"),
        );
        target.join(host).join("debug/libmpt_tokens.a")
    })
}

/// Compiles a program with both sanitizers; the first thing that they find ends it.
fn program(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = workplace();
    let program = folder.path().join(name);
    succeed(
        Command::new("clang")
            .args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-pthread", "-g"])
            .args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
            .arg("-I")
            .arg(root().join("include"))
            .arg(root().join(format!("crates/capi/tests/c/{name}.c")))
            .arg(library())
            .args(["-ldl", "-lm", "-o"])
            .arg(&program),
    );
    (folder, program)
}

#[rstest]
#[case("driver")]
#[case("threads")]
fn sanitizers_find_nothing(#[case] name: &str) {
    let (folder, program) = program(name);
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(
        Command::new(&program)
            .arg(folder.path())
            .env("MPT_API_BASE_URL", sandbox.base_url())
            .env("MPT_API_TOKEN", sandbox.api_token()),
    );
    assert!(printed.ends_with(" checks\n"), "{printed}");
}

#[test]
fn sanitizers_are_in_the_library() {
    let symbols = succeed(Command::new("nm").args(["-u", "--quiet"]).arg(library()));
    assert!(symbols.contains("__asan_init"), "the library was built without AddressSanitizer");
}

#[rstest]
#[case("use-after-free", "heap-use-after-free")]
#[case("leak", "detected memory leaks")]
#[case("overflow", "signed integer overflow")]
fn sanitizers_find_faults(#[case] fault: &str, #[case] says: &str) {
    let (_folder, program) = program("faults");
    let done = output(Command::new(&program).arg(fault));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && told.contains(says), "{told}");
    let done = output(Command::new(&program).arg("none"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
