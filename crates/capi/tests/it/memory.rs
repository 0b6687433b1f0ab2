//! Where memory or stack is short: what the caller sizes is refused, what else fails ends the process and tells no lie.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::{C_COMPILER, OPENSSL, compiler, needs};
use rstest::rstest;
use tempfile::TempDir;

use crate::build::{against, compile, library_folder, output, root, succeed, workplace};
use crate::small_stack::{self, GZIP, STACK};

/// Enough to unpack what a gateway packed: an unoptimized library has the tables for it on the stack for a moment.
const UNPACKING: &str = if cfg!(debug_assertions) { "112" } else { STACK };

fn program(source: &str) -> (TempDir, PathBuf) {
    let folder = workplace();
    let program = folder.path().join("program");
    compile(&root().join("crates/capi").join(source), &program);
    (folder, program)
}

#[test]
fn sizes_of_the_caller_are_refused_and_not_copied() {
    needs!(C_COMPILER);
    let (_folder, program) = program("tests/c/memory.c");
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(&mut against(&sandbox, &program));
    assert!(printed.ends_with(" checks\n"), "{printed}");
}

/// Every allocation of a run fails once, each in a process of its own: it goes on and tells the truth, or it ends as a
/// Rust program without memory does, by SIGABRT.
#[rstest]
#[case("ok", 1)]
#[case("answerlost", 11)]
fn an_allocation_that_fails_tells_no_lie(#[case] scenario: &str, #[case] step: usize) {
    needs!(C_COMPILER);
    let (folder, program) = program("examples/delete_one.c");
    let shim = folder.path().join("failing_malloc.so");
    let mut cc = Command::new(compiler("CC", "cc"));
    cc.args(["-shared", "-fPIC", "-O1", "-fno-builtin", "-o"]).arg(&shim);
    succeed(cc.arg(root().join("crates/capi/tests/c/failing_malloc.c")));
    let sandbox = Sandbox::start().unwrap();
    let mut aborted = 0;
    for at in (1..).step_by(step) {
        assert!(at < 20_000, "a run makes more allocations than any ever did");
        let id = format!("TKN-{scenario}-{at}");
        let mut command = against(&sandbox, &program);
        let done = output(command.arg(&id).env("LD_PRELOAD", &shim).env("FAIL_AT", at.to_string()));
        let told = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
        let whole = format!("allocation {at}: {}\n{}{}", done.status, told[0], told[1]);
        let truth = sandbox.truth(&id).status;
        match (done.status.signal(), done.status.code()) {
            (Some(signal), _) => {
                assert_eq!(signal, rustix::process::Signal::ABORT.as_raw(), "{whole}");
                // Of Rust, or of the C library on its behalf.
                let says = ["memory allocation of ", "out of memory"];
                assert!(says.iter().any(|text| told[1].contains(text)), "{whole}");
                aborted += 1;
            }
            (None, Some(0)) => {
                assert!(
                    told[0].contains("\"outcome\":\"deleted\"")
                        || told[0].contains("\"outcome\":\"gone\""),
                    "{whole}"
                );
                assert_eq!(truth, Status::Deleted, "{whole}");
            }
            // Nothing was tried, or it is said that nothing was deleted.
            (None, Some(1 | 2)) => assert_eq!(truth, Status::Active, "{whole}"),
            (None, Some(3)) => assert!(told[0].contains("\"outcome\":\"unknown\""), "{whole}"),
            _ => panic!("{whole}"),
        }
        if told[1].contains("no allocation failed") {
            assert!(aborted > 5, "only {aborted} of {at} were told of");
            return;
        }
    }
}

/// The same of a batch: what it reported before it ended is true, each token's line for itself.
#[test]
fn an_allocation_that_fails_in_a_batch_tells_no_lie() {
    needs!(C_COMPILER);
    let (folder, program) = program("examples/delete_many.c");
    let shim = folder.path().join("failing_malloc.so");
    let mut cc = Command::new(compiler("CC", "cc"));
    cc.args(["-shared", "-fPIC", "-O1", "-fno-builtin", "-o"]).arg(&shim);
    succeed(cc.arg(root().join("crates/capi/tests/c/failing_malloc.c")));
    let sandbox = Sandbox::start().unwrap();
    let (mut aborted, mut reported) = (0, 0);
    for at in (1..).step_by(5) {
        assert!(at < 40_000, "a run makes more allocations than any ever did");
        let ids = ["ok", "answerlost", "403.always"].map(|what| format!("TKN-{what}-b{at}"));
        let mut command = against(&sandbox, &program);
        command.args(&ids).env("LD_PRELOAD", &shim).env("FAIL_AT", at.to_string());
        let done = output(&mut command);
        let told = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
        let whole = format!("allocation {at}: {}\n{}{}", done.status, told[0], told[1]);
        if let Some(signal) = done.status.signal() {
            assert_eq!(signal, rustix::process::Signal::ABORT.as_raw(), "{whole}");
            let says = ["memory allocation of ", "out of memory"];
            assert!(says.iter().any(|text| told[1].contains(text)), "{whole}");
            aborted += 1;
        } else {
            assert!(matches!(done.status.code(), Some(0..=3)), "{whole}");
        }
        // How many lines say that a token is dead, and how many are.
        let dead = ids.iter().filter(|id| sandbox.truth(id).status == Status::Deleted).count();
        // `1/3 deleted: the token ...`
        let word = |line: &str| line.split(' ').nth(1).unwrap_or_default().to_owned();
        let says = |kind: &str| told[0].lines().filter(|line| word(line) == kind).count();
        let said = says("deleted:") + says("gone:");
        assert!(said <= dead, "{whole}");
        assert!(says("not_deleted:") <= ids.len() - dead, "{whole}");
        reported += said;
        if told[1].contains("no allocation failed") {
            assert!(aborted > 5 && reported > 20, "{aborted} aborts, {reported} reports, {at}");
            return;
        }
    }
}

#[rstest]
#[case::deleted(STACK, b"HTTP/1.1 204 No Content\r\n\r\n", "0\n")]
#[case::packed_problem(UNPACKING, GZIP, "102\n")]
fn https_works_on_a_small_stack(#[case] stack: &str, #[case] answer: &[u8], #[case] code: &str) {
    needs!(C_COMPILER, OPENSSL);
    assert_eq!(small_stack::https(library_folder(), stack, answer), code);
}

#[rstest]
#[case("TKN-ok-0001", "0\n")]
#[case("TKN-403.always-0001", "102\n")]
#[case("TKN-answergarbage-0001", "107\n")]
fn http_works_on_a_small_stack(#[case] id: &str, #[case] code: &str) {
    needs!(C_COMPILER);
    assert_eq!(small_stack::http(library_folder(), STACK, id), code);
}
