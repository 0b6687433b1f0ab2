//! UTF-16 as UTF-8, piece by piece.

use zeroize::Zeroizing;

/// How many bytes are read at once.
const BLOCK: usize = 64 * 1024;

/// What reads UTF-16. What it has not used yet is wiped in the end.
pub(crate) struct Utf16 {
    is_big_endian: bool,
    raw: Zeroizing<Vec<u8>>,
    len: usize,
    /// The first half of a pair.
    high: Option<u16>,
}

impl Utf16 {
    /// `rest` stands after the byte order mark.
    pub(crate) fn new(is_big_endian: bool, rest: &[u8]) -> Utf16 {
        let mut raw = Zeroizing::new(vec![0; BLOCK.max(rest.len())]);
        raw[..rest.len()].copy_from_slice(rest);
        Utf16 { is_big_endian, raw, len: rest.len(), high: None }
    }

    /// Where the next bytes go: none if there are more than enough. Say with `filled` how many came.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.raw[self.len..]
    }

    pub(crate) fn filled(&mut self, bytes: usize) {
        self.len += bytes;
    }

    /// Writes what there is as UTF-8, as far as there is room; says how many bytes. At the end of the text, half a
    /// character is one too.
    pub(crate) fn decode(&mut self, out: &mut [u8], is_end: bool) -> usize {
        let (mut used, mut written) = (0, 0);
        // The longest: half a pair that stands alone, and another character.
        while written + 8 <= out.len() && used + 2 <= self.len {
            let pair = [self.raw[used], self.raw[used + 1]];
            let unit = match self.is_big_endian {
                true => u16::from_be_bytes(pair),
                false => u16::from_le_bytes(pair),
            };
            used += 2;
            if unit < 0x80 && self.high.is_none() {
                out[written] = unit as u8;
                written += 1;
                continue;
            }
            let mut put = |c: Option<char>| {
                let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
                written += c.encode_utf8(&mut out[written..]).len();
            };
            if let Some(high) = self.high.take() {
                if (0xdc00..0xe000).contains(&unit) {
                    put(char::decode_utf16([high, unit]).next().and_then(Result::ok));
                    continue;
                }
                put(None);
            }
            if (0xd800..0xdc00).contains(&unit) {
                self.high = Some(unit);
            } else {
                put(char::from_u32(u32::from(unit)));
            }
        }
        self.raw.copy_within(used..self.len, 0);
        self.len -= used;
        if is_end && self.len < 2 && written + 8 <= out.len() {
            let halves = usize::from(self.high.take().is_some()) + self.len;
            self.len = 0;
            for _ in 0..halves {
                let c = char::REPLACEMENT_CHARACTER;
                written += c.encode_utf8(&mut out[written..]).len();
            }
        }
        written
    }

    /// Whether all that came is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0 && self.high.is_none()
    }
}
