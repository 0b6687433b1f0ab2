//! The API token: a secret that is never shown and does not outlive its use.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::input::characters::is_id_byte;
use crate::input::token_value::{REDACTED, value_of, whole_value};

/// A part of a secret that is shorter than this is not looked for: it would blot out ordinary words.
pub(crate) const SHORTEST: usize = 8;
/// A longer value is refused before it is copied again. Servers take far less in a header field, each another length.
const LONGEST: usize = 16 * 1024 * 1024;

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
    /// Checks a token value. Surrounding white space and a leading `Bearer ` are removed.
    ///
    /// # Errors
    /// If nothing is left, if more than 16 MiB are left, or if what is left is not a legal header value (RFC 9110, section 5.5: visible
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
        if value.len() > LONGEST {
            return Err(InvalidApiToken::TooLong);
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
        ApiToken::of_value(value_of(text)?)
    }

    /// A value in its usual form, where it has only characters that values have.
    pub(crate) fn of_value(value: Zeroizing<String>) -> Option<ApiToken> {
        let token = ApiToken::new(value.as_str()).ok()?;
        (token.id.is_some() && token.id.as_deref() == id_in_value(&value)).then_some(token)
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
        ApiToken::from_text(&self.value).unwrap_or_else(|| self.clone())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.value
    }

    /// The parts of the value that must not be shown: all of it, and the secret at its end.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &str> {
        let (value, secret) = (self.expose(), self.secret());
        let part = (secret.len() < value.len() && secret.len() >= SHORTEST).then_some(secret);
        [Some(value), part].into_iter().flatten()
    }

    /// What of the value nobody may know: all of it, or what follows the id.
    pub(crate) fn secret(&self) -> &str {
        &self.value[self.secret..]
    }

    /// Whether a text holds this value, or the secret part of it.
    pub(crate) fn is_inside(&self, text: &str) -> bool {
        let long = |hidden: &&str| hidden.len() >= SHORTEST;
        self.hidden().filter(long).any(|hidden| text.contains(hidden))
    }
}

impl FromStr for ApiToken {
    type Err = InvalidApiToken;

    fn from_str(value: &str) -> Result<ApiToken, InvalidApiToken> {
        ApiToken::new(value)
    }
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
    /// More than 16 MiB.
    TooLong,
    /// A space, a line break or another control character stands inside.
    Character,
    /// A character outside ASCII stands inside.
    NotAscii,
}

impl fmt::Display for InvalidApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidApiToken::Empty => "the API token is empty: set MPT_API_TOKEN or give one",
            InvalidApiToken::TooLong => {
                "the API token is longer than 16 MiB: expected the value of one token"
            }
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
