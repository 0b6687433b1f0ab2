//! On which line a byte stands, and which character of it it is.

/// Counts lines and characters of a text that is seen piece by piece.
pub(crate) struct Lines {
    /// Up to where all is counted for good.
    base: Count,
    /// A later place: what is asked for comes mostly in order.
    last: Count,
}

#[derive(Clone, Copy)]
struct Count {
    at: usize,
    line: u64,
    column: u64,
}

impl Lines {
    /// From the first line and character on, which is at `at`.
    pub(crate) fn new(at: usize) -> Lines {
        let start = Count { at, line: 1, column: 1 };
        Lines { base: start, last: start }
    }

    /// The line and the character of a place, counted from 1.
    pub(crate) fn place(&mut self, text: &[u8], at: usize) -> (u64, u64) {
        let from = if at >= self.last.at { self.last } else { self.base };
        self.last = from.go(text, at);
        (self.last.line, self.last.column)
    }

    /// Forgets the first bytes of a text.
    pub(crate) fn shift(&mut self, text: &[u8], bytes: usize) {
        let from = if bytes >= self.last.at { self.last } else { self.base };
        self.base = Count { at: 0, ..from.go(text, bytes) };
        self.last = self.base;
    }
}

impl Count {
    fn go(self, text: &[u8], to: usize) -> Count {
        let part = &text[self.at..to];
        match memchr::memrchr(b'\n', part) {
            None => Count { at: to, column: self.column + chars(part), ..self },
            Some(last) => Count {
                at: to,
                line: self.line + memchr::memchr_iter(b'\n', &part[..=last]).count() as u64,
                column: 1 + chars(&part[last + 1..]),
            },
        }
    }
}

/// The number of characters: all bytes but those that continue one. A line can have gigabytes: eight bytes at a time.
fn chars(part: &[u8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = part.as_chunks::<8>();
    let continued: u32 = words
        .iter()
        .map(|word| {
            let word = u64::from_le_bytes(*word);
            (word >> 7 & !(word >> 6) & ONES).count_ones()
        })
        .sum();
    let more = rest.iter().filter(|byte| **byte & 0xc0 == 0x80).count();
    part.len() as u64 - u64::from(continued) - more as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_characters_are_counted_from_one() {
        let text = "ab\nüñ🔑x\r\n\nlast".as_bytes();
        let mut lines = Lines::new(0);
        let mut at = |word: &str| {
            let at = text.windows(word.len()).position(|part| part == word.as_bytes()).unwrap();
            lines.place(text, at)
        };
        assert_eq!(at("last"), (4, 1));
        assert_eq!(at("ab"), (1, 1));
        assert_eq!(at("x"), (2, 4));
        assert_eq!(at("b"), (1, 2));
        lines.shift(text, 5);
        assert_eq!(lines.place(&text[5..], text.len() - 6), (4, 4));
    }

    #[test]
    fn many_characters_are_counted() {
        let text = "häß🔑".repeat(1000);
        for end in (0..40).map(|n| text.len() - n) {
            let bytes = &text.as_bytes()[..end];
            let expected = bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
            assert_eq!(chars(bytes), expected as u64);
        }
    }
}
