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

/// A tool of valgrind, and how it is asked: as a stranger would ask, with nothing left out but what the library itself
/// says to leave out, in the file that is installed.
struct Tool {
    options: &'static [&'static str],
    suppressions: Option<&'static str>,
}

/// Memory that is still reachable at the end belongs to tables that live as long as the program.
const MEMCHECK: Tool = Tool {
    options: &[
        "--tool=memcheck",
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect,possible",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ],
    suppressions: None,
};

/// What is installed for programs that use the library, as `share/mpt_tokens/valgrind.supp`. It says why.
const SUPPRESSIONS: &str = "crates/capi/valgrind.supp";

/// What helgrind cannot see of the library is shown otherwise: core is Rust without `unsafe`, which has no data races,
/// and `src/lib.rs` has the compiler prove of the handles what the header says of threads.
const HELGRIND: Tool = Tool { options: &["--tool=helgrind"], suppressions: Some(SUPPRESSIONS) };

const DRD: Tool = Tool { options: &["--tool=drd"], suppressions: Some(SUPPRESSIONS) };

/// Runs a program under a tool, and returns the exit status and what was printed.
fn run(
    tool: &Tool,
    sandbox: &Sandbox,
    program: &Path,
    arguments: &[&str],
) -> (Option<i32>, String) {
    let mut command = Command::new("valgrind");
    command.args(tool.options);
    command.args(["--quiet", &format!("--error-exitcode={FOUND}"), "--fair-sched=yes"]);
    if let Some(file) = tool.suppressions {
        command.arg(format!("--suppressions={}", root().join(file).display()));
    }
    command.arg(program).args(arguments).env("LD_LIBRARY_PATH", library_folder());
    command.env("MPT_API_BASE_URL", sandbox.base_url()).env("MPT_API_TOKEN", sandbox.api_token());
    let done = output(&mut command);
    let told = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&told).into_owned())
}

/// The programs of the documentation, under the command that everybody uses.
#[rstest]
#[case("delete_one.c", &["TKN-ok-1"])]
#[case("delete_one.c", &["TKN-answerlost-1"])]
#[case("delete_many.c", &["TKN-ok-1", "TKN-ok-2", "TKN-503.ok-3"])]
#[case("delete_one.cpp", &["TKN-ok-1"])]
#[case("delete_many.cpp", &["TKN-ok-1", "TKN-ok-2", "TKN-503.ok-3"])]
fn valgrind_finds_nothing_in_the_examples(#[case] file: &str, #[case] ids: &[&str]) {
    let folder = workplace();
    let program = folder.path().join("program");
    compile(&root().join("crates/capi/examples").join(file), &program);
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(&MEMCHECK, &sandbox, &program, ids);
    assert_eq!(status, Some(0), "{told}");
    assert!(!told.contains("=="), "{told}");
}

#[rstest]
#[case("driver.c")]
#[case("threads.c")]
#[case("processes.c")]
#[case("wrapper.cpp")]
fn valgrind_finds_nothing(#[case] file: &str) {
    let (folder, program) = program(file);
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(&MEMCHECK, &sandbox, &program, &[folder.path().to_str().unwrap()]);
    assert_eq!(status, Some(0), "{told}");
}

/// A panic that is caught in the library leaves nothing behind.
#[test]
fn valgrind_finds_nothing_after_panics() {
    let (folder, program) = program("panics.c");
    let other = other_library(folder.path());
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(&MEMCHECK, &sandbox, &program, &[other.to_str().unwrap()]);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains(" panicked at "), "{told}");
}

#[rstest]
#[case::helgrind(&HELGRIND)]
#[case::drd(&DRD)]
fn valgrind_finds_no_race_in_sixteen_threads(#[case] tool: &Tool) {
    let (_folder, program) = program("threads.c");
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(tool, &sandbox, &program, &[""]);
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
#[case::drd(&DRD, "none", 0)]
#[case::drd_race(&DRD, "race", FOUND)]
fn valgrind_finds_faults(#[case] tool: &Tool, #[case] fault: &str, #[case] exit: i32) {
    let (_folder, program) = program("faults.c");
    let sandbox = Sandbox::start().unwrap();
    let (status, told) = run(tool, &sandbox, &program, &[fault]);
    assert_eq!(status, Some(exit), "{told}");
}
