//! Answers that never come, or not whole. A name that begins with `answer` deletes the token first.

use super::{Fault, deletes, keeps};
use crate::reply::Reply;
use crate::script::{End, Script, Send};
use std::time::Duration;

const HALF_STATUS: &str = "HTTP/1.1 20";
const HALF_HEADER: &str = "HTTP/1.1 204 No Content\r\ndate: Tue, 24 Nov";
const GARBAGE: &[u8] = b"\x16\x03\x01\x00\xff\xfenot http at all\r\n\r\n\0\0\0";

pub(super) const FAULTS: &[Fault] = &[
    deletes("answerlost", "the connection closes without a byte", |_| Reply::raw("", End::Close)),
    keeps("requestlost", "the connection closes without a byte", |_| Reply::raw("", End::Close)),
    deletes("answerreset", "the connection is reset without a byte", |_| {
        Reply::raw("", End::Reset)
    }),
    keeps("requestreset", "the connection is reset without a byte", |_| Reply::raw("", End::Reset)),
    deletes("answersilent", "nothing, until the client leaves", |_| Reply::raw("", End::Hold)),
    keeps("requestsilent", "nothing, until the client leaves", |_| Reply::raw("", End::Hold)),
    deletes("answerhalfstatus", "half a status line, then closes", |_| {
        Reply::raw(HALF_STATUS, End::Close)
    }),
    keeps("requesthalfstatus", "half a status line, then closes", |_| {
        Reply::raw(HALF_STATUS, End::Close)
    }),
    deletes("answerhalfheader", "half a header, then closes", |_| {
        Reply::raw(HALF_HEADER, End::Close)
    }),
    deletes("answerstall", "half a header, then nothing until the client leaves", |_| {
        Reply::raw(HALF_HEADER, End::Hold)
    }),
    deletes("answerendless", "a header that never ends", |ask| {
        let pause = Duration::from_millis(ask.number());
        let send = Send::DripForever("HTTP/1.1 204 No Content\r\nx-endless: ".into(), b'x', pause);
        Script { send, end: End::Close }.into()
    })
    .number("milliseconds before each byte", Some(10)),
    deletes("answergarbage", "bytes that are not HTTP, then closes", |_| {
        Reply::raw(GARBAGE, End::Close)
    }),
    keeps("garbage", "bytes that are not HTTP, then closes", |_| Reply::raw(GARBAGE, End::Close)),
];
