//! The token id: any text that cannot change the target of a request.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::secret::REDACTED;

/// The longest token id accepted, in bytes of UTF-8.
pub(crate) const MAX_LEN: usize = 256;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The id of an API token, for example `TKN-1671-0642`.
///
/// The contract (OpenAPI parameter `id`) says only "string", so nothing is refused for its shape. Refused is what
/// could reach another resource than that very token: the empty id, `.`, `..` (a server or a proxy would remove
/// them from the path, RFC 3986 section 5.2.4), control characters, and more than 256 bytes; and whatever holds a token
/// value (`idt:…:<secret>`), since a URL is no place for a secret. Everything else travels percent-encoded as ONE path
/// segment.
///
/// ```
/// use mpt_tokens::TokenId;
///
/// assert_eq!(TokenId::new("a/b")?.segment(), "a%2Fb");
/// assert!(TokenId::new("..").is_err());
/// # Ok::<(), mpt_tokens::InvalidTokenId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenId(String);

impl TokenId {
    /// Takes a token id, or says why it cannot be one.
    pub fn new(id: impl Into<String>) -> Result<TokenId, InvalidTokenId> {
        let id = id.into();
        match flaw(&id) {
            None => Ok(TokenId(id)),
            Some(flaw) => Err(InvalidTokenId { shown: shown(&id), flaw }),
        }
    }

    /// The id as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as one path segment, percent-encoded but for the unreserved characters of RFC 3986.
    pub fn segment(&self) -> String {
        utf8_percent_encode(&self.0, SEGMENT).to_string()
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn flaw(id: &str) -> Option<Flaw> {
    match id {
        "" => Some(Flaw::Empty),
        "." | ".." => Some(Flaw::DotSegment),
        _ if value_inside(id).is_some() => Some(Flaw::TokenValue),
        _ if id.len() > MAX_LEN => Some(Flaw::TooLong(id.len())),
        _ if id.chars().any(char::is_control) => Some(Flaw::Control),
        _ => None,
    }
}

/// What may be shown of a refused id: never the secret of a token value, never an endless text.
pub(crate) fn shown(id: &str) -> String {
    match value_inside(id) {
        Some(own) => format!("idt:{}:{REDACTED}", cut(own)),
        None => cut(id),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What stands between the colons where a text holds a token value, with anything around it and in any case of letters.
fn value_inside(text: &str) -> Option<&str> {
    const START: &str = "idt:";
    let begin = text
        .as_bytes()
        .windows(START.len())
        .position(|window| window.eq_ignore_ascii_case(START.as_bytes()))?;
    let (own, secret) = text[begin + START.len()..].split_once(':')?;
    (!secret.is_empty()).then_some(own)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Empty,
    DotSegment,
    TooLong(usize),
    Control,
    TokenValue,
}

/// Why a text cannot be a token id. Its message never holds the secret of a token value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTokenId {
    shown: String,
    flaw: Flaw,
}

impl InvalidTokenId {
    /// The refused id as it may be shown: cut after 64 characters, of a token value only the id.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether it holds a token value.
    pub(crate) fn is_value(&self) -> bool {
        self.flaw == Flaw::TokenValue
    }
}

impl fmt::Display for InvalidTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flaw {
            Flaw::Empty => {
                f.write_str("the token id is empty: expected an id such as `TKN-1671-0642`")
            }
            Flaw::DotSegment => write!(
                f,
                "the token id `{}` would reach another resource: expected an id such as `TKN-1671-0642`",
                self.shown
            ),
            Flaw::TooLong(len) => {
                write!(f, "the token id has {len} bytes: expected at most {MAX_LEN}")
            }
            Flaw::Control => write!(
                f,
                "the token id `{}` has a control character: expected an id such as `TKN-1671-0642`",
                self.shown.escape_debug()
            ),
            Flaw::TokenValue => write!(
                f,
                "`{}` is a token value, not a token id: expected only the part between the colons",
                self.shown.escape_debug()
            ),
        }
    }
}

impl std::error::Error for InvalidTokenId {}
