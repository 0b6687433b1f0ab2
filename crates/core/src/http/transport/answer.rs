//! An answer, read from the bytes of a connection (RFC 9112): its status, the fields that matter, its body, and whether
//! its end is certain. Only behind an end that is certain may another answer begin.
//!
//! What is no HTTP is refused. What is HTTP of a sender that is careless about where an answer ends is believed, since
//! its status is clear, and the connection ends with it: by what a careless sender leaves behind, the next request
//! would be answered.

use std::mem::MaybeUninit;

use memchr::memchr_iter;
use ureq::http::HeaderValue;
use ureq::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName, PROXY_AUTHENTICATE,
    RETRY_AFTER, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};

use crate::http::shown_headers::is_told;
use crate::http::transport::chunks::Chunks;
use crate::http::transport::gzip;
use crate::http::transport::not_http::NotHttp;
use crate::http::wiped::Wiped;

/// The longest head of an answer, with all interim ones before it, in bytes; what is longer is not HTTP as the API
/// speaks it.
pub(crate) const MAX_HEAD: usize = 64 * 1024;
/// More fields than this are not HTTP as the API speaks it either.
const MAX_FIELDS: usize = 128;
/// At most this much of a body is read, in bytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;
/// Up to here every piece that comes is looked at, so that what is no HTTP is known at once; behind it, every line.
const FIRST_LOOK: usize = 256;

/// The fields that are kept.
const KEPT: [HeaderName; 5] =
    [CONTENT_TYPE, DATE, PROXY_AUTHENTICATE, RETRY_AFTER, WWW_AUTHENTICATE];

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    /// Those that matter above: `Content-Type`, `Date`, `Proxy-Authenticate`, `Retry-After`,
    /// `WWW-Authenticate`, and those that are told.
    pub(crate) fields: HeaderMap,
    /// Its first [`MAX_BODY`] bytes, unpacked where they are gzip; nothing with a status whose body says nothing.
    pub(crate) body: Wiped,
    /// It says that the connection ends.
    pub(crate) closes: bool,
    /// Where it ends is certain, and the connection may go on: the next byte begins another answer.
    pub(crate) reusable: bool,
}

/// Whose answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// That of the server.
    Server,
    /// That of a proxy to `CONNECT`: its head is all that counts (RFC 9110, section 9.3.6).
    Proxy,
}

/// How the end of a body is known (RFC 9112, section 6.3).
#[derive(Debug)]
enum Body {
    /// It has none, or none that is read.
    None,
    /// This many bytes are still to come.
    Length(u64),
    Chunks(Chunks),
    /// The connection ends, or this many bytes came.
    UntilClose(Option<u64>),
}

/// Reads one answer after another.
#[derive(Debug)]
pub(super) struct Reader {
    whose: Whose,
    /// What came and was not made anything of yet.
    raw: Wiped,
    /// How many bytes of interim answers came.
    interim: usize,
    /// The answer whose head was read.
    begun: Option<(Received, Body)>,
}

impl Reader {
    pub(super) fn new(whose: Whose) -> Reader {
        Reader { whose, raw: Wiped::default(), interim: 0, begun: None }
    }

    /// The status, once the head was read.
    pub(super) fn status(&self) -> Option<u16> {
        self.begun.as_ref().map(|(received, _)| received.status)
    }

    /// What came behind the answer.
    pub(super) fn rest(&mut self) -> &mut Wiped {
        &mut self.raw
    }

    /// Takes bytes that came; the answer, when they complete it. `mask` makes secrets unreadable.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mask: impl Fn(&mut [u8]),
    ) -> Result<Option<Received>, NotHttp> {
        self.raw.extend(bytes);
        let mut look = self.raw.len() < FIRST_LOOK || bytes.contains(&b'\n');
        while self.begun.is_none() {
            if !look || !self.read_head(&mask)? {
                let too_long = self.interim + self.raw.len() > MAX_HEAD;
                return if too_long { Err(TOO_LONG) } else { Ok(None) };
            }
            look = !self.raw.is_empty();
        }
        self.read_body(&mask)
    }

    /// Hears that the connection ended; the answer, when that completes it.
    pub(super) fn end(&mut self, mask: impl Fn(&mut [u8])) -> Result<Option<Received>, NotHttp> {
        match &self.begun {
            None if self.raw.is_empty() => Ok(None),
            // It may be no HTTP at all.
            None => self.read_head(&mask).map(|_| None),
            // Nothing is missing but what may stand behind the last chunk.
            Some((_, Body::Chunks(chunks))) if chunks.are_complete() => {
                Ok(self.finish(false, &mask))
            }
            Some((_, Body::UntilClose(_))) => Ok(self.finish(false, &mask)),
            Some(_) => Ok(None),
        }
    }

    /// Reads the next head, interim or not; `false` while it is not whole.
    fn read_head(&mut self, mask: &impl Fn(&mut [u8])) -> Result<bool, NotHttp> {
        // HTTP/1.2 is to be understood as HTTP/1.1 (RFC 9110, section 2.5); the parser knows that one.
        let minor = match &self.raw[..] {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'9', ..] => *minor,
            _ => b'1',
        };
        if minor > b'1' {
            self.raw[7] = b'1';
        }
        let parsed = Head::read(&self.raw, mask);
        if minor > b'1' {
            self.raw[7] = minor;
        }
        let Some((length, mut head)) = parsed? else {
            return Ok(false);
        };
        head.careless |= minor > b'1';
        if self.interim + length > MAX_HEAD {
            return Err(TOO_LONG);
        }
        self.raw.remove_front(length);
        if matches!(head.status, 100 | 102..=199) {
            // It never has a body (RFC 9110, section 15.2): what comes may be one all the same, or the answer.
            if head.coding != Coding::None || !matches!(head.length, Length::None | Length::Once(0))
            {
                return Err(NotHttp("an interim answer says that it has a body"));
            }
            self.interim += length;
            return Ok(true);
        }
        let (body, certain) = match self.whose {
            Whose::Proxy => (Body::None, true),
            Whose::Server => head.body(),
        };
        let received = Received {
            status: head.status,
            fields: head.fields,
            body: Wiped::default(),
            closes: head.closes,
            // A 408 ends the connection, whether it says so or not (RFC 9110, section 15.5.9).
            reusable: certain && !head.careless && !head.closes && head.status != 408,
        };
        self.begun = Some((received, body));
        Ok(true)
    }

    fn read_body(&mut self, mask: &impl Fn(&mut [u8])) -> Result<Option<Received>, NotHttp> {
        let Some((received, body)) = &mut self.begun else {
            return Ok(None);
        };
        let room = MAX_BODY - received.body.len();
        let whole = match body {
            Body::None => Some(true),
            Body::Length(left) | Body::UntilClose(Some(left)) => {
                let part = self.raw.len().min(room).min(usize::try_from(*left).unwrap_or(room));
                received.body.extend(&self.raw[..part]);
                self.raw.remove_front(part);
                *left -= part as u64;
                (*left == 0).then_some(true)
            }
            Body::UntilClose(None) => {
                let part = self.raw.len().min(room);
                received.body.extend(&self.raw[..part]);
                self.raw.remove_front(part);
                None
            }
            Body::Chunks(chunks) => {
                let used = chunks.decode(&self.raw, &mut received.body, MAX_BODY)?;
                self.raw.remove_front(used);
                chunks.end()
            }
        };
        match whole {
            Some(certain) => Ok(self.finish(certain, mask)),
            // A longer one ends the connection, which then holds the rest.
            None if received.body.len() >= MAX_BODY => Ok(self.finish(false, mask)),
            None => Ok(None),
        }
    }

    /// The answer is complete; its end may be certain. Bytes behind it are nobody's.
    fn finish(&mut self, certain: bool, mask: &impl Fn(&mut [u8])) -> Option<Received> {
        let (mut received, _) = self.begun.take()?;
        received.reusable &= certain && self.raw.is_empty();
        if let Some(plain) = gzip::decode(&received.body, MAX_BODY) {
            received.body = plain;
        }
        mask(&mut received.body);
        self.interim = 0;
        Some(received)
    }
}

const TOO_LONG: NotHttp = NotHttp("its head is too long");

/// What `Content-Length` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    None,
    Once(u64),
    /// More than once the same, which may be one (RFC 9110, section 8.6).
    Repeated(u64),
}

/// What `Transfer-Encoding` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    None,
    /// `chunked`, and that alone.
    Chunked,
    /// `chunked` among others, or more than once.
    ChunkedToo,
    Other,
}

/// The head of an answer.
struct Head {
    status: u16,
    fields: HeaderMap,
    length: Length,
    coding: Coding,
    closes: bool,
    /// Something in it is not as RFC 9112 wants it, and not wrong enough to make it no HTTP.
    careless: bool,
}

impl Head {
    /// Reads the head at the front of these bytes, and says how long it is; `None` while it is not whole.
    fn read(bytes: &[u8], mask: &impl Fn(&mut [u8])) -> Result<Option<(usize, Head)>, NotHttp> {
        let mut room = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut []);
        let parser = httparse::ParserConfig::default();
        let length = match parser.parse_response_with_uninit_headers(&mut parsed, bytes, &mut room)
        {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(NotHttp(what(error))),
        };
        let status = parsed.code.unwrap_or_default();
        if status < 100 {
            return Err(NotHttp("its status is no number from 100 to 999"));
        }
        let mut head = Head {
            status,
            fields: HeaderMap::new(),
            length: Length::None,
            coding: Coding::None,
            closes: false,
            // In HTTP/1.0 a connection goes on by agreements that proxies do not keep (RFC 9112, section C.2.2).
            careless: parsed.version != Some(1)
                || !bytes.starts_with(b"HTTP/")
                || has_a_bare_line_feed(&bytes[..length]),
        };
        for field in parsed.headers.iter() {
            head.hear(field, mask)?;
        }
        // RFC 9112, section 6.1: the framing is faulty, and chunks are not what HTTP/1.0 has.
        if parsed.version == Some(0) && head.coding != Coding::None {
            head.coding = Coding::Other;
        }
        Ok(Some((length, head)))
    }

    fn hear(
        &mut self,
        field: &httparse::Header<'_>,
        mask: &impl Fn(&mut [u8]),
    ) -> Result<(), NotHttp> {
        let named = |name: &HeaderName| field.name.eq_ignore_ascii_case(name.as_str());
        if named(&CONTENT_LENGTH) {
            for value in field.value.split(|byte| *byte == b',') {
                let length = number(value).ok_or(NotHttp("its `Content-Length` is no number"))?;
                self.length = match self.length {
                    Length::None => Length::Once(length),
                    Length::Once(other) | Length::Repeated(other) if other == length => {
                        Length::Repeated(length)
                    }
                    _ => return Err(NotHttp("it has several `Content-Length` that differ")),
                };
            }
        } else if named(&TRANSFER_ENCODING) {
            for coding in field.value.split(|byte| *byte == b',') {
                let chunked = coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
                self.coding = match (self.coding, chunked) {
                    (Coding::None, true) => Coding::Chunked,
                    (Coding::None | Coding::Other, false) => Coding::Other,
                    _ => Coding::ChunkedToo,
                };
            }
        } else if named(&CONNECTION) {
            self.closes |= field
                .value
                .split(|byte| *byte == b',')
                .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
        } else if let Some(name) = self.kept(field.name) {
            let mut value = Wiped::default();
            value.extend(field.value);
            mask(&mut value);
            // What cannot be a value says nothing.
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                self.fields.append(name, value);
            }
        }
        Ok(())
    }

    /// The name of a field that is kept, for what is decided by it or since it is told.
    fn kept(&self, name: &str) -> Option<HeaderName> {
        match KEPT.iter().find(|kept| name.eq_ignore_ascii_case(kept.as_str())) {
            Some(kept) => Some(kept.clone()),
            None if is_told(name, self.status) => HeaderName::from_bytes(name.as_bytes()).ok(),
            None => None,
        }
    }

    /// How the end of the body is known, and whether that is certain.
    fn body(&self) -> (Body, bool) {
        let no_body =
            self.coding == Coding::None && matches!(self.length, Length::None | Length::Once(0));
        match (self.status, self.coding, self.length) {
            // It never has one, and some have one all the same: RFC 9112, section 6.3, rule 1.
            (204 | 304, ..) => (Body::None, no_body),
            // What is not HTTP any more, or what says nothing.
            (101, ..) => (Body::None, false),
            (200..=399, coding, length) => {
                (Body::None, coding == Coding::None && length == Length::Once(0))
            }
            (_, Coding::None, Length::Once(length)) => (Body::Length(length), true),
            (_, Coding::None, Length::Repeated(length)) => (Body::Length(length), false),
            (_, Coding::None, Length::None) => (Body::UntilClose(None), false),
            // Chunks overrule a length (rule 3).
            (_, Coding::Chunked, length) => {
                (Body::Chunks(Chunks::default()), length == Length::None)
            }
            (_, Coding::ChunkedToo, _) => (Body::Chunks(Chunks::default()), false),
            // The end of the connection is what ends it (rule 4); who sends a length as well keeps it open.
            (_, Coding::Other, Length::Once(length) | Length::Repeated(length)) => {
                (Body::UntilClose(Some(length)), false)
            }
            (_, Coding::Other, Length::None) => (Body::UntilClose(None), false),
        }
    }
}

/// `1*DIGIT` with spaces and tabs around it (RFC 9110, section 8.6).
fn number(value: &[u8]) -> Option<u64> {
    let digits = value.trim_ascii();
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| all)?.parse().ok()
}

/// A line feed without a carriage return ends a line for some and not for others.
fn has_a_bare_line_feed(head: &[u8]) -> bool {
    memchr_iter(b'\n', head).any(|at| at.checked_sub(1).is_none_or(|before| head[before] != b'\r'))
}

fn what(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::TooManyHeaders => "it has too many header fields",
        httparse::Error::HeaderName => "the name of a header field is malformed",
        httparse::Error::HeaderValue => "the value of a header field is malformed",
        httparse::Error::NewLine => "a line does not end as lines do",
        httparse::Error::Status => "its status is malformed",
        httparse::Error::Version => "it does not begin with `HTTP/1.`",
        httparse::Error::Token => "its status line is malformed",
    }
}

#[cfg(test)]
mod tests;
