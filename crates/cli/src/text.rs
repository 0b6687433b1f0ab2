//! Text that is safe for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use mpt_tokens::is_unprintable;

/// Escapes what must not reach a terminal, by core's rule.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    mpt_tokens::printable(text)
}

/// Escapes the same characters in a line of JSON as JSON does, so that its meaning stays the same.
pub(crate) fn plain_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_unprintable) {
        return Cow::Borrowed(json);
    }
    let mut plain = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if !is_unprintable(c) {
            plain.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(plain, "\\u{unit:04x}");
        }
    }
    Cow::Owned(plain)
}

/// `1 token`, `2 tokens`.
pub(crate) fn tokens(count: u64) -> String {
    if count == 1 { "1 token".to_owned() } else { format!("{count} tokens") }
}

/// `1 place`, `2 places`.
pub(crate) fn places(count: u64) -> String {
    if count == 1 { "1 place".to_owned() } else { format!("{count} places") }
}

#[cfg(test)]
mod tests {
    use super::{plain, plain_json};

    #[test]
    fn what_a_terminal_could_obey_is_escaped() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{9b}c\u{202e}d\u{7f}"),
            r"a\u{1b}[31mb\u{9b}c\u{202e}d\u{7f}"
        );
        assert_eq!(plain("ünï 🔑"), "ünï 🔑");
        assert_eq!(
            plain_json("{\"a\":\"b\u{9b}\u{7f}\u{202e}\"}"),
            r#"{"a":"b\u009b\u007f\u202e"}"#
        );
        // What nobody sees.
        assert_eq!(plain("a\u{200b}b\u{ad}c\u{2028}"), r"a\u{200b}b\u{ad}c\u{2028}");
        assert_eq!(plain_json("\"\u{e0041}\""), r#""\udb40\udc41""#);
    }
}
