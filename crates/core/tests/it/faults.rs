//! Every fault of the sandbox, once and with retries: what is reported is compared with what the server truly did.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use mpt_tokens::{Client, ClientBuilder, Code, DeleteOptions, Outcome, OutcomeKind};
use mpt_tokens_sandbox::{Sandbox, Status, faults};
use rstest::rstest;
use rustix::event::{PollFd, PollFlags, poll};

use crate::support::log::assert_no_leak;
use crate::support::pki::Authority;
use crate::support::raw::Server;
use crate::support::{HOST, SECRET, SOON, builder, builder_at, checked, size};

fn client(sandbox: &Sandbox, attempts: u32) -> Client {
    set_up(builder(sandbox.base_url()), sandbox, attempts)
}

fn set_up(builder: ClientBuilder, sandbox: &Sandbox, attempts: u32) -> Client {
    builder
        .api_token(sandbox.api_token())
        .attempts(attempts)
        .attempt_timeout(Duration::from_millis(500))
        .build()
        .unwrap()
}

/// The same sandbox under TLS: a server in front of it, which passes every byte on as it comes, and every end.
fn under_tls(sandbox: &Sandbox, authority: &Authority) -> Server {
    let behind = SocketAddr::from(([127, 0, 0, 1], sandbox.port()));
    Server::start_tls(authority.issue(&[HOST]).server(), move |conn, _| {
        let mut upstream = TcpStream::connect(behind).unwrap();
        let mut bytes = [0; 16 * 1024];
        loop {
            let (client, server) = (conn.socket(), &upstream);
            let mut ready =
                [PollFd::new(client, PollFlags::IN), PollFd::new(server, PollFlags::IN)];
            poll(&mut ready, None).unwrap();
            let [asked, answered] = ready.map(|one| !one.revents().is_empty());
            if answered {
                match upstream.read(&mut bytes) {
                    Ok(0) => return,
                    Ok(length) => {
                        if !conn.send(&bytes[..length]) {
                            return;
                        }
                    }
                    Err(_) => return conn.reset(),
                }
            }
            if asked {
                let request = conn.read_some();
                if request.is_empty() || upstream.write_all(&request).is_err() {
                    return;
                }
            }
        }
    })
}

#[track_caller]
fn assert_true(outcome: &Outcome, sandbox: &Sandbox, id: &str) {
    let truth = sandbox.truth(id);
    assert_true_of_all(outcome, sandbox, id);
    let sent = outcome.attempts().iter().filter(|attempt| attempt.sent).count();
    assert!(truth.requests as usize <= sent, "{truth:?} {outcome:?}");
}

/// The same, when earlier calls asked too.
#[track_caller]
fn assert_true_of_all(outcome: &Outcome, sandbox: &Sandbox, id: &str) {
    let truth = sandbox.truth(id);
    match outcome.kind() {
        OutcomeKind::Deleted => assert!(truth.deleted_by.is_some(), "{truth:?} {outcome:?}"),
        // The API itself says that a token that is there is not: nobody could know better.
        OutcomeKind::Gone
            if id
                .split(['-', '.'])
                .any(|fault| ["404", "404problemjson", "410"].contains(&fault)) => {}
        // A 429 is a refusal whoever says it, as long as no 404 speaks against that: see docs/answers.md.
        OutcomeKind::NotDeleted
            if id.contains("answer429")
                && outcome.http_status().is_some_and(|status| !matches!(status, 404 | 410)) => {}
        OutcomeKind::Gone => assert_eq!(truth.status, Status::Deleted, "{truth:?} {outcome:?}"),
        OutcomeKind::NotDeleted => assert_eq!(truth.deleted_by, None, "{truth:?} {outcome:?}"),
        OutcomeKind::Unknown => {}
    }
    assert_ne!(outcome.code(), Code::Internal, "{outcome:?}");
    assert_no_leak();
}

#[rstest]
fn every_fault(
    #[values(1, 4)] attempts: u32,
    #[values("", ".always")] how_often: &str,
    #[values(false, true)] tls: bool,
) {
    let sandbox = Sandbox::builder().secret(SECRET).start().unwrap();
    let authority = Authority::new("faults");
    let front = tls.then(|| under_tls(&sandbox, &authority));
    let client = match &front {
        None => client(&sandbox, attempts),
        Some(front) => set_up(
            builder_at(front.tls_url(), front.address()).ca_bundle(authority.bundle().only()),
            &sandbox,
            attempts,
        ),
    };
    for fault in faults() {
        let id = format!("TKN-{}{how_often}-0001", fault.name);
        let outcome = checked(client.delete_token(&id).into());
        assert_true(&outcome, &sandbox, &id);
        // The tests' own TLS has no promise to keep.
        assert!(tls || outcome.elapsed() < SOON, "{outcome:?}");
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

/// Whether this pair of faults is one of those that are tried: all of them, or under wine every eighth.
fn is_tried(first: usize, second: usize) -> bool {
    let every = 8 / usize::try_from(size(8)).unwrap();
    (first + second).is_multiple_of(every)
}

/// Two faults in turn, met by the attempts of one call.
#[test]
fn every_pair_of_faults() {
    let sandbox = Sandbox::builder().secret(SECRET).start().unwrap();
    let client = client(&sandbox, 4);
    let quick = quick_faults();
    for (place, first) in quick.iter().enumerate() {
        for (_, second) in quick.iter().enumerate().filter(|(other, _)| is_tried(place, *other)) {
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
    // A call that ends with a 429 is believed to have done nothing: see `assert_true_of_all`.
    for (place, first) in quick.iter().enumerate().filter(|(_, first)| **first != "answer429") {
        for (_, second) in quick.iter().enumerate().filter(|(other, _)| is_tried(place, *other)) {
            let id = format!("TKN-{first}.{second}-0001");
            let outcome = checked(client.delete_token(&id).into());
            assert_true(&outcome, &sandbox, &id);
            if !outcome.is_success() {
                let lost = outcome.kind() == OutcomeKind::Unknown;
                let options = DeleteOptions::new().after_lost_answer(lost);
                let again = checked(client.delete_token_with(&id, &options).into());
                assert_true_of_all(&again, &sandbox, &id);
            }
        }
    }
}
