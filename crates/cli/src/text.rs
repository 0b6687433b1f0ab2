//! Text that is fit for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal could take the character for an order, or show the text as what it is not.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with control characters and bidirectional overrides escaped.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escape(text, |plain, c| plain.extend(c.escape_unicode()))
}

/// One line of JSON with the same characters escaped as JSON does: it says the same to a program.
pub(crate) fn plain_json(json: &str) -> Cow<'_, str> {
    escape(json, |plain, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(plain, "\\u{unit:04x}");
        }
    })
}

fn escape(text: &str, write: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_dangerous(c) { write(&mut plain, c) } else { plain.push(c) }
    }
    Cow::Owned(plain)
}

/// `1 token`, `2 tokens`.
pub(crate) fn tokens(count: u64) -> String {
    if count == 1 { "1 token".to_owned() } else { format!("{count} tokens") }
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
    }
}
