//! What may be shown of a text. Two rules, and each text that a message or a log takes from outside follows both:
//!
//! - No secret: of a token value only its id. What a server sent, which may hold any secret that a client has met, goes
//!   through [`Secrets::redact`](super::redact::Secrets::redact) first.
//! - Fit for one line on a terminal: what a terminal could take for an order, or a reader not see, is escaped.

use std::borrow::Cow;
use std::path::Path;

use crate::input::characters::{in_words, is_invisible};
use crate::input::find_values::redact_values;
use crate::input::token_value::shown_value;

/// At most this many characters of a refused id stand in a message.
const MAX_ID: usize = 64;
/// At most this many characters of server text stand in a message.
const MAX_SERVER_TEXT: usize = 300;

/// Returns true if a terminal could take the character for an order, or a reader not see it, or see the text around it
/// as what it is not: control characters (C0, C1), separators of lines, bidirectional controls, and all that has no
/// width.
///
/// ```
/// use mpt_tokens::is_unprintable;
///
/// assert!(is_unprintable('\u{1b}') && is_unprintable('\u{200b}') && is_unprintable('\u{ad}'));
/// assert!(!is_unprintable('\u{fc}'));
/// ```
pub fn is_unprintable(c: char) -> bool {
    c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Returns the text with each character that [`is_unprintable`] written as `\u{…}`.
///
/// ```
/// assert_eq!(mpt_tokens::printable("TKN-1\u{200b}\u{1b}[2J"), r"TKN-1\u{200b}\u{1b}[2J");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    // Nearly every text is ASCII, and quicker to look through as such.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unprintable(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Returns a character in words, for a message about text that was copied: itself, where it is plain to see; else its
/// number, its name if it is one that is often copied along, and whether it is invisible or looks like another one.
///
/// ```
/// assert_eq!(mpt_tokens::character_in_words(','), "`,`");
/// assert_eq!(mpt_tokens::character_in_words('\u{200b}'), "U+200B (zero width space, invisible)");
/// ```
pub fn character_in_words(c: char) -> String {
    in_words(c)
}

/// Returns what may be kept of a refused id: of a token value only its id, and never an endless text. It is not
/// escaped, since it stands in a field of its own, too.
pub(crate) fn refused_id(id: &str) -> String {
    shown_value(id).unwrap_or_else(|| cut(id, MAX_ID).into_owned())
}

/// Returns server text as one line of bounded length. Secrets must have been taken out before.
pub(crate) fn server_text(text: &str) -> String {
    let line: String = cut(text, MAX_SERVER_TEXT)
        .chars()
        .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c })
        .collect();
    printable(&line).into_owned()
}

/// Returns a path, without token values that stand in it.
pub(crate) fn path(path: &Path) -> String {
    printable(&redact_values(&path.display().to_string())).into_owned()
}

/// The first so many characters, and `…` where there are more.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_text_is_one_line_that_a_terminal_obeys_in_nothing() {
        assert_eq!(
            server_text("a\r\nb\tc\u{1b}[2J\u{9b}\u{202e}"),
            r"a  b c\u{1b}[2J\u{9b}\u{202e}"
        );
        let long = server_text(&"ü".repeat(MAX_SERVER_TEXT + 1));
        assert_eq!(long, format!("{}…", "ü".repeat(MAX_SERVER_TEXT)));
        let fits = "ü".repeat(MAX_SERVER_TEXT);
        assert_eq!(server_text(&fits), fits);
    }

    #[test]
    fn a_path_shows_no_secret_and_no_order() {
        let shown = path(Path::new("/\u{202e}/idt:TKN-1671-0642:secret-of-the-token"));
        assert_eq!(shown, r"/\u{202e}/idt:TKN-1671-0642:<redacted>");
    }
}
