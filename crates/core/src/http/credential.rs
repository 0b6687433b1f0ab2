//! An API token on its way: the value is put in the place of a stand-in at the last moment, so that nothing above,
//! which logs and copies what it likes, ever holds it.

use ureq::http::HeaderValue;

use crate::http::wiped::Wiped;
use crate::input::api_token::ApiToken;
use crate::input::redact::{MASK, SHORTEST_MASKED};
use std::sync::Arc;

/// The header that carries the credential, as ureq writes it. No other header line can begin so.
const HEADER_START: &[u8] = b"\r\nauthorization: Bearer ";

/// An API token, and what the `Authorization` header says until the last moment: as long as what it stands for.
#[derive(Debug)]
pub(crate) struct Credential {
    token: Arc<ApiToken>,
    stand_in: HeaderValue,
}

impl Credential {
    pub(crate) fn new(token: ApiToken) -> Credential {
        let masked = char::from(MASK).to_string().repeat(token.expose().len());
        let mut stand_in = HeaderValue::try_from(format!("Bearer {masked}"))
            .unwrap_or_else(|_| unreachable!("a stand-in is visible ASCII"));
        stand_in.set_sensitive(true);
        Credential { token: Arc::new(token), stand_in }
    }

    pub(crate) fn token(&self) -> &Arc<ApiToken> {
        &self.token
    }

    pub(crate) fn stand_in(&self) -> &HeaderValue {
        &self.stand_in
    }

    /// The length of the value, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.token.expose().len()
    }

    /// Puts the value where its stand-in is in the head of a request; `false` where that is not found whole.
    pub(crate) fn put_into(&self, request: &mut [u8]) -> bool {
        let found = request.windows(HEADER_START.len()).position(|window| window == HEADER_START);
        let Some(begin) = found else {
            return false;
        };
        match request[begin + HEADER_START.len()..].get_mut(..self.len()) {
            Some(room) if room.iter().all(|byte| *byte == MASK) => {
                room.copy_from_slice(self.token.expose().as_bytes());
                true
            }
            _ => false,
        }
    }

    /// The same in bytes that come in pieces: `before` is the end of what came, and is kept so.
    pub(crate) fn mask_behind(&self, before: &mut Wiped, bytes: &mut [u8]) {
        let begin = before.len();
        before.extend(bytes);
        self.mask(before);
        bytes.copy_from_slice(&before[begin..]);
        let kept = before.len().min(self.len().saturating_sub(1));
        before.remove_front(before.len() - kept);
    }

    /// Makes an echo of the value unreadable in a body, escaped as JSON or URLs have it, too: who parses that body
    /// would have it in plain.
    pub(crate) fn mask_body(&self, body: &mut Wiped) {
        for hidden in self.token.hidden().filter(|hidden| hidden.len() >= SHORTEST_MASKED) {
            let (mut from, mut to) = (0, 0);
            while from < body.len() {
                // What is escaped is never shorter, so nothing is written over that was not read.
                if let Some(length) = spelled(&body[from..], hidden.as_bytes()) {
                    body[to..to + hidden.len()].fill(MASK);
                    (from, to) = (from + length, to + hidden.len());
                } else {
                    body[to] = body[from];
                    (from, to) = (from + 1, to + 1);
                }
            }
            body.truncate(to);
        }
    }

    /// Makes an echo of the value unreadable, without changing any length.
    pub(crate) fn mask(&self, answer: &mut [u8]) {
        for hidden in self.token.hidden().filter(|hidden| hidden.len() >= SHORTEST_MASKED) {
            let mut from = 0;
            while let Some(found) =
                answer[from..].windows(hidden.len()).position(|window| window == hidden.as_bytes())
            {
                let begin = from + found;
                from = begin + hidden.len();
                answer[begin..from].fill(MASK);
            }
        }
    }
}

/// How many bytes at the front of `text` are `needle`, each of its characters escaped or not. A `%25` where a `%` is
/// wanted is that `%` escaped, or not escaped with a `25` behind it: throughout the one or the other.
fn spelled(text: &[u8], needle: &[u8]) -> Option<usize> {
    let read = |percent_escaped: bool| {
        let mut at = 0;
        for wanted in needle {
            let escaped = unescaped(&text[at..])
                .filter(|(byte, _)| byte == wanted && (percent_escaped || *byte != b'%'));
            at += match escaped {
                Some((_, length)) => length,
                None if text.get(at) == Some(wanted) => 1,
                None => return None,
            };
        }
        Some(at)
    };
    read(true).or_else(|| read(false))
}

/// What stands escaped at the front, and in how many bytes: `\u0041`, `\/`, `%41`.
fn unescaped(text: &[u8]) -> Option<(u8, usize)> {
    let hex = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u8::from_str_radix(digits, 16).ok().filter(|_| all)
    };
    match text {
        [b'\\', b'u', b'0', b'0', high, low, ..] => Some((hex(&[*high, *low])?, 6)),
        [b'\\', same @ (b'/' | b'\\' | b'"'), ..] => Some((*same, 2)),
        [b'%', high, low, ..] => Some((hex(&[*high, *low])?, 3)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn escaped(text: &str, how: fn(u8) -> String) -> String {
        text.bytes().map(how).collect()
    }

    #[rstest]
    #[case::literal(|byte| char::from(byte).to_string())]
    #[case::json(|byte| format!("\\u{byte:04x}"))]
    #[case::json_in_capitals(|byte| format!("\\u{byte:04X}"))]
    #[case::percent(|byte| format!("%{byte:02x}"))]
    #[case::slashes(|byte| char::from(byte).to_string().replace('/', "\\/"))]
    #[case::mixed(|byte| if byte % 2 == 0 { format!("%{byte:02X}") } else { char::from(byte).to_string() })]
    fn every_spelling_in_a_body(#[case] how: fn(u8) -> String) {
        const VALUE: &str = "idt:TKN-1-1:s3cret/s3cret%25+s3cret";
        let credential = Credential::new(ApiToken::new(VALUE).unwrap());
        let mut body = Wiped::default();
        let text = format!("{{\"a\":\"{0}\",\"b\":\"x{0}{0}\"}}", escaped(VALUE, how));
        body.extend(text.as_bytes());
        credential.mask_body(&mut body);
        let stars = "*".repeat(VALUE.len());
        let expected = format!("{{\"a\":\"{stars}\",\"b\":\"x{stars}{stars}\"}}");
        assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
    }

    #[test]
    fn what_is_no_echo_stays() {
        let credential = Credential::new(ApiToken::new("a-value-of-some-length").unwrap());
        for text in ["a-value-of-some-lengt", "%61-value-of-some-lengt%", "\\u0061", "%", "\\", ""]
        {
            let mut body = Wiped::default();
            body.extend(text.as_bytes());
            credential.mask_body(&mut body);
            assert_eq!(&*body, text.as_bytes());
        }
    }
}
