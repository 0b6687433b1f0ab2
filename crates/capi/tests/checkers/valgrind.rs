//! Valgrind: memory and leaks, and races between threads.

use std::path::{Path, PathBuf};
use std::process::Command;

use mpt_tokens_sandbox::Sandbox;
use rstest::rstest;
use tempfile::TempDir;

use crate::build::{compile, library_folder, output, root, workplace};

/// What valgrind ends with when it has found something.
const FOUND: i32 = 99;

fn program(name: &str) -> (TempDir, PathBuf) {
    let folder = workplace();
    let program = folder.path().join(name);
    compile(&root().join(format!("crates/capi/tests/c/{name}.c")), &program);
    (folder, program)
}

/// Runs a program under a tool of valgrind, and returns the exit status and what was printed.
fn run(tool: &[&str], sandbox: &Sandbox, program: &Path, argument: &str) -> (Option<i32>, String) {
    let mut command = Command::new("valgrind");
    command.args(tool).args(["--quiet", &format!("--error-exitcode={FOUND}"), "--fair-sched=yes"]);
    command
        .arg(program)
        .arg(argument)
        .env("LD_LIBRARY_PATH", library_folder())
        .env("MPT_API_BASE_URL", sandbox.base_url())
        .env("MPT_API_TOKEN", sandbox.api_token());
    let done = output(&mut command);
    let told = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&told).into_owned())
}

/// Memory that is still reachable at the end belongs to tables that live as long as the program.
const MEMCHECK: [&str; 3] =
    ["--tool=memcheck", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible"];
const HELGRIND: [&str; 1] = ["--tool=helgrind"];

#[test]
fn valgrind_finds_nothing_in_the_driver() {
    let (folder, program) = program("driver");
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(&MEMCHECK, &sandbox, &program, folder.path().to_str().unwrap());
    assert_eq!(status, Some(0), "{told}");
}

#[test]
fn valgrind_finds_nothing_in_sixteen_threads() {
    let (_folder, program) = program("threads");
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(&MEMCHECK, &sandbox, &program, "");
    assert_eq!(status, Some(0), "{told}");
}

/// Helgrind does not know Rust's own locks, which are made of atomics and futexes: what it says of the library itself
/// is left out by name of the library, so that what remains is what a caller could see.
#[test]
fn helgrind_finds_nothing_in_sixteen_threads() {
    let (folder, program) = program("threads");
    let suppressions = folder.path().join("suppressions");
    std::fs::write(
        &suppressions,
        "{\n  inside-the-library-atomics-are-not-known\n  Helgrind:Race\n  ...\n  obj:*/libmpt_tokens.so*\n}\n",
    )
    .unwrap();
    let sandbox = Sandbox::start().unwrap();
    let suppress = format!("--suppressions={}", suppressions.display());
    let tool = [HELGRIND[0], suppress.as_str()];
    let (status, told) = run(&tool, &sandbox, &program, "");
    assert_eq!(status, Some(0), "{told}");
}

/// Each checker was on: it finds the fault that is there on purpose, and none where there is none.
#[rstest]
#[case::memcheck(&MEMCHECK, "none", 0)]
#[case::leak(&MEMCHECK, "leak", FOUND)]
#[case::use_after_free(&MEMCHECK, "use-after-free", FOUND)]
#[case::helgrind(&HELGRIND, "none", 0)]
#[case::race(&HELGRIND, "race", FOUND)]
fn valgrind_finds_faults(#[case] tool: &[&str], #[case] fault: &str, #[case] exit: i32) {
    let (_folder, program) = program("faults");
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(tool, &sandbox, &program, fault);
    assert_eq!(status, Some(exit), "{told}");
}
