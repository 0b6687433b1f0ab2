//! The token id: any text that cannot change the target of a request.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::input::characters::{is_dot_segment, is_id_byte, is_invisible, is_reserved, plain};
use crate::input::shown::{printable, refused_id};
use crate::input::token_value::shown_value;

/// The longest token id accepted, in bytes of UTF-8.
pub(crate) const MAX_LEN: usize = 256;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The id of an API token, for example `TKN-1671-0642`.
///
/// The contract (OpenAPI parameter `id`) says only "string", so nothing is refused for its shape. Refused is what
/// could reach another resource than that very token:
///
/// - the empty id, `.` and `..`, which a server or a proxy would remove from the path (RFC 3986, section 5.2.4);
/// - `/`, `\`, `%` and `;`, which divide or encode a path once a proxy has decoded it, and every character that the
///   Unicode normalization NFKC turns into one of them, or into the dots above;
/// - control characters, and more than 256 bytes;
/// - whatever holds a token value (`idt:TKN-XXXX-XXXX:<secret>`, in any spelling: see
///   [`find_values`](crate::find_values)), since a URL is no place for a secret.
///
/// Everything else travels percent-encoded as ONE path segment, and reaches the server as that very id.
///
/// ```
/// use mpt_tokens::TokenId;
///
/// assert_eq!(TokenId::new("a b")?.segment(), "a%20b");
/// assert!(TokenId::new("..").is_err());
/// assert!(TokenId::new("a/b").is_err());
/// # Ok::<(), mpt_tokens::InvalidTokenId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenId(String);

impl TokenId {
    /// Checks a token id.
    ///
    /// # Errors
    /// If the text cannot be an id. The error says why.
    pub fn new(id: impl Into<String>) -> Result<TokenId, InvalidTokenId> {
        let id = id.into();
        match flaw(&id) {
            None => Ok(TokenId(id)),
            Some(flaw) => Err(InvalidTokenId { shown: refused_id(&id), flaw }),
        }
    }

    /// Returns the id as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the id as one path segment, percent-encoded except for the unreserved characters of RFC 3986.
    pub fn segment(&self) -> String {
        utf8_percent_encode(&self.0, SEGMENT).to_string()
    }

    /// Appends [`TokenId::segment`].
    pub(crate) fn segment_into(&self, text: &mut Vec<u8>) {
        if self.0.bytes().all(is_id_byte) {
            return text.extend_from_slice(self.0.as_bytes());
        }
        for piece in utf8_percent_encode(&self.0, SEGMENT) {
            text.extend_from_slice(piece.as_bytes());
        }
    }

    /// Returns the first byte of a character that deceives whoever reads the id: an invisible one, or one that looks
    /// like a character of ids (a dash, a colon, a fullwidth form, a letter of another script). Such ids were copied
    /// through something that changed them. `None` if there is none.
    ///
    /// ```
    /// use mpt_tokens::TokenId;
    ///
    /// assert_eq!(TokenId::deceptive_at("TKN-1671-0642\u{200b}"), Some(13));
    /// assert_eq!(TokenId::deceptive_at("TKN-1671\u{2011}0642"), Some(8));
    /// assert_eq!(TokenId::deceptive_at("x?y \u{fc}"), None);
    /// ```
    pub fn deceptive_at(text: &str) -> Option<usize> {
        text.char_indices().find(|(_, c)| is_invisible(*c) || plain(*c) != *c).map(|(at, _)| at)
    }

    /// Where a text stops looking like an id as people have them in lists: the first byte of the character that is
    /// not as it should be, or `None` where it looks like one.
    ///
    /// An id looks like ASCII letters, digits, `-`, `_` and `.`, with a letter or a digit at each end; `TKN-` is in
    /// capitals and stands only at its begin. Other ids exist, since the contract says only "string"; but a row of a
    /// table or two ids in a line are more likely, and are no token that the API could know.
    ///
    /// ```
    /// use mpt_tokens::TokenId;
    ///
    /// assert_eq!(TokenId::unusual_at("TKN-1671-0642"), None);
    /// assert_eq!(TokenId::unusual_at("TKN-1671-0642,owner"), Some(13));
    /// ```
    pub fn unusual_at(text: &str) -> Option<usize> {
        const START: &[u8] = b"TKN-";
        let bytes = text.as_bytes();
        let again = bytes.windows(START.len() + 1).skip(1).position(|window| {
            window[..START.len()].eq_ignore_ascii_case(START)
                && window[START.len()].is_ascii_digit()
        });
        let (first, last) = (bytes.first()?, bytes.last()?);
        let small = bytes
            .get(..START.len())
            .filter(|start| start.eq_ignore_ascii_case(START))
            .and_then(|start| start.iter().position(u8::is_ascii_lowercase));
        [
            bytes.iter().position(|byte| !is_id_byte(*byte)),
            again.map(|at| at + 1),
            small,
            (!first.is_ascii_alphanumeric()).then_some(0),
            (!last.is_ascii_alphanumeric()).then_some(bytes.len() - 1),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for TokenId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(id: &str) -> Result<TokenId, InvalidTokenId> {
        TokenId::new(id)
    }
}

fn flaw(id: &str) -> Option<Flaw> {
    if id.is_empty() {
        return Some(Flaw::Empty);
    }
    if is_dot_segment(id) {
        return Some(Flaw::DotSegment);
    }
    let is_ordinary = id.bytes().all(is_id_byte);
    if !is_ordinary && shown_value(id).is_some() {
        return Some(Flaw::TokenValue);
    }
    if id.len() > MAX_LEN {
        return Some(Flaw::TooLong(id.len()));
    }
    if is_ordinary {
        return None;
    }
    let reserved = id.chars().find(|c| is_reserved(*c)).map(Flaw::Reserved);
    if id.chars().any(char::is_control) { Some(Flaw::Control) } else { reserved }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Empty,
    DotSegment,
    TooLong(usize),
    Control,
    Reserved(char),
    TokenValue,
    NotText,
}

/// Why a text cannot be a token id. Its message never holds the secret of a token value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTokenId {
    shown: String,
    flaw: Flaw,
}

impl InvalidTokenId {
    /// Refuses what is not text at all, such as a string of another language with half of a surrogate pair. `shown` is
    /// what to show in its place, with escapes.
    pub fn not_text(shown: impl AsRef<str>) -> InvalidTokenId {
        InvalidTokenId { shown: refused_id(shown.as_ref()), flaw: Flaw::NotText }
    }

    /// Returns the refused id without secrets: cut after 64 characters, of a token value only the id. For a terminal,
    /// see [`printable`](crate::printable).
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns true if the id was refused because it holds a token value.
    pub fn is_token_value(&self) -> bool {
        self.flaw == Flaw::TokenValue
    }
}

impl fmt::Display for InvalidTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = printable(&self.shown);
        match self.flaw {
            Flaw::Empty => {
                f.write_str("the token id is empty: expected an id such as `TKN-1671-0642`")
            }
            Flaw::DotSegment => write!(
                f,
                "the token id `{}` would reach another resource: expected an id such as `TKN-1671-0642`",
                shown
            ),
            Flaw::TooLong(len) => {
                write!(f, "the token id has {len} bytes: expected at most {MAX_LEN}")
            }
            Flaw::Control => write!(
                f,
                "the token id `{}` has a control character: expected an id such as `TKN-1671-0642`",
                shown
            ),
            Flaw::Reserved(c) => write!(
                f,
                "the token id `{}` has {}, which a server or a proxy may take for a part of the path: expected an id \
                 such as `TKN-1671-0642`",
                shown,
                named(c)
            ),
            Flaw::NotText => write!(
                f,
                "the token id `{}` is not text (it has a lone surrogate, or bytes that are not UTF-8): expected an id \
                 such as `TKN-1671-0642`",
                shown
            ),
            Flaw::TokenValue => write!(
                f,
                "`{}` is a token value, not a token id: expected only the id in it",
                shown
            ),
        }
    }
}

/// `/`, and of another character its number, too.
fn named(c: char) -> String {
    if c.is_ascii() { format!("`{c}`") } else { format!("`{c}` (U+{:04X})", u32::from(c)) }
}

impl std::error::Error for InvalidTokenId {}
