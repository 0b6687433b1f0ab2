//! The API token: a secret that is never shown and does not outlive its use.

use std::fmt;

use zeroize::Zeroizing;

use crate::credential::{MASK, SHORTEST_MASKED};
use crate::value::{is_id_byte, value_of, whole_value};

/// What stands in place of a secret wherever one could be shown.
pub(crate) const REDACTED: &str = "<redacted>";

/// A part of a value that is shorter than this is not looked for in server text: it would blot out ordinary words.
const SHORTEST_SECRET: usize = 8;

/// The value of an API token, sent as `Authorization: Bearer <value>`.
///
/// Zeroized on drop; `Debug` shows `<redacted>`; there is no `Display`.
///
/// ```
/// use mpt_tokens::ApiToken;
///
/// let token = ApiToken::new("Bearer idt:TKN-1671-0642:s3cret-s3cret")?;
/// assert_eq!(token.token_id(), Some("TKN-1671-0642"));
/// assert_eq!(format!("{token:?}"), "ApiToken(<redacted>)");
/// # Ok::<(), mpt_tokens::InvalidApiToken>(())
/// ```
#[derive(Clone)]
pub struct ApiToken {
    value: Zeroizing<String>,
    /// The id that the value names.
    id: Option<String>,
    /// Where the secret begins in the value.
    secret: usize,
}

impl ApiToken {
    /// Takes a token value. White space around it and a pasted `Bearer ` before it are dropped.
    ///
    /// # Errors
    /// When nothing is left, or when what is left is not a legal header value (RFC 9110, section 5.5: visible
    /// ASCII; a bearer token has no spaces, RFC 6750 section 2.1). The error never holds the value.
    pub fn new(value: impl Into<String>) -> Result<ApiToken, InvalidApiToken> {
        let given = Zeroizing::new(value.into());
        let mut value = given.trim();
        if let Some((scheme, rest)) = value.split_once(char::is_whitespace)
            && scheme.eq_ignore_ascii_case("bearer")
        {
            value = rest.trim_start();
        }
        if value.is_empty() || value.eq_ignore_ascii_case("bearer") {
            return Err(InvalidApiToken::Empty);
        }
        match value.chars().find(|c| !c.is_ascii_graphic()) {
            Some(c) if c.is_ascii() => Err(InvalidApiToken::Character),
            Some(_) => Err(InvalidApiToken::NotAscii),
            None => {
                let named = id_in_value(value)
                    .map(|id| (id.to_owned(), "idt:".len() + id.len() + 1))
                    .or_else(|| whole_value(value));
                let (id, secret) = named.map_or((None, 0), |(id, secret)| (Some(id), secret));
                Ok(ApiToken { value: Zeroizing::new(value.to_owned()), id, secret })
            }
        }
    }

    /// The value that a text is, whatever was done to it on its way: percent-encoded, escaped as in JSON, without
    /// `idt:`, in quotes, with characters that look like its own or that nobody sees. It is in its usual form then,
    /// `idt:TKN-XXXX-XXXX:<secret>`. `None` where the text is anything else, or has more in it.
    ///
    /// ```
    /// use mpt_tokens::ApiToken;
    ///
    /// let token = ApiToken::from_text("TKN-1671-0642%3As3cret-s3cret").unwrap();
    /// assert_eq!(token.token_id(), Some("TKN-1671-0642"));
    /// assert!(ApiToken::from_text("TKN-1671-0642").is_none());
    /// ```
    pub fn from_text(text: &str) -> Option<ApiToken> {
        value_of(text)
    }

    /// The id of this very token, where the value has the form `idt:TKN-XXXX-XXXX:<secret>`, or one that is met
    /// instead: without `idt:`, percent-encoded, escaped as in JSON.
    pub fn token_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// This value as the API knows it: in its usual form, where it names an id in another.
    pub(crate) fn in_usual_form(&self) -> ApiToken {
        if self.id.is_none() || id_in_value(&self.value).is_some() {
            return self.clone();
        }
        value_of(&self.value).unwrap_or_else(|| self.clone())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.value
    }

    /// The parts of the value that must not be shown: all of it, and the secret at its end.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &str> {
        let (value, secret) = (self.expose(), self.secret());
        let part =
            (secret.len() < value.len() && secret.len() >= SHORTEST_SECRET).then_some(secret);
        [Some(value), part].into_iter().flatten()
    }

    /// What of the value nobody may know: all of it, or what follows the id.
    fn secret(&self) -> &str {
        &self.value[self.secret..]
    }

    /// Whether a text holds this value, or the secret part of it.
    pub(crate) fn is_inside(&self, text: &str) -> bool {
        let long = |hidden: &&str| hidden.len() >= SHORTEST_SECRET;
        self.hidden().filter(long).any(|hidden| text.contains(hidden))
    }

    /// `text` without this value, and without the secret part of it, be they percent-encoded or not; and without a part
    /// of the secret that was cut off.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for hidden in self.hidden() {
            let mask = String::from_utf8_lossy(&vec![MASK; hidden.len()]).into_owned();
            if hidden.len() >= SHORTEST_MASKED {
                clean = clean.replace(&mask, REDACTED);
            }
            let mut done = 0;
            while let Some((begin, end)) = find_encoded(&clean[done..], hidden) {
                clean.replace_range(done + begin..done + end, REDACTED);
                done += begin + REDACTED.len();
            }
        }
        without_parts(&clean, self.secret().as_bytes())
    }
}

/// `text` without what it has of a secret, which is ASCII, where that is long enough to be no accident.
fn without_parts(text: &str, secret: &[u8]) -> String {
    let bytes = text.as_bytes();
    let (mut clean, mut kept, mut at) = (String::new(), 0, 0);
    while let Some(front) = bytes.get(at..at + SHORTEST_SECRET) {
        let Some(place) = secret.windows(SHORTEST_SECRET).position(|part| part == front) else {
            at += 1;
            continue;
        };
        let same = bytes[at..].iter().zip(&secret[place..]).take_while(|(one, other)| one == other);
        let end = at + same.count();
        clean.push_str(&text[kept..at]);
        clean.push_str(REDACTED);
        (kept, at) = (end, end);
    }
    clean + &text[kept..]
}

/// Where `needle`, which is ASCII, stands in `text` first, each of its characters percent-encoded or not.
fn find_encoded(text: &str, needle: &str) -> Option<(usize, usize)> {
    let text = text.as_bytes();
    (0..text.len()).find_map(|begin| Some((begin, begin + matched(&text[begin..], needle)?)))
}

/// How many bytes at the front of `text` are `needle`, each of its characters percent-encoded or not.
fn matched(text: &[u8], needle: &str) -> Option<usize> {
    let mut at = 0;
    for (position, wanted) in needle.bytes().enumerate() {
        let rest = &text[at..];
        let literal = rest.first() == Some(&wanted);
        let encoded = decoded(rest) == Some(wanted);
        at += match (literal, encoded) {
            // A `%` that may be itself, or the begin of its own encoding.
            (true, true) => match matched(&rest[1..], &needle[position + 1..]) {
                Some(more) => return Some(at + 1 + more),
                None => 3,
            },
            (true, false) => 1,
            (false, true) => 3,
            (false, false) => return None,
        };
    }
    Some(at)
}

/// The byte that `%xx` at the front of `text` stands for.
fn decoded(text: &[u8]) -> Option<u8> {
    let &[b'%', high, low, ..] = text else {
        return None;
    };
    let digit = |c: u8| char::from(c).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiToken({REDACTED})")
    }
}

/// The token id inside a token value of the form `idt:TKN-XXXX-XXXX:<secret>`, to the letter.
pub(crate) fn id_in_value(value: &str) -> Option<&str> {
    let (id, secret) = value.strip_prefix("idt:")?.split_once(':')?;
    let rest = id.strip_prefix("TKN-")?;
    let is_id = !rest.is_empty() && rest.bytes().all(|byte| is_id_byte(byte) || byte == b'~');
    (is_id && !secret.is_empty()).then_some(id)
}

/// Why a text cannot be an API token. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidApiToken {
    /// Nothing is left after white space and a leading `Bearer` were dropped.
    Empty,
    /// A space, a line break or another control character stands inside.
    Character,
    /// A character outside ASCII stands inside.
    NotAscii,
}

impl fmt::Display for InvalidApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidApiToken::Empty => "the API token is empty: set MPT_API_TOKEN or give one",
            InvalidApiToken::Character => {
                "the API token has a space or a control character inside: expected one line of visible ASCII"
            }
            InvalidApiToken::NotAscii => {
                "the API token has a character outside ASCII: expected one line of visible ASCII"
            }
        })
    }
}

impl std::error::Error for InvalidApiToken {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A text in which each character may be percent-encoded, in either case.
    fn encoded(text: String) -> impl Strategy<Value = String> {
        let length = text.len();
        prop::collection::vec(0..3_u8, length).prop_map(move |ways| {
            let write = |(c, way): (char, u8)| match way {
                0 => c.to_string(),
                1 => format!("%{:02x}", u32::from(c)),
                _ => format!("%{:02X}", u32::from(c)),
            };
            text.chars().zip(ways).map(write).collect()
        })
    }

    /// A token value, and itself or its secret part as a server may write it.
    fn echoes() -> impl Strategy<Value = (ApiToken, String, String)> {
        ("TKN-[0-9]{4}-[0-9]{4}", "[!-9;-~]{8,40}").prop_flat_map(|(id, secret)| {
            let value = format!("idt:{id}:{secret}");
            let token = ApiToken::new(value.clone()).unwrap();
            (Just(token), prop_oneof![encoded(value), encoded(secret.clone())], Just(secret))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn an_echo_is_taken_out((token, echo, secret) in echoes(), before in "[^%]{0,20}", after in any::<String>()) {
            let clean = token.redact(&format!("{before}{echo}{after}{echo}"));
            prop_assert!(!clean.contains(&echo), "{clean}");
            prop_assert!(!clean.contains(&secret), "{clean}");
            prop_assert!(clean.contains(REDACTED));
        }

        #[test]
        fn a_part_that_was_cut_off_is_taken_out(
            (token, _, secret) in echoes(),
            cut in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            before in "[ -~ü]{0,20}",
        ) {
            let (one, other) = (cut.0.index(secret.len() + 1), cut.1.index(secret.len() + 1));
            let part = &secret[one.min(other)..one.max(other)];
            prop_assume!(part.len() >= SHORTEST_SECRET);
            let clean = token.redact(&format!("{before} {part}… and more"));
            prop_assert!(!clean.contains(part), "{clean}");
            prop_assert!(clean.contains(REDACTED) && clean.ends_with("… and more"), "{clean}");
        }

        #[test]
        fn other_text_stays(text in "[a-z %:0-9]{0,100}") {
            let token = ApiToken::new("idt:TKN-1671-0642:SECRET-SECRET").unwrap();
            prop_assert_eq!(token.redact(&text), text);
        }
    }
}
