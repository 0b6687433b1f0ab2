//! AddressSanitizer in the library and the programs, and UndefinedBehaviorSanitizer in the programs.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use mpt_tokens_sandbox::Sandbox;
use rstest::rstest;
use tempfile::TempDir;

use crate::build::{INTERRUPTED, interrupts, output, root, succeed, target, workplace};

/// The static library with AddressSanitizer, built by a nightly compiler: only that one can. The sanitizer's runtime is
/// clang's, which links the programs and brings UndefinedBehaviorSanitizer and LeakSanitizer with it.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let target = target().join("sanitized");
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let mut cargo = Command::new("cargo");
        cargo.args([
            "+nightly",
            "build",
            "--quiet",
            "--locked",
            "--package=mpt-tokens-capi",
            "--lib",
        ]);
        cargo.args(["--target", &host, "--target-dir"]).arg(&target).current_dir(root());
        cargo.env("RUSTFLAGS", "-Zsanitizer=address -Zexternal-clangrt");
        // The toolchain that runs this test must not be the one that builds.
        for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC", "CARGO_ENCODED_RUSTFLAGS"] {
            cargo.env_remove(variable);
        }
        succeed(&mut cargo);
        target.join(host).join("debug/libmpt_tokens.a")
    })
}

/// Compiles a program with all sanitizers; the first thing that they find ends it.
fn program(file: &str) -> (TempDir, PathBuf) {
    let folder = workplace();
    let program = folder.path().join("program");
    sanitized(&root().join("crates/capi/tests/c").join(file), &[], &program);
    (folder, program)
}

/// Compiles one source, with more files or options.
fn sanitized(source: &Path, more: &[&OsStr], program: &Path) {
    let cpp = source.extension() == Some(OsStr::new("cpp"));
    let mut clang = Command::new(if cpp { "clang++" } else { "clang" });
    clang.arg(if cpp { "-std=c++17" } else { "-std=c99" });
    clang.args(["-D_POSIX_C_SOURCE=200809L", "-pthread", "-g"]);
    clang.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    clang.arg("-I").arg(root().join("include")).arg(source).args(more);
    clang.arg(library()).args(["-ldl", "-lm", "-o"]).arg(program);
    succeed(&mut clang);
}

#[rstest]
#[case("driver.c")]
#[case("threads.c")]
#[case("processes.c")]
#[case("wrapper.cpp")]
fn sanitizers_find_nothing(#[case] file: &str) {
    let (folder, program) = program(file);
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(
        Command::new(&program)
            .arg(folder.path())
            .env("MPT_API_BASE_URL", sandbox.base_url())
            .env("MPT_API_TOKEN", sandbox.api_token()),
    );
    assert!(printed.ends_with(" checks\n"), "{printed}");
}

/// Each example, interrupted before, in and after what it does: what the handler reads is alive. What else comes of it
/// is in `tests/it/examples.rs`.
#[rstest]
fn sanitizers_find_nothing_in_an_interrupt(
    #[values("delete_one", "delete_many", "handle_outcomes")] name: &str,
    #[values("c", "cpp")] language: &str,
) {
    let folder = workplace();
    let program = folder.path().join(name);
    let object = interrupts(folder.path());
    let mut more = vec![object.as_os_str()];
    more.extend(INTERRUPTED.map(OsStr::new));
    let source = root().join(format!("crates/capi/examples/{name}.{language}"));
    sanitized(&source, &more, &program);
    for place in
        ["", "before the client", "before the call", "after the call", "after the client", "exit"]
    {
        let sandbox = Sandbox::start().unwrap();
        let mut command = Command::new(&program);
        command.arg("TKN-ok-0001").env("INTERRUPT_AT", place);
        command.env("MPT_API_BASE_URL", sandbox.base_url());
        let done = output(command.env("MPT_API_TOKEN", sandbox.api_token()));
        let interrupted = done.status.signal() == Some(rustix::process::Signal::INT.as_raw());
        let ended = matches!(done.status.code(), Some(0 | 1));
        assert!(interrupted && !place.is_empty() || ended, "{place}: {done:?}");
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(!stderr.contains("Sanitizer") && !stderr.contains("runtime error"), "{stderr}");
    }
    if name == "delete_many" {
        // In the batch: while a call waits for ever.
        const SILENT: &str = "TKN-requestsilent.always-2";
        let sandbox = Sandbox::start().unwrap();
        let mut command = Command::new(&program);
        command.args(["TKN-ok-1", SILENT]).env("MPT_API_BASE_URL", sandbox.base_url());
        command.env("MPT_API_TOKEN", sandbox.api_token());
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        assert!(sandbox.wait_for_requests(SILENT, 1, Duration::from_secs(60)));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let done = child.wait_with_output().unwrap();
        assert_eq!(done.status.code(), Some(3), "{done:?}");
    }
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
    let (_folder, program) = program("faults.c");
    let done = output(Command::new(&program).arg(fault));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && told.contains(says), "{told}");
    let done = output(Command::new(&program).arg("none"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
