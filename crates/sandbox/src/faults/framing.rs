//! Answers whose end is told in an odd way, or in a doubtful one (RFC 9112, section 6). A client that goes on behind a
//! doubtful end takes what is left there for the answer to its next request.

use super::{Fault, deletes, keeps};
use crate::reply::{Ask, Reply};
use crate::script::{End, Script, Send};

/// What is left: nobody's answer.
const LEFT: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const TIMEOUT: &str =
    "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

pub(super) const FAULTS: &[Fault] = &[
    deletes("http12", "the contract's answer in HTTP/1.2", |ask| {
        Reply::raw(ask.contract_bytes("HTTP/1.2", ""), End::Close)
    }),
    deletes("continuefields", "`100 Continue` with fields before the contract's answer", |ask| {
        let mut bytes = b"HTTP/1.1 100 Continue\r\ndate: now\r\nx-odd: yes\r\n\r\n".to_vec();
        bytes.extend(ask.contract_bytes("HTTP/1.1", ""));
        Reply::raw(bytes, End::KeepOpen)
    }),
    deletes("chunks", "the contract's answer; a body in chunks with extensions, zeros", |ask| {
        body(ask, "transfer-encoding: chunked\r\n", |body| {
            let (first, second) = body.split_at(body.len() / 2);
            let mut bytes = format!("{:0200x};note=\"a, b\"\r\n", first.len()).into_bytes();
            bytes.extend(first);
            bytes.extend(format!("\r\n{:x};more\r\n", second.len()).as_bytes());
            bytes.extend(second);
            bytes.extend(b"\r\n000;last\r\nx-trailer: yes\r\n\r\n");
            bytes
        })
    }),
    deletes("gzip", "the contract's answer; a body in gzip, which was not requested", |ask| {
        let body = ask.contract_body().map(|body| gzip(body.as_bytes()));
        sized(ask, "content-encoding: gzip\r\n", body)
    }),
    deletes("long", "the contract's answer; a body with much white space", |ask| {
        let more = usize::try_from(ask.number()).unwrap_or(usize::MAX).saturating_mul(1024);
        let body = ask.contract_body().map(|body| body.into_bytes());
        sized(ask, "", body.map(|body| [vec![b' '; more.min(64 << 20)], body].concat()))
    })
    .number("KiB", Some(200)),
    keeps("404chunkplus", "404 in chunks, the first of which has the size `+2`", |_| {
        Reply::raw(
            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\n\
             transfer-encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
            End::Close,
        )
    }),
    keeps(
        "leftgzip",
        "403, coded `gzip`, with a length; a 204 is left for the next request",
        |ask| left(ask, "HTTP/1.1", "transfer-encoding: gzip\r\n"),
    ),
    keeps("leftidentity", "403, coded `identity`, with a length; a 204 is left too", |ask| {
        left(ask, "HTTP/1.1", "transfer-encoding: identity\r\n")
    }),
    keeps("left10", "403 in HTTP/1.0, `chunked`, with a length; a 204 is left too", |ask| {
        left(ask, "HTTP/1.0", "connection: keep-alive\r\ntransfer-encoding: chunked\r\n")
    }),
    keeps("leftlengths", "403 with its length twice; a 204 is left too", |ask| {
        let length = ask.problem(403, FORBIDDEN).to_string().len();
        left(ask, "HTTP/1.1", &format!("content-length: {length}\r\n"))
    }),
    deletes("left204", "the contract's answer; a 204 has a length, and a 204 is left too", |ask| {
        if !ask.deleted {
            return ask.contract().into();
        }
        let bytes = ask.contract_bytes("HTTP/1.1", &format!("content-length: {}\r\n", LEFT.len()));
        Reply::raw(bytes, End::AnswerNext(LEFT))
    }),
    deletes("left408", "the contract's answer; the next request gets a 408", |ask| {
        Reply::raw(ask.contract_bytes("HTTP/1.1", ""), End::AnswerNext(TIMEOUT))
    }),
];

const FORBIDDEN: &str = "The sandbox answers 403 to this token's scenario.";

/// A 403 of one doubtful end.
fn left(ask: &Ask<'_>, version: &str, fields: &str) -> Reply {
    let body = ask.problem(403, FORBIDDEN).to_string();
    let bytes = format!(
        "{version} 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         {fields}\r\n{body}",
        body.len()
    );
    Script { send: Send::Whole(bytes.into()), end: End::AnswerNext(LEFT) }.into()
}

/// The contract's answer, with this body where it has one.
fn sized(ask: &Ask<'_>, fields: &str, body: Option<Vec<u8>>) -> Reply {
    let Some(bytes) = body else {
        return ask.contract().into();
    };
    self::body(ask, &format!("content-length: {}\r\n{fields}", bytes.len()), |_| bytes)
}

/// The contract's answer, its body made into these bytes where it has one.
fn body(ask: &Ask<'_>, fields: &str, bytes: impl FnOnce(&[u8]) -> Vec<u8>) -> Reply {
    let Some(body) = ask.contract_body() else {
        return ask.contract().into();
    };
    let head = format!("HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\n{fields}\r\n");
    Reply::raw([head.into_bytes(), bytes(body.as_bytes())].concat(), End::KeepOpen)
}

/// gzip (RFC 1952) of one block that is stored as it is.
fn gzip(plain: &[u8]) -> Vec<u8> {
    let length = u16::try_from(plain.len()).expect("a short text");
    let crc = !plain.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    let parts: [&[u8]; 6] = [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1],
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
        plain,
        &crc.to_le_bytes(),
        &u32::from(length).to_le_bytes(),
    ];
    parts.concat()
}
