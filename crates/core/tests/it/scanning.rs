//! Token values in streams: the same whatever comes in which piece, and the same as in a text.

use std::io::{self, Read};

use mpt_tokens::{FingerprintKey, ScannedValue, find_values, scan_values};
use proptest::prelude::*;
use rstest::rstest;

/// A reader that gives a text in pieces of these lengths, over and over.
struct Pieces<'a> {
    text: &'a [u8],
    lengths: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a [u8], lengths: Vec<usize>) -> Pieces<'a> {
        Pieces { text, lengths: lengths.into_iter().cycle() }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.lengths.next().unwrap().min(self.text.len()).min(into.len());
        into[..len].copy_from_slice(&self.text[..len]);
        self.text = &self.text[len..];
        Ok(len)
    }
}

fn scan(reader: impl Read) -> Vec<ScannedValue> {
    scan_values(reader).collect::<Result<_, _>>().unwrap()
}

/// What a find says, with a fingerprint in place of the value.
fn told(found: &[ScannedValue], key: &FingerprintKey) -> Vec<(String, Option<String>, u64, u64)> {
    let told = |value: &ScannedValue| {
        let print = value.value().map(|value| key.of(value).to_string());
        (value.token_id().to_owned(), print, value.line(), value.column())
    };
    found.iter().map(told).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        let number = number << (8 * (3 - group.len()));
        for digit in 0..4 {
            let at = (number >> (18 - 6 * digit) & 63) as usize;
            text.push(if digit <= group.len() { char::from(ALPHABET[at]) } else { '=' });
        }
    }
    text
}

fn utf16(text: &str, is_big_endian: bool) -> Vec<u8> {
    let bytes = |unit: u16| if is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
    text.encode_utf16().flat_map(bytes).collect()
}

/// Texts made of what matters here, in any order.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => "(idt:)?(TKN|tkn|Tkn)-[0-9]{1,4}-[0-9]{1,4}:[A-Za-z0-9._~+/=-]{0,12}",
        1 => "idt(%3[Aa]|\\\\u003a|&#58;|\u{ff1a}|:)TKN[-\u{2011}]1-2(%253A|\\\\\\\\u003a|:)[a-z0-9\u{200b}]{1,10}",
        3 => "[-:%\\\\&;#x0-9a-fT-t .,\"'\n<>{}()|\u{200b}üЖ…]{0,12}",
        1 => "idt:[a-zA-Z-]{0,9}:[a-z]{0,9}",
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// One rule for both.
    #[test]
    fn a_stream_has_the_values_of_its_text(text in text()) {
        let key = FingerprintKey::new().unwrap();
        let plain = |range: std::ops::Range<usize>| {
            text[range].to_ascii_lowercase().contains("tkn")
        };
        let expected: Vec<_> = find_values(&text)
            .into_iter()
            .filter(|found| found.token_id().starts_with("TKN-") && plain(found.range()))
            .map(|found| {
                let before = &text[..found.range().start];
                let line = before.matches('\n').count() as u64 + 1;
                let start = before.rfind('\n').map_or(0, |at| at + 1);
                let column = before[start..].chars().count() as u64 + 1;
                let print = found.value().map(|value| key.of(value).to_string());
                (found.token_id().to_owned(), print, line, column)
            })
            .collect();
        prop_assert_eq!(told(&scan(text.as_bytes()), &key), expected);
    }

    #[test]
    fn pieces_of_any_length_make_no_difference(
        parts in proptest::collection::vec(any::<u8>(), 0..3000),
        text in text(),
        lengths in proptest::collection::vec(1_usize..40, 1..8),
        form in 0..5,
    ) {
        let mut bytes = parts;
        match form {
            0 => bytes.extend(text.as_bytes()),
            1 => bytes.extend(base64(text.as_bytes()).as_bytes()),
            2 => bytes.splice(0..0, text.bytes()).for_each(drop),
            3 => bytes.extend(utf16(&text, false)),
            _ => bytes = [&[0xff, 0xfe][..], &utf16(&text, false)].concat(),
        }
        let key = FingerprintKey::new().unwrap();
        let whole = told(&scan(bytes.as_slice()), &key);
        prop_assert_eq!(told(&scan(Pieces::new(&bytes, lengths)), &key), whole);
    }

    #[test]
    fn the_same_in_every_encoding(text in text()) {
        let key = FingerprintKey::new().unwrap();
        let expected = told(&scan(text.as_bytes()), &key);
        for (mark, is_big_endian) in [([0xff, 0xfe], false), ([0xfe, 0xff], true)] {
            let bytes = [&mark[..], &utf16(&text, is_big_endian)].concat();
            prop_assert_eq!(&told(&scan(bytes.as_slice()), &key), &expected);
        }
        let marked = format!("\u{feff}{text}");
        prop_assert_eq!(&told(&scan(marked.as_bytes()), &key), &expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A value at any place of a text that is longer than the memory, also over the end of what is in it.
    #[test]
    fn a_value_is_found_anywhere_in_a_long_text(
        before in 250_000_usize..270_000,
        after in 0_usize..300_000,
        filler in prop_oneof![Just("x"), Just("a line\n"), Just("dGhpcyBpcyBiYXNl"), Just("ü ")],
        lengths in proptest::collection::vec(1_usize..100_000, 1..8),
        form in 0..4,
    ) {
        let value = "idt:TKN-1671-0642:s3cret-s3cret-s3cret";
        let spelled = match form {
            0 => value.as_bytes().to_vec(),
            1 => format!(" {} ", base64(format!("user:{value}").as_bytes())).into_bytes(),
            2 => utf16(value, false),
            _ => value.replace(':', "%253A").into_bytes(),
        };
        let before = format!("{}\n", filler.repeat(before / filler.len()));
        let after = format!("\n{}", filler.repeat(after / filler.len()));
        let bytes = [before.as_bytes(), &spelled, after.as_bytes()].concat();
        let found = scan(Pieces::new(&bytes, lengths));
        prop_assert_eq!(found.len(), 1);
        let key = FingerprintKey::new().unwrap();
        let line = before.matches('\n').count() as u64 + 1;
        let column = if form == 1 { 2 + 6 } else { 1 };
        let expected = mpt_tokens::ApiToken::new(value).unwrap();
        let print = Some(key.of(&expected).to_string());
        prop_assert_eq!(told(&found, &key), [("TKN-1671-0642".to_owned(), print, line, column)]);
    }
}

#[rstest]
#[case::phase_0("")]
#[case::phase_1("u")]
#[case::phase_2("us")]
#[case::phase_3("user:")]
#[case::json("{\"auths\":{\"h.example\":{\"password\":\"")]
fn base64_is_read_at_any_alignment(#[case] before: &str) {
    for value in ["idt:TKN-1671-0642:s3cret/s3cret", "tkn-1671-0642:s3cret~~~s3cret??"] {
        for after in ["", ":", "\"", "\n", "&x=1"] {
            let wrapped = base64(format!("{before}{value}{after}").as_bytes());
            for text in [
                format!("Authorization: Basic {wrapped}\r\n"),
                format!("Basic%20{}", wrapped.replace('+', "%2B").replace('/', "%2F")),
                format!("{{\"a\":\"{}\"}}", wrapped.replace('/', "\\/")),
                format!("x={}", wrapped.replace('+', "-").replace('/', "_")),
                format!("data:text/plain;base64,{wrapped}"),
            ] {
                let found = scan(text.as_bytes());
                assert_eq!(found.len(), 1, "{text}");
                assert_eq!(found[0].token_id(), "TKN-1671-0642");
            }
        }
    }
}

#[test]
fn base64_that_is_wrapped_is_read() {
    let text = format!("{}idt:TKN-1671-0642:{}", "x".repeat(20), "s3cret".repeat(20));
    let wrapped: Vec<String> = base64(text.as_bytes())
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let key = FingerprintKey::new().unwrap();
    let value = mpt_tokens::ApiToken::from_text(&text[20..]).unwrap();
    for end in ["\n", "\r\n", "\n  "] {
        let found = scan(wrapped.join(end).as_bytes());
        assert_eq!(found.len(), 1);
        assert_eq!(key.of(found[0].value().unwrap()), key.of(&value));
    }
    // A line of any other length ends it.
    let next = "password: aWR0OlRLTi0xNjcxLTA2NDI6czNjcmV0LXMzY3JldA\nusername: bGVh\n";
    let found = scan(next.as_bytes());
    let value = mpt_tokens::ApiToken::new("idt:TKN-1671-0642:s3cret-s3cret").unwrap();
    assert_eq!(key.of(found[0].value().unwrap()), key.of(&value));
}

/// What is too long to be a value is told of and not taken for one, nor does it hide what follows.
#[test]
fn a_value_without_an_end_is_unclear() {
    let text = format!("idt:TKN-1-1:{}\nidt:TKN-2-2:s3cret-s3cret", "abc".repeat(100_000));
    let found = scan(text.as_bytes());
    let told: Vec<_> =
        found.iter().map(|found| (found.token_id(), found.value().is_some())).collect();
    assert_eq!(told, [("TKN-1-1", false), ("TKN-2-2", true)]);
}

/// Text made to be slow: many beginnings, and nothing that follows.
#[rstest]
#[case::ids("TKN-1671-0642 ")]
#[case::joined("tkn-tkn-tkn-")]
#[case::base64("VEtOL")]
#[case::base64_with_colons("VEtOLTE6")]
#[case::wide("T\0K\0N\0-\0")]
#[case::values_without_end("TKN-1-1:")]
#[case::escapes("TKN-\\u0031")]
fn hostile_text_is_read_to_its_end(#[case] part: &str) {
    let text = part.repeat(300_000 / part.len());
    assert!(scan(text.as_bytes()).iter().all(|found| found.value().is_none()));
}

#[test]
fn an_error_of_the_reader_is_told_once() {
    struct Fails(u8);
    impl Read for Fails {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => Err(io::ErrorKind::Interrupted.into()),
                2 => {
                    let text = b"x idt:TKN-1-1:s3cret-s3cret\n";
                    into[..text.len()].copy_from_slice(text);
                    Ok(text.len())
                }
                _ => Err(io::ErrorKind::PermissionDenied.into()),
            }
        }
    }
    let mut scanner = scan_values(Fails(0));
    assert_eq!(scanner.next().unwrap().unwrap().token_id(), "TKN-1-1");
    assert_eq!(scanner.next().unwrap().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert!(scanner.next().is_none());
}

#[test]
fn no_secret_is_shown() {
    let mut scanner = scan_values("idt:TKN-1-1:s3cret-s3cret TKN-1-2:abc-defg!".as_bytes());
    let found = scanner.next().unwrap().unwrap();
    let key = FingerprintKey::new().unwrap();
    let print = key.of(found.value().unwrap());
    let shown =
        format!("{scanner:?} {found:?} {key:?} {print} {:?}", mpt_tokens::ScanBuffer::default());
    assert!(!shown.contains("s3cret") && !shown.contains("abc"), "{shown}");
    assert_eq!(print.to_string().len(), 8);
    // Another key, another fingerprint: nothing to compare a guess with.
    assert_ne!(FingerprintKey::new().unwrap().of(found.value().unwrap()), print);
}
