//! What characters become, or are taken for: for ids and values that were copied through something on their way.
//!
//! The tables were made from the Unicode Character Database, version 14.0 (`unicodedata` of Python 3.11): a character
//! that later versions add is not in them.

use std::ops::RangeInclusive;

/// Characters that nobody sees: the property Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and the blank
/// of braille. Control characters are not among them.
const INVISIBLE: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// What the normalization form NFKC (UAX 15) turns into a text with `/`, `\`, `%` or `;` in it, which some servers do
/// to a path; and the slashes that it keeps or makes and that code pages of eight bits turn into those (U+2044,
/// U+2215, U+2216, U+29F5, U+29F8, U+29F9). Made by looking at `normalize('NFKC', c)` of every character.
const RESERVED: &[RangeInclusive<char>] = &[
    '\u{bc}'..='\u{be}',
    '\u{37e}'..='\u{37e}',
    '\u{2044}'..='\u{2044}',
    '\u{2100}'..='\u{2101}',
    '\u{2105}'..='\u{2106}',
    '\u{2150}'..='\u{215f}',
    '\u{2189}'..='\u{2189}',
    '\u{2215}'..='\u{2216}',
    '\u{29f5}'..='\u{29f5}',
    '\u{29f8}'..='\u{29f9}',
    '\u{33a7}'..='\u{33a8}',
    '\u{33ae}'..='\u{33af}',
    '\u{33c6}'..='\u{33c6}',
    '\u{33de}'..='\u{33df}',
    '\u{fe14}'..='\u{fe14}',
    '\u{fe54}'..='\u{fe54}',
    '\u{fe68}'..='\u{fe68}',
    '\u{fe6a}'..='\u{fe6a}',
    '\u{ff05}'..='\u{ff05}',
    '\u{ff0f}'..='\u{ff0f}',
    '\u{ff1b}'..='\u{ff1b}',
    '\u{ff3c}'..='\u{ff3c}',
];

/// How many dots a character is after NFKC: all that become dots alone.
const DOTS: &[(char, usize)] = &[
    ('.', 1),
    ('\u{2024}', 1),
    ('\u{2025}', 2),
    ('\u{2026}', 3),
    ('\u{fe19}', 3),
    ('\u{fe30}', 2),
    ('\u{fe52}', 1),
    ('\u{ff0e}', 1),
];

/// What is taken for a colon: `COLON` in its name (UnicodeData.txt) and looking like one.
const COLONS: &[char] = &[
    '\u{2d0}',
    '\u{2d1}',
    '\u{2f8}',
    '\u{589}',
    '\u{5c3}',
    '\u{703}',
    '\u{704}',
    '\u{705}',
    '\u{706}',
    '\u{707}',
    '\u{708}',
    '\u{709}',
    '\u{903}',
    '\u{a83}',
    '\u{1365}',
    '\u{1366}',
    '\u{16ec}',
    '\u{1803}',
    '\u{1804}',
    '\u{205a}',
    '\u{205d}',
    '\u{2236}',
    '\u{2254}',
    '\u{2255}',
    '\u{2982}',
    '\u{2a74}',
    '\u{2af6}',
    '\u{2e2c}',
    '\u{a4fd}',
    '\u{a6f4}',
    '\u{a789}',
    '\u{fe13}',
    '\u{fe30}',
    '\u{fe55}',
    '\u{ff1a}',
    '\u{10781}',
    '\u{10782}',
    '\u{1da8a}',
];

/// What is taken for `-`: the category Pd (UnicodeData.txt), and signs that look like it.
const DASHES: &[RangeInclusive<char>] = &[
    '\u{2d7}'..='\u{2d7}',
    '\u{58a}'..='\u{58a}',
    '\u{5be}'..='\u{5be}',
    '\u{1400}'..='\u{1400}',
    '\u{1806}'..='\u{1806}',
    '\u{2010}'..='\u{2015}',
    '\u{2043}'..='\u{2043}',
    '\u{2212}'..='\u{2212}',
    '\u{2796}'..='\u{2796}',
    '\u{2e17}'..='\u{2e17}',
    '\u{2e1a}'..='\u{2e1a}',
    '\u{2e3a}'..='\u{2e3b}',
    '\u{2e40}'..='\u{2e40}',
    '\u{2e5d}'..='\u{2e5d}',
    '\u{301c}'..='\u{301c}',
    '\u{3030}'..='\u{3030}',
    '\u{30a0}'..='\u{30a0}',
    '\u{30fc}'..='\u{30fc}',
    '\u{fe31}'..='\u{fe32}',
    '\u{fe58}'..='\u{fe58}',
    '\u{fe63}'..='\u{fe63}',
];

/// Letters that look like those of `TKN` and `idt`: Cyrillic, Greek, and signs.
const LETTERS: &[(char, char)] = &[
    ('\u{422}', 'T'),
    ('\u{442}', 't'),
    ('\u{3a4}', 'T'),
    ('\u{41a}', 'K'),
    ('\u{43a}', 'k'),
    ('\u{39a}', 'K'),
    ('\u{3ba}', 'k'),
    ('\u{212a}', 'K'),
    ('\u{39d}', 'N'),
    ('\u{130}', 'I'),
    ('\u{131}', 'i'),
    ('\u{399}', 'I'),
    ('\u{406}', 'I'),
    ('\u{456}', 'i'),
    ('\u{501}', 'd'),
];

/// The names (UnicodeData.txt) of characters that stand in copied ids: those that text programs and web pages put there.
const NAMES: &[(char, &str)] = &[
    ('\t', "tab"),
    ('\u{a0}', "no-break space"),
    ('\u{ad}', "soft hyphen"),
    ('\u{180e}', "Mongolian vowel separator"),
    ('\u{200b}', "zero width space"),
    ('\u{200c}', "zero width non-joiner"),
    ('\u{200d}', "zero width joiner"),
    ('\u{200e}', "left-to-right mark"),
    ('\u{200f}', "right-to-left mark"),
    ('\u{2010}', "hyphen"),
    ('\u{2011}', "non-breaking hyphen"),
    ('\u{2012}', "figure dash"),
    ('\u{2013}', "en dash"),
    ('\u{2014}', "em dash"),
    ('\u{2018}', "left single quotation mark"),
    ('\u{2019}', "right single quotation mark"),
    ('\u{201c}', "left double quotation mark"),
    ('\u{201d}', "right double quotation mark"),
    ('\u{202a}', "left-to-right embedding"),
    ('\u{202c}', "pop directional formatting"),
    ('\u{202d}', "left-to-right override"),
    ('\u{202e}', "right-to-left override"),
    ('\u{202f}', "narrow no-break space"),
    ('\u{2060}', "word joiner"),
    ('\u{2212}', "minus sign"),
    ('\u{feff}', "byte order mark"),
    ('\u{fffd}', "replacement character"),
];

/// A character in words: itself, where it is plain to see; else its number, its name where that is known here, and what
/// is deceptive about it.
pub(crate) fn in_words(c: char) -> String {
    if c.is_ascii_graphic() || c == ' ' {
        return format!("`{c}`");
    }
    let mut notes = Vec::new();
    if let Some((_, name)) = NAMES.iter().find(|(named, _)| *named == c) {
        notes.push((*name).to_owned());
    }
    if is_invisible(c) {
        notes.push("invisible".to_owned());
    } else if plain(c) != c {
        notes.push(format!("looks like `{}`", plain(c)));
    }
    let number = format!("U+{:04X}", u32::from(c));
    if notes.is_empty() { number } else { format!("{number} ({})", notes.join(", ")) }
}

fn is_in(c: char, table: &[RangeInclusive<char>]) -> bool {
    table.iter().any(|range| range.contains(&c))
}

/// Whether nobody sees the character: zero-width, soft hyphens, variation selectors, bidirectional controls, tags.
/// White space and control characters are not meant.
pub(crate) fn is_invisible(c: char) -> bool {
    !c.is_ascii() && is_in(c, INVISIBLE)
}

/// Whether a server or a proxy may take the character for one that divides or encodes a path.
pub(crate) fn is_reserved(c: char) -> bool {
    matches!(c, '/' | '\\' | '%' | ';') || (!c.is_ascii() && is_in(c, RESERVED))
}

/// Whether a text is a dot segment (RFC 3986, section 5.2.4) once what nobody sees and the white space around it are
/// gone and other dots are dots.
pub(crate) fn is_dot_segment(text: &str) -> bool {
    let mut dots = 0;
    for c in text.trim().chars() {
        match DOTS.iter().find(|(dot, _)| *dot == c) {
            Some((_, count)) => dots += count,
            None if is_invisible(c) || c.is_whitespace() => {}
            None => return false,
        }
    }
    matches!(dots, 1 | 2)
}

/// The ASCII character that a reader takes it for, where that matters for ids and values; else itself.
pub(crate) fn plain(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    if ('\u{ff01}'..='\u{ff5e}').contains(&c) {
        // Fullwidth forms stand in the order of ASCII.
        return char::from_u32(u32::from(c) - 0xff01 + 0x21).unwrap_or(c);
    }
    if COLONS.contains(&c) {
        return ':';
    }
    if is_in(c, DASHES) {
        return '-';
    }
    LETTERS.iter().find(|(other, _)| *other == c).map_or(c, |(_, letter)| *letter)
}

/// Whether an id of the Marketplace could have the character.
pub(crate) const fn is_id_byte(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            table[byte as usize] =
                (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'_' | b'.');
            byte += 1;
        }
        table
    };
    TABLE[byte as usize]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::dot(".")]
    #[case::dots("..")]
    #[case::fullwidth("\u{ff0e}\u{ff0e}")]
    #[case::one_dot_leaders("\u{2024}.")]
    #[case::two_dot_leader("\u{2025}")]
    #[case::vertical("\u{fe30}")]
    #[case::small("\u{fe52}\u{fe52}")]
    #[case::invisible(".\u{200b}.")]
    #[case::marked("\u{feff}..")]
    #[case::spaces(" .. ")]
    fn a_dot_segment(#[case] text: &str) {
        assert!(is_dot_segment(text));
    }

    #[rstest]
    #[case::three("...")]
    #[case::ellipsis("\u{2026}")]
    #[case::more("..a")]
    #[case::empty("")]
    fn no_dot_segment(#[case] text: &str) {
        assert!(!is_dot_segment(text));
    }

    #[rstest]
    #[case::seen(',', "`,`")]
    #[case::zero_width('\u{200b}', "U+200B (zero width space, invisible)")]
    #[case::no_name('\u{2063}', "U+2063 (invisible)")]
    #[case::dash('\u{2013}', "U+2013 (en dash, looks like `-`)")]
    #[case::letter('\u{422}', "U+0422 (looks like `T`)")]
    #[case::control('\u{1b}', "U+001B")]
    #[case::tab('\t', "U+0009 (tab)")]
    #[case::other('\u{fc}', "U+00FC")]
    fn a_character_in_words(#[case] c: char, #[case] words: &str) {
        assert_eq!(in_words(c), words);
    }

    #[test]
    fn tables_are_in_order() {
        assert!(NAMES.windows(2).all(|two| two[0].0 < two[1].0));
        for table in [INVISIBLE, RESERVED, DASHES] {
            assert!(table.windows(2).all(|two| two[0].end() < two[1].start()), "{table:?}");
        }
        assert!(COLONS.windows(2).all(|two| two[0] < two[1]));
    }

    #[test]
    fn what_looks_alike_is_plain() {
        let plain: String =
            "ＴＫＮ－１：\u{a789}\u{2011}\u{422}\u{212a}ü/".chars().map(plain).collect();
        assert_eq!(plain, "TKN-1::-TKü/");
    }
}
