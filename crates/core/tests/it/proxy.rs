//! Through a real proxy, which also says no, and dies.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use mpt_tokens::{Client, Code, OutcomeKind};
use rstest::rstest;

use crate::support::log::{assert_no_leak, assert_no_secret};
use crate::support::pki::Authority;
use crate::support::proxy::{Manner, Proxy, serve};
use crate::support::raw::{NO_CONTENT, Server, Trap};
use crate::support::{HOST, TOKEN, builder, builder_at, delete};

/// `user:pa/ss` in base64.
const CREDENTIALS: &str = "dXNlcjpwYS9zcw==";

fn api() -> Server {
    Server::start(|conn, _| conn.answer_all(NO_CONTENT))
}

/// A client for a host that only the proxy knows, over plain HTTP inside the tunnel.
fn client_through(proxy_url: &str) -> Client {
    builder(format!("http://{HOST}"))
        .allow_plain_http(true)
        .proxy(proxy_url)
        .lookup(|host, _| panic!("`{host}` is the proxy's to look up"))
        .build()
        .unwrap()
}

#[test]
fn a_proxy_that_works() {
    let api = api();
    let proxy = Proxy::start(Manner::Works, api.address());
    let client = client_through(&proxy.url());
    for _ in 0..3 {
        assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    }
    // The tunnel is kept like any connection.
    assert_eq!((proxy.server().connections(), api.connections(), api.requests()), (1, 1, 3));
    let asked = &proxy.server().heads()[0];
    assert!(asked.starts_with(&format!("CONNECT {HOST}:80 HTTP/1.1\r\n")), "{asked}");
    assert_no_secret(asked);
    assert!(!asked.to_lowercase().contains("authorization"), "{asked}");
    assert_no_leak();
}

#[rstest]
#[case::right("user:pa%2Fss", true)]
#[case::wrong("user:other", false)]
fn a_proxy_that_demands_credentials(#[case] user_info: &str, #[case] right: bool) {
    let api = api();
    let proxy = Proxy::start(Manner::Demands(CREDENTIALS), api.address());
    let client = client_through(&proxy.url_for(user_info));
    let outcome = delete(&client);
    if right {
        assert_eq!(outcome.kind(), OutcomeKind::Deleted, "{outcome:?}");
    } else {
        assert_eq!(
            (outcome.code(), outcome.kind()),
            (Code::ProxyFailed, OutcomeKind::NotDeleted),
            "{outcome:?}"
        );
        assert_eq!(outcome.attempts().len(), 1, "a refusal stays");
        assert_eq!(api.connections(), 0);
    }
    for shown in [format!("{outcome:?}"), outcome.to_json(), format!("{client:?}")] {
        for part in ["pa%2Fss", "pa/ss", "other", CREDENTIALS, user_info] {
            assert!(!shown.contains(part), "{part} stands in {shown}");
        }
    }
}

#[test]
fn a_proxy_that_is_not_given_credentials() {
    let api = api();
    let proxy = Proxy::start(Manner::Demands(CREDENTIALS), api.address());
    let outcome = delete(&client_through(&proxy.url()));
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::ProxyFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts().len(), 1, "a refusal stays");
    assert!(!outcome.attempts()[0].sent);
    let told = outcome.message();
    assert!(told.contains("it answered 407: it wants credentials and offers Basic"), "{told}");
    assert!(told.contains("give them in the proxy's URL"), "{told}");
    assert_eq!(outcome.http_status(), None, "the API answered nothing");
}

/// What a proxy says behind its 200 is no answer of the API's: nothing had been asked yet.
#[rstest]
#[case::an_answer("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")]
#[case::a_login_page("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>")]
#[case::a_204_and_more("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")]
fn a_proxy_that_answers_itself(#[case] says: &'static str) {
    let proxy = Server::start(move |conn, _| {
        conn.request();
        conn.send(says);
        conn.until_closed();
    });
    let outcome = delete(&client_through(&proxy.url()));
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::ConnectFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert!(outcome.attempts().iter().all(|attempt| !attempt.sent));
    assert_no_leak();
}

/// Every 2xx opens the tunnel, whatever comes before and with it (RFC 9110, sections 9.3.6 and 15.2).
#[rstest]
#[case::created("HTTP/1.1 201 Created\r\n\r\n")]
#[case::no_content("HTTP/1.1 204 No Content\r\n\r\n")]
#[case::odd("HTTP/1.1 299 Odd\r\n\r\n")]
#[case::http10("HTTP/1.0 200 Connection established\r\n\r\n")]
#[case::http12("HTTP/1.2 200 OK\r\n\r\n")]
#[case::interim(
    "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
)]
#[case::framed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")]
fn a_proxy_that_opens_the_tunnel_in_its_way(
    #[case] says: &'static str,
    #[values(0, 100)] fields: usize,
    #[values(false, true)] tls: bool,
) {
    let says = says.trim_end().to_owned() + &"\r\nX: y".repeat(fields) + "\r\n\r\n";
    let authority = Authority::new("way");
    let api = match tls {
        false => api(),
        true => Server::start_tls(authority.issue(&[HOST]).server(), |conn, _| {
            conn.answer_all(NO_CONTENT);
        }),
    };
    let proxy = Proxy::start(Manner::Says(says.leak()), api.address());
    let scheme = if tls { "https" } else { "http" };
    let client = builder(format!("{scheme}://{HOST}"))
        .allow_plain_http(true)
        .ca_bundle(authority.bundle().only())
        .proxy(proxy.url())
        .attempts(1)
        .build()
        .unwrap();
    for _ in 0..3 {
        assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    }
    assert_eq!((proxy.server().connections(), api.connections()), (1, 1));
    assert_no_leak();
}

/// Whatever becomes of the proxy before the tunnel stands, nothing of the request has left.
#[rstest]
#[case(Manner::Refuses("403 Forbidden"), 1)]
#[case(Manner::Refuses("404 Not Found"), 1)]
#[case(Manner::Refuses("302 Found"), 4)]
#[case(Manner::Refuses("408 Request Timeout"), 4)]
#[case(Manner::Refuses("429 Too Many Requests"), 4)]
#[case(Manner::Refuses("502 Bad Gateway"), 4)]
#[case(Manner::Refuses("503 Service Unavailable"), 4)]
#[case(Manner::Refuses("600 Odd"), 4)]
#[case(Manner::DiesAtOnce, 4)]
#[case(Manner::DiesAsked, 4)]
#[case(Manner::DiesAnswering, 4)]
fn a_proxy_that_opens_no_tunnel(#[case] manner: Manner, #[case] attempts: usize) {
    let api = api();
    let proxy = Proxy::start(manner, api.address());
    let outcome = delete(&client_through(&proxy.url()));
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::ProxyFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts().len(), attempts, "{outcome:?}");
    assert!(
        outcome.attempts().iter().all(|attempt| !attempt.sent && attempt.http_status.is_none())
    );
    assert_eq!(api.connections(), 0);
    assert_no_leak();
}

#[test]
fn a_proxy_that_is_not_there() {
    let trap = Trap::set();
    let address = trap.address();
    drop(trap);
    let outcome = delete(&client_through(&format!("http://{address}")));
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::ProxyFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts().len(), 4);
}

#[test]
fn a_proxy_that_has_no_address() {
    let client = builder(format!("http://{HOST}"))
        .allow_plain_http(true)
        .proxy("http://proxy.example.test:3128")
        .lookup(|_, _| Ok(Vec::new()))
        .build()
        .unwrap();
    let outcome = delete(&client);
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::ProxyFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
}

/// Once the request went into the tunnel, its end says nothing of the token.
#[rstest]
#[case(Manner::DiesUsed, 0)]
#[case(Manner::LosesAnswers, 4)]
fn a_tunnel_that_breaks_after_the_request_left(#[case] manner: Manner, #[case] arrived: usize) {
    let api = api();
    let proxy = Proxy::start(manner, api.address());
    let outcome = delete(&client_through(&proxy.url()));
    assert_eq!(outcome.kind(), OutcomeKind::Unknown, "{outcome:?}");
    assert_eq!(outcome.code(), Code::ConnectionLost);
    assert!(outcome.attempts().iter().all(|attempt| attempt.sent));
    assert_eq!(api.requests(), arrived);
    assert_no_leak();
}

/// Inside TLS, the handshake comes first: a tunnel that breaks during it has seen nothing of the request.
#[rstest]
#[case(Manner::DiesOpened)]
#[case(Manner::DiesUsed)]
#[case(Manner::LosesAnswers)]
fn a_tunnel_that_breaks_in_the_handshake(#[case] manner: Manner) {
    let authority = Authority::new("target");
    let api =
        Server::start_tls(authority.issue(&[HOST]).server(), |conn, _| conn.answer_all(NO_CONTENT));
    let proxy = Proxy::start(manner, api.address());
    let client = builder(format!("https://{HOST}"))
        .ca_bundle(authority.bundle())
        .proxy(proxy.url())
        .build()
        .unwrap();
    let outcome = delete(&client);
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::TlsFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts().len(), 4);
    assert!(outcome.attempts().iter().all(|attempt| !attempt.sent));
    assert_eq!(api.requests(), 0);
}

/// With TLS inside the tunnel, the proxy sees neither the API token nor the id.
#[rstest]
#[case::plain_proxy(false)]
#[case::tls_proxy(true)]
fn the_proxy_sees_nothing(#[case] tls_to_the_proxy: bool) {
    let authority = Authority::new("both");
    let api =
        Server::start_tls(authority.issue(&[HOST]).server(), |conn, _| conn.answer_all(NO_CONTENT));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let target = api.address();
    let tunnel = {
        let seen = Arc::clone(&seen);
        move |conn: &mut crate::support::raw::Conn<'_>, _: usize| {
            serve(conn, Manner::Works, target, &seen)
        }
    };
    let (proxy, url) = if tls_to_the_proxy {
        // A tunnel over TLS would need both directions at once: the proxy answers and stays the only reader.
        let proxy =
            Server::start_tls(authority.issue(&["proxy.example.test"]).server(), move |conn, _| {
                serve_over_tls(conn, target)
            });
        let url = format!("https://proxy.example.test:{}", proxy.address().port());
        (proxy, url)
    } else {
        let proxy = Server::start(tunnel);
        let url = proxy.url();
        (proxy, url)
    };
    let client = builder_at(format!("https://{HOST}"), proxy.address())
        .ca_bundle(authority.bundle())
        .proxy(url)
        .build()
        .unwrap();
    for _ in 0..2 {
        let outcome = delete(&client);
        assert_eq!(outcome.kind(), OutcomeKind::Deleted, "{outcome:?}");
    }
    assert_eq!((proxy.connections(), api.requests()), (1, 2));
    assert!(api.heads()[0].contains(TOKEN), "the API sees it");
    assert_no_secret(&proxy.heads().concat());
    assert_no_secret(&String::from_utf8_lossy(&seen.lock().unwrap()));
    assert_no_leak();
}

/// Without TLS inside, it sees all of it: that is what plain HTTP is, and why it must be asked for.
#[test]
fn the_proxy_sees_plain_http() {
    let api = api();
    let proxy = Proxy::start(Manner::Works, api.address());
    assert_eq!(delete(&client_through(&proxy.url())).kind(), OutcomeKind::Deleted);
    assert!(String::from_utf8(proxy.seen()).unwrap().contains(TOKEN));
    let refused = builder(format!("http://{HOST}")).proxy(proxy.url()).build().unwrap_err();
    assert_eq!(refused.code(), Code::InvalidConfig);
}

/// A tunnel in lock step, for a connection that is TLS itself and cannot be split in two: what one side says is
/// passed on, then the other side is heard for as long as it speaks.
fn serve_over_tls(conn: &mut crate::support::raw::Conn<'_>, target: SocketAddr) {
    use std::io::{Read, Write};
    use std::time::Duration;

    conn.request();
    conn.send("HTTP/1.1 200 Connection established\r\n\r\n");
    let mut upstream = std::net::TcpStream::connect(target).unwrap();
    upstream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    conn.socket().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut buffer = [0u8; 16 * 1024];
    loop {
        match conn.try_read_some() {
            Some(bytes) if bytes.is_empty() => return,
            Some(bytes) => upstream.write_all(&bytes).unwrap(),
            None => {}
        }
        match upstream.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                conn.send(&buffer[..read]);
            }
            Err(_) => {}
        }
    }
}

/// A certificate of the proxy's that is not trusted is the proxy's failure.
#[test]
fn a_tls_proxy_that_is_not_trusted() {
    let proxy = Server::start_tls(
        Authority::new("unknown").issue(&["proxy.example.test"]).server(),
        |conn, _| conn.until_closed(),
    );
    let client = builder_at(format!("http://{HOST}"), proxy.address())
        .allow_plain_http(true)
        .proxy(format!("https://user:pass@proxy.example.test:{}", proxy.address().port()))
        .build()
        .unwrap();
    let outcome = delete(&client);
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::ProxyFailed, OutcomeKind::NotDeleted),
        "{outcome:?}"
    );
    assert_eq!(outcome.attempts().len(), 1, "a verdict stays: {outcome:?}");
}

/// A proxy URL that cannot be used is named by what is wrong with it, and never shown.
#[rstest]
#[case("user:hunter22@")]
#[case("http://user:hunter22@")]
#[case("http://user:hunter22@host:99999999")]
#[case("ftp://user:hunter22@host")]
#[case("http://us er:hunter22@host")]
#[case("socks5://user:hunter22@host:1080")]
#[case("http://user:hunter22@[::1")]
#[case("user:hunter22@host:70000")]
#[case("")]
fn a_proxy_url_that_is_none(#[case] url: &str) {
    let error = builder("http://127.0.0.1").proxy(url).build().unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::InvalidConfig, OutcomeKind::NotDeleted));
    for shown in [error.to_string(), format!("{error:?}"), error.to_json()] {
        assert!(!shown.contains("hunter22") && shown.contains("the proxy"), "{shown}");
    }
}

#[test]
fn a_proxy_is_never_shown_with_its_user_info() {
    let proxy = mpt_tokens::Proxy::new("http://user:hunter22@proxy.example.test:3128").unwrap();
    assert_eq!(format!("{proxy:?}"), "Proxy(proxy.example.test:3128)");
    let client = builder("http://127.0.0.1").proxy("http://user:hunter22@proxy.example.test:3128");
    assert!(!format!("{client:?}").contains("hunter22"));
    assert!(!format!("{:?}", client.build().unwrap()).contains("hunter22"));
}
