//! Every fault of the table, seen by a bare socket and held against the sandbox's memory.

use crate::client::{Answer, COLLECTION, Client, End, wait_until_none_is_open};
use Expected::{Body, Broken, Silent, Status};
use mpt_tokens_sandbox::{Effect, Sandbox, faults};
use serde_json::{Value, json};

/// What the first `DELETE` meets.
enum Expected {
    /// An answer, after which the connection goes on.
    Status(u16),
    /// The same, and something to be said of the answer.
    Body(u16, fn(&Answer)),
    /// These bytes, then the end.
    Broken(&'static [u8], End),
    /// These bytes, then nothing.
    Silent(&'static [u8]),
    /// An answer, then the end of the connection.
    Last(u16, fn(&Answer)),
    /// Something that a test of its own below looks at.
    Own,
}

const HALF_HEADER: &[u8] = b"HTTP/1.1 204 No Content\r\ndate: Tue, 24 Nov";
const GARBAGE: &[u8] = b"\x16\x03\x01\x00\xff\xfenot http at all\r\n\r\n\0\0\0";
const CHUNK_PLUS: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\n\
    transfer-encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n";

/// A row for every fault, in the order of the table.
const ROWS: &[(&str, Expected)] = &[
    ("ok", Status(204)),
    ("gone", Body(404, |answer| assert_eq!(answer.json()["title"], "Not Found"))),
    ("slow", Status(204)),
    ("drip", Status(204)),
    ("continue", Body(204, |answer| assert_eq!(answer.head.matches("100 Continue").count(), 3))),
    ("earlyhints", Body(204, |answer| assert!(answer.head.starts_with("HTTP/1.1 103 ")))),
    ("bigheaders", Body(204, |answer| assert!(answer.head.len() > 300_000))),
    ("http10", Expected::Last(204, |answer| assert!(answer.head.starts_with("HTTP/1.0 ")))),
    ("close", Expected::Last(204, |answer| assert_eq!(answer.header("connection"), Some("close")))),
    ("closequiet", Expected::Last(204, |answer| assert_eq!(answer.header("connection"), None))),
    ("stale", Expected::Own),
    ("204body", Body(204, |answer| assert_eq!(answer.json(), json!({"deleted": true})))),
    ("answerlost", Broken(b"", End::Closed)),
    ("requestlost", Broken(b"", End::Closed)),
    ("answerreset", Broken(b"", End::Reset)),
    ("requestreset", Broken(b"", End::Reset)),
    ("answersilent", Silent(b"")),
    ("requestsilent", Silent(b"")),
    ("answerhalfstatus", Broken(b"HTTP/1.1 20", End::Closed)),
    ("requesthalfstatus", Broken(b"HTTP/1.1 20", End::Closed)),
    ("answerhalfheader", Broken(HALF_HEADER, End::Closed)),
    ("answerstall", Silent(HALF_HEADER)),
    ("answerendless", Expected::Own),
    ("answergarbage", Broken(GARBAGE, End::Closed)),
    ("garbage", Broken(GARBAGE, End::Closed)),
    ("200", Body(200, is_html)),
    ("answer200", Body(200, is_html)),
    ("202", Body(202, |answer| assert_eq!(answer.json()["status"], "Queued"))),
    ("answer202", Status(202)),
    ("301", Body(301, leads_to_another_host)),
    ("302", Body(302, leads_to_another_host)),
    ("303", Body(303, leads_to_another_host)),
    ("307", Body(307, leads_to_another_host)),
    ("308", Body(308, leads_to_another_host)),
    (
        "307path",
        Body(307, |answer| {
            assert_eq!(answer.header("location"), Some("/sandbox/elsewhere/TKN%2D307path%2D1"));
        }),
    ),
    ("400", Body(400, |answer| assert!(answer.json()["errors"]["id"][0].is_string()))),
    ("401", Body(401, is_problem)),
    ("401bearer", Body(401, is_challenge)),
    ("403", Body(403, is_problem)),
    ("403html", Body(403, is_html)),
    ("404", Body(404, is_problem)),
    (
        "404problemjson",
        Body(404, |answer| {
            let media_type = answer.header("content-type");
            assert_eq!(media_type, Some("application/problem+json; charset=utf-8"));
            assert_eq!(answer.json()["status"], 404);
        }),
    ),
    ("404array", Body(404, |answer| assert!(answer.json().is_array()))),
    ("404string", Body(404, |answer| assert!(answer.json().is_string()))),
    ("408", Body(408, is_problem)),
    ("409", Body(409, is_problem)),
    ("410", Body(410, is_problem)),
    ("415", Body(415, is_problem)),
    ("418", Body(418, is_problem)),
    ("425", Body(425, is_problem)),
    ("429", Body(429, |answer| assert_eq!(answer.header("retry-after"), None))),
    ("429date", Body(429, retry_date)),
    ("429rfc850", Body(429, retry_date)),
    ("429asctime", Body(429, retry_date)),
    ("429junk", Body(429, |answer| assert_eq!(answer.header("retry-after"), Some("soon")))),
    ("500", Body(500, is_problem)),
    ("answer500", Body(500, is_problem)),
    ("501", Body(501, is_html)),
    ("502", Body(502, is_html)),
    ("answer502", Body(502, is_html)),
    ("503", Body(503, |answer| assert_eq!(answer.header("retry-after"), None))),
    ("answer503", Body(503, is_html)),
    ("504", Body(504, is_html)),
    ("answer504", Body(504, is_html)),
    ("401html", Body(401, is_html)),
    (
        "401empty",
        Body(401, |answer| {
            is_empty(answer);
            assert_eq!(answer.header("www-authenticate"), None);
        }),
    ),
    (
        "401kong",
        Body(401, |answer| {
            assert_eq!(answer.json(), json!({"message": "Unauthorized"}));
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }),
    ),
    ("404html", Body(404, is_html)),
    ("404empty", Body(404, is_empty)),
    ("404kong", Body(404, |answer| assert!(answer.json()["message"].is_string()))),
    ("404azure", Body(404, |answer| assert_eq!(answer.json()["statusCode"], 404))),
    ("404spring", Body(404, |answer| assert_eq!(answer.json()["error"], "Not Found"))),
    (
        "404notype",
        Body(404, |answer| {
            assert_eq!(answer.header("content-type"), None);
            assert_eq!(answer.json()["title"], "Not Found");
        }),
    ),
    ("410html", Body(410, is_html)),
    ("answer302", Body(302, leads_to_another_host)),
    ("answer303", Body(303, leads_to_another_host)),
    ("answer408", Body(408, is_html)),
    ("429html", Body(429, |answer| assert_eq!(answer.header("retry-after"), None))),
    ("answer429", Body(429, is_html)),
    ("499", Body(499, is_empty)),
    ("answer499", Body(499, is_empty)),
    ("520", Body(520, is_html)),
    ("answer520", Body(520, is_html)),
    ("400list", Body(400, |answer| assert!(answer.json()["errors"][0]["message"].is_string()))),
    (
        "400gateway",
        Body(400, |answer| {
            let expected = json!({"statusCode": 400, "message": "Bad Request", "details": "Refused at the gate."});
            assert_eq!(answer.json(), expected);
        }),
    ),
    ("400types", Body(400, |answer| assert_eq!(answer.json()["status"], "400"))),
    ("400null", Body(400, |answer| assert!(answer.json()["title"].is_null()))),
    ("400unicode", Body(400, |answer| assert!(answer.text().contains("東京")))),
    (
        "400control",
        Body(400, |answer| {
            let detail = answer.json()["detail"].clone();
            let detail = detail.as_str().expect("a detail");
            for control in ['\u{1b}', '\r', '\n', '\u{7}', '\0', '\u{9b}'] {
                assert!(detail.contains(control), "{control:?}");
            }
        }),
    ),
    (
        "400echo",
        Body(400, |answer| {
            let sent = "Bearer idt:TKN-0000-0001:sandbox-secret";
            assert!(answer.json()["title"].as_str().expect("a title").contains(sent));
            assert!(answer.json()["detail"].as_str().expect("a detail").contains(sent));
            assert_eq!(answer.header("x-authorization"), Some(sent));
        }),
    ),
    (
        "400problemjson",
        Body(400, |answer| {
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        }),
    ),
    (
        "400notype",
        Body(400, |answer| {
            assert_eq!(answer.header("content-type"), None);
            assert_eq!(answer.json()["status"], 400);
        }),
    ),
    ("400html", Body(400, is_html)),
    ("400empty", Body(400, is_empty)),
    ("400utf8", Body(400, |answer| assert!(std::str::from_utf8(&answer.body).is_err()))),
    (
        "400deep",
        Body(400, |answer| {
            assert_eq!(answer.text().matches('[').count(), 100_000);
            assert_eq!(answer.text().matches(']').count(), 100_000);
        }),
    ),
    ("400huge", Expected::Own),
    (
        "400chunked",
        Body(400, |answer| {
            assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
            assert_eq!(answer.json()["status"], 400);
        }),
    ),
    ("400truncated", Expected::Own),
    ("404truncated", Expected::Own),
    ("500truncated", Expected::Own),
    ("404badchunk", Expected::Own),
    ("http12", Expected::Last(204, |answer| assert!(answer.head.starts_with("HTTP/1.2 ")))),
    ("continuefields", Body(204, |answer| assert_eq!(answer.header("x-odd"), Some("yes")))),
    ("chunks", Status(204)),
    ("gzip", Status(204)),
    ("long", Status(204)),
    ("404chunkplus", Broken(CHUNK_PLUS, End::Closed)),
    ("leftgzip", Expected::Own),
    ("leftidentity", Expected::Own),
    ("left10", Expected::Own),
    ("leftlengths", Expected::Own),
    ("left204", Expected::Own),
    ("left408", Expected::Own),
];

fn is_html(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.text().starts_with("<!DOCTYPE html>"));
}

fn is_challenge(answer: &Answer) {
    is_empty(answer);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
}

fn is_empty(answer: &Answer) {
    assert_eq!(answer.body, b"");
}

fn is_problem(answer: &Answer) {
    let problem = answer.json();
    assert_eq!(problem["status"], Value::from(answer.status));
    for member in ["type", "title", "detail", "traceId"] {
        assert!(problem[member].is_string(), "{member}");
    }
}

fn leads_to_another_host(answer: &Answer) {
    let location = answer.header("location").expect("a location");
    assert!(location.starts_with("http://localhost:"), "{location}");
    assert!(location.contains("/sandbox/elsewhere/TKN%2D"), "{location}");
}

/// The date is a second after the answer's own, which is an hour ahead of the clock.
fn retry_date(answer: &Answer) {
    let [date, retry] = ["date", "retry-after"]
        .map(|name| httpdate::parse_http_date(answer.header(name).expect(name)).expect("a date"));
    assert_eq!(retry.duration_since(date).expect("later").as_secs(), 1);
    let ahead = date.duration_since(std::time::SystemTime::now()).expect("a clock ahead");
    assert!((3_500..=3_600).contains(&ahead.as_secs()), "{ahead:?}");
}

#[test]
fn there_is_a_row_for_every_fault() {
    let rows: Vec<_> = ROWS.iter().map(|(name, _)| *name).collect();
    let table: Vec<_> = faults().map(|fault| fault.name).collect();
    assert_eq!(rows, table);
}

#[test]
#[expect(clippy::print_stdout, reason = "tells which row a failure belongs to")]
fn every_fault_does_to_the_client_and_to_the_token_what_it_says() {
    let sandbox = Sandbox::start().expect("a sandbox");
    for ((name, expected), fault) in ROWS.iter().zip(faults()) {
        println!("{name}");
        let id = format!("TKN-{name}-1");
        let value = sandbox.api_token();
        let mut client = Client::new(&sandbox);
        let target = format!("{}/{id}", crate::client::COLLECTION);
        match expected {
            Expected::Own => continue,
            Status(status) => assert_eq!(client.delete(&id, &value).status, *status),
            Body(status, check) | Expected::Last(status, check) => {
                let answer = client.delete(&id, &value);
                assert_eq!(answer.status, *status);
                check(&answer);
            }
            Broken(bytes, end) => {
                client.ask("DELETE", &target, &value);
                assert_eq!(client.read_to_end(), (bytes.to_vec(), *end));
            }
            Silent(bytes) => {
                client.ask("DELETE", &target, &value);
                client.silent_after(bytes);
            }
        }
        let truth = sandbox.truth(&id);
        let deleted = (fault.effect == Effect::Deletes).then_some(1);
        assert_eq!((truth.requests, truth.deleted_by), (1, deleted));

        // The contract holds from the second request on: on the same connection where it goes on.
        match expected {
            Status(_) | Body(..) => {}
            Expected::Last(..) => assert_eq!(client.read_to_end(), (vec![], End::Closed)),
            _ => client = Client::new(&sandbox),
        }
        if matches!(expected, Expected::Last(..)) {
            client = Client::new(&sandbox);
        }
        let second = if fault.effect == Effect::Keeps { 204 } else { 404 };
        assert_eq!(client.delete(&id, &value).status, second);
    }
    assert_eq!(sandbox.strays(), [""; 0]);
}

#[test]
fn a_fault_that_is_always_does_not_wear_off() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    let value = sandbox.api_token();
    let statuses =
        (0..5).map(|_| client.delete("TKN-408.503.always-1", &value).status).collect::<Vec<_>>();
    assert_eq!(statuses, [408, 503, 503, 503, 503]);
}

#[test]
fn faults_join_to_a_scenario() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    let id = "TKN-answerlost.403.429~7.gone-1";
    let mut client = Client::new(&sandbox);
    client.ask("DELETE", &format!("{}/{id}", crate::client::COLLECTION), &value);
    assert_eq!(client.read_to_end(), (vec![], End::Closed));
    let mut client = Client::new(&sandbox);
    assert_eq!(client.delete(id, &value).status, 403);
    let limited = client.delete(id, &value);
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("7")));
    assert_eq!(client.delete(id, &value).status, 404);
    assert_eq!(sandbox.truth(id).deleted_by, Some(1));
}

#[test]
fn the_contract_in_an_odd_form_is_still_the_contract() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    for name in
        ["drip~0", "continue", "earlyhints", "bigheaders", "http10", "closequiet", "204body"]
    {
        let id = format!("TKN-{name}.always-1");
        assert_eq!(Client::new(&sandbox).delete(&id, &value).status, 204, "{name}");
        let again = Client::new(&sandbox).delete(&id, &value);
        assert_eq!((again.status, &again.json()["status"]), (404, &404.into()), "{name}");
    }
}

#[test]
fn a_stale_connection_ends_at_the_next_request_which_is_not_served() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    let mut client = Client::new(&sandbox);
    assert_eq!(client.delete("TKN-stale-1", &value).status, 204);
    client.silent_after(b"");
    client.ask("DELETE", "/public/v1/accounts/api-tokens/TKN-ok-1", &value);
    let (bytes, _) = client.read_to_end();
    assert_eq!(bytes, b"");
    assert_eq!(sandbox.truth("TKN-ok-1").requests, 0);
}

/// What is left behind an answer of doubtful end is given to the next request, which is not served.
#[test]
fn what_is_left_comes_with_the_next_request() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    let left = [
        ("leftgzip", 403, 204, "transfer-encoding: gzip\r\n"),
        ("leftidentity", 403, 204, "transfer-encoding: identity\r\n"),
        ("left10", 403, 204, "HTTP/1.0 403 Forbidden\r\n"),
        ("leftlengths", 403, 204, "\r\ncontent-length: "),
        ("left204", 204, 204, "\r\ncontent-length: 27\r\n"),
        ("left408", 204, 408, "HTTP/1.1 204 No Content\r\n\r\n"),
    ];
    for (name, status, next, head) in left {
        let mut client = Client::new(&sandbox);
        let target = format!("{COLLECTION}/TKN-{name}-1");
        client.ask("DELETE", &target, &value);
        // By the rules for a length alone, which 204 does not have.
        let length = if status == 204 { 0 } else { 100 };
        let answer = String::from_utf8(client.read_at_least(head.len() + length)).expect("text");
        assert!(answer.starts_with(&format!("HTTP/1.{} {status}", u8::from(name != "left10"))));
        assert!(answer.contains(head), "{name}: {answer}");
        assert_eq!(sandbox.truth(&format!("TKN-{name}-1")).deleted_by.is_some(), status == 204);
        let other = format!("TKN-{name}.ok-2");
        client.ask("DELETE", &format!("{COLLECTION}/{other}"), &value);
        let (bytes, end) = client.read_to_end();
        let bytes = String::from_utf8(bytes).expect("text");
        assert!(bytes.contains(&format!("HTTP/1.1 {next} ")), "{name}: {bytes}");
        assert_eq!((end, sandbox.truth(&other).requests), (End::Closed, 0));
    }
}

/// The API's 404 in chunks, in gzip, and long.
#[test]
fn bodies_in_odd_forms() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    let mut client = Client::new(&sandbox);
    for name in ["gzip", "long~1", "chunks"] {
        assert_eq!(client.delete(&format!("TKN-ok.{name}-1"), &value).status, 204);
    }
    let gzip = client.delete("TKN-ok.gzip-1", &value);
    assert_eq!((gzip.status, gzip.header("content-encoding")), (404, Some("gzip")));
    assert!(gzip.body.starts_with(b"\x1f\x8b\x08"), "{gzip:?}");
    let long = client.delete("TKN-ok.long~1-1", &value);
    assert!(long.body.len() > 1024, "{long:?}");
    is_problem(&long);
    client.ask("DELETE", &format!("{COLLECTION}/TKN-ok.chunks-1"), &value);
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n000;last\r\nx-trailer: yes\r\n\r\n") {
        bytes.extend(client.read_at_least(1));
    }
    assert!(String::from_utf8(bytes).expect("text").contains(";note=\"a, b\"\r\n"));
    assert_eq!(client.delete("TKN-ok.chunks-1", &value).status, 404);
}

#[test]
fn an_endless_header_goes_on_until_the_client_leaves() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    client.ask(
        "DELETE",
        "/public/v1/accounts/api-tokens/TKN-answerendless~1-1",
        &sandbox.api_token(),
    );
    let start = "HTTP/1.1 204 No Content\r\nx-endless: ";
    let bytes = client.read_at_least(start.len() + 50);
    assert!(bytes.starts_with(start.as_bytes()));
    assert!(bytes[start.len()..].iter().all(|&byte| byte == b'x'));
    drop(client);
    wait_until_none_is_open(&sandbox);
}

#[test]
fn a_huge_body_is_as_long_as_it_says_and_ends_with_the_client() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    let mut client = Client::new(&sandbox);
    let answer = client.delete("TKN-400huge~3-1", &value);
    assert_eq!(answer.status, 400);
    assert!(answer.body.len() > 3 << 20 && answer.body.ends_with(b"xxx"));
    assert_eq!(client.delete("TKN-400huge~3-1", &value).status, 204);

    client.ask("DELETE", "/public/v1/accounts/api-tokens/TKN-400huge-1", &value);
    client.read_at_least(1_000_000);
    drop(client);
    wait_until_none_is_open(&sandbox);
}

#[test]
fn a_truncated_body_ends_with_the_connection() {
    let sandbox = Sandbox::start().expect("a sandbox");
    for (name, status) in [("400truncated", 400), ("404truncated", 404), ("500truncated", 500)] {
        let mut client = Client::new(&sandbox);
        let target = format!("/public/v1/accounts/api-tokens/TKN-{name}-1");
        client.ask("DELETE", &target, &sandbox.api_token());
        let (bytes, end) = client.read_to_end();
        let text = String::from_utf8(bytes).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        let length: usize =
            head.split_once("content-length: ").expect("a length").1.parse().expect("a number");
        assert_eq!((body.len(), end), (length / 2, End::Closed));
        assert!(body.starts_with('{'));
    }
}

#[test]
fn a_bad_chunk_ends_with_the_connection() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    client.ask("DELETE", "/public/v1/accounts/api-tokens/TKN-404badchunk-1", &sandbox.api_token());
    let (bytes, end) = client.read_to_end();
    assert!(bytes.ends_with(b"\r\n\r\n2\r\n{}\r\nzz\r\n"));
    assert_eq!(end, End::Closed);
}

#[test]
fn who_follows_a_redirect_is_remembered() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    let answer = client.delete("TKN-302-1", &sandbox.api_token());
    let location = answer.header("location").expect("a location");
    let path = location.split_once("/sandbox").expect("a path").1;
    client.ask("GET", &format!("/sandbox{path}"), "");
    assert_eq!(client.answer().status, 204);
    assert_eq!((sandbox.stats().elsewhere, sandbox.stats().elsewhere_with_credential), (1, 0));
    client.ask("DELETE", &format!("/sandbox{path}"), &sandbox.api_token());
    assert_eq!(client.answer().status, 204);
    assert_eq!((sandbox.stats().elsewhere, sandbox.stats().elsewhere_with_credential), (2, 1));
}
