//! The programs in `examples/`, as a reader would build and run them.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Output, Stdio};
use std::time::Duration;

use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::needs;
use rstest::rstest;
use tempfile::TempDir;

use crate::build::{
    INTERRUPTED, against, compile, compile_with, compiler_of, interrupts, output, root, workplace,
};

/// The example in this language, compiled; the folder is where it lives.
fn example(name: &str, language: &str) -> (TempDir, std::path::PathBuf) {
    let folder = workplace();
    let program = folder.path().join(name);
    compile(&root().join(format!("crates/capi/examples/{name}.{language}")), &program);
    (folder, program)
}

/// Exit status, standard output, standard error.
fn shown(done: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("the examples print UTF-8");
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[rstest]
#[case::deleted("TKN-ok-0001", 0, "deleted", Status::Deleted)]
#[case::gone("TKN-answerlost-0001", 0, "gone", Status::Deleted)]
#[case::not_deleted("TKN-403.always-0001", 1, "not_deleted", Status::Active)]
#[case::unknown("TKN-answer202.403.always-0001", 3, "unknown", Status::Deleted)]
fn delete_one(
    #[case] id: &str,
    #[case] exit: i32,
    #[case] outcome: &str,
    #[case] truth: Status,
    #[values("c", "cpp")] language: &str,
) {
    needs!(compiler_of(language));
    let (_folder, program) = example("delete_one", language);
    let sandbox = Sandbox::start().unwrap();
    let (status, stdout, stderr) = shown(output(against(&sandbox, &program).arg(id)));
    assert_eq!(status, Some(exit), "{stdout}{stderr}");
    assert!(stdout.contains(&format!("\"outcome\":\"{outcome}\"")), "{stdout}");
    assert_eq!(stderr.is_empty(), exit == 0, "{stderr}");
    assert_eq!(sandbox.truth(id).status, truth);
}

#[rstest]
fn delete_one_says_what_cannot_be_used(#[values("c", "cpp")] language: &str) {
    needs!(compiler_of(language));
    let (_folder, program) = example("delete_one", language);
    let sandbox = Sandbox::start().unwrap();
    let mut command = against(&sandbox, &program);
    let (status, stdout, stderr) =
        shown(output(command.arg("TKN-ok-0001").env("MPT_API_TOKEN", "")));
    assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("MPT_API_TOKEN"), "{stderr}");
}

#[rstest]
#[case::all_dead(&["TKN-ok-1", "TKN-answerlost-2", "TKN-ok-3"], 0)]
#[case::one_alive(&["TKN-ok-1", "TKN-403.always-2", "TKN-ok-3"], 1)]
#[case::one_unknown(&["TKN-ok-1", "TKN-403.always-2", "TKN-answer202.403.always-3"], 3)]
fn delete_many(#[case] ids: &[&str], #[case] exit: i32, #[values("c", "cpp")] language: &str) {
    needs!(compiler_of(language));
    let (_folder, program) = example("delete_many", language);
    let sandbox = Sandbox::start().unwrap();
    let (status, stdout, stderr) = shown(output(against(&sandbox, &program).args(ids)));
    assert_eq!(status, Some(exit), "{stdout}{stderr}");
    assert_eq!(stdout.lines().count(), ids.len(), "{stdout}");
    for (number, line) in stdout.lines().enumerate() {
        assert!(line.starts_with(&format!("{}/{} ", number + 1, ids.len())), "{line}");
    }
}

/// Ctrl-C while one call waits for ever, after the others are done.
#[rstest]
fn delete_many_ends_on_an_interrupt(#[values("c", "cpp")] language: &str) {
    const SILENT: &str = "TKN-requestsilent.always-2";
    needs!(compiler_of(language));
    let (_folder, program) = example("delete_many", language);
    let sandbox = Sandbox::start().unwrap();
    let mut child = against(&sandbox, &program)
        .args(["TKN-ok-1", SILENT, "TKN-ok-3"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(sandbox.wait_for_requests(SILENT, 1, Duration::from_secs(60)));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let told: Vec<String> = lines.by_ref().take(2).collect();
    assert!(told.iter().all(|line| line.contains("/3 deleted: ")), "{told:?}");

    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let last: Vec<String> = lines.collect();
    assert!(last.len() == 1 && last[0].starts_with("3/3 unknown: "), "{last:?}");
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

/// Ctrl-C at every other moment: it ends the program, or its calls, and never reaches a client that is gone.
/// `tests/checkers/sanitizers.rs` does the same with AddressSanitizer in the library.
#[rstest]
#[case::many_before("delete_many", "before the client", None, Status::Active)]
#[case::many_not_begun("delete_many", "before the call", Some(1), Status::Active)]
#[case::many_done("delete_many", "after the call", Some(0), Status::Deleted)]
#[case::many_freed("delete_many", "after the client", None, Status::Deleted)]
#[case::many_exit("delete_many", "exit", None, Status::Deleted)]
#[case::one_not_begun("delete_one", "before the call", None, Status::Active)]
#[case::one_done("delete_one", "after the call", None, Status::Deleted)]
#[case::one_freed("delete_one", "after the client", None, Status::Deleted)]
#[case::outcomes_not_begun("handle_outcomes", "before the call", None, Status::Active)]
#[case::outcomes_done("handle_outcomes", "after the call", None, Status::Deleted)]
#[case::outcomes_freed("handle_outcomes", "after the client", None, Status::Deleted)]
fn an_interrupt_at_any_moment(
    #[case] name: &str,
    #[case] place: &str,
    #[case] exit: Option<i32>,
    #[case] truth: Status,
    #[values("c", "cpp")] language: &str,
) {
    needs!(compiler_of(language));
    let folder = workplace();
    let program = folder.path().join(name);
    let object = interrupts(folder.path());
    let mut more = vec![object.as_os_str()];
    more.extend(INTERRUPTED.map(OsStr::new));
    let source = root().join(format!("crates/capi/examples/{name}.{language}"));
    compile_with(&source, &more, &program);
    let sandbox = Sandbox::start().unwrap();
    let done = output(against(&sandbox, &program).arg("TKN-ok-0001").env("INTERRUPT_AT", place));
    // No exit status: SIGINT ended it, as it does by default.
    let signal = exit.is_none().then_some(rustix::process::Signal::INT.as_raw());
    assert_eq!((done.status.code(), done.status.signal()), (exit, signal), "{done:?}");
    assert_eq!(sandbox.truth("TKN-ok-0001").status, truth);
}

#[rstest]
#[case("TKN-ok-0001", 0, "deleted, after 1 attempts\n")]
#[case("TKN-503.ok-0001", 0, "deleted, after 2 attempts\n")]
#[case("TKN-answerlost-0001", 0, "gone: an earlier attempt deleted it, and its answer was lost\n")]
#[case("TKN-403.always-0001", 1, "the API token may not do this: ask somebody who may\n")]
#[case("TKN-401.always-0001", 1, "the API token is not accepted: set another MPT_API_TOKEN\n")]
#[case("TKN-nosuch", 1, "there is no such token: check the id\n")]
#[case("TKN-429~90-0001", 1, "too many requests: try again in 90000 ms\n")]
#[case(
    "TKN-0000-0001",
    1,
    "this is the token in use: mpt_config_set_allow_own_token lets it be deleted\n"
)]
fn handle_outcomes(
    #[case] id: &str,
    #[case] exit: i32,
    #[case] says: &str,
    #[values("c", "cpp")] language: &str,
) {
    needs!(compiler_of(language));
    let (_folder, program) = example("handle_outcomes", language);
    let sandbox = Sandbox::start().unwrap();
    let (status, stdout, stderr) = shown(output(against(&sandbox, &program).arg(id)));
    assert_eq!((status, stdout.as_str(), stderr.as_str()), (Some(exit), says, ""));
}

#[rstest]
fn handle_outcomes_asks_again_where_it_is_unknown(#[values("c", "cpp")] language: &str) {
    needs!(compiler_of(language));
    let (_folder, program) = example("handle_outcomes", language);
    let sandbox = Sandbox::start().unwrap();
    let mut command = against(&sandbox, &program);
    let (status, stdout, _) = shown(output(command.arg("TKN-answer202.403.always-0001")));
    assert_eq!(status, Some(3), "{stdout}");
    assert!(
        stdout.starts_with("may be deleted: run this again; trace id for support: "),
        "{stdout}"
    );
}
