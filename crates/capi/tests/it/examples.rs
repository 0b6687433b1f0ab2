//! The programs in `examples/`, as a reader would build and run them.

use mpt_tokens_sandbox::{Sandbox, Status};
use rstest::rstest;

use crate::build::{against, compile, output, root, workplace};

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
    #[values("c")] language: &str,
) {
    let folder = workplace();
    let program = folder.path().join("delete_one");
    compile(&root().join(format!("crates/capi/examples/delete_one.{language}")), &program);
    let sandbox = Sandbox::start().unwrap();
    let done = output(against(&sandbox, &program).arg(id));
    let stdout = String::from_utf8(done.stdout).unwrap();
    let stderr = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(exit), "{stdout}{stderr}");
    assert!(stdout.contains(&format!("\"outcome\":\"{outcome}\"")), "{stdout}");
    assert_eq!(stderr.is_empty(), exit == 0, "{stderr}");
    assert_eq!(sandbox.truth(id).status, truth);
}
