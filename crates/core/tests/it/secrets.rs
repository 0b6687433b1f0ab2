//! The API token is nowhere but on the wire: not in what is shown, not in the log, not in memory that is not its own.

use std::panic;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mpt_tokens::{
    ApiToken, BatchItem, BatchOptions, Cancel, Code, DeleteOptions, Endpoint, Journal, Outcome,
    OutcomeKind, TokenId,
};
use rstest::rstest;

use crate::support::log::{assert_no_leak, assert_no_secret, quiet, records};
use crate::support::raw::{NO_CONTENT, Server, http};
use crate::support::{ID, SECRET, TOKEN, builder, delete, once};

/// Everything public that could hold it, in every way that it can be shown.
#[test]
fn nothing_shows_it() {
    let server = Server::start(|conn, _| conn.answer_all(NO_CONTENT));
    let setup = builder(server.url()).proxy(format!("http://user:{SECRET}@proxy.example.test"));
    let client = builder(server.url()).build().unwrap();
    let token = ApiToken::new(TOKEN).unwrap();
    let options = DeleteOptions::new().cancel(&Cancel::new());
    let deletion = client.delete_token(ID).unwrap();
    let own = client.delete_token(token.token_id().unwrap()).unwrap_err();
    let value_as_id = client.delete_token(TOKEN).unwrap_err();
    let invalid_id = TokenId::new(TOKEN).unwrap_err();
    let invalid_token = ApiToken::new(format!("{TOKEN}\n{TOKEN}")).unwrap_err();
    let invalid_url =
        Endpoint::new(&format!("https://user:{SECRET}@h.example"), false).unwrap_err();
    let proof = client.prove_deleted(&token).unwrap();
    let mut leaked = BatchItem::from(ID);
    leaked.value = Some(token.clone());
    let shown = [
        format!("{setup:?} {client:?} {token:?} {options:?} {deletion:?} {own:?} {value_as_id:?}"),
        format!("{invalid_id:?} {invalid_token:?} {invalid_url:?} {proof:?} {leaked:?}"),
        format!("{setup:#?} {client:#?} {token:#?} {proof:#?} {leaked:#?}"),
        format!(
            "{deletion} {own} {value_as_id} {invalid_id} {invalid_token} {invalid_url} {proof}"
        ),
        format!("{} {} {}", own.to_json(), value_as_id.to_json(), proof.to_json()),
        format!("{:?} {:?}", value_as_id.id(), invalid_id.shown()),
    ];
    for text in shown {
        assert_no_secret(&text);
    }
    assert_eq!((own.code(), value_as_id.code()), (Code::OwnToken, Code::InvalidTokenId));
    // ureq sees little of a request, and has little to log.
    for _ in 0..4 {
        client.delete_token(ID).unwrap();
    }
    assert_no_leak();
    assert!(records() > 50, "the log was watched: {} records", records());
}

/// A server that remembers every credential and tells all of them, in halves and escaped, in every answer: the token in
/// use in a proof, the value of one token of a list in the report of another.
#[rstest]
fn what_one_call_has_shown_the_server_no_other_report_shows(#[values(1, 8)] concurrency: usize) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let server = Server::start({
        let seen = Arc::clone(&seen);
        move |conn, _| {
            while let Some(head) = conn.request() {
                let mut seen = seen.lock().unwrap();
                let value = head.lines().find_map(|line| line.split_once("Bearer ")).unwrap().1;
                let secret = value.rsplit(':').next().unwrap().to_owned();
                let own = secret == SECRET;
                if !seen.contains(&secret) {
                    seen.push(secret);
                }
                let told: Vec<serde_json::Value> = seen
                    .iter()
                    .map(|secret| {
                        let (one, other) = secret.split_at(secret.len() / 2);
                        let escaped: String =
                            secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
                        let hex: String =
                            secret.bytes().map(|byte| format!("{byte:02x}")).collect();
                        serde_json::json!({"message": secret, one: other, "escaped": escaped, "hex": hex})
                    })
                    .collect();
                let status = if own { 404 } else { 403 };
                let body = serde_json::json!({
                    "title": format!("not {}", seen.join(" nor ")), "status": status, "errors": told,
                });
                let answer = http(
                    &format!("{status} No"),
                    "Content-Type: application/problem+json\r\n",
                    &body.to_string(),
                );
                if !conn.send(answer.as_bytes()) {
                    return;
                }
            }
        }
    });
    let client = builder(server.url()).missing_ok(true).build().unwrap();
    let items = (0..20).map(|n| {
        let mut item = BatchItem::from(format!("TKN-1000-{n:04}"));
        let value =
            format!("idt:TKN-1000-{n:04}:leaked{n:02}value{n:02}of{n:02}this{n:02}list{n:02}");
        item.value = Some(ApiToken::new(value).unwrap());
        item
    });
    let options = BatchOptions::new().concurrency(concurrency).prove(true);
    let outcomes: Vec<Outcome> = client.batch(items, &options).unwrap().collect();
    assert_eq!((outcomes.len(), seen.lock().unwrap().len()), (20, 21));
    for outcome in outcomes {
        let proof = outcome.proof().unwrap();
        assert_eq!(proof.outcome().code(), Code::Forbidden, "{proof}");
        let shown =
            format!("{outcome:?} {} {} {}", outcome.to_json(), outcome.message(), proof.to_json());
        for secret in seen.lock().unwrap().iter() {
            for part in secret.as_bytes().windows(8) {
                let part = std::str::from_utf8(part).unwrap();
                let escaped: String = part.bytes().map(|byte| format!("%{byte:02x}")).collect();
                let hex = escaped.replace('%', "");
                for part in [part, &escaped, &hex] {
                    assert!(!shown.contains(part), "{part} in {shown}");
                }
            }
        }
        assert!(proof.outcome().message().contains("<redacted>"), "{proof}");
    }
    assert_no_leak();
}

/// A value given where an id belongs goes nowhere, in a batch either; the journal holds ids only.
#[test]
fn a_batch_shows_it_not() {
    let server = Server::start(|conn, _| conn.answer_all(NO_CONTENT));
    let client = builder(server.url()).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let journal = Journal::open(&path, &client).unwrap();
    let options = BatchOptions::new().journal(journal);
    assert_no_secret(&format!("{options:?}"));
    let mut outcomes = Vec::new();
    client
        .delete_tokens(["TKN-1", TOKEN, "TKN-2"], &options, |outcome| {
            outcomes.push(outcome);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(outcomes.len(), 3);
    for outcome in outcomes {
        assert_no_secret(&format!("{outcome:?} {}", outcome.to_json()));
    }
    drop(options);
    assert_no_secret(&std::fs::read_to_string(&path).unwrap());
    for head in server.heads() {
        assert_no_secret(head.split("\r\n").next().unwrap());
    }
    assert_no_leak();
}

/// A server that echoes it: in every place of an answer, in every spelling.
#[rstest]
#[case::literal(TOKEN.to_owned())]
#[case::the_secret_part(SECRET.to_owned())]
#[case::header(format!("Bearer {TOKEN}"))]
#[case::twice(format!("{TOKEN} and {TOKEN}"))]
#[case::in_a_word(format!("x{TOKEN}y"))]
#[case::percent_encoded(percent_encoding::utf8_percent_encode(TOKEN, percent_encoding::NON_ALPHANUMERIC).to_string())]
#[case::json_escaped(TOKEN.replace('/', "\\/"))]
#[case::json_escaped_wholly(TOKEN.bytes().map(|byte| format!("\\u{byte:04x}")).collect())]
fn an_echo(#[case] echo: String, #[values(400, 401, 404, 429, 500, 302, 200)] status: u16) {
    let body = format!(
        r#"{{"type":"u:{echo}","title":"{echo}","detail":"of {echo}.","instance":"/{echo}","traceId":"{echo}",
           "errors":{{"{echo}":["{echo}"]}},"{echo}":[[{{"a":"{echo}"}}]],"details":"{echo}","message":"{echo}"}}"#
    );
    let header = format!("X-Echo: {}\r\nRetry-After: {}\r\n", echo, echo);
    let answer = http(&format!("{status} {echo}"), &header, &body);
    let server = Server::start(move |conn, _| conn.answer_all(&answer));
    // Spellings that only a parser of JSON or of URLs would know again are not looked for in raw bytes.
    let _quiet = echo.contains(['\\', '%']).then(quiet);
    let outcome = delete(&once(server.url()));
    assert_ne!(outcome.kind(), OutcomeKind::Deleted);
    if let Some(problem) = outcome.problem() {
        let shown = serde_json::to_string(problem).unwrap();
        assert_no_secret(&shown);
        assert!(shown.contains("<redacted>"), "{shown}");
        assert_no_secret(&format!("{problem:?} {:?} {:?}", problem.errors(), problem.summary()));
    }
    assert_eq!(outcome.problem().is_some(), !matches!(status, 200 | 302), "{outcome:?}");
    assert_no_leak();
}

/// An echo that comes in pieces, so that no read holds all of it.
#[rstest]
#[case::head("HTTP/1.1 400 Bad Request\r\nX-Echo: ", "\r\nContent-Length: 0\r\n\r\n")]
#[case::body("HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{\"title\":\"", "\"}")]
fn an_echo_in_pieces(#[case] before: &'static str, #[case] after: &'static str) {
    let server = Server::start(move |conn, _| {
        conn.request();
        let (first, second) = TOKEN.split_at(20);
        conn.send(format!("{before}{first}"));
        std::thread::sleep(Duration::from_millis(20));
        let rest = 100 - "{\"title\":\"\"}".len() - TOKEN.len();
        conn.send(format!("{second}{}{after}", " ".repeat(if after.len() > 2 { 0 } else { rest })));
        conn.until_closed();
    });
    // A body is read, and its bytes logged, as it comes: there the pieces are not known for what they are.
    let in_body = after.len() == 2;
    let _quiet = in_body.then(quiet);
    let outcome = delete(&once(server.url()));
    assert_eq!(outcome.code(), Code::BadRequest, "{outcome:?}");
    if in_body {
        assert_eq!(outcome.problem().unwrap().title().map(str::trim), Some("<redacted>"));
    }
    assert_no_leak();
}

/// A panic in what the caller brought: the report is honest, and neither it nor the panic shows anything.
#[test]
fn a_panic_shows_it_not() {
    let server = Server::start(|conn, _| {
        conn.request();
        conn.until_closed();
    });
    let said = Arc::new(Mutex::new(Vec::new()));
    let usual = panic::take_hook();
    panic::set_hook(Box::new({
        let said = Arc::clone(&said);
        move |info| said.lock().unwrap().push(format!("{info} {:?}", info.payload_as_str()))
    }));
    let cancel = Cancel::polling(Duration::from_millis(5), || panic!("on purpose"));
    let client = builder(server.url()).cancel(cancel).build().unwrap();
    let outcome = delete(&client);
    panic::set_hook(usual);
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::Internal, OutcomeKind::Unknown),
        "{outcome:?}"
    );
    let said = said.lock().unwrap().join("\n");
    assert!(said.contains("on purpose"));
    assert_no_secret(&said);
    assert_no_leak();
    // The client lives on.
    let fresh = client.with_cancel(Cancel::new());
    let outcome = Outcome::from(fresh.delete_token(".."));
    assert_eq!(outcome.code(), Code::InvalidTokenId);
}

/// The memory of this process, looked through for a token value that the test itself does not hold in plain.
#[cfg(target_os = "linux")]
mod memory {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt;

    use mpt_tokens::Client;

    use super::*;
    use crate::support::pki::Authority;
    use crate::support::{HOST, builder_at};

    const KEY: u8 = 0x5a;

    /// A value of its own, in disguise.
    fn disguised() -> Vec<u8> {
        let random = fastrand::u128(..);
        let mut value = format!("idt:TKN-9999-0002:{random:032x}{random:032x}").into_bytes();
        let disguised = value.iter().map(|byte| byte ^ KEY).collect();
        zeroize::Zeroize::zeroize(&mut value);
        disguised
    }

    fn plain(disguised: &[u8]) -> String {
        let mut value = String::with_capacity(disguised.len());
        value.extend(disguised.iter().map(|byte| char::from(byte ^ KEY)));
        value
    }

    /// How often the secret part of the value stands in memory that this process can write.
    fn copies(disguised: &[u8]) -> usize {
        let needle = &disguised[disguised.len() - 64..];
        let memory = File::open("/proc/self/mem").unwrap();
        let mut buffer = vec![0u8; 1 << 20];
        let own = buffer.as_ptr_range();
        let own = own.start as u64..own.end as u64;
        let mut count = 0;
        for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            if !rest.starts_with("rw") || rest.contains("[vvar]") {
                continue;
            }
            let (begin, end) = range.split_once('-').unwrap();
            let mut at = u64::from_str_radix(begin, 16).unwrap();
            let end = u64::from_str_radix(end, 16).unwrap();
            while at < end {
                if own.contains(&at) {
                    at = own.end;
                    continue;
                }
                let mut room = buffer.len().min((end - at) as usize);
                if at < own.start {
                    room = room.min((own.start - at) as usize);
                }
                let Ok(read) = memory.read_at(&mut buffer[..room], at) else { break };
                count += buffer[..read]
                    .windows(needle.len())
                    .filter(|window| window.iter().zip(needle).all(|(a, b)| *a == b ^ KEY))
                    .count();
                buffer[..read].fill(0);
                // A copy across two reads is found by the next, which begins before its end.
                let overlap =
                    if read == room && at + (read as u64) < end && read > 64 { 63 } else { 0 };
                if read == 0 {
                    break;
                }
                at += (read - overlap) as u64;
            }
        }
        count
    }

    /// Reads one request and forgets every byte of it.
    fn forgetful(conn: &mut crate::support::raw::Conn<'_>, _: usize) {
        while conn.forget_request() {
            conn.send(NO_CONTENT);
        }
    }

    #[test]
    fn one_copy_while_the_client_lives_and_none_after() {
        let server = Server::start(forgetful);
        let value = disguised();
        let client: Client = builder(server.url()).api_token(plain(&value)).build().unwrap();
        assert_eq!(copies(&value), 1, "the client's own");
        for _ in 0..3 {
            assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
        }
        assert_eq!(server.connections(), 1);
        assert_eq!(copies(&value), 1, "none in the buffers of the pooled connection");
        drop(client);
        assert_eq!(copies(&value), 0, "none after the client");
    }

    /// The environment of the client in another process.
    const URL: &str = "MPT_TOKENS_TEST_ECHO_URL";
    const ADDRESS: &str = "MPT_TOKENS_TEST_ECHO_ADDRESS";
    const CA: &str = "MPT_TOKENS_TEST_ECHO_CA";

    /// How a server echoes the credential.
    #[derive(Clone, Copy, Debug)]
    enum Echo {
        Head,
        Body,
        Chunks,
        Everywhere,
        /// In a body that is never whole.
        Half,
        /// In what is no answer.
        Garbage,
        /// Behind the answer, where nobody asked for it.
        Behind,
        /// Cut in the middle of the credential.
        Split,
        /// In a body, each character escaped as JSON has it.
        Escaped,
        /// And as URLs have it.
        Percent,
    }

    fn echo(conn: &mut crate::support::raw::Conn<'_>, how: Echo) {
        while let Some(head) = conn.request() {
            let lower = head.to_lowercase();
            let begin = lower.find("authorization: bearer ").unwrap() + 22;
            let value = head[begin..].split("\r\n").next().unwrap();
            let body = format!(r#"{{"title":"{value}","errors":["{value}"]}}"#);
            let field = format!("X-Echo: {value}\r\nWWW-Authenticate: Bearer {value}\r\n");
            let spelled = |spell: fn(u8) -> String| {
                let spelled: String = value.bytes().map(spell).collect();
                http(
                    "403 Forbidden",
                    "",
                    &format!(r#"{{"title":"{spelled}","{spelled}":"{spelled}"}}"#),
                )
            };
            match how {
                Echo::Escaped => conn.send(spelled(|byte| format!("\\u{byte:04x}"))),
                Echo::Percent => conn.send(spelled(|byte| format!("%{byte:02x}"))),
                Echo::Head => conn.send(http("401 Unauthorized", &field, "")),
                Echo::Body => conn.send(http("403 Forbidden", "", &body)),
                Echo::Chunks => conn.send(format!(
                    "HTTP/1.1 400 B\r\nTransfer-Encoding: chunked\r\n\r\n{:x};{value}\r\n{body}\r\n0\r\nX: {value}\r\n\r\n",
                    body.len()
                )),
                Echo::Everywhere => conn.send(http(&format!("404 {value}"), &field, &body)),
                Echo::Half => {
                    conn.send(format!("HTTP/1.1 400 B\r\nContent-Length: 9999\r\n{field}\r\n{body}"));
                    return;
                }
                Echo::Garbage => {
                    conn.send(format!("{value} {value}\r\n\r\n"));
                    return;
                }
                Echo::Behind => conn.send(format!("{NO_CONTENT}{value}")),
                Echo::Split => {
                    let whole = http("403 Forbidden", &field, &body);
                    let middle = whole.find(value).unwrap() + value.len() / 2;
                    conn.send(&whole[..middle]);
                    std::thread::sleep(Duration::from_millis(5));
                    conn.send(&whole[middle..])
                }
            };
        }
    }

    /// The client runs in a process of its own, since the server's has the value many times.
    #[rstest]
    fn none_after_an_echo(
        #[values(
            Echo::Head,
            Echo::Body,
            Echo::Chunks,
            Echo::Everywhere,
            Echo::Half,
            Echo::Garbage,
            Echo::Behind,
            Echo::Split,
            Echo::Escaped,
            Echo::Percent
        )]
        how: Echo,
        #[values(false, true)] tls: bool,
    ) {
        let authority = Authority::new("echo");
        let server = match tls {
            false => Server::start(move |conn, _| echo(conn, how)),
            true => {
                let config = authority.issue(&[HOST]).server();
                Server::start_tls(config, move |conn, _| echo(conn, how))
            }
        };
        let done = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "secrets::memory::the_client_of_an_echo", "--ignored", "--nocapture"])
            .env(URL, if tls { server.tls_url() } else { server.url() })
            .env(ADDRESS, server.address().to_string())
            .env(CA, authority.pem())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
        assert!(said.contains("1 passed"), "{said}");
        assert!(server.requests() >= 3);
    }

    #[test]
    #[ignore = "a part of `none_after_an_echo`, which runs it in a process of its own"]
    fn the_client_of_an_echo() {
        let variable = |name| std::env::var(name).unwrap();
        let value = disguised();
        let client: Client = builder_at(variable(URL), variable(ADDRESS).parse().unwrap())
            .ca_bundle(mpt_tokens::CaBundle::from_pem(variable(CA).as_bytes()).unwrap().only())
            .api_token(plain(&value))
            .attempts(1)
            .build()
            .unwrap();
        let outcomes: Vec<Outcome> =
            (0..3).map(|_| Outcome::from(client.delete_token(ID))).collect();
        assert!(outcomes.iter().all(|outcome| outcome.attempts()[0].sent), "{outcomes:?}");
        let living = copies(&value);
        drop(client);
        assert_eq!(copies(&value), 0, "none after the client");
        assert_eq!(living, 1, "the client's own, while it lived");
    }

    /// The search finds what is there.
    #[test]
    fn the_search_finds() {
        let value = disguised();
        assert_eq!(copies(&value), 0);
        let shown = plain(&value);
        assert_eq!(copies(&value), 1);
        assert_eq!(shown.len(), value.len());
    }
}
