//! Answers in the form that the contract, or a gateway before it, gives them.

use crate::script::{End, Script, Send};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;

pub(crate) type HttpAnswer = Response<Full<Bytes>>;

/// What becomes of one request.
pub(crate) struct Reply {
    /// How long the answer is held back.
    pub(crate) wait: Duration,
    pub(crate) answer: Answer,
}

pub(crate) enum Answer {
    /// hyper sends it.
    Http(HttpAnswer),
    /// It is played on the bare socket.
    Raw(Script),
}

impl From<HttpAnswer> for Reply {
    fn from(answer: HttpAnswer) -> Self {
        Reply { wait: Duration::ZERO, answer: Answer::Http(answer) }
    }
}

impl From<Script> for Reply {
    fn from(script: Script) -> Self {
        Reply { wait: Duration::ZERO, answer: Answer::Raw(script) }
    }
}

impl Reply {
    pub(crate) fn raw(bytes: impl Into<Bytes>, end: End) -> Self {
        Script { send: Send::Whole(bytes.into()), end }.into()
    }
}

/// One `DELETE` of one token with a known credential, and what the contract says to it.
pub(crate) struct Ask<'a> {
    pub(crate) id: Cow<'a, str>,
    /// The number given with the fault, or its default; none when it has neither.
    pub(crate) number: Option<u64>,
    /// Whether this request deleted the token: 204, else 404.
    pub(crate) deleted: bool,
    pub(crate) headers: &'a HeaderMap,
    /// Where this sandbox listens.
    pub(crate) port: u16,
}

impl Ask<'_> {
    /// What the contract answers.
    pub(crate) fn contract(&self) -> HttpAnswer {
        if self.deleted {
            no_content()
        } else {
            json_body(404, &not_found_problem(&self.id, self.headers))
        }
    }

    /// The body of the contract's answer, where it has one.
    pub(crate) fn contract_body(&self) -> Option<String> {
        (!self.deleted).then(|| not_found_problem(&self.id, self.headers).to_string())
    }

    /// The contract's answer as bytes, with `extra` header lines (each ended by CRLF).
    pub(crate) fn contract_bytes(&self, version: &str, extra: &str) -> Vec<u8> {
        if self.deleted {
            format!("{version} 204 No Content\r\n{extra}\r\n").into_bytes()
        } else {
            let body = not_found_problem(&self.id, self.headers).to_string();
            let length = body.len();
            format!(
                "{version} 404 Not Found\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\n{extra}\r\n{body}"
            )
            .into_bytes()
        }
    }

    /// A problem with `status` and `detail`, as the documentation shows one.
    pub(crate) fn problem(&self, status: u16, detail: &str) -> Value {
        problem(status, detail, self.headers)
    }

    /// The number of a fault that has a default for it.
    pub(crate) fn number(&self) -> u64 {
        self.number.unwrap_or_default()
    }

    /// What the client sent as its credential.
    pub(crate) fn authorization(&self) -> &str {
        self.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(crate) fn no_content() -> HttpAnswer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// An answer with a body of `media_type`; an empty one leaves the header out.
pub(crate) fn with_body(
    status: u16,
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> HttpAnswer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status_code(status);
    if !media_type.is_empty() {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    answer
}

pub(crate) fn json_body(status: u16, body: &Value) -> HttpAnswer {
    with_body(status, "application/json", body.to_string())
}

/// A page such as a gateway before the API gives.
pub(crate) fn html(status: u16) -> HttpAnswer {
    let reason = reason(status);
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{status} {reason}</title></head>\n\
         <body><h1>{status} {reason}</h1><hr>sandbox gateway</body></html>\n"
    );
    with_body(status, "text/html; charset=utf-8", page)
}

pub(crate) fn not_found_problem(id: &str, headers: &HeaderMap) -> Value {
    problem(404, &format!("API token {id} was not found."), headers)
}

pub(crate) fn unauthorized(headers: &HeaderMap) -> HttpAnswer {
    let detail = "The request has no valid credentials.";
    let mut answer = json_body(401, &problem(401, detail, headers));
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

/// 429, saying when to come back where `seconds` are given.
pub(crate) fn too_many_requests(seconds: Option<u64>, headers: &HeaderMap) -> HttpAnswer {
    let mut answer = json_body(429, &problem(429, "Too many requests.", headers));
    if let Some(seconds) = seconds {
        answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    answer
}

pub(crate) fn problem(status: u16, detail: &str, headers: &HeaderMap) -> Value {
    json!({
        "type": reference(status),
        "title": reason(status),
        "status": status,
        "detail": detail,
        "traceId": trace_id(headers),
    })
}

/// The section of the HTTP specification that the API names for a status.
fn reference(status: u16) -> String {
    let section = match status {
        400..=417 => format!("15.5.{}", status - 399),
        500..=505 => format!("15.6.{}", status - 499),
        _ => "15".to_owned(),
    };
    format!("https://tools.ietf.org/html/rfc9110#section-{section}")
}

pub(crate) fn reason(status: u16) -> &'static str {
    status_code(status).canonical_reason().unwrap_or("Unassigned")
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status from 100 to 999")
}

/// The request's `traceparent` where it has the form of one, else a fresh one: the API's `traceId`.
fn trace_id(headers: &HeaderMap) -> String {
    headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .filter(|value| {
            value.len() == 55 && value.bytes().filter(|&byte| byte == b'-').count() == 3
        })
        .map_or_else(
            || format!("00-{:032x}-{:016x}-00", fastrand::u128(1..), fastrand::u64(1..)),
            str::to_owned,
        )
}
