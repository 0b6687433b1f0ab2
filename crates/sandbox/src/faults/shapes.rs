//! The contract's own answer, 204 or 404, in every form in which HTTP may bring it.

use super::{Effect, Fault, deletes};
use crate::reply::{Ask, Reply};
use crate::script::{End, Script, Send};
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use std::time::Duration;

pub(super) const FAULTS: &[Fault] = &[
    deletes("ok", "204; the next time, 404", |ask| ask.contract().into()),
    Fault {
        effect: Effect::Gone,
        ..deletes("gone", "404: somebody else has just deleted it", |ask| ask.contract().into())
    },
    deletes("slow", "the contract's answer, late; the token is deleted at once", |ask| Reply {
        wait: millis(ask),
        ..ask.contract().into()
    })
    .number("milliseconds", Some(200)),
    deletes("drip", "the contract's answer, byte by byte", |ask| {
        Script {
            send: Send::Drip(ask.contract_bytes("HTTP/1.1", "").into(), millis(ask)),
            end: End::KeepOpen,
        }
        .into()
    })
    .number("milliseconds before each byte", Some(2)),
    deletes("continue", "three `100 Continue` before the contract's answer", |ask| {
        after("HTTP/1.1 100 Continue\r\n\r\n".repeat(3), ask)
    }),
    deletes("earlyhints", "`103 Early Hints` before the contract's answer", |ask| {
        after("HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n".to_owned(), ask)
    }),
    deletes("bigheaders", "the contract's answer with 300 KB of headers", |ask| {
        let mut answer = ask.contract();
        let filler = HeaderValue::from_str(&"x".repeat(1_000)).expect("a header value");
        for n in 0..300 {
            let name = HeaderName::from_bytes(format!("x-filler-{n}").as_bytes());
            answer.headers_mut().insert(name.expect("a header name"), filler.clone());
        }
        answer.into()
    }),
    deletes("http10", "the contract's answer in HTTP/1.0, then closes", |ask| {
        Reply::raw(ask.contract_bytes("HTTP/1.0", ""), End::Close)
    }),
    deletes("close", "the contract's answer with `Connection: close`, then closes", |ask| {
        let mut answer = ask.contract();
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        answer.into()
    }),
    deletes("closequiet", "the contract's answer, then closes without announcing it", |ask| {
        Reply::raw(ask.contract_bytes("HTTP/1.1", ""), End::Close)
    }),
    deletes("stale", "the contract's answer; the connection's next request is lost", |ask| {
        Reply::raw(ask.contract_bytes("HTTP/1.1", ""), End::CloseOnNext)
    }),
    deletes("204body", "the contract's answer; a 204 has a body, against the rules", |ask| {
        let body = "{\"deleted\":true}";
        let mut bytes =
            ask.contract_bytes("HTTP/1.1", &format!("content-length: {}\r\n", body.len()));
        if ask.deleted {
            bytes.extend_from_slice(body.as_bytes());
            Reply::raw(bytes, End::KeepOpen)
        } else {
            ask.contract().into()
        }
    }),
];

fn millis(ask: &Ask<'_>) -> Duration {
    Duration::from_millis(ask.number())
}

/// The contract's answer after some interim ones.
fn after(interim: String, ask: &Ask<'_>) -> Reply {
    let mut bytes = interim.into_bytes();
    bytes.extend(ask.contract_bytes("HTTP/1.1", ""));
    Reply::raw(bytes, End::KeepOpen)
}
