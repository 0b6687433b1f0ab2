//! Answers that are odd and complete: each is understood, since `unknown` would be said without need.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use mpt_tokens::{Code, Outcome, OutcomeKind};
use rstest::rstest;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConnection, Stream};

use crate::support::log::assert_no_leak;
use crate::support::pki::Authority;
use crate::support::raw::{NO_CONTENT, Server};
use crate::support::{HOST, SOON, builder, builder_at, delete};

const BODY: &str = r#"{"title":"Not Found","status":404}"#;
/// What `gzip -n` makes of [`BODY`].
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x2a, 0xc9, 0x2c, 0xc9,
    0x49, 0x55, 0xb2, 0x52, 0xf2, 0xcb, 0x2f, 0x51, 0x70, 0xcb, 0x2f, 0xcd, 0x4b, 0x51, 0xd2, 0x51,
    0x2a, 0x2e, 0x49, 0x2c, 0x29, 0x2d, 0x56, 0xb2, 0x32, 0x31, 0x30, 0xa9, 0x05, 0x00, 0xd0, 0xb8,
    0x1d, 0x97, 0x22, 0x00, 0x00, 0x00,
];

/// The second of two attempts is answered so, after the first was lost: only the API's own word says `gone`.
fn after_a_lost_answer(answer: Vec<u8>) -> Outcome {
    let server = Server::start(move |conn, number| {
        conn.request();
        if number > 1 {
            conn.send(&answer);
            conn.until_closed();
        }
    });
    let outcome = delete(&builder(server.url()).attempts(2).build().unwrap());
    assert!(outcome.elapsed() < SOON, "{outcome:?}");
    assert_eq!(outcome.attempts().len(), 2, "{outcome:?}");
    assert_no_leak();
    outcome
}

fn not_found(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n{fields}\r\n");
    [head.as_bytes(), body].concat()
}

fn sized(fields: &str, body: &[u8]) -> Vec<u8> {
    not_found(&format!("{fields}Content-Length: {}\r\n", body.len()), body)
}

fn before(interim: &str) -> Vec<u8> {
    [interim.as_bytes(), &sized("", BODY.as_bytes())].concat()
}

fn chunked(size: &str) -> Vec<u8> {
    let body = format!("{size}\r\n{BODY}\r\n0\r\n\r\n");
    not_found("Transfer-Encoding: chunked\r\n", body.as_bytes())
}

fn long(length: usize) -> Vec<u8> {
    let front =
        format!("{{\"title\":\"Not Found\",\"status\":404,\"more\":\"{}", "x".repeat(length));
    sized("", format!("{}\"}}", &front[..length - 2]).as_bytes())
}

#[rstest]
#[case::gzip(sized("Content-Encoding: gzip\r\n", GZIP))]
#[case::x_gzip(sized("Content-Encoding: x-gzip\r\n", GZIP))]
#[case::gzip_that_nothing_tells_of(sized("", GZIP))]
#[case::gzip_as_a_transfer_coding(sized("Transfer-Encoding: gzip\r\n", GZIP))]
#[case::longer_than_64_kib(long(70_000))]
#[case::as_long_as_is_read(long(1 << 20))]
#[case::continue_with_fields(before("HTTP/1.1 100 Continue\r\nX: y\r\nDate: now\r\n\r\n"))]
#[case::interim_answers(before(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
))]
#[case::many_interim_answers(before(&"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(50)))]
#[case::http12([b"HTTP/1.2".as_slice(), &sized("", BODY.as_bytes())[8..]].concat())]
#[case::http19([b"HTTP/1.9".as_slice(), &sized("", BODY.as_bytes())[8..]].concat())]
#[case::chunk_extension(chunked(
    "22;name=value;other=\"a, b\";and-more-of-it-than-there-is-room-for"
))]
#[case::chunk_size_with_zeros(chunked(&format!("{}22", "0".repeat(500))))]
fn a_404_that_is_understood(#[case] answer: Vec<u8>) {
    let outcome = after_a_lost_answer(answer);
    assert_eq!((outcome.code(), outcome.kind()), (Code::Ok, OutcomeKind::Gone), "{outcome:?}");
}

#[rstest]
#[case::gzip_cut(sized("Content-Encoding: gzip\r\n", &GZIP[..GZIP.len() - 9]))]
#[case::longer_than_is_read(long((1 << 20) + 1))]
fn a_404_that_is_not(#[case] answer: Vec<u8>) {
    let outcome = after_a_lost_answer(answer);
    assert_eq!(outcome.kind(), OutcomeKind::Unknown, "{outcome:?}");
    assert_eq!(outcome.code(), Code::UnexpectedResponse, "{outcome:?}");
}

/// What is no answer is told in words that help to find out why.
#[rstest]
#[case::garbage("SSH-2.0-OpenSSH_9.2\r\n", "it does not begin with `HTTP/1.`")]
#[case::size(
    "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
    "the size of a chunk is malformed"
)]
#[case::lengths(
    "HTTP/1.1 204 N\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
    "it has several `Content-Length` that differ"
)]
#[case::folded("HTTP/1.1 204 N\r\nX: a\r\n b\r\n\r\n", "the name of a header field is malformed")]
fn why_it_is_no_answer(#[case] answer: &'static str, #[case] why: &str) {
    let server = Server::start(move |conn, _| {
        conn.request();
        conn.send(answer);
        conn.until_closed();
    });
    let outcome = delete(&builder(server.url()).attempts(1).build().unwrap());
    assert_eq!((outcome.code(), outcome.kind()), (Code::UnexpectedResponse, OutcomeKind::Unknown));
    let said = format!("the answer was not HTTP: {why}; ");
    assert!(outcome.message().starts_with(&said), "{}", outcome.message());
}

/// A complete answer is worth more than what comes behind it, in one go with it.
#[rstest]
#[case::a_broken_record(b"\x17\x03\x03\x00\x20 32 bytes that nobody encrypted..".to_vec())]
#[case::a_record_of_no_kind(b"\x99\x03\x03\x00\x02ab".to_vec())]
#[case::a_record_too_long(b"\x17\x03\x03\xff\xff and so on".to_vec())]
#[case::an_alert(b"\x15\x03\x03\x00\x02\x02\x28".to_vec())]
#[case::plain_http(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec())]
#[case::half_a_record(b"\x17\x03\x03\x00\x20 half".to_vec())]
fn what_is_broken_behind_an_answer(#[case] broken: Vec<u8>, #[values(false, true)] old: bool) {
    let authority = Authority::new("broken");
    let version = if old { &TLS12 } else { &TLS13 };
    let config = authority.issue(&[HOST]).server_of(&[version]);
    let server = Server::start(move |conn, _| {
        let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut socket = conn.socket();
        let read = Stream::new(&mut session, &mut socket).read(&mut [0; 4096]);
        assert!(read.is_ok_and(|length| length > 0));
        session.writer().write_all(NO_CONTENT.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut bytes).unwrap();
        }
        bytes.extend(&broken);
        socket.write_all(&bytes).unwrap();
        // The client may have much to say about it, or have left.
        let _ = socket.shutdown(Shutdown::Write);
        while socket.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {}
    });
    let client = builder_at(server.tls_url(), server.address())
        .ca_bundle(authority.bundle().only())
        .attempts(1)
        .build()
        .unwrap();
    for _ in 0..2 {
        let outcome = delete(&client);
        assert_eq!(
            (outcome.code(), outcome.kind()),
            (Code::Ok, OutcomeKind::Deleted),
            "{outcome:?}"
        );
    }
    assert_eq!(server.connections(), 2);
    assert_no_leak();
}
