//! What a client tells on the way: each attempt, on the thread that asks for outcomes, before its outcome.

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use mpt_tokens::{AttemptEnded, BatchOptions, ClientBuilder, Code, Event, Outcome, OutcomeKind};

use crate::support::raw::{NO_CONTENT, Server, http};
use crate::support::{ID, builder, checked, delete, log};

type Heard = Arc<Mutex<Vec<(ThreadId, AttemptEnded)>>>;

fn listening(builder: ClientBuilder) -> (ClientBuilder, Heard) {
    let heard = Heard::default();
    let builder = builder.on_event({
        let heard = Arc::clone(&heard);
        move |event| {
            log::assert_no_secret(&format!("{event} {event:?}"));
            if let Event::AttemptEnded(ended) = event {
                heard.lock().unwrap().push((thread::current().id(), ended.clone()));
            }
        }
    });
    (builder, heard)
}

/// A server that answers 503 to the first request of each connection, then 204.
fn stumbles() -> Server {
    Server::start(|conn, number| {
        let mut stumble = number == 1;
        while conn.request().is_some() {
            let unavailable = http("503 Service Unavailable", "", "");
            conn.send(if std::mem::take(&mut stumble) { unavailable.as_str() } else { NO_CONTENT });
        }
    })
}

#[test]
fn each_attempt_of_a_call() {
    let server = stumbles();
    let (builder, heard) = listening(builder(server.url()));
    let outcome = delete(&builder.build().unwrap());
    assert_eq!(outcome.kind(), OutcomeKind::Deleted);
    let heard = heard.lock().unwrap();
    let [(first_thread, first), (second_thread, second)] = &heard[..] else {
        panic!("{heard:?}");
    };
    assert_eq!([first_thread, second_thread], [&thread::current().id(); 2]);
    assert_eq!([first.code, second.code], [Code::ServerError, Code::Ok]);
    assert_eq!([&first.attempt, &second.attempt], [&outcome.attempts()[0], &outcome.attempts()[1]]);
    assert_eq!([first.next_in, second.next_in], [Some(second.attempt.waited), None]);
    for ended in [first, second] {
        assert_eq!(ended.token_id, ID);
        assert_eq!(Some(ended.trace_id.as_str()), outcome.trace_id());
    }
    let pause = second.attempt.waited;
    assert_eq!(
        first.to_string(),
        format!(
            "token `{ID}`: attempt 1 ended with server_error (503); the next one is in {pause:?}"
        )
    );
    assert_eq!(second.to_string(), format!("token `{ID}`: attempt 2 ended with ok (204)"));
}

/// On the thread that asks, before the outcome that they belong to, whichever worker made the attempt.
#[test]
fn each_attempt_of_a_list() {
    let server = Server::start(|conn, _| {
        while conn.request().is_some() {
            conn.send(NO_CONTENT);
        }
    });
    for concurrency in [1, 8] {
        let (builder, heard) = listening(builder(server.url()));
        let client = builder.build().unwrap();
        let ids = (0..100).map(|number| format!("TKN-{number}"));
        let batch = client.batch(ids, &BatchOptions::new().concurrency(concurrency)).unwrap();
        for outcome in batch {
            let outcome = checked(outcome);
            let heard = heard.lock().unwrap();
            let of_it = heard.iter().filter(|(_, ended)| Some(&*ended.token_id) == outcome.id());
            let of_it: Vec<_> = of_it.map(|(_, ended)| ended.attempt.clone()).collect();
            assert_eq!(of_it, outcome.attempts());
        }
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 100);
        assert!(heard.iter().all(|(thread, _)| *thread == thread::current().id()));
    }
}

/// A function that panics costs no outcome.
#[test]
fn a_panic() {
    let server = stumbles();
    let client =
        builder(server.url()).on_event(|_| panic!("as the test wants it")).build().unwrap();
    let outcome: Outcome = client.delete_token(ID).into();
    assert_eq!((outcome.kind(), outcome.attempts().len()), (OutcomeKind::Deleted, 2));
}

/// What is refused, or cancelled before anything was tried, has no attempt to tell of.
#[test]
fn nothing_was_tried() {
    let (builder, heard) = listening(builder("http://127.0.0.1:9"));
    let client = builder.build().unwrap();
    client.delete_token("..").unwrap_err();
    client.cancel_handle().cancel();
    client.delete_token(ID).unwrap_err();
    assert!(heard.lock().unwrap().is_empty());
}
