//! Real TLS, with certificates made on the spot.

use std::sync::{Arc, Barrier};

use mpt_tokens::{BatchOptions, CaBundle, Client, Code, Outcome, OutcomeKind};
use rstest::rstest;
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};

use crate::support::log::assert_no_leak;
use crate::support::pki::{Authority, Identity, self_signed};
use crate::support::raw::{Conn, NO_CONTENT, Server};
use crate::support::{HOST, builder_at, delete};

fn answer(conn: &mut Conn<'_>, _: usize) {
    conn.answer_all(NO_CONTENT);
}

fn client_of(server: &Server, trust: Option<CaBundle>) -> Client {
    let builder = builder_at(server.tls_url(), server.address());
    match trust {
        Some(bundle) => builder.ca_bundle(bundle),
        None => builder,
    }
    .build()
    .unwrap()
}

#[track_caller]
fn assert_judged(outcome: &Outcome, server: &Server) {
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::TlsFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts().len(), 1, "a verdict stays: {outcome:?}");
    assert!(!outcome.attempts()[0].sent);
    assert_eq!(server.requests(), 0);
    assert_no_leak();
}

#[rstest]
#[case::beside_the_platform(false)]
#[case::instead_of_the_platform(true)]
fn a_good_certificate(#[case] only: bool) {
    let authority = Authority::new("good");
    let server = Server::start_tls(authority.issue(&[HOST]).server(), answer);
    let bundle = authority.bundle();
    let client = client_of(&server, Some(if only { bundle.only() } else { bundle }));
    let outcome = delete(&client);
    assert_eq!((outcome.code(), outcome.kind()), (Code::Ok, OutcomeKind::Deleted), "{outcome:?}");
    assert_no_leak();
}

#[test]
fn a_bundle_of_several_and_a_file() {
    let authorities = [Authority::new("first"), Authority::new("second"), Authority::new("third")];
    let pem: String = authorities.iter().map(Authority::pem).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &pem).unwrap();
    for authority in &authorities {
        let server = Server::start_tls(authority.issue(&[HOST]).server(), answer);
        let by_text = client_of(&server, Some(CaBundle::from_pem(pem.as_bytes()).unwrap()));
        let by_file =
            builder_at(server.tls_url(), server.address()).ca_file(&path).build().unwrap();
        for client in [by_text, by_file] {
            assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
        }
    }
}

/// Certificates that must not be accepted, although the authority is trusted where there is one.
#[rstest]
#[case::expired(|ca: &Authority| ca.issue_expired(&[HOST]))]
#[case::not_yet_valid(|ca: &Authority| ca.issue_early(&[HOST]))]
#[case::wrong_host(|ca: &Authority| ca.issue(&["other.example.test"]))]
#[case::parent_domain(|ca: &Authority| ca.issue(&["example.test"]))]
#[case::wildcard_too_deep(|ca: &Authority| ca.issue(&["*.test"]))]
#[case::address_only(|ca: &Authority| ca.issue(&["127.0.0.1"]))]
#[case::self_signed(|_: &Authority| self_signed(&[HOST]))]
#[case::unknown_authority(|_: &Authority| Authority::new("unknown").issue(&[HOST]))]
fn a_bad_certificate(#[case] make: fn(&Authority) -> Identity, #[values(false, true)] only: bool) {
    let authority = Authority::new("trusted");
    let server = Server::start_tls(make(&authority).server(), answer);
    let bundle = authority.bundle();
    let client = client_of(&server, Some(if only { bundle.only() } else { bundle }));
    assert_judged(&delete(&client), &server);
}

#[test]
fn an_unknown_authority_and_no_bundle() {
    let authority = Authority::new("unknown");
    let server = Server::start_tls(authority.issue(&[HOST]).server(), answer);
    let outcome = delete(&client_of(&server, None));
    assert_judged(&outcome, &server);
    assert!(outcome.message().contains("CA file"), "it says what to do: {}", outcome.message());
}

/// A wildcard of the right depth, and an address: names that are right in their way.
#[test]
fn other_names_that_fit() {
    let authority = Authority::new("names");
    let server =
        Server::start_tls(authority.issue(&["*.example.test", "127.0.0.1"]).server(), answer);
    let by_name = client_of(&server, Some(authority.bundle()));
    assert_eq!(delete(&by_name).kind(), OutcomeKind::Deleted);
    let by_address = builder_at(format!("https://{}", server.address()), server.address())
        .ca_bundle(authority.bundle())
        .build()
        .unwrap();
    assert_eq!(delete(&by_address).kind(), OutcomeKind::Deleted);
}

#[rstest]
#[case::tls12(&TLS12)]
#[case::tls13(&TLS13)]
fn each_version(#[case] version: &'static rustls::SupportedProtocolVersion) {
    let authority = Authority::new("version");
    let server = Server::start_tls(authority.issue(&[HOST]).server_of(&[version]), answer);
    let client = client_of(&server, Some(authority.bundle()));
    // Tickets that come after the handshake do not make the connection look used up.
    for _ in 0..5 {
        assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    }
    assert_eq!((server.connections(), server.requests()), (1, 5));
    assert_no_leak();
}

/// A server of TLS 1.1: it says so by an alert, or it just goes on in its version.
#[rstest]
#[case::alert(b"\x15\x03\x02\x00\x02\x02\x46".to_vec())]
#[case::server_hello([
    &b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02"[..], &[7; 32], b"\x00\x00\x2f\x00",
].concat())]
#[case::handshake_failure(b"\x15\x03\x03\x00\x02\x02\x28".to_vec())]
#[case::plain_http(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec())]
#[case::plain_204(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())]
fn a_server_without_our_tls(#[case] answer: Vec<u8>) {
    let server = Server::start(move |conn, _| {
        conn.read_some();
        conn.send(&answer);
        conn.until_closed();
    });
    assert_judged(&delete(&client_of(&server, None)), &server);
}

/// A handshake that breaks off is no verdict: it is tried again.
#[rstest]
#[case::at_once(|_: &mut Conn<'_>| ())]
#[case::after_the_hello(|conn: &mut Conn<'_>| drop(conn.read_some()))]
#[case::reset(|conn: &mut Conn<'_>| { conn.read_some(); conn.reset(); })]
#[case::in_a_record(|conn: &mut Conn<'_>| { conn.read_some(); conn.send(b"\x16\x03\x03\x10\x00\x02\x00"); })]
fn a_handshake_cut(#[case] cut: fn(&mut Conn<'_>)) {
    let server = Server::start(move |conn, _| cut(conn));
    let outcome = delete(&client_of(&server, None));
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::TlsFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts().len(), 4);
    assert!(outcome.attempts().iter().all(|attempt| !attempt.sent));
    assert_eq!(server.connections(), 4);
    assert_no_leak();
}

/// Cut once, then good: the call succeeds, and nothing was lost on the way.
#[test]
fn a_handshake_cut_once() {
    let authority = Authority::new("second try");
    let config = authority.issue(&[HOST]).server();
    let good = Server::start_tls(config, answer);
    let bad = Server::start(|_, _| ());
    let (first, second) = (bad.address(), good.address());
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let client = builder_at(good.tls_url(), first)
        .lookup(move |_, _| {
            let nth = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(vec![if nth == 0 { first } else { second }])
        })
        .ca_bundle(authority.bundle())
        .build()
        .unwrap();
    let outcome = delete(&client);
    assert_eq!(
        (outcome.kind(), outcome.attempts().len()),
        (OutcomeKind::Deleted, 2),
        "{outcome:?}"
    );
}

/// A new connection to the same server resumes the TLS session of an earlier one.
#[test]
fn a_session_is_resumed() {
    let authority = Authority::new("resumed");
    let server = Server::start_tls(authority.issue(&[HOST]).server(), |conn, _| {
        conn.request();
        conn.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    });
    let client = client_of(&server, Some(authority.bundle()));
    for _ in 0..3 {
        assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    }
    assert_eq!(
        server.handshakes(),
        [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed]
    );
}

/// Of connections that are opened side by side, one makes a handshake in full: the others wait for the session that it
/// brings.
#[rstest]
#[case::tls12(&TLS12)]
#[case::tls13(&TLS13)]
fn a_batch_makes_one_full_handshake(#[case] version: &'static rustls::SupportedProtocolVersion) {
    const AT_ONCE: usize = 16;
    let authority = Authority::new("side by side");
    let mut config = Arc::unwrap_or_clone(authority.issue(&[HOST]).server_of(&[version]));
    config.send_tls13_tickets = AT_ONCE;
    let all = Arc::new(Barrier::new(AT_ONCE));
    let server = Server::start_tls(Arc::new(config), move |conn, _| {
        // No connection is used twice before all are open.
        if conn.request().is_some() {
            all.wait();
            conn.send(NO_CONTENT);
        }
        conn.answer_all(NO_CONTENT);
    });
    let client = client_of(&server, Some(authority.bundle()));
    let options = BatchOptions::new().concurrency(AT_ONCE);
    let ids = (0..AT_ONCE).map(|n| format!("TKN-1-{n}"));
    let outcomes = client.batch(ids, &options).unwrap();
    assert!(outcomes.into_iter().all(|outcome| outcome.kind() == OutcomeKind::Deleted));
    let handshakes = server.handshakes();
    let full = handshakes.iter().filter(|kind| **kind != HandshakeKind::Resumed).count();
    assert_eq!((handshakes.len(), full), (AT_ONCE, 1), "{handshakes:?}");
}

/// Nobody waits for sessions for ever: servers that bring none are spoken with all the same, and so are those whose first
/// connection comes to nothing.
#[rstest]
#[case::no_tickets(false)]
#[case::the_first_is_cut(true)]
fn connections_side_by_side_without_sessions(#[case] cut: bool) {
    const AT_ONCE: usize = 4;
    let authority = Authority::new("no sessions");
    let mut config = Arc::unwrap_or_clone(authority.issue(&[HOST]).server_of(&[&TLS13]));
    config.send_tls13_tickets = 0;
    let server = Server::start_tls(Arc::new(config), move |conn, number| {
        if !(cut && number == 1) {
            conn.answer_all(NO_CONTENT);
        }
    });
    let client = client_of(&server, Some(authority.bundle()));
    let options = BatchOptions::new().concurrency(AT_ONCE);
    let ids = (0..AT_ONCE).map(|n| format!("TKN-1-{n}"));
    let outcomes = client.batch(ids, &options).unwrap();
    assert!(outcomes.into_iter().all(|outcome| outcome.is_success()));
    assert!(server.handshakes().iter().all(|kind| *kind != HandshakeKind::Resumed));
}

/// A DELETE that is sent as early data could be sent again by anybody who recorded it (RFC 8446, section 8): a server
/// that takes early data gets none.
#[test]
fn no_early_data() {
    let authority = Authority::new("early data");
    let mut config = Arc::unwrap_or_clone(authority.issue(&[HOST]).server_of(&[&TLS13]));
    config.max_early_data_size = u32::MAX;
    let server = Server::start_tls(Arc::new(config), |conn, _| {
        conn.request();
        conn.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    });
    const PRE_SHARED_KEY: u16 = 41;
    const EARLY_DATA: u16 = 42;
    let client = client_of(&server, Some(authority.bundle()));
    for _ in 0..2 {
        assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    }
    assert_eq!(server.handshakes(), [HandshakeKind::Full, HandshakeKind::Resumed]);
    let extensions: Vec<_> = server.hellos().iter().map(|hello| extensions(hello)).collect();
    assert!(extensions[1].contains(&PRE_SHARED_KEY), "{extensions:?}");
    assert!(extensions.iter().all(|all| !all.contains(&EARLY_DATA)), "{extensions:?}");
}

/// The types of the extensions of a ClientHello, which is one record (RFC 8446, section 4.1.2).
fn extensions(record: &[u8]) -> Vec<u16> {
    let short = |at: usize| usize::from(record[at]) << 8 | usize::from(record[at + 1]);
    // The heads of the record and of the message, the version and the random value.
    let session = 5 + 4 + 2 + 32;
    let suites = session + 1 + usize::from(record[session]);
    let methods = suites + 2 + short(suites);
    let mut at = methods + 1 + usize::from(record[methods]) + 2;
    let mut types = Vec::new();
    while at < record.len() {
        types.push(short(at) as u16);
        at += 4 + short(at + 2);
    }
    types
}

/// Over TLS too, an answer that breaks off leaves the token's fate unknown, and a whole one stands whatever follows.
#[rstest]
#[case::nothing("", OutcomeKind::Unknown)]
#[case::half("HTTP/1.1 204 No Cont", OutcomeKind::Unknown)]
#[case::whole(NO_CONTENT, OutcomeKind::Deleted)]
fn an_answer_that_ends(
    #[case] bytes: &'static str,
    #[case] kind: OutcomeKind,
    #[values(false, true)] reset: bool,
) {
    let authority = Authority::new("lost");
    let server = Server::start_tls(authority.issue(&[HOST]).server(), move |conn, _| {
        conn.request();
        conn.send(bytes);
        if reset {
            conn.reset();
        }
    });
    let client = builder_at(server.tls_url(), server.address())
        .ca_bundle(authority.bundle())
        .attempts(1)
        .build()
        .unwrap();
    let outcome = delete(&client);
    // A reset may overtake what was sent before it: then nothing is known, and that is said.
    let overtaken = reset && outcome.kind() == OutcomeKind::Unknown;
    assert!(outcome.kind() == kind || overtaken, "{outcome:?}");
    assert!(outcome.attempts()[0].sent);
    assert_no_leak();
}

/// Two answers in two records: the second must not be taken for the answer to the next request.
#[test]
fn an_answer_too_many() {
    let authority = Authority::new("two answers");
    let (said, heard) = std::sync::mpsc::channel();
    let server = Server::start_tls(authority.issue(&[HOST]).server(), move |conn, number| {
        conn.request();
        conn.send(NO_CONTENT);
        if number == 1 {
            conn.send(NO_CONTENT);
            said.send(()).unwrap();
        }
        // Whatever else is asked on this connection gets no answer.
        conn.until_closed();
    });
    let client = client_of(&server, Some(authority.bundle()));
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    heard.recv().unwrap();
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    assert_eq!((server.connections(), server.requests()), (2, 2));
}

#[rstest]
#[case::empty("")]
#[case::not_pem("certificate")]
#[case::a_key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
#[case::no_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
#[case::cut("-----BEGIN CERTIFICATE-----\nAAAA\n")]
fn a_bundle_that_is_none(#[case] pem: &str) {
    let error = CaBundle::from_pem(pem.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("the CA bundle"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.pem");
    std::fs::write(&path, pem).unwrap();
    let error = builder_at(format!("https://{HOST}"), "127.0.0.1:1".parse().unwrap())
        .ca_file(&path)
        .build()
        .unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::InvalidConfig, OutcomeKind::NotDeleted));
    assert!(error.message().contains(&path.display().to_string()), "{error}");
}
