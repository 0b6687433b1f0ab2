//! Where a connection is opened to, from where, and as whom.

use std::net::IpAddr;
use std::time::Duration;

use mpt_tokens::{Code, DeleteOptions, OutcomeKind};
use rstest::rstest;

use crate::support::log::assert_no_leak;
use crate::support::pki::Authority;
use crate::support::raw::{NO_CONTENT, Server};
use crate::support::{HOST, ID, SOON, builder, builder_at, checked, delete};

#[test]
fn a_certificate_of_the_client() {
    let [servers, clients] = [Authority::new("servers"), Authority::new("clients")];
    let server = Server::start_tls(servers.issue(&[HOST]).server_for(&clients), |conn, _| {
        conn.answer_all(NO_CONTENT);
    });
    let client = clients.issue(&["a client"]);
    let with = || builder_at(server.tls_url(), server.address()).ca_pem(servers.pem()).attempts(1);
    let good = with().client_certificate(client.certificate.pem(), client.key.serialize_pem());
    let shown = format!("{good:?}");
    assert!(!shown.contains("PRIVATE"), "{shown}");
    assert_eq!(delete(&good.build().unwrap()).kind(), OutcomeKind::Deleted);
    // Without one, and with another authority's, the server ends the handshake: in TLS 1.3 after it has ended for us.
    let stranger = servers.issue(&["a client"]);
    let bad = with().client_certificate(stranger.certificate.pem(), stranger.key.serialize_pem());
    for refused in [with(), bad] {
        let outcome = delete(&refused.build().unwrap());
        assert_ne!(outcome.code(), Code::Ok, "{outcome:?}");
    }
    assert_eq!(server.requests(), 1);
    assert_no_leak();
}

#[test]
fn what_is_no_certificate_of_the_client() {
    let authority = Authority::new("clients");
    let [client, other] = [(); 2].map(|()| authority.issue(&["a client"]));
    let (chain, key) = (client.certificate.pem(), client.key.serialize_pem());
    for (chain, key, says) in [
        (chain.clone(), other.key.serialize_pem(), "do not belong together"),
        (key.clone(), key.clone(), "the client certificate has a private key"),
        (chain.clone(), chain.clone(), "not a private key in PEM"),
        (String::new(), key, "the client certificate is empty"),
    ] {
        let error =
            builder("https://127.0.0.1").client_certificate(chain, key).build().unwrap_err();
        assert_eq!(error.code(), Code::InvalidConfig);
        let message = error.to_string();
        assert!(message.contains(says) && !message.contains("BEGIN RSA"), "{message}");
    }
    let error = builder("https://127.0.0.1").ca_pem("nothing").build().unwrap_err();
    assert!(error.to_string().contains("the CA bundle"), "{error}");
}

#[test]
fn addresses_that_are_given() {
    let server = Server::start(|conn, _| conn.answer_all(NO_CONTENT));
    let url = format!("http://API.example.test:{}", server.address().port());
    let given = |addresses: &[&str]| {
        let addresses: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        builder(url.as_str())
            .allow_plain_http(true)
            .attempts(1)
            .lookup(|host, _| panic!("{host} was looked up"))
            .resolve(HOST, ["192.0.2.1".parse().unwrap()])
            .resolve(HOST, addresses)
            .build()
            .unwrap()
    };
    assert_eq!(delete(&given(&["127.0.0.1"])).kind(), OutcomeKind::Deleted);
    assert_eq!(delete(&given(&[])).code(), Code::ResolveFailed);
    let other = builder(url).allow_plain_http(true).attempts(1);
    let other = other.resolve("other.test", []).lookup({
        let address = server.address();
        move |_, _| Ok(vec![address])
    });
    assert_eq!(delete(&other.build().unwrap()).kind(), OutcomeKind::Deleted);
}

#[rstest]
#[case("127.0.0.9", Code::Ok)]
#[case("::1", Code::ConnectFailed)]
#[case("192.0.2.1", Code::ConnectFailed)]
fn an_address_to_connect_from(#[case] from: IpAddr, #[case] code: Code) {
    let server = Server::start(|conn, _| {
        assert_eq!(conn.socket().peer_addr().unwrap().ip(), IpAddr::from([127, 0, 0, 9]));
        conn.answer_all(NO_CONTENT);
    });
    let outcome = delete(&builder(server.url()).attempts(1).bind_address(from).build().unwrap());
    assert_eq!(outcome.code(), code, "{outcome:?}");
    assert_eq!(server.requests(), usize::from(code == Code::Ok));
}

/// Neither the standard library nor rustix opens such sockets on Windows.
#[cfg(windows)]
#[test]
fn a_unix_socket_is_refused() {
    let error = builder("http://localhost:1").unix_socket("socket").build().unwrap_err();
    assert_eq!(error.code(), Code::InvalidConfig);
    assert!(error.to_string().contains("Unix sockets are not supported on Windows"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_unix_socket() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::thread;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let served = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut some = [0; 512];
            let read = socket.read(&mut some).unwrap();
            assert_ne!(read, 0);
            request.extend(&some[..read]);
        }
        socket.write_all(NO_CONTENT.as_ref()).unwrap();
        String::from_utf8(request).unwrap()
    });
    let with = || {
        builder("http://localhost:1/prefix")
            .attempts(1)
            .lookup(|host, _| panic!("{host} was looked up"))
            .unix_socket(&path)
    };
    let outcome = delete(&with().build().unwrap());
    assert_eq!(outcome.kind(), OutcomeKind::Deleted, "{outcome:?}");
    let request = served.join().unwrap();
    assert!(request.starts_with("DELETE /prefix/public/v1/accounts/api-tokens/"), "{request}");
    assert!(request.to_lowercase().contains("\r\nhost: localhost:1\r\n"), "{request}");
    // Nobody listens any more.
    let outcome = delete(&with().build().unwrap());
    assert_eq!(outcome.code(), Code::ConnectFailed);
    let named = format!("the Unix socket `{}`: ", path.display());
    assert!(outcome.message().contains(&named), "{outcome:?}");
    for both in [with().proxy("http://127.0.0.1:3128"), with().bind_address([127, 0, 0, 1].into())]
    {
        let error = both.build().unwrap_err();
        assert_eq!(error.code(), Code::InvalidConfig);
        assert!(error.to_string().contains("a Unix socket and"), "{error}");
    }
}

#[test]
fn a_time_limit_of_one_call() {
    let server = Server::start(|conn, _| {
        conn.request();
        conn.until_closed();
    });
    let client = builder(server.url()).build().unwrap();
    let limit = DeleteOptions::new().timeout(Duration::from_millis(200));
    let outcome = checked(client.delete_token_with(ID, &limit).into());
    assert_eq!((outcome.code(), outcome.kind()), (Code::Timeout, OutcomeKind::Unknown));
    assert!(outcome.elapsed() < SOON, "{outcome:?}");
    for impossible in [Duration::ZERO, Duration::from_secs(86_401)] {
        let options = DeleteOptions::new().timeout(impossible);
        let outcome = checked(client.delete_token_with(ID, &options).into());
        assert_eq!(outcome.code(), Code::InvalidArgument);
        assert_eq!(outcome.kind(), OutcomeKind::NotDeleted);
        let outcome =
            checked(client.delete_token_with(ID, &options.after_lost_answer(true)).into());
        assert_eq!(outcome.kind(), OutcomeKind::Unknown);
    }
}
