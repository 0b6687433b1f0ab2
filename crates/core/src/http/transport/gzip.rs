//! gzip (RFC 1952): nobody asked for it, and some gateways send it all the same.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::http::wiped::Wiped;

const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const HEADER_CHECK: u8 = 2;
const RESERVED: u8 = 0xe0;

/// What these bytes stand for; `None` where they are not one whole member of gzip, or stand for more than `limit` bytes.
///
/// What no JSON text begins with needs no header field that says what it is.
pub(super) fn decode(bytes: &[u8], limit: usize) -> Option<Wiped> {
    let deflated = behind_the_header(bytes)?;
    let mut plain = Wiped::zeros(limit);
    // Straight into memory that is wiped: what works on a stream keeps the last 32 KiB for itself.
    let (status, used, length) = decompress(
        &mut decompressor(),
        deflated,
        &mut plain,
        0,
        TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
    );
    plain.truncate(length);
    let trailer: [u8; 8] = deflated.get(used..)?.try_into().ok()?;
    let expected =
        [crc32(&plain).to_le_bytes(), u32::try_from(length).ok()?.to_le_bytes()].concat();
    (status == TINFLStatus::Done && trailer[..] == expected[..]).then_some(plain)
}

/// Ten KiB of tables, on the heap: the stack that this runs on is the caller's, and may be small.
#[inline(never)]
fn decompressor() -> Box<DecompressorOxide> {
    Box::default()
}

fn behind_the_header(bytes: &[u8]) -> Option<&[u8]> {
    let (&[0x1f, 0x8b, 8, flags, ..], mut rest) = bytes.split_at_checked(10)? else {
        return None;
    };
    if flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CHECK != 0 { rest.get(2..) } else { Some(rest) }
}

/// The check value of gzip (RFC 1952, section 8), bit by bit: there is little of it, and seldom.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// What `gzip -n` makes of `{"title":"no"}`.
    const MADE_BY_GZIP: &[u8] = &[
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x2a, 0xc9, 0x2c,
        0xc9, 0x49, 0x55, 0xb2, 0x52, 0xca, 0xcb, 0x57, 0xaa, 0x05, 0x00, 0xfc, 0xd3, 0x53, 0x21,
        0x0e, 0x00, 0x00, 0x00,
    ];

    fn gzip(flags: u8, fields: &[u8], plain: &[u8]) -> Vec<u8> {
        let deflated = miniz_oxide::deflate::compress_to_vec(plain, 6);
        let head = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
        let length = plain.len() as u32;
        let parts: [&[u8]; 5] =
            [&head, fields, &deflated, &crc32(plain).to_le_bytes(), &length.to_le_bytes()];
        parts.concat()
    }

    #[test]
    fn what_gzip_makes() {
        assert_eq!(&*decode(MADE_BY_GZIP, 100).unwrap(), br#"{"title":"no"}"#);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of the catalogue of CRCs");
    }

    #[rstest]
    #[case::plain(0, b"")]
    #[case::text(1, b"")]
    #[case::name(NAME, b"body.json\0")]
    #[case::comment(COMMENT, b"no comment\0")]
    #[case::extra(EXTRA, b"\x03\x00abc")]
    #[case::check(HEADER_CHECK, b"\x00\x00")]
    #[case::all(0x1f, b"\x00\x00name\0comment\0\x00\x00")]
    fn headers(#[case] flags: u8, #[case] fields: &[u8]) {
        let whole = gzip(flags, fields, b"plain");
        assert_eq!(&*decode(&whole, 5).unwrap(), b"plain");
        for length in 0..whole.len() {
            assert!(decode(&whole[..length], 5).is_none(), "cut after {length}");
        }
    }

    #[test]
    fn what_is_none() {
        let whole = gzip(0, b"", b"plain");
        assert!(decode(&whole, 4).is_none(), "longer than may be");
        assert!(decode(&[&whole[..], &whole[..]].concat(), 100).is_none(), "two members");
        assert!(decode(&gzip(0x20, b"", b"plain"), 100).is_none(), "a reserved flag");
        assert!(decode(br#"{"title":"no"}"#, 100).is_none());
        let bomb = gzip(0, b"", &vec![0; 64 << 20]);
        assert!(bomb.len() < 100_000 && decode(&bomb, 1 << 20).is_none());
        for at in [3, whole.len() - 1, whole.len() - 8] {
            let mut broken = whole.clone();
            broken[at] ^= 0x80;
            assert!(decode(&broken, 100).is_none(), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn anything(bytes in prop::collection::vec(any::<u8>(), 0..200), plain: Vec<u8>) {
            decode(&bytes, 1000);
            decode(&[&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0], &bytes[..]].concat(), 1000);
            let back = decode(&gzip(0, b"", &plain), plain.len());
            prop_assert_eq!(back.as_deref(), Some(&plain[..]));
        }
    }
}
