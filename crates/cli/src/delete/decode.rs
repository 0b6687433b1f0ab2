//! The text in the bytes of a list: unpacked, and in UTF-8.
//!
//! UTF-8 and UTF-16 are told apart by the mark that begins the text, gzip by its header. Nothing else is guessed.

use std::io::{self, BufRead, Read};

use zeroize::Zeroizing;

use crate::delete::gunzip::Gunzip;

/// How much is decoded at once.
const BLOCK: usize = 8 * 1024;

/// What other files begin with that people take for lists, and what to do about it.
const OTHERS: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "it is a zip archive, as spreadsheets are: save the list as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "it is an old spreadsheet or document: save the list as CSV"),
    (b"%PDF", "it is a PDF: give the list as text"),
    (b"BZh", "it is packed by bzip2: unpack it first"),
    (b"\xfd7zXZ", "it is packed by xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is packed by zstd: unpack it first"),
    (b"\xff\xfe\0\0", "it is UTF-32: save it as UTF-8"),
    (b"\0\0\xfe\xff", "it is UTF-32: save it as UTF-8"),
];

/// The longest of these beginnings.
const START: usize = 5;

/// A list as text. Its buffers are wiped.
pub(crate) struct Text<R> {
    input: Input<R>,
    encoding: Encoding,
    /// What could not be decoded yet: a half of a character.
    half: Zeroizing<Vec<u8>>,
    decoded: Zeroizing<Vec<u8>>,
    used: usize,
}

enum Input<R> {
    Plain(Start<R>),
    Gzip(Box<Start<Gunzip<Start<R>>>>),
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
}

/// A reader whose first bytes were looked at.
struct Start<R> {
    bytes: Zeroizing<Vec<u8>>,
    used: usize,
    rest: R,
}

impl<R: Read> Start<R> {
    fn new(mut rest: R) -> io::Result<Start<R>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(START));
        rest.by_ref().take(START as u64).read_to_end(&mut bytes)?;
        Ok(Start { bytes, used: 0, rest })
    }

    fn begins_with(&self, start: &[u8]) -> bool {
        self.bytes.starts_with(start)
    }
}

impl<R: Read> Read for Start<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.used == self.bytes.len() {
            return self.rest.read(buffer);
        }
        let len = (&self.bytes[self.used..]).read(buffer)?;
        self.used += len;
        Ok(len)
    }
}

impl<R: Read> Text<R> {
    /// Looks at how it begins.
    pub(crate) fn new(input: R) -> io::Result<Text<R>> {
        let start = Start::new(input)?;
        if start.begins_with(&[0x1f, 0x8b]) {
            let start = Start::new(Gunzip::new(start))?;
            return Text::of(Start::encoding(&start)?, Input::Gzip(Box::new(start)));
        }
        Text::of(start.encoding()?, Input::Plain(start))
    }

    fn of((encoding, mark): (Encoding, usize), mut input: Input<R>) -> io::Result<Text<R>> {
        match &mut input {
            Input::Plain(start) => start.used = mark,
            Input::Gzip(start) => start.used = mark,
        }
        let empty = || Zeroizing::new(Vec::new());
        Ok(Text { input, encoding, half: empty(), decoded: empty(), used: 0 })
    }

    /// What comes next, at least so many bytes; fewer only at the end.
    pub(crate) fn look(&mut self, least: usize) -> io::Result<&[u8]> {
        while self.decoded.len() - self.used < least && self.decode_more()? {}
        Ok(&self.decoded[self.used..])
    }

    /// Decodes some more; gives whether there was any.
    fn decode_more(&mut self) -> io::Result<bool> {
        let mut bytes = Zeroizing::new(vec![0; BLOCK]);
        let len = match &mut self.input {
            Input::Plain(start) => start.read(&mut bytes)?,
            Input::Gzip(start) => start.read(&mut bytes)?,
        };
        match self.encoding {
            Encoding::Utf8 => append(&mut self.decoded, &bytes[..len]),
            Encoding::Utf16(unit) => self.decode(&bytes[..len], unit),
        }
        Ok(len > 0)
    }

    fn decode(&mut self, bytes: &[u8], unit: fn([u8; 2]) -> u16) {
        let is_end = bytes.is_empty();
        append(&mut self.half, bytes);
        let units: Zeroizing<Vec<u16>> = Zeroizing::new(
            self.half.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect(),
        );
        // The first half of a pair waits for the second.
        let is_half = |unit: &u16| (0xd800..0xdc00).contains(unit);
        let ready = units.len() - usize::from(!is_end && units.last().is_some_and(is_half));
        let mut text = Zeroizing::new(String::with_capacity(3 * ready + 3));
        text.extend(
            char::decode_utf16(units[..ready].iter().copied())
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)),
        );
        let mut used = 2 * ready;
        if is_end && used < self.half.len() {
            text.push(char::REPLACEMENT_CHARACTER);
            used = self.half.len();
        }
        append(&mut self.decoded, text.as_bytes());
        self.half = Zeroizing::new(self.half[used..].to_vec());
    }
}

impl<R: Read> Start<R> {
    /// How its text is written, and how many bytes say so.
    fn encoding(&self) -> io::Result<(Encoding, usize)> {
        if let Some((_, what)) = OTHERS.iter().find(|(start, _)| self.begins_with(start)) {
            return Err(io::Error::other(*what));
        }
        Ok(match self.bytes[..] {
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            [0xff, 0xfe, ..] => (Encoding::Utf16(u16::from_le_bytes), 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16(u16::from_be_bytes), 2),
            _ => (Encoding::Utf8, 0),
        })
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.fill_buf()?.read(buffer)?;
        self.consume(len);
        Ok(len)
    }
}

impl<R: Read> BufRead for Text<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.decoded.len() {
            self.decoded.clear();
            self.used = 0;
            // A half of a character is none yet.
            while self.decoded.is_empty() && self.decode_more()? {}
        }
        Ok(&self.decoded[self.used..])
    }

    fn consume(&mut self, len: usize) {
        self.used += len;
    }
}

/// Adds to the end, and leaves no copy behind where it must move.
pub(crate) fn append(to: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    let len = to.len() + bytes.len();
    if len > to.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(len.max(2 * to.capacity())));
        larger.extend_from_slice(to);
        *to = larger;
    }
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// One that gives little at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.0.len().min(buffer.len()).min(self.1);
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn text(bytes: &[u8], step: usize) -> io::Result<String> {
        let mut text = String::new();
        Text::new(Slow(bytes, step))?.read_to_string(&mut text)?;
        Ok(text)
    }

    pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        bytes.extend(miniz_oxide::deflate::compress_to_vec(plain, 6));
        let check = !plain.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
        });
        bytes.extend(check.to_le_bytes());
        bytes.extend(u32::try_from(plain.len()).unwrap().to_le_bytes());
        bytes
    }

    fn utf16(text: &str, mark: bool, big: bool) -> Vec<u8> {
        let mark = if mark { "\u{feff}" } else { "" };
        let units = mark.encode_utf16().chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_text_comes_back(plain in any::<String>(), step in 1_usize..20) {
            prop_assume!(OTHERS.iter().all(|(start, _)| !plain.as_bytes().starts_with(start)));
            prop_assume!(!plain.starts_with('\u{feff}'));
            let marked = format!("\u{feff}{plain}");
            let mut all = vec![marked.clone().into_bytes()];
            if !plain.starts_with('\0') {
                all.extend([utf16(&plain, true, false), utf16(&plain, true, true), plain.clone().into_bytes()]);
            }
            for bytes in all {
                prop_assert_eq!(text(&bytes, step).unwrap(), plain.clone());
                prop_assert_eq!(text(&gzip(&bytes), step).unwrap(), plain.clone());
            }
        }

        #[test]
        fn no_bytes_make_it_fall(bytes in any::<Vec<u8>>(), gzipped in any::<bool>(), cut in 0_usize..30) {
            let mut bytes = if gzipped { gzip(&bytes) } else { bytes };
            bytes.truncate(bytes.len().saturating_sub(cut));
            let _ = text(&bytes, 7);
        }
    }

    #[test]
    fn long_texts_and_many_members() {
        let long: String = (0..40_000).map(|n| format!("TKN-1000-{n}\n")).collect();
        let (one, two) = long.split_at(long.len() / 3);
        let mut bytes = [gzip(one.as_bytes()), gzip(b""), gzip(two.as_bytes())].concat();
        bytes.extend([0; 100]);
        assert!(text(&bytes, 1 << 20).unwrap() == long, "it is not what was packed");
        assert!(text(&utf16(&long, true, false), 4_097).unwrap() == long, "it is not what it was");
    }

    #[rstest]
    #[case::cut(|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1), "ends too early")]
    #[case::cut_data(|bytes: &mut Vec<u8>| bytes.truncate(14), "ends too early")]
    #[case::cut_header(|bytes: &mut Vec<u8>| bytes.truncate(4), "ends too early")]
    #[case::check(|bytes: &mut Vec<u8>| { let at = bytes.len() - 5; bytes[at] ^= 1; }, "checksum")]
    #[case::size(|bytes: &mut Vec<u8>| { let at = bytes.len() - 1; bytes[at] ^= 1; }, "checksum")]
    #[case::more(|bytes: &mut Vec<u8>| bytes.extend(b"more than ten bytes"), "a header")]
    #[case::flags(|bytes: &mut Vec<u8>| bytes[3] = 0x80, "a header")]
    #[case::data(|bytes: &mut Vec<u8>| bytes[10] = 0xff, "cannot be unpacked")]
    fn damaged_gzip_is_refused(#[case] damage: fn(&mut Vec<u8>), #[case] told: &str) {
        let mut bytes = gzip(b"TKN-1000-0001\nTKN-1000-0002\n");
        damage(&mut bytes);
        let error = text(&bytes, 100).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }

    #[test]
    fn other_files_are_named() {
        for (start, what) in OTHERS {
            for bytes in [start.to_vec(), gzip(&[start, &b"more"[..]].concat())] {
                assert_eq!(text(&bytes, 100).unwrap_err().to_string(), *what);
            }
        }
    }

    #[test]
    fn half_a_character_is_one_that_no_id_has() {
        assert_eq!(text(b"\xff\xfeA\0B", 100).unwrap(), "A\u{fffd}");
        assert_eq!(text(b"\xff\xfeA\0\x00\xd8", 100).unwrap(), "A\u{fffd}");
        assert_eq!(text(b"\xff\xfe\x00\xd8A\0", 100).unwrap(), "\u{fffd}A");
    }
}
