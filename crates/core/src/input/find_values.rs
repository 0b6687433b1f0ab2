//! Token values in other text: where they stand, and the text without them.

use std::borrow::Cow;
use std::ops::Range;

use crate::input::api_token::ApiToken;
use crate::input::token_value::{Reading, spots};

/// A token value in a text, found by [`find_values`].
#[derive(Clone, Debug)]
pub struct FoundValue {
    token_id: String,
    value: Option<ApiToken>,
    range: Range<usize>,
}

impl FoundValue {
    /// Returns the id of the token, as the Marketplace writes it.
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// Returns the value in its usual form, `idt:TKN-XXXX-XXXX:<secret>`. Returns `None` if it is unclear where the
    /// value ends, if it has characters that no value has, or if something stands in the place of the secret: fewer
    /// than eight characters, one or two characters that repeat, `...` at the end.
    pub fn value(&self) -> Option<&ApiToken> {
        self.value.as_ref()
    }

    /// Returns its position: a range of bytes in the text.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

/// Returns the token values in a text, in order.
///
/// A value is `TKN-<digits>-<digits>` (or more groups of digits) followed by a colon and at least eight characters; or
/// `idt:`, an id, a colon and anything. It is found in upper and lower case, percent-encoded (even twice), escaped as
/// in JSON or HTML, with look-alike characters, and with invisible characters in between.
///
/// ```
/// let found = mpt_tokens::find_values("url=https://h.example/?t=idt%3ATKN-1671-0642%3As3cret-s3cret&x=1");
/// assert_eq!(found[0].token_id(), "TKN-1671-0642");
/// assert!(mpt_tokens::find_values("TKN-1671-0642: deleted").is_empty());
/// ```
pub fn find_values(text: &str) -> Vec<FoundValue> {
    spots(text, Reading::Text)
        .into_iter()
        .map(|(units, spot)| FoundValue {
            token_id: units.token_id(&spot),
            value: units.is_whole(&spot).then(|| units.value(&spot)).and_then(ApiToken::of_value),
            range: units.range(&spot),
        })
        .collect()
}

/// Returns the text with `<redacted>` in place of the secret of each token value. This includes values with spaces
/// around their colons, and values that continue on the next line.
pub fn redact_values(text: &str) -> Cow<'_, str> {
    let (mut shown, mut kept) = (String::new(), 0);
    for (units, spot) in spots(text, Reading::Careful) {
        let range = units.range(&spot);
        shown.push_str(&text[kept..range.start]);
        shown.push_str(&units.shown(&spot));
        kept = range.end;
    }
    if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(shown + &text[kept..]) }
}
