//! Valgrind: memory and leaks, and races between threads.

use std::path::{Path, PathBuf};
use std::process::Command;

use mpt_tokens_sandbox::Sandbox;
use rstest::rstest;
use tempfile::TempDir;

use crate::build::{compile, library_folder, other_library, output, root, workplace};

/// What valgrind ends with when it has found something.
const FOUND: i32 = 99;

fn program(file: &str) -> (TempDir, PathBuf) {
    let folder = workplace();
    let program = folder.path().join("program");
    compile(&root().join("crates/capi/tests/c").join(file), &program);
    (folder, program)
}

/// A tool of valgrind, and what it is told not to say.
struct Tool {
    options: &'static [&'static str],
    suppressions: &'static str,
}

/// Memory that is still reachable at the end belongs to tables that live as long as the program.
const MEMCHECK: Tool = Tool {
    options: &[
        "--tool=memcheck",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ],
    suppressions: "
{
  the handle of the main thread, which Rust's standard library keeps to the end, by a pointer into its middle
  Memcheck:Leak
  match-leak-kinds: possible
  fun:malloc
  ...
  fun:*thread*Thread*new*
  fun:*thread*current*init_current*
}
",
};

/// Helgrind knows locks by the functions of pthread; Rust's are atomics and futexes, which it does not take for locks,
/// so that it calls everything racing that the library keeps behind one of them. No frame of such a report is the
/// lock's: where the accesses are is all that it says, and all that can be left out. Hence the access itself must be the
/// library's, or the C library's on its behalf; a race in the caller's code stays told, in a callback too.
///
/// What this cannot see is shown otherwise: core is Rust without `unsafe`, which has no data races, and `src/lib.rs` has
/// the compiler prove of the handles what the header says of threads.
const HELGRIND: Tool = Tool {
    options: &["--tool=helgrind"],
    suppressions: "
{
  an access by the library itself, behind a lock that helgrind does not know
  Helgrind:Race
  obj:*/libmpt_tokens.so*
}
{
  the same, made by memcpy, memcmp and the like for the library
  Helgrind:Race
  obj:*/vgpreload_helgrind-*
  obj:*/libmpt_tokens.so*
}
",
};

/// Runs a program under a tool, and returns the exit status and what was printed.
fn run(tool: &Tool, sandbox: &Sandbox, program: &Path, argument: &str) -> (Option<i32>, String) {
    let folder = workplace();
    let suppressions = folder.path().join("suppressions");
    std::fs::write(&suppressions, tool.suppressions).unwrap();
    let mut command = Command::new("valgrind");
    command.args(tool.options);
    command.args(["--quiet", &format!("--error-exitcode={FOUND}"), "--fair-sched=yes"]);
    command.arg(format!("--suppressions={}", suppressions.display()));
    command.arg(program).arg(argument).env("LD_LIBRARY_PATH", library_folder());
    command.env("MPT_API_BASE_URL", sandbox.base_url()).env("MPT_API_TOKEN", sandbox.api_token());
    let done = output(&mut command);
    let told = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&told).into_owned())
}

#[rstest]
#[case("driver.c")]
#[case("threads.c")]
#[case("processes.c")]
#[case("wrapper.cpp")]
fn valgrind_finds_nothing(#[case] file: &str) {
    let (folder, program) = program(file);
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(&MEMCHECK, &sandbox, &program, folder.path().to_str().unwrap());
    assert_eq!(status, Some(0), "{told}");
}

/// A panic that is caught in the library leaves nothing behind.
#[test]
fn valgrind_finds_nothing_after_panics() {
    let (folder, program) = program("panics.c");
    let other = other_library(folder.path());
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(&MEMCHECK, &sandbox, &program, other.to_str().unwrap());
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains(" panicked at "), "{told}");
}

#[test]
fn valgrind_finds_no_race_in_sixteen_threads() {
    let (_folder, program) = program("threads.c");
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(&HELGRIND, &sandbox, &program, "");
    assert_eq!(status, Some(0), "{told}");
}

/// Each checker was on, with all that it is told not to say: it finds the fault that is there on purpose, and none where
/// there is none.
#[rstest]
#[case::memcheck(&MEMCHECK, "none", 0)]
#[case::leak(&MEMCHECK, "leak", FOUND)]
#[case::use_after_free(&MEMCHECK, "use-after-free", FOUND)]
#[case::helgrind(&HELGRIND, "none", 0)]
#[case::race(&HELGRIND, "race", FOUND)]
#[case::race_in_callback(&HELGRIND, "race-in-callback", FOUND)]
fn valgrind_finds_faults(#[case] tool: &Tool, #[case] fault: &str, #[case] exit: i32) {
    let (_folder, program) = program("faults.c");
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(tool, &sandbox, &program, fault);
    assert_eq!(status, Some(exit), "{told}");
}
