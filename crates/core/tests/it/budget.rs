//! A dying server is not hammered: what all calls of a client may spend on quick retries is bounded. That decides about
//! pauses, and never about a token that may be deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use mpt_tokens::{BatchOptions, Client, Code, Outcome, OutcomeKind};
use rstest::rstest;

use crate::support::raw::{NO_CONTENT, Server, http};
use crate::support::{builder, delete};

/// As the library documents it.
const RESERVE: usize = 100;
/// Conclusive answers that give one retry back, as the library documents it.
const ANSWERS_A_RETRY: usize = 10;
const CALLS: usize = 200;
/// The longest pause of the clients here, which a retry without a reserve waits for.
const CAP: Duration = Duration::from_millis(5);

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
    builder(server.url()).backoff(Duration::ZERO, CAP).build().unwrap()
}

/// Of the retries of a call, those that the reserve paid for, and those that waited instead.
fn retries(outcome: &Outcome) -> (usize, usize) {
    let waited = outcome.attempts().iter().skip(1).map(|attempt| attempt.waited);
    let (slow, quick): (Vec<_>, Vec<_>) = waited.partition(|waited| *waited == CAP);
    assert!(quick.iter().all(Duration::is_zero), "{quick:?}");
    (quick.len(), slow.len())
}

/// Calls against steady 503: none is given up for the reserve's sake, since each may be carried out; what the reserve
/// does not pay for waits as long as any pause may last.
#[rstest]
fn a_dying_server(#[values(1, 16)] threads: usize) {
    let (server, _) = server();
    let client = client(&server);
    let (next, quick, slow) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::SeqCst) < CALLS {
                    let outcome = delete(&client);
                    assert_eq!(
                        (outcome.code(), outcome.kind()),
                        (Code::ServerError, OutcomeKind::Unknown)
                    );
                    let (paid, waited) = retries(&outcome);
                    quick.fetch_add(paid, Ordering::SeqCst);
                    slow.fetch_add(waited, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!((quick.into_inner(), slow.into_inner()), (RESERVE, 3 * CALLS - RESERVE));
    assert_eq!(server.requests(), 4 * CALLS);
}

/// Answers that settle something give retries back, one for ten, up to the reserve.
#[rstest]
#[case::a_few(57, 5)]
#[case::all(10 * RESERVE, RESERVE)]
#[case::no_more_than_all(20 * RESERVE, RESERVE)]
fn a_server_that_recovers(#[case] answers: usize, #[case] given_back: usize) {
    let (server, dying) = server();
    let client = client(&server);
    let spend = || (0..40).map(|_| retries(&delete(&client)).0).sum::<usize>();
    assert_eq!(spend(), RESERVE);
    assert_eq!(spend(), 0);
    dying.store(false, Ordering::SeqCst);
    for _ in 0..answers {
        assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    }
    assert_eq!(given_back, (answers / ANSWERS_A_RETRY).min(RESERVE));
    dying.store(true, Ordering::SeqCst);
    assert_eq!(spend(), given_back);
}

/// Connections that are refused or lost spend it too; clones of a client share it, other clients have their own. A call
/// of which nothing was sent ends when it is spent: its token was not deleted for sure.
#[test]
fn what_else_spends() {
    let refusing = Server::start(|_, _| ()).address();
    let client = builder(format!("http://{refusing}"))
        .backoff(Duration::ZERO, CAP)
        .retry_reserve(5)
        .build()
        .unwrap();
    let attempts = |client: &Client| delete(client).attempts().len();
    assert_eq!((attempts(&client), attempts(&client.clone())), (4, 3));
    let last = delete(&client);
    assert_eq!((last.attempts().len(), last.kind()), (1, OutcomeKind::NotDeleted));
    let message = last.message();
    assert!(message.contains("the retries of all calls together are spent"), "{message}");

    let cut = Server::start(|conn, _| drop(conn.request()));
    let client = builder(cut.url()).backoff(Duration::ZERO, CAP).retry_reserve(1).build().unwrap();
    assert_eq!((retries(&delete(&client)), retries(&delete(&client))), ((1, 2), (0, 3)));
    let other = builder(cut.url()).backoff(Duration::ZERO, CAP).build().unwrap();
    assert_eq!(retries(&delete(&other)), (3, 0));
}

/// No reserve: every retry waits, and a call of which nothing was sent has none.
#[test]
fn no_reserve() {
    let (server, dying) = server();
    let client =
        builder(server.url()).backoff(Duration::ZERO, CAP).retry_reserve(0).build().unwrap();
    assert_eq!(retries(&delete(&client)), (0, 3));
    dying.store(false, Ordering::SeqCst);
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
}

/// A batch makes another call later, so none of its calls waits for long.
#[test]
fn a_batch_puts_off() {
    let (server, dying) = server();
    let client =
        builder(server.url()).backoff(Duration::ZERO, CAP).retry_reserve(0).build().unwrap();
    let mut batch = client.batch(["TKN-1-1"], &BatchOptions::new().concurrency(1)).unwrap();
    let handle = batch.handle();
    thread::scope(|scope| {
        scope.spawn(|| {
            while handle.put_off() == 0 {
                thread::yield_now();
            }
            dying.store(false, Ordering::SeqCst);
        });
        let outcome = batch.next().unwrap();
        assert_eq!(outcome.kind(), OutcomeKind::Deleted);
        assert_eq!((outcome.rounds(), outcome.attempts().len()), (2, 2));
        assert_eq!(outcome.attempts()[1].number, 2);
    });
    assert_eq!(server.requests(), 2);
    assert_eq!(batch.summary().put_off, 1);
}
