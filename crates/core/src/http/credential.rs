//! An API token on its way, and what a server echoes of it, which is masked.

use memchr::memchr_iter;

use crate::http::wiped::Wiped;
use crate::input::api_token::ApiToken;
use crate::input::redact::{MASK, SHORTEST_MASKED};
use std::sync::Arc;

/// The API token of a request.
#[derive(Debug)]
pub(crate) struct Credential {
    token: Arc<ApiToken>,
}

impl Credential {
    pub(crate) fn new(token: ApiToken) -> Credential {
        Credential { token: Arc::new(token) }
    }

    pub(crate) fn token(&self) -> &Arc<ApiToken> {
        &self.token
    }

    /// The length of the value, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.token.expose().len()
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
            while let Some(found) = find(&answer[from..], hidden.as_bytes()) {
                let begin = from + found;
                from = begin + hidden.len();
                answer[begin..from].fill(MASK);
            }
        }
    }
}

/// Where `needle`, which is not empty, stands in `text` first.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr_iter(needle[0], text).find(|at| text[*at..].starts_with(needle))
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
