//! A text as it reads: with the encodings taken off that it may have, in plain characters, each with its place.

use zeroize::Zeroize;

use crate::input::characters::{is_id_byte, is_invisible, plain};

/// How many encodings may lie over each other: a percent-encoded text in a JSON string in a JSON string.
const LAYERS: usize = 3;

/// The text as it stands, and with each encoding taken off that it may have: a value can end where another encoding
/// seems to begin, as in `C:\tkn-1-1`, so all of them are looked at.
pub(crate) fn layers(text: &str) -> Vec<Units> {
    if text.bytes().all(is_id_byte) {
        return Vec::new();
    }
    layers_of(Units::of(text))
}

/// The same of a text that was read already.
pub(crate) fn layers_of(text: Units) -> Vec<Units> {
    let mut layers = vec![text];
    for layer in 0..LAYERS {
        let Some(decoded) = layers[layer].decoded() else { break };
        layers.push(decoded);
    }
    layers
}

/// A character of a text after all its encodings, and where what it was made from stands.
#[derive(Clone, Copy)]
pub(crate) struct Unit {
    pub(crate) c: char,
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

/// A text as it reads: decoded, in plain characters, without invisible ones. It holds secrets, and is wiped.
pub(crate) struct Units(pub(crate) Vec<Unit>);

impl Drop for Units {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|unit| unit.c.zeroize());
    }
}

impl Units {
    pub(crate) fn of(text: &str) -> Units {
        let mut units = Units(Vec::with_capacity(text.len()));
        units.0.extend(text.char_indices().map(|(at, c)| Unit {
            c,
            begin: at,
            end: at + c.len_utf8(),
        }));
        units.make_plain();
        units
    }

    /// The same of bytes. What is not UTF-8 divides texts, like a line break.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Units {
        let mut units = Units(Vec::with_capacity(bytes.len()));
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            let valid = chunk.valid();
            units.0.extend(valid.char_indices().map(|(offset, c)| Unit {
                c,
                begin: at + offset,
                end: at + offset + c.len_utf8(),
            }));
            at += valid.len();
            let end = at + chunk.invalid().len();
            if end > at {
                units.0.push(Unit { c: '\n', begin: at, end });
                at = end;
            }
        }
        units.make_plain();
        units
    }

    fn make_plain(&mut self) {
        self.0.retain_mut(|unit| {
            unit.c = plain(unit.c);
            (unit.c.is_whitespace() || !unit.c.is_control()) && !is_invisible(unit.c)
        });
    }

    /// One layer of encoding less; `None` when there is none.
    fn decoded(&self) -> Option<Units> {
        if !self.0.iter().any(|unit| matches!(unit.c, '%' | '\\' | '&')) {
            return None;
        }
        let mut decoded = Units(Vec::with_capacity(self.0.len()));
        let mut changed = false;
        let mut at = 0;
        while let Some(unit) = self.0.get(at) {
            let read = match unit.c {
                '%' => self.percent(at, &mut decoded.0),
                '\\' => self.escape(at, &mut decoded.0),
                '&' => self.entity(at, &mut decoded.0),
                _ => 0,
            };
            if read == 0 {
                decoded.0.push(*unit);
            }
            changed |= read > 0;
            at += read.max(1);
        }
        decoded.make_plain();
        changed.then_some(decoded)
    }

    pub(crate) fn c(&self, at: usize) -> Option<char> {
        self.0.get(at).map(|unit| unit.c)
    }

    /// The number that `digits` characters from `at` on are, in base 16.
    fn hex(&self, at: usize, digits: usize) -> Option<u32> {
        (at..at + digits).try_fold(0, |number, at| Some(number * 16 + self.c(at)?.to_digit(16)?))
    }

    fn push(&self, decoded: &mut Vec<Unit>, c: char, from: usize, to: usize) {
        decoded.push(Unit { c, begin: self.0[from].begin, end: self.0[to - 1].end });
    }

    /// `%3A`, and more of them where they are the bytes of characters; how many units were read.
    fn percent(&self, at: usize, decoded: &mut Vec<Unit>) -> usize {
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        while self.c(at + 3 * bytes.len()) == Some('%')
            && let Some(byte) = self.hex(at + 3 * bytes.len() + 1, 2)
        {
            bytes.push(u8::try_from(byte).unwrap_or_default());
        }
        let mut from = at;
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                let to = from + 3 * c.len_utf8();
                self.push(decoded, c, from, to);
                from = to;
            }
            if !chunk.invalid().is_empty() {
                let to = from + 3 * chunk.invalid().len();
                self.push(decoded, char::REPLACEMENT_CHARACTER, from, to);
                from = to;
            }
        }
        from - at
    }

    /// `\u003a`, `\x3a`, `\u{3a}`, `\/`; how many units were read.
    fn escape(&self, at: usize, decoded: &mut Vec<Unit>) -> usize {
        let (c, to) = match self.c(at + 1) {
            Some('u' | 'U') if self.c(at + 2) == Some('{') => {
                let digits = (at + 3..at + 9)
                    .take_while(|at| self.c(*at).is_some_and(|c| c.is_ascii_hexdigit()))
                    .count();
                let to = at + 3 + digits;
                if digits == 0 || self.c(to) != Some('}') {
                    return 0;
                }
                (self.hex(at + 3, digits).and_then(char::from_u32), to + 1)
            }
            Some('u' | 'U') => {
                let Some(unit) = self.hex(at + 2, 4) else { return 0 };
                let low = (self.c(at + 6) == Some('\\')
                    && matches!(self.c(at + 7), Some('u' | 'U')))
                .then(|| self.hex(at + 8, 4))
                .flatten()
                .filter(|low| (0xdc00..0xe000).contains(low));
                match low {
                    Some(low) if (0xd800..0xdc00).contains(&unit) => (
                        char::from_u32(0x10000 + (unit - 0xd800) * 0x400 + (low - 0xdc00)),
                        at + 12,
                    ),
                    _ => (char::from_u32(unit), at + 6),
                }
            }
            Some('x' | 'X') => match self.hex(at + 2, 2) {
                Some(byte) => (char::from_u32(byte), at + 4),
                None => return 0,
            },
            Some('n' | 'r') => (Some('\n'), at + 2),
            // A path or a mark before an id is no tab: what follows would not be seen for what it is.
            Some('t') if self.is_id_of_a_token(at + 1) => return 0,
            Some('t') => (Some('\t'), at + 2),
            // The last four as in Java properties, and in Markdown.
            Some(c @ ('/' | '\\' | '"' | '\'' | ':' | '=' | '-' | '_')) => (Some(c), at + 2),
            _ => return 0,
        };
        self.push(decoded, c.unwrap_or(char::REPLACEMENT_CHARACTER), at, to);
        to - at
    }

    /// Returns true if `tkn-` begins here, in any case of letters.
    fn is_id_of_a_token(&self, at: usize) -> bool {
        (at..)
            .zip("tkn-".chars())
            .all(|(at, wanted)| self.c(at).is_some_and(|c| c.eq_ignore_ascii_case(&wanted)))
    }

    /// `&#58;`, `&#x3a;`, `&colon;`; how many units were read.
    fn entity(&self, at: usize, decoded: &mut Vec<Unit>) -> usize {
        let Some(len) = (1..10).find(|len| self.c(at + len) == Some(';')) else { return 0 };
        let name: String = (at + 1..at + len).filter_map(|at| self.c(at)).collect();
        let c = match name.as_str() {
            "colon" => Some(':'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            _ => match name.strip_prefix('#') {
                Some(number) => match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok().and_then(char::from_u32),
                    None => number.parse().ok().and_then(char::from_u32),
                },
                None => None,
            },
        };
        let Some(c) = c else { return 0 };
        self.push(decoded, c, at, at + len + 1);
        len + 1
    }
}
