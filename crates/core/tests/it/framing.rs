//! Servers that keep no order on a connection: whatever they send, and when, no answer is taken for another's.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use mpt_tokens::{Code, OutcomeKind};
use proptest::prelude::*;
use rstest::rstest;
use rustls::version::TLS13;
use rustls::{ServerConnection, Stream};

use crate::support::log::assert_no_leak;
use crate::support::pki::Authority;
use crate::support::proxy::{Manner, Proxy};
use crate::support::raw::{Conn, NO_CONTENT, Server, http, not_found};
use crate::support::{HOST, SOON, builder, builder_at, checked, delete, once};

/// Sends these bytes after the answer to the first request, and serves the later ones on connections of their own.
/// The client asks again when the bytes are there.
#[rstest]
#[case::an_answer_too_many(NO_CONTENT)]
#[case::a_404_too_many("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")]
#[case::a_timeout_told(
    "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)]
#[case::one_byte("H")]
#[case::hints("HTTP/1.1 103 Early Hints\r\n\r\n")]
fn bytes_that_nobody_asked_for(#[case] junk: &'static str, #[values(false, true)] in_one_go: bool) {
    let (said, heard) = mpsc::channel();
    let server = Server::start(move |conn, number| {
        conn.request();
        if number > 1 {
            conn.send(not_found());
            return conn.until_closed();
        }
        if in_one_go {
            conn.send(format!("{NO_CONTENT}{junk}"));
        } else {
            conn.send(NO_CONTENT);
            conn.send(junk);
        }
        said.send(()).unwrap();
        conn.until_closed();
    });
    let client = builder(server.url()).build().unwrap();
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    heard.recv().unwrap();
    let second = delete(&client);
    assert_eq!(
        (second.code(), second.kind()),
        (Code::NotFound, OutcomeKind::NotDeleted),
        "{second:?}"
    );
    assert_eq!(second.attempts().len(), 1, "nothing was risked on the spoilt connection");
    assert_eq!(server.connections(), 2);
}

/// What a server sends unasked is found wherever it waits: in the kernel, in a buffer, or decrypted inside TLS; so it is
/// never the answer about the next token.
#[rstest]
fn an_answer_too_many_under_tls(
    #[values(3_000, 5_000, 16_300, 16_380, 20_000, 40_000)] padding: usize,
    #[values((false, false), (true, false), (true, true))] way: (bool, bool),
) {
    let (in_one_go, through_proxy) = way;
    let junk = format!("HTTP/1.1 204 No Content\r\nX-Padding: {}\r\n\r\n", "p".repeat(padding));
    let surplus = junk.len();
    let (said, heard) = mpsc::channel();
    let authority = Authority::new("surplus");
    let server = Server::start_tls(authority.issue(&[HOST]).server(), move |conn, number| {
        conn.request();
        if number > 1 {
            conn.send(not_found());
            return conn.until_closed();
        }
        if in_one_go {
            conn.send_together(NO_CONTENT, &junk);
        } else {
            conn.send(NO_CONTENT);
            conn.send(&junk);
        }
        said.send(()).unwrap();
        conn.until_closed();
    });
    let proxy = through_proxy.then(|| Proxy::start(Manner::Works, server.address()));
    let builder =
        builder_at(server.tls_url(), server.address()).ca_bundle(authority.bundle().only());
    let builder = match &proxy {
        Some(proxy) => builder.proxy(proxy.url()),
        None => builder,
    };
    let client = builder.build().unwrap();
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    heard.recv().unwrap();
    if let Some(proxy) = &proxy {
        // The handshake has a good thousand: so nearly all of the surplus came through.
        proxy.wait_for_bytes(1_000 + surplus);
    }
    let second = delete(&client);
    assert_eq!(
        (second.code(), second.kind()),
        (Code::NotFound, OutcomeKind::NotDeleted),
        "{second:?}"
    );
    assert_eq!(second.attempts().len(), 1, "nothing was risked on the spoilt connection");
    assert_eq!(server.connections(), 2);
    assert_no_leak();
}

/// An answer that comes before the request, in one go with the server's part of the handshake, is no answer to it.
#[test]
fn an_answer_before_the_request_under_tls() {
    let authority = Authority::new("early");
    let mut config = authority.issue(&[HOST]).server_of(&[&TLS13]);
    Arc::get_mut(&mut config).unwrap().send_half_rtt_data = true;
    let server = Server::start(move |conn, _| {
        let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut socket = conn.socket();
        while !session.wants_write() {
            session.read_tls(&mut socket).unwrap();
            session.process_new_packets().unwrap();
        }
        session.writer().write_all(NO_CONTENT.as_bytes()).unwrap();
        let mut stream = Stream::new(&mut session, &mut socket);
        let mut request = [0; 4096];
        if stream.read(&mut request).is_ok_and(|length| length > 0) {
            stream.write_all(http("403 Forbidden", "", "{}").as_bytes()).unwrap();
        }
    });
    let client = builder_at(server.tls_url(), server.address())
        .ca_bundle(authority.bundle().only())
        .attempts(2)
        .build()
        .unwrap();
    let outcome = delete(&client);
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::ConnectFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert!(outcome.attempts().iter().all(|attempt| !attempt.sent), "{outcome:?}");
    assert_eq!(server.connections(), 2);
}

/// A 204 that says it has a body, which comes only when the next request does: and looks like an answer to it.
#[rstest]
#[case::length("Content-Length: 27\r\n", "")]
#[case::chunked("Transfer-Encoding: chunked\r\n", "1b\r\n")]
fn a_body_that_comes_late(#[case] header: &'static str, #[case] before: &'static str) {
    let server = Server::start(move |conn, number| {
        conn.request();
        if number > 1 {
            conn.send(http("403 Forbidden", "", "{}"));
            return conn.until_closed();
        }
        conn.send(format!("HTTP/1.1 204 No Content\r\n{header}\r\n"));
        if conn.request().is_some() {
            conn.send(format!("{before}{NO_CONTENT}"));
            conn.until_closed();
        }
    });
    let client = once(server.url());
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    let second = delete(&client);
    assert_eq!(
        (second.code(), second.kind()),
        (Code::Forbidden, OutcomeKind::NotDeleted),
        "{second:?}"
    );
}

/// Where an answer ends is in doubt: what it leaves behind looks like the answer to the next request, and is not read as
/// one, since the connection ends (RFC 9112, section 6).
#[rstest]
#[case::coding_beside_length(
    "HTTP/1.1 403 F\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
)]
#[case::identity_beside_length(
    "HTTP/1.1 403 F\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}"
)]
#[case::length_beside_identity(
    "HTTP/1.1 403 F\r\nContent-Length: 2\r\nTransfer-Encoding: identity\r\n\r\n{}"
)]
#[case::empty_coding("HTTP/1.1 403 F\r\nTransfer-Encoding:\r\nContent-Length: 2\r\n\r\n{}")]
#[case::almost_chunked(
    "HTTP/1.1 403 F\r\nTransfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\n{}"
)]
#[case::http10(
    "HTTP/1.0 403 F\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}"
)]
#[case::http10_length("HTTP/1.0 403 F\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}")]
#[case::http12("HTTP/1.2 403 F\r\nContent-Length: 2\r\n\r\n{}")]
#[case::chunked_beside_length(
    "HTTP/1.1 403 F\r\nTransfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
)]
#[case::chunked_and_gzip(
    "HTTP/1.1 403 F\r\nTransfer-Encoding: chunked, gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
)]
#[case::gzip_and_chunked(
    "HTTP/1.1 403 F\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
)]
#[case::chunked_twice(
    "HTTP/1.1 403 F\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
)]
#[case::lengths("HTTP/1.1 403 F\r\nContent-Length: 2, 2\r\n\r\n{}")]
#[case::bare_line_feeds("HTTP/1.1 403 F\nContent-Length: 2\n\n{}")]
#[case::padded_chunk("HTTP/1.1 403 F\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n")]
#[case::no_content_with_length("HTTP/1.1 204 N\r\nContent-Length: 27\r\n\r\n")]
#[case::no_content_with_coding("HTTP/1.1 204 N\r\nTransfer-Encoding: gzip\r\n\r\n")]
#[case::not_modified_with_length("HTTP/1.1 304 N\r\nContent-Length: 27\r\n\r\n")]
fn an_end_in_doubt(#[case] answer: &'static str, #[values(false, true)] tls: bool) {
    let serve = move |conn: &mut Conn<'_>, number| {
        conn.request();
        if number > 1 {
            conn.send(http("409 Conflict", "", "{}"));
            return conn.until_closed();
        }
        conn.send(answer);
        // What is left of it comes with the next request at the latest.
        if conn.request().is_some() {
            conn.send(NO_CONTENT);
            conn.until_closed();
        }
    };
    let authority = Authority::new("doubt");
    let server = match tls {
        false => Server::start(serve),
        true => Server::start_tls(authority.issue(&[HOST]).server(), serve),
    };
    let url = if tls { server.tls_url() } else { server.url() };
    let client = builder_at(url, server.address())
        .ca_bundle(authority.bundle().only())
        .attempts(1)
        .build()
        .unwrap();
    let first = delete(&client);
    assert_eq!(first.http_status().unwrap().to_string(), answer[9..12], "{first:?}");
    assert_eq!(first.attempts()[0].failure, None, "a clear status is believed: {first:?}");
    let second = delete(&client);
    assert_eq!((second.code(), second.kind()), (Code::Conflict, OutcomeKind::NotDeleted));
    assert_eq!(server.connections(), 2);
    assert_no_leak();
}

/// The end of these is certain, and the connection goes on behind it.
#[rstest]
#[case("HTTP/1.1 403 F\r\nContent-Length: 2\r\n\r\n{}")]
#[case("HTTP/1.1 403 F\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")]
#[case(
    "HTTP/1.1 403 F\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000000000000002;a=b;c=\"d\"\r\n{}\r\n0\r\nX: y\r\n\r\n"
)]
#[case("HTTP/1.1 204 No Content\r\n\r\n")]
#[case("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")]
#[case(
    "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\nHTTP/1.1 204 N\r\n\r\n"
)]
fn an_end_that_is_certain(#[case] answer: &'static str) {
    let server = Server::start(move |conn, _| conn.answer_all(answer));
    let client = once(server.url());
    for _ in 0..3 {
        let outcome = delete(&client);
        assert_eq!(outcome.attempts()[0].failure, None, "{outcome:?}");
    }
    assert_eq!((server.connections(), server.requests()), (1, 3));
}

/// A 408 is said of a connection that was idle for long, and crosses a request on its way. The request was not read: it
/// may be the other way round, so it is lost, and asked again.
#[rstest]
#[case::on_a_used_connection(
    true,
    "HTTP/1.1 408 T\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    true
)]
#[case::on_a_used_connection_kept(true, "HTTP/1.1 408 T\r\nContent-Length: 0\r\n\r\n", true)]
#[case::on_a_new_connection_kept(false, "HTTP/1.1 408 T\r\nContent-Length: 0\r\n\r\n", true)]
#[case::on_a_new_connection(
    false,
    "HTTP/1.1 408 T\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    false
)]
fn a_408(#[case] used: bool, #[case] says: &'static str, #[case] lost: bool) {
    let server = Server::start(move |conn, number| {
        if number > 1 {
            return conn.answer_all(not_found());
        }
        if used {
            conn.request();
            conn.send(NO_CONTENT);
        }
        conn.request();
        conn.send(says);
        conn.until_closed();
    });
    let client = builder(server.url()).build().unwrap();
    if used {
        assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    }
    let outcome = delete(&client);
    let first = &outcome.attempts()[0];
    assert_eq!(first.http_status, Some(408));
    assert_eq!(first.failure, lost.then_some(Code::ConnectionLost), "{outcome:?}");
    assert_eq!((outcome.attempts().len(), server.connections()), (2, 2), "{outcome:?}");
    if lost {
        assert_eq!(outcome.kind(), OutcomeKind::Gone, "{outcome:?}");
    }
}

/// A connection that the server closed while it was idle is not used: no attempt is lost to it.
#[rstest]
fn a_connection_closed_meanwhile(#[values(false, true)] reset: bool) {
    let (said, heard) = mpsc::channel();
    let server = Server::start(move |conn, _| {
        conn.request();
        conn.send(NO_CONTENT);
        if reset {
            conn.reset();
        }
        said.send(()).unwrap();
    });
    let client = builder(server.url()).build().unwrap();
    for round in 1..=3 {
        let outcome = delete(&client);
        assert_eq!(outcome.kind(), OutcomeKind::Deleted, "{outcome:?}");
        heard.recv().unwrap();
        // The handler has returned, or is about to: the close is seen when its connection is gone.
        server.wait_for_closed(round);
    }
    assert_eq!((server.connections(), server.requests()), (3, 3));
}

/// The server reads the next request and closes: lost, asked again, and the API's 404 then says that it is gone.
#[test]
fn a_pooled_connection_lost_in_use() {
    let server = Server::start(|conn, number| {
        conn.request();
        if number == 1 {
            conn.send(NO_CONTENT);
            conn.request();
            return;
        }
        conn.send(not_found());
        conn.until_closed();
    });
    let client = builder(server.url()).build().unwrap();
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    let second = delete(&client);
    assert_eq!((second.code(), second.kind()), (Code::Ok, OutcomeKind::Gone), "{second:?}");
    assert_eq!(second.attempts().len(), 2);
    assert_eq!(second.attempts()[0].failure, Some(Code::ConnectionLost));
}

/// An answer that comes after its attempt was given up is nobody's answer.
#[test]
fn an_answer_that_comes_too_late() {
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let server = Server::start(move |conn, number| {
        if number == 1 {
            conn.request();
            // Until the second attempt is answered.
            gone.lock().unwrap().recv().unwrap();
            conn.send(NO_CONTENT);
            return;
        }
        conn.answer_all(http("403 Forbidden", "", "{}"));
    });
    let client = builder(server.url()).attempt_timeout(Duration::from_secs(1)).build().unwrap();
    let outcome = delete(&client);
    go.send(()).unwrap();
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::Forbidden, OutcomeKind::Unknown),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts()[0].failure, Some(Code::Timeout));
    let again = delete(&client);
    assert_eq!(
        (again.code(), again.kind()),
        (Code::Forbidden, OutcomeKind::NotDeleted),
        "{again:?}"
    );
}

/// Sequences of answers, over real sockets: what the last one says, after what was lost before it.
#[rstest]
#[case::lost_then_404(&["", "404"], Code::Ok, OutcomeKind::Gone)]
#[case::half_then_404(&["HTTP/1.1 204 No", "404"], Code::Ok, OutcomeKind::Gone)]
#[case::login_page_then_404(&["200", "404"], Code::Ok, OutcomeKind::Gone)]
#[case::gateway_then_404(&["502", "404"], Code::Ok, OutcomeKind::Gone)]
#[case::gateway_then_204(&["502", "204"], Code::Ok, OutcomeKind::Deleted)]
#[case::lost_then_204(&["", "204"], Code::Ok, OutcomeKind::Deleted)]
#[case::lost_then_403(&["", "403"], Code::Forbidden, OutcomeKind::Unknown)]
#[case::lost_then_401(&["", "401"], Code::Unauthorized, OutcomeKind::Unknown)]
#[case::lost_then_400(&["", "400"], Code::BadRequest, OutcomeKind::Unknown)]
#[case::lost_then_redirect(&["", "307"], Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case::see_other_then_404(&["303", "404"], Code::Ok, OutcomeKind::Gone)]
#[case::a_gateways_then_404(&["499", "520", "404"], Code::Ok, OutcomeKind::Gone)]
#[case::timed_out_then_404(&["408", "404"], Code::Ok, OutcomeKind::Gone)]
#[case::lost_then_410(&["", "410api"], Code::Ok, OutcomeKind::Gone)]
#[case::lost_then_a_gateways_410(&["", "410"], Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case::lost_then_kong(&["", "404kong"], Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case::lost_then_html_404(&["", "404html"], Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case::limited_then_204(&["429", "204"], Code::Ok, OutcomeKind::Deleted)]
#[case::limited_then_404(&["429api", "404"], Code::NotFound, OutcomeKind::NotDeleted)]
#[case::limited_by_a_gateway_then_404(&["429", "404"], Code::Ok, OutcomeKind::Gone)]
#[case::limited_by_a_gateway_then_kong(&["429", "404kong"], Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case::limited_for_ever(&["429", "429", "429", "429"], Code::RateLimited, OutcomeKind::NotDeleted)]
#[case::lost_then_limited(&["", "429", "429", "429"], Code::RateLimited, OutcomeKind::Unknown)]
#[case::too_early_then_404(&["425api", "404"], Code::NotFound, OutcomeKind::NotDeleted)]
#[case::too_early_for_a_gateway_then_404(&["425", "404"], Code::Ok, OutcomeKind::Gone)]
#[case::lost_for_ever(&["", "", "", ""], Code::ConnectionLost, OutcomeKind::Unknown)]
#[case::all_kinds(&["", "503", "garbage", "404"], Code::Ok, OutcomeKind::Gone)]
fn one_after_another(
    #[case] answers: &'static [&'static str],
    #[case] code: Code,
    #[case] kind: OutcomeKind,
) {
    let next = AtomicUsize::new(0);
    let server = Server::start(move |conn, _| {
        while conn.request().is_some() {
            let answer = match answers[next.fetch_add(1, Ordering::SeqCst)] {
                "204" => NO_CONTENT.to_owned(),
                "404" => not_found(),
                "404html" => http("404 Not Found", "Content-Type: text/html\r\n", "<html></html>"),
                "404kong" => http(
                    "404 Not Found",
                    "Content-Type: application/json; charset=utf-8\r\n",
                    r#"{"message":"no Route matched with those values"}"#,
                ),
                api if api.ends_with("api") => http(
                    &format!("{} Odd", &api[..3]),
                    "Content-Type: application/problem+json\r\n",
                    r#"{"title":"as told"}"#,
                ),
                "200" => http("200 OK", "Content-Type: text/html\r\n", "<title>Log in</title>"),
                status if status.parse::<u16>().is_ok() => http(&format!("{status} Odd"), "", "{}"),
                cut => {
                    conn.send(cut);
                    return;
                }
            };
            conn.send(answer);
        }
    });
    let outcome = delete(&builder(server.url()).build().unwrap());
    assert_eq!((outcome.code(), outcome.kind()), (code, kind), "{outcome:?}");
    assert_eq!((outcome.attempts().len(), server.requests()), (answers.len(), answers.len()));
    assert_no_leak();
}

/// Servers that never stop sending: the deadline holds although there is always something to read.
#[rstest]
#[case::continues("", "HTTP/1.1 100 Continue\r\n\r\n")]
#[case::hints("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")]
#[case::line_breaks("", "\r\n")]
#[case::header("HTTP/1.1 204 No Content\r\nX: ", "yyyyyyyyyyyyyyyy")]
#[case::trailers("HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n")]
#[case::chunk_extension(
    "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    "aaaaaaaa"
)]
#[case::one_byte_chunks(
    "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n",
    "1\r\n \r\n"
)]
fn a_flood(#[case] begin: &'static str, #[case] again: &'static str) {
    let server = Server::start(move |conn, _| {
        conn.request();
        conn.send(begin);
        let flood = again.repeat(64 * 1024 / again.len());
        while conn.send(&flood) {}
    });
    let client = builder(server.url())
        .attempts(1)
        .attempt_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let outcome = delete(&client);
    assert!(outcome.elapsed() < SOON, "{outcome:?}");
    assert!(
        matches!(outcome.kind(), OutcomeKind::Unknown | OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    if outcome.kind() == OutcomeKind::NotDeleted {
        assert_eq!(outcome.code(), Code::BadRequest, "only a whole 400 says so: {outcome:?}");
    }
}

/// Bytes as answers: near misses of real answers, mostly.
fn odd_answers() -> impl Strategy<Value = Vec<u8>> {
    let real = prop::sample::select(vec![
        NO_CONTENT.to_owned(),
        not_found(),
        http("200 OK", "", "<html></html>"),
        http("503 Service Unavailable", "Retry-After: 1\r\n", ""),
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
            .to_owned(),
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}"
            .to_owned(),
    ]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<Option<u8>>()), 0..4);
    let mutated = (real, edits, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(real, edits, cut, whole)| {
            let mut bytes = real.into_bytes();
            for (index, edit) in edits {
                let at = index.index(bytes.len());
                match edit {
                    Some(byte) => bytes[at] = byte,
                    None => {
                        bytes.remove(at);
                    }
                }
            }
            if !whole {
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            bytes
        },
    );
    prop_oneof![4 => mutated, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::support::size(400) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes back: a token is called deleted only when a 204 stands in it, kept only when a status below
    /// 500 that is no 2xx does, and nothing panics or hangs.
    #[test]
    fn whatever_comes_back(answer in odd_answers()) {
        let bytes = answer.clone();
        let server = Server::start(move |conn, _| {
            conn.request();
            conn.send(&bytes);
        });
        let outcome = checked(once(server.url()).delete_token(crate::support::ID).into());
        let text = String::from_utf8_lossy(&answer);
        prop_assert_ne!(outcome.code(), Code::Internal);
        match outcome.kind() {
            OutcomeKind::Deleted => prop_assert!(text.contains(" 204")),
            OutcomeKind::Gone => prop_assert!(false, "nothing was lost before"),
            OutcomeKind::NotDeleted => {
                let status = outcome.http_status().unwrap();
                let said = text.contains(&format!(" {status}"));
                prop_assert!((300..500).contains(&status) && said);
            }
            OutcomeKind::Unknown => {}
        }
        prop_assert!(outcome.elapsed() < SOON);
    }
}
