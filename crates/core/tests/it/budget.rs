//! A dying server is not hammered: what all calls of a client may spend on retries is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use mpt_tokens::{Client, Code, OutcomeKind};
use rstest::rstest;

use crate::support::raw::{NO_CONTENT, Server, http};
use crate::support::{ID, builder, delete};

/// As the library documents it.
const RESERVE: usize = 100;
/// Conclusive answers that give one retry back, as the library documents it.
const ANSWERS_A_RETRY: usize = 10;
const CALLS: usize = 1_000;

/// A server that answers 503 while it is dying, else 204.
fn server() -> (Server, Arc<AtomicBool>) {
    let dying = Arc::new(AtomicBool::new(true));
    let server = Server::start({
        let dying = Arc::clone(&dying);
        move |conn, _| {
            let unavailable = http("503 Service Unavailable", "", "");
            while conn.request().is_some() {
                let dying = dying.load(Ordering::SeqCst);
                conn.send(if dying { unavailable.as_str() } else { NO_CONTENT });
            }
        }
    });
    (server, dying)
}

fn client(server: &Server) -> Client {
    builder(server.url()).backoff(Duration::ZERO, Duration::ZERO).build().unwrap()
}

/// 1,000 calls against steady 503: 1,100 requests, not 4,000.
#[rstest]
fn a_dying_server(#[values(1, 16)] threads: usize) {
    let (server, _) = server();
    let client = client(&server);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::SeqCst) < CALLS {
                    let outcome = delete(&client);
                    assert_eq!(
                        (outcome.code(), outcome.kind()),
                        (Code::ServerError, OutcomeKind::Unknown)
                    );
                }
            });
        }
    });
    assert_eq!(server.requests(), CALLS + RESERVE);
    // The last call says why it was not tried again.
    let last = delete(&client);
    assert!(
        last.message().contains("the retries of all calls together are spent"),
        "{}",
        last.message()
    );
}

/// Answers that settle something give retries back, one for ten, up to the reserve.
#[rstest]
#[case::a_few(57, 5)]
#[case::all(10 * RESERVE, RESERVE)]
#[case::no_more_than_all(20 * RESERVE, RESERVE)]
fn a_server_that_recovers(#[case] answers: usize, #[case] retries: usize) {
    let (server, dying) = server();
    let client = client(&server);
    let spend = || {
        let before = server.requests();
        let calls = CALLS / 2;
        for _ in 0..calls {
            assert_eq!(delete(&client).code(), Code::ServerError);
        }
        server.requests() - before - calls
    };
    assert_eq!(spend(), RESERVE);
    assert_eq!(spend(), 0);
    dying.store(false, Ordering::SeqCst);
    for _ in 0..answers {
        assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    }
    assert_eq!(retries, (answers / ANSWERS_A_RETRY).min(RESERVE));
    dying.store(true, Ordering::SeqCst);
    assert_eq!(spend(), retries);
}

/// Connections that are lost or refused spend it too; clones of a client share it, other clients have their own.
#[test]
fn what_else_spends() {
    let refusing = Server::start(|_, _| ()).address();
    let client = builder(format!("http://{refusing}"))
        .backoff(Duration::ZERO, Duration::ZERO)
        .retry_reserve(5)
        .build()
        .unwrap();
    let attempts = |client: &Client| delete(client).attempts().len();
    assert_eq!((attempts(&client), attempts(&client.clone()), attempts(&client)), (4, 3, 1));

    let cut = Server::start(|conn, _| drop(conn.request()));
    let client = builder(cut.url())
        .backoff(Duration::ZERO, Duration::ZERO)
        .retry_reserve(1)
        .build()
        .unwrap();
    assert_eq!((attempts(&client), attempts(&client)), (2, 1));
    let other = builder(cut.url()).backoff(Duration::ZERO, Duration::ZERO).build().unwrap();
    assert_eq!(attempts(&other), 4);
}

/// No reserve: one attempt a call, whatever the attempts allow.
#[test]
fn no_reserve() {
    let (server, dying) = server();
    let client = builder(server.url()).retry_reserve(0).attempts(100).build().unwrap();
    for _ in 0..3 {
        assert_eq!(client.delete_token(ID).unwrap_err().attempts().len(), 1);
    }
    dying.store(false, Ordering::SeqCst);
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
}
