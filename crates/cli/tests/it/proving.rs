//! Proof, as the program asks for it and tells of it.

use std::fs;

use mpt_tokens_sandbox::Sandbox;
use rstest::rstest;

use crate::program::program_for;

/// Ids without a value are not proven, and said so; unless that was said to be fine. A value after its id proves it.
#[rstest]
#[case::all("--prove", "TKN-ok-1\nTKN-ok-2\nVALUE-3\n", 3, "2 have no value: not proven")]
#[case::one("--prove=all", "TKN-ok-1\nVALUE-3\n", 3, "1 has no value: not proven")]
#[case::where_possible(
    "--prove=where-possible",
    "TKN-ok-1\nVALUE-3\n",
    0,
    "1 has no value: not proven"
)]
#[case::later("--prove", "TKN-ok-3\nVALUE-3\n", 0, "1 listed more than once")]
#[case::not_asked("--quiet", "TKN-ok-1\n", 0, "")]
fn ids_without_a_value(
    #[case] prove: &str,
    #[case] list: &str,
    #[case] status: i32,
    #[case] told: &str,
) {
    let sandbox = Sandbox::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.txt");
    fs::write(&file, list.replace("VALUE-3", &sandbox.value_of("TKN-ok-3"))).unwrap();
    let output = program_for(&sandbox)
        .args(["delete", "--yes", prove, "--from"])
        .arg(&file)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert!(stderr.contains(told), "{stderr}");
}

/// A proof that failed is asked for again with the same journal, and does not end well until it is there.
#[test]
fn what_is_not_proven_stays_so_until_it_is() {
    let sandbox = Sandbox::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, journal) = (folder.path().join("list.txt"), folder.path().join("journal"));
    let id = "TKN-ok.503.503-1";
    fs::write(&file, sandbox.value_of(id)).unwrap();
    let run = || {
        let output = program_for(&sandbox)
            .args(["delete", "--yes", "--prove", "--attempts", "1", "--from"])
            .arg(&file)
            .arg("--journal")
            .arg(&journal)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for _ in 0..2 {
        let (status, stdout) = run();
        assert_eq!(status, Some(3), "{stdout}");
        assert!(stdout.contains("not proven"), "{stdout}");
    }
    let (status, stdout) = run();
    assert_eq!(status, Some(0), "{stdout}");
    assert!(stdout.contains("proven"), "{stdout}");
    let requests = sandbox.truth(id).requests;
    assert_eq!(run(), (Some(0), String::new()));
    assert_eq!(sandbox.truth(id).requests, requests);
}

/// A list with two values of one token: each is proven, and one that is not is told of.
#[rstest]
#[case::both(false, 0, "")]
#[case::only_the_first(true, 3, "1 not proven")]
fn two_values_in_one_list(#[case] own: bool, #[case] status: i32, #[case] told: &str) {
    let sandbox = Sandbox::builder().numbered(9).start().unwrap();
    let first = if own { sandbox.api_token() } else { sandbox.value_of("TKN-1000-0001") };
    // With the API token of the first, nothing is left for the second to be compared with.
    let id = first.split(':').nth(1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.txt");
    fs::write(&file, format!("{first}\nidt:{id}:an-0lder-s3cret\n")).unwrap();
    let output = program_for(&sandbox)
        .args(["delete", "--yes", "--allow-own-token", "--prove", "--format", "ndjson", "--from"])
        .arg(&file)
        .output()
        .unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(status), "{stdout}{stderr}");
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
    assert!(stderr.contains(told), "{stderr}");
}
