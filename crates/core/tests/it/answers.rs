//! What one attempt makes of one answer, byte for byte. Retries have tests of their own.

use std::time::Duration;

use mpt_tokens::{Code, Outcome, OutcomeKind};
use rstest::rstest;

use crate::support::log::assert_no_leak;
use crate::support::raw::{NO_CONTENT, Server, Trap, http, not_found};
use crate::support::{ID, SOON, TOKEN, builder, delete, once};

/// What the server does after it has sent its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Close,
    Reset,
    KeepOpen,
    /// Open as well, but the answer is not whole: only the limit of the attempt ends that.
    Silence,
}

/// One attempt against a server that reads the request, answers so, and does that.
fn answered(answer: impl Into<Vec<u8>>, then: Then) -> Outcome {
    let answer = answer.into();
    let server = Server::start(move |conn, _| {
        if conn.request().is_none() {
            return;
        }
        conn.send(&answer);
        match then {
            Then::Close => {}
            Then::Reset => conn.reset(),
            Then::KeepOpen | Then::Silence => conn.until_closed(),
        }
    });
    let limit = Duration::from_millis(if matches!(then, Then::Silence) { 400 } else { 30_000 });
    let client = builder(server.url()).attempts(1).attempt_timeout(limit).build().unwrap();
    let outcome = delete(&client);
    assert_eq!(server.requests(), 1);
    assert_eq!(outcome.attempts().len(), 1);
    assert!(outcome.attempts()[0].sent);
    assert!(outcome.elapsed() < SOON, "{outcome:?}");
    assert_no_leak();
    outcome
}

const UNKNOWN: OutcomeKind = OutcomeKind::Unknown;
const KEPT: OutcomeKind = OutcomeKind::NotDeleted;

/// Every status that the contract knows and many that it does not, each with an empty body.
#[rstest]
#[case("200 OK", Code::UnexpectedResponse, UNKNOWN)]
#[case("201 Created", Code::UnexpectedResponse, UNKNOWN)]
#[case("202 Accepted", Code::UnexpectedResponse, UNKNOWN)]
#[case("203 Non-Authoritative", Code::UnexpectedResponse, UNKNOWN)]
#[case("205 Reset Content", Code::UnexpectedResponse, UNKNOWN)]
#[case("206 Partial Content", Code::UnexpectedResponse, UNKNOWN)]
#[case("207 Multi-Status", Code::UnexpectedResponse, UNKNOWN)]
#[case("299 Odd", Code::UnexpectedResponse, UNKNOWN)]
#[case("300 Multiple Choices", Code::UnexpectedResponse, UNKNOWN)]
#[case("301 Moved", Code::UnexpectedResponse, UNKNOWN)]
#[case("302 Found", Code::UnexpectedResponse, UNKNOWN)]
#[case("303 See Other", Code::UnexpectedResponse, UNKNOWN)]
#[case("304 Not Modified", Code::UnexpectedResponse, UNKNOWN)]
#[case("305 Use Proxy", Code::UnexpectedResponse, UNKNOWN)]
#[case("307 Temporary Redirect", Code::UnexpectedResponse, KEPT)]
#[case("308 Permanent Redirect", Code::UnexpectedResponse, KEPT)]
#[case("399 Odd", Code::UnexpectedResponse, UNKNOWN)]
#[case("400 Bad Request", Code::BadRequest, KEPT)]
#[case("401 Unauthorized", Code::Unauthorized, KEPT)]
#[case("402 Payment Required", Code::UnexpectedResponse, UNKNOWN)]
#[case("403 Forbidden", Code::Forbidden, KEPT)]
#[case("404 Not Found", Code::UnexpectedResponse, KEPT)]
#[case("405 Method Not Allowed", Code::UnexpectedResponse, KEPT)]
#[case("406 Not Acceptable", Code::UnexpectedResponse, UNKNOWN)]
#[case("407 Proxy Authentication Required", Code::UnexpectedResponse, KEPT)]
#[case("409 Conflict", Code::Conflict, KEPT)]
#[case("410 Gone", Code::UnexpectedResponse, KEPT)]
#[case("418 Teapot", Code::UnexpectedResponse, UNKNOWN)]
#[case("421 Misdirected", Code::UnexpectedResponse, KEPT)]
#[case("425 Too Early", Code::UnexpectedResponse, KEPT)]
#[case("429 Too Many Requests", Code::RateLimited, KEPT)]
#[case("431 Too Large", Code::UnexpectedResponse, KEPT)]
#[case("451 Legal Reasons", Code::UnexpectedResponse, KEPT)]
#[case("499 Odd", Code::UnexpectedResponse, UNKNOWN)]
#[case("500 Internal Server Error", Code::ServerError, UNKNOWN)]
#[case("501 Not Implemented", Code::ServerError, UNKNOWN)]
#[case("502 Bad Gateway", Code::ServerError, UNKNOWN)]
#[case("503 Service Unavailable", Code::ServerError, UNKNOWN)]
#[case("504 Gateway Timeout", Code::ServerError, UNKNOWN)]
#[case("505 Version", Code::ServerError, UNKNOWN)]
#[case("511 Network Authentication Required", Code::ServerError, UNKNOWN)]
#[case("520 Odd", Code::ServerError, UNKNOWN)]
#[case("599 Odd", Code::ServerError, UNKNOWN)]
#[case("600 Odd", Code::UnexpectedResponse, UNKNOWN)]
#[case("999 Odd", Code::UnexpectedResponse, UNKNOWN)]
fn a_status(#[case] status: &str, #[case] code: Code, #[case] kind: OutcomeKind) {
    let number: u16 = status[..3].parse().unwrap();
    let outcome = answered(http(status, "", ""), Then::KeepOpen);
    assert_eq!((outcome.code(), outcome.kind()), (code, kind), "{outcome:?}");
    assert_eq!(outcome.http_status(), Some(number));
    assert_eq!(outcome.attempts()[0].http_status, Some(number));
    assert_eq!(outcome.attempts()[0].failure, None);
}

/// Answers that say 204 and nothing else, however they say it.
#[rstest]
#[case::plain(NO_CONTENT)]
#[case::length("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")]
#[case::http10("HTTP/1.0 204 No Content\r\n\r\n")]
#[case::http10_kept("HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n")]
#[case::close("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")]
#[case::no_reason("HTTP/1.1 204\r\n\r\n")]
#[case::empty_reason("HTTP/1.1 204 \r\n\r\n")]
#[case::long_reason("HTTP/1.1 204 Nothing is left of it, not even a body\r\n\r\n")]
#[case::leading_line_break("\r\nHTTP/1.1 204 No Content\r\n\r\n")]
#[case::body("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")]
#[case::chunked_body(
    "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)]
#[case::junk("HTTP/1.1 204 No Content\r\n\r\n\0\0\0junk")]
#[case::second_answer(
    "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
)]
#[case::hints(
    "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
)]
#[case::processing("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")]
#[case::three_continues(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
)]
#[case::odd_headers(
    "HTTP/1.1 204 No Content\r\nX-Empty:\r\nX-Tab:\ta\t\r\nX-Utf8: caf\u{e9}\r\n\r\n"
)]
fn a_204(#[case] answer: &str, #[values(Then::Close, Then::KeepOpen)] then: Then) {
    let outcome = answered(answer, then);
    assert_eq!((outcome.code(), outcome.kind()), (Code::Ok, OutcomeKind::Deleted), "{outcome:?}");
    assert_eq!(outcome.http_status(), Some(204));
}

/// No answer, or something that is none: the request left, so nothing is known of the token.
#[rstest]
#[case::nothing("", Code::ConnectionLost)]
#[case::half_a_status_line("HTTP/1.1 20", Code::ConnectionLost)]
#[case::status_without_line_end("HTTP/1.1 204 No Content", Code::ConnectionLost)]
#[case::status_line("HTTP/1.1 204 No Content\r\n", Code::ConnectionLost)]
#[case::half_a_header("HTTP/1.1 204 No Content\r\nContent-Le", Code::ConnectionLost)]
#[case::no_end_of_head("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n", Code::ConnectionLost)]
#[case::half_an_end("HTTP/1.1 204 No Content\r\n\r", Code::ConnectionLost)]
#[case::not_found_half_a_body(
    "HTTP/1.1 404 Not Found\r\nContent-Length: 40\r\n\r\n{\"status\":404}",
    Code::ConnectionLost
)]
#[case::chunk_cut(
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{}",
    Code::ConnectionLost
)]
#[case::chunks_without_end(
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    Code::ConnectionLost
)]
#[case::only_a_continue("HTTP/1.1 100 Continue\r\n\r\n", Code::ConnectionLost)]
#[case::only_hints("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", Code::ConnectionLost)]
#[case::garbage(
    "\x16\x03\x01\x00\x02\x02\x28 and so on, none of it HTTP\r\n\r\n",
    Code::UnexpectedResponse
)]
#[case::html("<!doctype html><title>204</title>\r\n\r\n", Code::UnexpectedResponse)]
#[case::ssh("SSH-2.0-OpenSSH_9.2\r\n", Code::UnexpectedResponse)]
#[case::http2("HTTP/2.0 204 No Content\r\n\r\n", Code::UnexpectedResponse)]
#[case::http2_frames("\0\0\x12\x04\0\0\0\0\0", Code::UnexpectedResponse)]
#[case::icy("ICY 200 OK\r\n\r\n", Code::UnexpectedResponse)]
#[case::status_99("HTTP/1.1 099 Odd\r\n\r\n", Code::UnexpectedResponse)]
#[case::status_0("HTTP/1.1 000 Odd\r\n\r\n", Code::UnexpectedResponse)]
#[case::status_1000("HTTP/1.1 1000 Odd\r\n\r\n", Code::UnexpectedResponse)]
#[case::status_minus("HTTP/1.1 -04 Odd\r\n\r\n", Code::UnexpectedResponse)]
#[case::status_20x("HTTP/1.1 20x Odd\r\n\r\n", Code::UnexpectedResponse)]
#[case::status_2040("HTTP/1.1 2040 No Content\r\n\r\n", Code::UnexpectedResponse)]
#[case::length_negative(
    "HTTP/1.1 204 No Content\r\nContent-Length: -1\r\n\r\n",
    Code::UnexpectedResponse
)]
#[case::length_words(
    "HTTP/1.1 404 Not Found\r\nContent-Length: two\r\n\r\n{}",
    Code::UnexpectedResponse
)]
#[case::length_plus(
    "HTTP/1.1 404 Not Found\r\nContent-Length: +2\r\n\r\n{}",
    Code::UnexpectedResponse
)]
#[case::length_hex(
    "HTTP/1.1 404 Not Found\r\nContent-Length: 0x2\r\n\r\n{}",
    Code::UnexpectedResponse
)]
#[case::length_huge(
    "HTTP/1.1 404 Not Found\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
    Code::UnexpectedResponse
)]
#[case::lengths_differ(
    "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    Code::UnexpectedResponse
)]
#[case::lengths_differ_in_one(
    "HTTP/1.1 404 Not Found\r\nContent-Length: 2, 3\r\n\r\n{}",
    Code::UnexpectedResponse
)]
#[case::header_without_colon(
    "HTTP/1.1 204 No Content\r\nthis is no header\r\n\r\n",
    Code::UnexpectedResponse
)]
#[case::folded_header("HTTP/1.1 204 No Content\r\nX: a\r\n b\r\n\r\n", Code::UnexpectedResponse)]
#[case::space_before_colon("HTTP/1.1 204 No Content\r\nX : a\r\n\r\n", Code::UnexpectedResponse)]
#[case::header_name_not_ascii(
    "HTTP/1.1 204 No Content\r\nX-\u{e9}: a\r\n\r\n",
    Code::UnexpectedResponse
)]
#[case::null_in_header("HTTP/1.1 204 No Content\r\nX: a\0b\r\n\r\n", Code::UnexpectedResponse)]
#[case::bare_cr("HTTP/1.1 204 No Content\rX: a\r\r", Code::UnexpectedResponse)]
#[case::chunk_length_words(
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    Code::UnexpectedResponse
)]
#[case::chunk_length_negative(
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    Code::UnexpectedResponse
)]
#[case::chunk_length_overflow(
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    Code::UnexpectedResponse
)]
#[case::chunk_too_long(
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    Code::UnexpectedResponse
)]
fn no_answer(#[case] answer: &'static str, #[case] code: Code) {
    let outcome = answered(answer, Then::Close);
    assert_eq!((outcome.code(), outcome.kind()), (code, UNKNOWN), "{outcome:?}");
    assert_eq!(outcome.attempts()[0].failure, Some(code));
}

/// The same, when the server resets or just stays silent: the code may differ, what is true of the token may not.
#[rstest]
#[case::nothing("")]
#[case::half_a_status_line("HTTP/1.1 20")]
#[case::half_a_header("HTTP/1.1 204 No Content\r\nContent-Le")]
#[case::half_a_body("HTTP/1.1 404 Not Found\r\nContent-Length: 40\r\n\r\n{\"status\":404}")]
#[case::chunk_cut("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{}")]
#[case::endless_chunk_line(
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000"
)]
fn silence_or_reset(
    #[case] answer: &'static str,
    #[values((Then::Reset, Code::ConnectionLost), (Then::Silence, Code::Timeout))] end: (
        Then,
        Code,
    ),
) {
    let outcome = answered(answer, end.0);
    assert_eq!((outcome.code(), outcome.kind()), (end.1, UNKNOWN), "{outcome:?}");
}

/// A reset right behind a complete answer takes nothing of it back; where it overtakes the answer, nothing is known.
#[test]
fn answer_then_reset() {
    let outcome = answered(NO_CONTENT, Then::Reset);
    match outcome.code() {
        Code::Ok => assert_eq!(outcome.kind(), OutcomeKind::Deleted),
        code => assert_eq!((code, outcome.kind()), (Code::ConnectionLost, UNKNOWN)),
    }
}

/// A 404 is the API's only in the API's form: what body, what media type.
#[rstest]
#[case::title(r#"{"title":"Not Found"}"#, true)]
#[case::kind(r#"{"type":"about:blank"}"#, true)]
#[case::with_space(" \r\n\t{ \"title\" : \"Not Found\" } \n", true)]
#[case::byte_order_mark("\u{feff}{\"title\":\"Not Found\"}", true)]
#[case::as_documented(
    r#"{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.5","title":"Not Found","status":404,"traceId":"00-x"}"#,
    true
)]
#[case::wrong_types_beside(r#"{"type":1,"title":"Not Found","detail":{},"errors":"e"}"#, true)]
#[case::duplicate_members(r#"{"title":"a","title":"b"}"#, true)]
#[case::nothing("{}", false)]
#[case::all_null(
    r#"{"type":null,"title":null,"status":null,"detail":null,"instance":null,"errors":null}"#,
    false
)]
#[case::wrong_types(r#"{"type":1,"title":[],"detail":{}}"#, false)]
#[case::another_status(r#"{"status":204,"title":"deleted"}"#, false)]
#[case::status_as_text(r#"{"status":"404","title":"Not Found"}"#, false)]
#[case::status_out_of_range(r#"{"title":"a","status":99999999999999999999}"#, false)]
#[case::kong(r#"{"message":"no Route matched with those values"}"#, false)]
#[case::azure(r#"{"statusCode":404,"message":"Resource not found"}"#, false)]
fn a_404_of_json(
    #[case] body: &str,
    #[case] api: bool,
    #[values(
        ("Content-Type: application/json\r\n", true),
        ("Content-Type: application/problem+json; charset=utf-8\r\n", true),
        ("Content-Type: text/html\r\n", false),
        ("", false)
    )]
    headers: (&str, bool),
) {
    let outcome = answered(http("404 Not Found", headers.0, body), Then::KeepOpen);
    let code = if api && headers.1 { Code::NotFound } else { Code::UnexpectedResponse };
    assert_eq!((outcome.code(), outcome.kind()), (code, KEPT), "{outcome:?}");
    // People may read it, whoever sent it.
    assert!(outcome.problem().is_some());
    assert_eq!(outcome.http_status(), Some(404));
}

#[rstest]
#[case::empty("")]
#[case::array("[]")]
#[case::array_of_objects(r#"[{"title":"Not Found"}]"#)]
#[case::string(r#""not found""#)]
#[case::number("404")]
#[case::null("null")]
#[case::html("<html><body>404</body></html>")]
#[case::two_objects(r#"{"title":"a"}{"title":"a"}"#)]
#[case::object_and_junk(r#"{"title":"a"}x"#)]
#[case::half_an_object(r#"{"title":"Not F"#)]
#[case::comment("// no\n{\"title\":\"a\"}")]
#[case::single_quotes("{'title':'a'}")]
#[case::not_a_number(r#"{"title":"a","a":NaN}"#)]
fn a_404_of_something_else(
    #[case] body: &str,
    #[values("", "Content-Type: application/problem+json\r\n", "Content-Type: text/html\r\n")]
    headers: &str,
) {
    let outcome = answered(http("404 Not Found", headers, body), Then::KeepOpen);
    let found = (outcome.code(), outcome.kind());
    assert_eq!(found, (Code::UnexpectedResponse, KEPT), "{outcome:?}");
    assert_eq!(outcome.problem(), None);
    assert!(outcome.message().contains("not in the API's form"), "{outcome:?}");
}

/// How long a body is, said in every way that is legal, and in some that are not but have one meaning.
#[rstest]
#[case::length("Content-Length: 14\r\n\r\n{\"title\":\"no\"}")]
#[case::length_twice("Content-Length: 14\r\nContent-Length: 14\r\n\r\n{\"title\":\"no\"}")]
#[case::length_list("Content-Length: 14, 14\r\n\r\n{\"title\":\"no\"}")]
#[case::chunks("Transfer-Encoding: chunked\r\n\r\n4\r\n{\"ti\r\nA\r\ntle\":\"no\"}\r\n0\r\n\r\n")]
#[case::chunk_extension(
    "Transfer-Encoding: chunked\r\n\r\ne;a=b\r\n{\"title\":\"no\"}\r\n0\r\n\r\n"
)]
#[case::trailer("Transfer-Encoding: chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r\nX: y\r\n\r\n")]
#[case::both(
    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"title\":\"no\"}\r\n0\r\n\r\n"
)]
#[case::until_close("\r\n{\"title\":\"no\"}")]
fn framing_of_a_body(#[case] rest: &str) {
    let outcome = answered(format!("HTTP/1.1 400 Bad Request\r\n{rest}"), Then::Close);
    assert_eq!((outcome.code(), outcome.kind()), (Code::BadRequest, KEPT), "{outcome:?}");
    assert_eq!(outcome.problem().and_then(|problem| problem.title()), Some("no"));
}

/// Error bodies that are hard to read never hide the status, and never take long.
#[rstest]
#[case::broken_utf8(b"{\"title\":\"\xff\xfe caf\xe9\"}".to_vec(), Some("\u{fffd}\u{fffd} caf\u{fffd}"))]
#[case::deep_array([b"[".repeat(100_000), b"]".repeat(100_000)].concat(), None)]
#[case::deep_object([b"{\"a\":".repeat(100_000), b"1".to_vec(), b"}".repeat(100_000)].concat(), None)]
#[case::deep_within_bounds([b"{\"a\":".repeat(100), b"1".to_vec(), b"}".repeat(100)].concat(), Some(""))]
#[case::long_within_bounds(format!("{{\"title\":\"{}\"}}", "x".repeat(60_000)).into_bytes(), None)]
#[case::too_long(format!("{{\"title\":\"{}\"}}", "x".repeat(66_000)).into_bytes(), None)]
#[case::lone_surrogate(br#"{"title":"\ud800"}"#.to_vec(), None)]
fn hard_bodies(#[case] body: Vec<u8>, #[case] title: Option<&str>) {
    let head = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n", body.len());
    let outcome = answered([head.into_bytes(), body].concat(), Then::KeepOpen);
    assert_eq!((outcome.code(), outcome.kind()), (Code::BadRequest, KEPT), "{outcome:?}");
    if let Some(title) = title {
        assert_eq!(outcome.problem().unwrap().title().unwrap_or_default(), title);
    }
    assert!(outcome.message().chars().count() < 1_000);
}

/// 500 MB of body: what does not fit is left, with its connection.
#[rstest]
#[case::length("Content-Length: 524288000\r\n")]
#[case::until_close("")]
fn an_endless_body(#[case] length: &'static str) {
    let server = Server::start(move |conn, _| {
        conn.request();
        conn.send(format!("HTTP/1.1 400 Bad Request\r\n{length}\r\n{{\"title\":\""));
        let mebibyte = vec![b'x'; 1 << 20];
        for _ in 0..500 {
            if !conn.send(&mebibyte) {
                return;
            }
        }
        panic!("all 500 MiB were taken");
    });
    let outcome = delete(&once(server.url()));
    assert_eq!((outcome.code(), outcome.kind()), (Code::BadRequest, KEPT), "{outcome:?}");
    assert!(outcome.elapsed() < SOON);
}

/// A head longer than any real one is not read to its end.
#[rstest]
#[case::many(|n: usize| format!("X-{n}: {}\r\n", "y".repeat(100)), 3_000)]
#[case::one_long(|_: usize| format!("X: {}\r\n", "y".repeat(300_000)), 1)]
#[case::tiny(|n: usize| format!("{n}:\r\n"), 200)]
fn long_heads(#[case] header: fn(usize) -> String, #[case] count: usize) {
    let headers: String = (0..count).map(header).collect();
    let outcome = answered(format!("HTTP/1.1 204 No Content\r\n{headers}\r\n"), Then::Close);
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::UnexpectedResponse, UNKNOWN),
        "{outcome:?}"
    );
}

/// A redirect is never followed: neither the credential nor the request reaches the other host.
#[rstest]
fn redirects(
    #[values(301, 302, 303, 307, 308)] status: u16,
    #[values("", "{\"title\":\"moved\"}")] body: &'static str,
    #[values(1, 4)] attempts: u32,
) {
    let trap = Trap::set();
    let location =
        format!("Location: http://{}/public/v1/accounts/api-tokens/{ID}\r\n", trap.address());
    let server = Server::start(move |conn, _| {
        conn.answer_all(http(&format!("{status} Elsewhere"), &location, body));
    });
    let client = builder(server.url()).attempts(attempts).build().unwrap();
    let outcome = delete(&client);
    let (kind, requests) = if status >= 307 { (KEPT, 1) } else { (UNKNOWN, attempts as usize) };
    let found = (outcome.code(), outcome.kind());
    assert_eq!(found, (Code::UnexpectedResponse, kind), "{outcome:?}");
    assert_eq!(outcome.http_status(), Some(status));
    assert_eq!(server.requests(), requests);
    assert!(trap.untouched());
    assert_no_leak();
}

/// What goes out: one request, nothing that is not needed, the credential once.
#[test]
fn the_request() {
    let server = Server::start(|conn, _| conn.answer_all(NO_CONTENT));
    let client = builder(server.url()).user_agent("my-job/1.0").attempts(1).build().unwrap();
    let outcome = delete(&client);
    let heads = server.heads();
    let mut lines = heads[0].split("\r\n");
    assert_eq!(
        lines.next(),
        Some(format!("DELETE /public/v1/accounts/api-tokens/{ID} HTTP/1.1").as_str())
    );
    let mut headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    headers.sort();
    let traceparent = headers.iter().find(|(name, _)| name == "traceparent").unwrap().1.clone();
    assert_eq!(
        traceparent.parse::<mpt_tokens::TraceParent>().unwrap().trace_id(),
        outcome.trace_id().unwrap()
    );
    let expected = [
        ("accept", "application/json, application/problem+json".to_owned()),
        ("accept-encoding", "identity".to_owned()),
        ("authorization", format!("Bearer {TOKEN}")),
        ("host", server.address().to_string()),
        ("traceparent", traceparent),
        ("user-agent", format!("my-job/1.0 mpt-tokens/{}", mpt_tokens::VERSION)),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(headers, expected);
    assert_no_leak();
}

/// The API's own 404 is a failure at first, and a success where a missing token is one.
#[test]
fn missing_ok() {
    let server = Server::start(|conn, _| conn.answer_all(not_found()));
    let outcome = delete(&once(server.url()));
    assert_eq!((outcome.code(), outcome.kind()), (Code::NotFound, KEPT));
    let outcome = delete(&builder(server.url()).missing_ok(true).build().unwrap());
    assert_eq!((outcome.code(), outcome.kind()), (Code::Ok, OutcomeKind::Gone));
}
