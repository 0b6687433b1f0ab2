//! JSON as it leaves this library: one text, one line, for every reader.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Appends `value` as JSON, without an end of line.
pub(crate) fn write(buffer: &mut Vec<u8>, value: &impl Serialize) {
    let mut serializer = Serializer::with_formatter(buffer, OneLine(CompactFormatter));
    value
        .serialize(&mut serializer)
        .unwrap_or_else(|error| unreachable!("what is written is plain data: {error}"));
}

/// `value` as one line of JSON, without its end.
pub(crate) fn line(value: &impl Serialize) -> String {
    let mut buffer = Vec::with_capacity(256);
    write(&mut buffer, value);
    String::from_utf8(buffer).unwrap_or_else(|_| unreachable!("JSON is UTF-8"))
}

/// Compact, and free of what some readers take for the end of a line although JSON lets it stand in a string: NEL
/// (U+0085), the line separator (U+2028) and the paragraph separator (U+2029). What JSON itself demands to be escaped,
/// the line feed among it, is done by the serializer.
struct OneLine(CompactFormatter);

impl Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['\u{85}', '\u{2028}', '\u{2029}']) {
            let (before, after) = rest.split_at(at);
            self.0.write_string_fragment(writer, before)?;
            let mut chars = after.chars();
            if let Some(ends_a_line) = chars.next() {
                write!(writer, "\\u{:04x}", u32::from(ends_a_line))?;
            }
            rest = chars.as_str();
        }
        self.0.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::line;

    #[test]
    fn what_some_readers_take_for_the_end_of_a_line_is_escaped() {
        let text = "a\u{85}b\u{2028}c\u{2029}d\n\r\u{b}\u{c}ü🔑";
        assert_eq!(line(&text), r#""a\u0085b\u2028c\u2029d\n\r\u000b\fü🔑""#);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// One line by the rules of Unicode (UAX 14: LF, VT, FF, CR, NEL, LS, PS), and it says the same.
        #[test]
        fn any_text_is_one_line_and_comes_back(text: String, end in "[\u{a}-\u{d}\u{85}\u{2028}\u{2029}]{1,3}") {
            let text = format!("{text}{end}{text}");
            let json = line(&[&text]);
            let ends = ['\n', '\u{b}', '\u{c}', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
            let one_line = !json.contains(ends);
            prop_assert!(one_line);
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), vec![text]);
        }
    }
}
