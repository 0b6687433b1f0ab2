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

/// The text without the secret part of a token value in it: a value may have been given where it does not belong.
pub(crate) fn without_values(text: &str) -> Cow<'_, str> {
    const START: &str = "idt:";
    let mut shown = String::new();
    let mut rest = text;
    let end_of = |value: &str| {
        value.find(|c: char| c.is_whitespace() || "'\"`".contains(c)).unwrap_or(value.len())
    };
    while let Some(begin) = find_ignoring_case(rest, START) {
        let value = begin + START.len();
        let end = value + end_of(&rest[value..]);
        match rest[value..end].find(':') {
            Some(colon) => {
                shown.push_str(&rest[..=value + colon]);
                shown.push_str("<redacted>");
            }
            None => shown.push_str(&rest[..end]),
        }
        rest = &rest[end..];
    }
    if shown.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(shown + rest) }
}

fn find_ignoring_case(text: &str, ascii: &str) -> Option<usize> {
    text.as_bytes()
        .windows(ascii.len())
        .position(|window| window.eq_ignore_ascii_case(ascii.as_bytes()))
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
    use super::{plain, plain_json, without_values};

    #[test]
    fn a_value_that_does_not_belong_there_is_not_repeated() {
        let hides = |text: &str| without_values(text).into_owned();
        assert_eq!(
            hides("`idt:TKN-1-1:s3:cr\u{e9}t` and IDT:x:s3cret"),
            "`idt:TKN-1-1:<redacted>` and IDT:x:<redacted>"
        );
        assert_eq!(
            hides("idt:TKN-1-1 is not one, nor is this"),
            "idt:TKN-1-1 is not one, nor is this"
        );
        assert_eq!(hides(""), "");
    }

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
