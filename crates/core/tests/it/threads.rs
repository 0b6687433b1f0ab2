//! One client, many threads.

use std::sync::Barrier;
use std::thread;

use mpt_tokens::{
    Cancel, Client, ClientBuilder, DeleteOptions, Deletion, Error, Outcome, OutcomeKind,
};
use mpt_tokens_sandbox::{Sandbox, Status};

use crate::support::log::assert_no_leak;
use crate::support::pki::Authority;
use crate::support::raw::{Server, http};
use crate::support::{HOST, SECRET, builder, builder_at, checked};

const THREADS: usize = 64;
const CALLS: usize = 20;

/// Calls `body` on as many threads at once, each with its number.
fn at_once(body: impl Fn(usize) + Sync) {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (barrier, body) = (&barrier, &body);
            scope.spawn(move || {
                barrier.wait();
                body(number);
            });
        }
    });
}

#[test]
fn what_may_be_shared_and_sent() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Client>();
    shared::<ClientBuilder>();
    shared::<Cancel>();
    shared::<DeleteOptions>();
    shared::<Deletion>();
    shared::<Error>();
    shared::<Outcome>();
}

/// 64 threads: every id has its own answer, and the connections are no more than the threads.
#[test]
fn many_threads() {
    let sandbox = Sandbox::builder().secret(SECRET).start().unwrap();
    let client = builder(sandbox.base_url()).api_token(sandbox.api_token()).build().unwrap();
    // What a call of this scenario must say.
    let cases = [
        ("ok", 204, OutcomeKind::Deleted),
        ("400", 400, OutcomeKind::NotDeleted),
        ("403", 403, OutcomeKind::NotDeleted),
    ];
    at_once(|thread| {
        for call in 0..CALLS {
            let (name, status, kind) = cases[(thread + call) % cases.len()];
            let id = format!("TKN-{name}-{thread}x{call}");
            let outcome = checked(client.delete_token(&id).into());
            assert_eq!((outcome.id(), outcome.kind()), (Some(id.as_str()), kind), "{outcome:?}");
            assert_eq!(outcome.http_status(), Some(status), "{outcome:?}");
            assert_eq!(outcome.attempts().len(), 1, "{outcome:?}");
            let deleted = sandbox.truth(&id).status == Status::Deleted;
            assert_eq!(deleted, kind == OutcomeKind::Deleted, "{outcome:?}");
        }
    });
    let stats = sandbox.stats();
    assert_eq!(stats.requests, (THREADS * CALLS) as u64);
    assert!(stats.connections <= THREADS as u64, "{stats:?}");
    assert_no_leak();
}

/// The same over TLS, on a client whose first calls come all at once: each answer names the id that was asked for.
#[test]
fn many_threads_over_tls() {
    let authority = Authority::new("threads");
    let server = Server::start_tls(authority.issue(&[HOST]).server(), |conn, _| {
        while let Some(head) = conn.request() {
            let id = head.split(' ').nth(1).unwrap().rsplit('/').next().unwrap();
            conn.send(http("409 Conflict", "", &format!(r#"{{"title":"{id}"}}"#)));
        }
    });
    let client = builder_at(server.tls_url(), server.address())
        .ca_bundle(authority.bundle())
        .build()
        .unwrap();
    at_once(|thread| {
        for call in 0..CALLS {
            let id = format!("TKN-{thread}-{call}");
            let outcome = checked(client.delete_token(&id).into());
            assert_eq!(
                outcome.problem().and_then(|problem| problem.title()),
                Some(id.as_str()),
                "{outcome:?}"
            );
        }
    });
    assert_eq!(server.requests(), THREADS * CALLS);
    assert!(server.connections() <= THREADS, "{}", server.connections());
    assert_no_leak();
}

/// A client may go while calls on its clones are under way.
#[test]
fn clones_outlive_the_client() {
    let sandbox = Sandbox::builder().delay(std::time::Duration::from_millis(20)).start().unwrap();
    let client = builder(sandbox.base_url()).api_token(sandbox.api_token()).build().unwrap();
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let client = client.clone();
            thread::spawn(move || client.delete_token(format!("TKN-ok-{number}")).map(|_| ()))
        })
        .collect();
    drop(client);
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
}
