//! Error bodies that a client must read with care. The token stays as it is.

use super::{Fault, keeps};
use crate::reply::{Ask, Reply, html, json_body, reason, with_body};
use crate::script::{End, Script, Send};
use hyper::header::HeaderValue;
use serde_json::json;

const DETAIL: &str = "One or more validation errors occurred.";

pub(super) const FAULTS: &[Fault] = &[
    keeps("400list", "400, `errors` as a list of objects", |ask| {
        let mut body = ask.problem(400, DETAIL);
        body["errors"] = json!([{
            "id": "MPTCOM03-0078",
            "message": "The token id is not valid.",
            "properties": ["id"],
            "parameters": {"id": ask.id},
        }]);
        json_body(400, &body).into()
    }),
    keeps(
        "400gateway",
        "400, `statusCode`, `message` and `details` as a gateway spells them",
        |_| {
            let body = json!({"statusCode": 400, "message": "Bad Request", "details": "Refused at the gate."});
            json_body(400, &body).into()
        },
    ),
    keeps("400types", "400, every known member of a wrong type, one other that is right", |_| {
        let body = json!({
            "type": 7, "title": ["Bad Request"], "status": "400", "detail": {"text": "no"},
            "instance": false, "traceId": 12, "errors": "none", "reason": "kept",
        });
        json_body(400, &body).into()
    }),
    keeps("400null", "400, every member null", |_| {
        let body = json!({
            "type": null, "title": null, "status": null, "detail": null,
            "instance": null, "traceId": null, "errors": null,
        });
        json_body(400, &body).into()
    }),
    keeps("400unicode", "400 with text in many scripts, including right-to-left", |ask| {
        let mut body = ask.problem(400, "Łódź, Zürich, Αθήνα, 東京, القاهرة, 🗑️ \u{202e}desrever");
        body["title"] = json!("Ungültig — 无效");
        json_body(400, &body).into()
    }),
    keeps("400control", "400 with terminal escapes and control characters in its text", |ask| {
        let mut body = ask
            .problem(400, "red \u{1b}[31malert\u{1b}[0m\r\nnew line \u{7}bell \u{0}nul \u{9b}2J");
        body["title"] = json!("\u{1b}]0;owned\u{7}Bad Request");
        json_body(400, &body).into()
    }),
    keeps(
        "400echo",
        "400 with the request's `Authorization` in title, detail and a header",
        |ask| {
            let sent = ask.authorization();
            let mut body =
                ask.problem(400, &format!("Authorization was {sent}; token {}", value(ask)));
            body["title"] = json!(format!("Bad credential {sent}"));
            body["errors"] = json!({sent: [sent]});
            let mut answer = json_body(400, &body);
            if let Ok(value) = HeaderValue::from_str(sent) {
                answer.headers_mut().insert("x-authorization", value);
            }
            answer.into()
        },
    ),
    keeps("400problemjson", "400 as `application/problem+json`", |ask| {
        with_body(400, "application/problem+json", ask.problem(400, DETAIL).to_string()).into()
    }),
    keeps("400notype", "400, ProblemDetails without a content type", |ask| {
        with_body(400, "", ask.problem(400, DETAIL).to_string()).into()
    }),
    keeps("400html", "400 with HTML", |_| html(400).into()),
    keeps("400empty", "400 without a body", |_| with_body(400, "", "").into()),
    keeps("400utf8", "400, JSON whose text is not UTF-8", |_| {
        let body =
            b"{\"title\":\"Bad \xff\xfe Request\",\"status\":400,\"detail\":\"\xc3(\"}".as_slice();
        with_body(400, "application/json", body).into()
    }),
    keeps("400deep", "400, JSON nested 100,000 deep", |_| {
        let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
        with_body(
            400,
            "application/json",
            format!("{{\"title\":\"Deep\",\"errors\":{open}{close}}}"),
        )
        .into()
    }),
    keeps("400huge", "400 with a body that is very long", |ask| {
        let body = "{\"title\":\"Bad Request\",\"status\":400,\"detail\":\"";
        let filler = ask.number() << 20;
        let head = head(400, body.len() as u64 + filler);
        Script { send: Send::Flood((head + body).into(), filler), end: End::KeepOpen }.into()
    })
    .number("MiB", Some(500)),
    keeps("400chunked", "400, ProblemDetails in chunks of seven bytes", |ask| {
        let body = ask.problem(400, DETAIL).to_string();
        let mut bytes = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n\
                          transfer-encoding: chunked\r\n\r\n"
            .to_vec();
        for chunk in body.as_bytes().chunks(7) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        Reply::raw(bytes, End::KeepOpen)
    }),
    keeps("400truncated", "400 with half of its body, then closes", |ask| truncated(400, ask)),
    keeps("404truncated", "404 with half of its body, then closes", |ask| truncated(404, ask)),
    keeps("500truncated", "500 with half of its body, then closes", |ask| truncated(500, ask)),
    keeps("404badchunk", "404 in chunks, one of which has no legal length", |_| {
        Reply::raw(
            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\n\
             transfer-encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n",
            End::Close,
        )
    }),
];

fn truncated(status: u16, ask: &Ask<'_>) -> Reply {
    let body = ask.problem(status, DETAIL).to_string();
    let bytes = head(status, body.len() as u64) + &body[..body.len() / 2];
    Reply::raw(bytes, End::Close)
}

fn head(status: u16, length: u64) -> String {
    format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n",
        reason(status)
    )
}

/// The credential without its scheme.
fn value<'a>(ask: &'a Ask<'_>) -> &'a str {
    let sent = ask.authorization();
    sent.split_once(' ').map_or(sent, |(_, value)| value)
}
