//! Options of one call, clients that share connections, and what an outcome tells beside what is true of the token.

use std::time::Duration;

use mpt_tokens::{BatchItem, BatchOptions, Code, DeleteOptions, Outcome, OutcomeKind, Pull};
use rstest::rstest;

use crate::support::raw::{NO_CONTENT, Server, http};
use crate::support::{ID, SECRET, TOKEN, builder, checked, delete};

/// A server that gives every request this answer.
fn always(answer: String) -> Server {
    Server::start(move |conn, _| {
        while conn.request().is_some() {
            conn.send(answer.as_str());
        }
    })
}

#[test]
fn a_call_has_its_own_limits() {
    let server = always(http("503 Service Unavailable", "", ""));
    let client = builder(server.url()).attempts(3).build().unwrap();
    let call = |options: &DeleteOptions| checked(client.delete_token_with(ID, options).into());
    assert_eq!(call(&DeleteOptions::new()).attempts().len(), 3);
    assert_eq!(call(&DeleteOptions::new().attempts(1)).attempts().len(), 1);
    assert_eq!(call(&DeleteOptions::new().attempts(5)).attempts().len(), 5);
    let silent = Server::start(|conn, _| {
        conn.request();
        conn.request();
    });
    let client = builder(silent.url()).build().unwrap();
    // Long enough to connect and to send, on a busy machine too.
    let options = DeleteOptions::new().timeout(Duration::from_secs(1));
    let outcome = checked(client.delete_token_with(ID, &options).into());
    assert_eq!((outcome.code(), outcome.kind()), (Code::Timeout, OutcomeKind::Unknown));
}

#[rstest]
#[case::none(DeleteOptions::new().attempts(0), "the attempts are 0: expected 1 to 100")]
#[case::no_time(DeleteOptions::new().timeout(Duration::ZERO), "the timeout is 0ns")]
#[case::years(DeleteOptions::new().timeout(Duration::MAX), "and at most a day")]
fn a_limit_of_a_call_out_of_range(#[case] options: DeleteOptions, #[case] expected: &str) {
    let server = always(NO_CONTENT.to_owned());
    let client = builder(server.url()).build().unwrap();
    let outcome: Outcome = checked(client.delete_token_with(ID, &options).into());
    assert_eq!((outcome.code(), outcome.id()), (Code::InvalidArgument, Some(ID)));
    assert!(outcome.message().contains(expected), "{outcome:?}");
    let error = client.with_options(&options).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_client_with_other_options_shares_the_connections() {
    let unavailable = http("503 Service Unavailable", "", "");
    let server = always(unavailable);
    let client = builder(server.url()).attempts(2).build().unwrap();
    let other = client.with_options(&DeleteOptions::new().attempts(4)).unwrap();
    assert_eq!([delete(&client).attempts().len(), delete(&other).attempts().len()], [2, 4]);
    assert_eq!(server.connections(), 1);
    let missing = always(http(
        "404 Not Found",
        "Content-Type: application/json\r\n",
        r#"{"title":"Not Found"}"#,
    ));
    let client = builder(missing.url()).build().unwrap();
    let other = client.with_options(&DeleteOptions::new().missing_ok(true)).unwrap();
    assert_eq!(
        [delete(&client).kind(), delete(&other).kind()],
        [OutcomeKind::NotDeleted, OutcomeKind::Gone]
    );
    client.cancel_handle().cancel();
    assert_eq!(delete(&other).code(), Code::Cancelled, "they share the handle, too");
}

#[test]
fn the_servers_id_of_a_request() {
    let fields = format!(
        "Server: nginx\r\nX-Request-Id: 7d1f\r\nVia: 1.1 a\r\nvia: 1.1 b\r\nSet-Cookie: session=1\r\n\
         X-Correlation-Id: {TOKEN}\r\nDate: Fri, 27 Nov 2026 15:00:00 GMT\r\n"
    );
    let server = always(http("502 Bad Gateway", &fields, ""));
    let client = builder(server.url()).attempts(1).build().unwrap();
    let outcome = delete(&client);
    let attempt = &outcome.attempts()[0];
    assert_eq!(attempt.request_id.as_deref(), Some("7d1f"));
    let mut headers = attempt.headers.clone();
    headers.sort();
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["server", "via", "x-correlation-id", "x-request-id"]);
    assert_eq!(headers[1].1, "1.1 a, 1.1 b");
    assert!(!headers[2].1.contains(SECRET), "{headers:?}");
    let json = outcome.to_json();
    assert!(
        json.contains(r#""request_id":"7d1f""#) && json.contains(r#""server":"nginx""#),
        "{json}"
    );

    let server =
        always("HTTP/1.1 204 No Content\r\nServer: nginx\r\nCF-Ray: 8f\r\n\r\n".to_owned());
    let outcome = delete(&builder(server.url()).build().unwrap());
    assert_eq!(outcome.attempts()[0].headers, [("cf-ray".to_owned(), "8f".to_owned())]);
    assert_eq!(outcome.attempts()[0].request_id.as_deref(), Some("8f"));
}

#[test]
fn a_long_value_is_cut() {
    let fields = format!("X-Request-Id: {}\r\n", "r".repeat(5000));
    let server = always(http("502 Bad Gateway", &fields, ""));
    let outcome = delete(&builder(server.url()).attempts(1).build().unwrap());
    assert_eq!(outcome.attempts()[0].request_id.as_ref().map(String::len), Some(256));
}

/// Each outcome says where its id stood, whatever became of it; only where that was asked for.
#[rstest]
fn positions(#[values(1, 4)] concurrency: usize) {
    let server = always(NO_CONTENT.to_owned());
    let client = builder(server.url()).build().unwrap();
    let ids = || ["TKN-a", "..", "TKN-b", "TKN-a", "TKN-c", "TKN-9999-0001"].map(Pull::from);
    let options = BatchOptions::new().concurrency(concurrency);
    let batch = client.batch(ids(), &options.clone().index(true)).unwrap();
    let mut found: Vec<_> =
        batch.map(|outcome| (outcome.index().unwrap(), outcome.id().unwrap().to_owned())).collect();
    found.sort();
    let expected = [(0, "TKN-a"), (1, ".."), (2, "TKN-b"), (4, "TKN-c"), (5, "TKN-9999-0001")];
    assert_eq!(found, expected.map(|(index, id)| (index, id.to_owned())));
    let batch = client.batch(ids(), &options).unwrap();
    assert!(batch.map(|outcome| outcome.index()).all(|index| index.is_none()));
}

#[test]
fn what_is_no_text_is_the_outcome_of_that_id() {
    let server = always(NO_CONTENT.to_owned());
    let client = builder(server.url()).build().unwrap();
    let ids =
        [BatchItem::from("TKN-a"), BatchItem::not_text(r"TKN-\udc80"), BatchItem::from("TKN-b")];
    let outcomes: Vec<_> =
        client.batch(ids, &BatchOptions::new().concurrency(1)).unwrap().map(checked).collect();
    let told = outcomes.iter().map(|outcome| (outcome.id().unwrap(), outcome.code()));
    let mut told: Vec<_> = told.collect();
    told.sort_by_key(|(id, _)| *id);
    assert_eq!(
        told,
        [("TKN-\\udc80", Code::InvalidTokenId), ("TKN-a", Code::Ok), ("TKN-b", Code::Ok)]
    );
    let refused = outcomes.iter().find(|outcome| !outcome.is_success()).unwrap();
    assert!(refused.message().contains("is not text"), "{refused:?}");
    let value = BatchItem::not_text(format!("{TOKEN}\\udc80"));
    let outcome = client.batch([value], &BatchOptions::new()).unwrap().map(checked).next().unwrap();
    assert_eq!(outcome.code(), Code::InvalidTokenId);
}
