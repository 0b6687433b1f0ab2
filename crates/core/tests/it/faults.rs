//! Every fault of the sandbox, once and with retries: what is reported is compared with what the server truly did.

use std::time::Duration;

use mpt_tokens::{Client, Code, DeleteOptions, Outcome, Report};
use mpt_tokens_sandbox::{Sandbox, Status, faults};
use rstest::rstest;

use crate::support::log::assert_no_leak;
use crate::support::{SECRET, SOON, builder, checked};

fn client(sandbox: &Sandbox, attempts: u32) -> Client {
    builder(sandbox.base_url())
        .api_token(sandbox.api_token())
        .attempts(attempts)
        .attempt_timeout(Duration::from_millis(500))
        .build()
        .unwrap()
}

#[track_caller]
fn assert_true(report: &Report, sandbox: &Sandbox, id: &str) {
    let truth = sandbox.truth(id);
    assert_true_of_all(report, sandbox, id);
    let sent = report.attempts().iter().filter(|attempt| attempt.sent).count();
    assert!(truth.requests as usize <= sent, "{truth:?} {report:?}");
}

/// The same, when earlier calls asked too.
#[track_caller]
fn assert_true_of_all(report: &Report, sandbox: &Sandbox, id: &str) {
    let truth = sandbox.truth(id);
    match report.outcome() {
        Outcome::Deleted => assert!(truth.deleted_by.is_some(), "{truth:?} {report:?}"),
        // The fault `404` is the API itself saying that a token that is there is not: nobody could know better.
        Outcome::Gone if id.split(['-', '.']).any(|fault| fault == "404") => {}
        Outcome::Gone => assert_eq!(truth.status, Status::Deleted, "{truth:?} {report:?}"),
        Outcome::NotDeleted => assert_eq!(truth.deleted_by, None, "{truth:?} {report:?}"),
        Outcome::Unknown => {}
    }
    assert_ne!(report.code(), Code::Internal, "{report:?}");
    assert_no_leak();
}

#[rstest]
fn every_fault(#[values(1, 4)] attempts: u32, #[values("", ".always")] how_often: &str) {
    let sandbox = Sandbox::builder().secret(SECRET).start().unwrap();
    let client = client(&sandbox, attempts);
    for fault in faults() {
        let id = format!("TKN-{}{how_often}-0001", fault.name);
        let report = checked(client.delete_token(&id).into());
        assert_true(&report, &sandbox, &id);
        assert!(report.elapsed() < SOON, "{report:?}");
    }
    let stats = sandbox.stats();
    assert_eq!(
        (stats.strays, stats.elsewhere, stats.malformed),
        (0, 0, 0),
        "{:?}",
        sandbox.strays()
    );
}

/// Faults that answer at once and ask for no wait: the others would make a table of pairs long, and prove no more.
fn quick_faults() -> Vec<&'static str> {
    let quick: Vec<&str> = faults()
        .filter(|fault| fault.number.is_none_or(|number| number.default.is_none()))
        .map(|fault| fault.name)
        .filter(|name| !["silent", "stall", "bigheaders"].iter().any(|slow| name.contains(slow)))
        .collect();
    assert!(quick.len() > 50, "{quick:?}");
    quick
}

/// Two faults in turn, met by the attempts of one call.
#[test]
fn every_pair_of_faults() {
    let sandbox = Sandbox::builder().secret(SECRET).start().unwrap();
    let client = client(&sandbox, 4);
    let quick = quick_faults();
    for first in &quick {
        for second in &quick {
            let id = format!("TKN-{first}.{second}-0001");
            assert_true(&checked(client.delete_token(&id).into()), &sandbox, &id);
        }
    }
    assert_eq!(sandbox.stats().strays, 0, "{:?}", sandbox.strays());
}

/// Two faults in turn, met by two calls, the second of which knows that the first ended without an answer.
#[test]
fn every_pair_of_faults_in_two_calls() {
    let sandbox = Sandbox::builder().secret(SECRET).start().unwrap();
    let client = client(&sandbox, 1);
    let quick = quick_faults();
    for first in &quick {
        for second in &quick {
            let id = format!("TKN-{first}.{second}-0001");
            let report = checked(client.delete_token(&id).into());
            assert_true(&report, &sandbox, &id);
            if !report.is_success() {
                let lost = report.outcome() == Outcome::Unknown;
                let options = DeleteOptions::new().after_lost_answer(lost);
                let again = checked(client.delete_token_with(&id, &options).into());
                assert_true_of_all(&again, &sandbox, &id);
            }
        }
    }
}
