//! What surrounds an anchor, as far as a value can reach, read by the one rule of what a value is.
//!
//! What is read does not depend on how much of a text is there: a window is the same whatever comes in which piece.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::input::api_token::ApiToken;
use crate::input::characters::is_id_byte;
use crate::input::decode::{Units, layers_of};
use crate::input::token_value::{Reading, spots_in};
use crate::search::anchors::{self, Spelling};

/// How far before an anchor a value can begin, in bytes: `idt:`, in several encodings.
pub(crate) const BEFORE: usize = 256;

/// How far after an anchor a value is read, in characters.
const MOST: usize = 16 * 1024;

/// The longest id that is read.
const LONGEST_ID: usize = 256;

/// The lengths at which base64 is wrapped (RFC 2045, RFC 7468, uuencode's kin).
const WRAPPED: [usize; 4] = [60, 64, 72, 76];

/// The deepest indent of a line of base64.
const INDENT: usize = 16;

/// What was found in a window.
pub(crate) struct Hit {
    /// Where it stands in the text.
    pub(crate) range: Range<usize>,
    pub(crate) token_id: String,
    /// The value, where it is surely a whole one.
    pub(crate) value: Option<ApiToken>,
}

/// What comes after an anchor was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// More of the text is needed to say what it is.
    More,
    /// The search goes on from here.
    From(usize),
}

/// A search through a text of which only a part may be there.
#[derive(Default)]
pub(crate) struct Search {
    /// No window begins before: what stands there was read.
    floor: usize,
    /// Up to where base64 was read, by the alignment of its groups.
    covered: [usize; 4],
    /// Behind the begin of the last value in base64.
    after_base64: usize,
}

impl Search {
    /// A search that begins here.
    pub(crate) fn new(floor: usize) -> Search {
        Search { floor, ..Search::default() }
    }

    /// The first bytes of the text are not there any more.
    pub(crate) fn shift(&mut self, bytes: usize) {
        let mut covered = [0; 4];
        for (alignment, end) in self.covered.iter().enumerate() {
            covered[(alignment + 4 - bytes % 4) % 4] = end.saturating_sub(bytes);
        }
        self.covered = covered;
        self.floor = self.floor.saturating_sub(bytes);
        self.after_base64 = self.after_base64.saturating_sub(bytes);
    }

    /// Reads what stands around an anchor.
    pub(crate) fn read(
        &mut self,
        text: &[u8],
        (anchor, spelling): (usize, Spelling),
        is_end: bool,
        hits: &mut impl Extend<Hit>,
    ) -> Next {
        match spelling {
            Spelling::Plain => self.plain(text, anchor, is_end, hits),
            Spelling::Wide => self.wide(text, anchor, is_end, hits),
            Spelling::Base64 { phase } => self.base64(text, anchor, phase, is_end, hits),
        }
    }

    fn plain(
        &mut self,
        text: &[u8],
        anchor: usize,
        is_end: bool,
        hits: &mut impl Extend<Hit>,
    ) -> Next {
        match after_id(&text[anchor..], is_end) {
            After::More => return Next::More,
            After::Other(len) => return Next::From(anchor + len),
            After::Colon => {}
        }
        let limit = anchor + MOST;
        let end = text[anchor..].iter().take(MOST).position(|byte| divides(*byte));
        let end = match end {
            // With what divides: it may be a part of an escape.
            Some(len) => anchor + len + 1,
            None if text.len() >= limit => limit,
            None if is_end => text.len(),
            None => return Next::More,
        };
        let first = self.floor.max(anchor.saturating_sub(BEFORE));
        let begin = text[first..anchor].iter().rposition(|byte| divides(*byte));
        let begin = begin.map_or(first, |at| first + at + 1);
        let is_cut = end == limit;
        values(&text[begin..end], is_cut, |range| begin + range.start..begin + range.end, hits);
        self.floor = end;
        Next::From(end)
    }

    /// UTF-16: as far as each second byte is zero.
    fn wide(
        &mut self,
        text: &[u8],
        anchor: usize,
        is_end: bool,
        hits: &mut impl Extend<Hit>,
    ) -> Next {
        let is_char = |at: usize| text[at] != 0 && text[at].is_ascii();
        let mut begin = anchor;
        while begin >= self.floor + 2
            && anchor - begin < 2 * BEFORE
            && is_char(begin - 2)
            && text[begin - 1] == 0
            && !divides(text[begin - 2])
        {
            begin -= 2;
        }
        let mut narrow = Zeroizing::new(Vec::with_capacity(BEFORE + MOST));
        let mut at = begin;
        let limit = anchor + 2 * MOST;
        let is_cut = loop {
            if at >= limit {
                break true;
            }
            if at + 1 >= text.len() {
                if !is_end {
                    return Next::More;
                }
                // The last character of a text that is big-endian.
                if at < text.len() && is_char(at) {
                    narrow.push(text[at]);
                    at += 1;
                }
                break false;
            }
            if !is_char(at) {
                break false;
            }
            narrow.push(text[at]);
            let is_last = text[at + 1] != 0 || divides(text[at]);
            at += 2;
            if is_last {
                break false;
            }
        };
        values(&narrow, is_cut, |range| begin + 2 * range.start..begin + 2 * range.end, hits);
        self.floor = at;
        Next::From(at.max(anchor + 1))
    }

    fn base64(
        &mut self,
        text: &[u8],
        anchor: usize,
        phase: usize,
        is_end: bool,
        hits: &mut impl Extend<Hit>,
    ) -> Next {
        let alignment = (anchor + 4 - phase) % 4;
        if anchor < self.covered[alignment] {
            return Next::From(anchor + 1);
        }
        let first = anchor.saturating_sub(BEFORE);
        let run = text[first..anchor].iter().rposition(|byte| digit(*byte).is_none());
        let run = run.map_or(first, |at| first + at + 1);
        // Whole groups only.
        let begin = run + (anchor - run + 4 - phase) % 4;
        if begin > anchor {
            return Next::From(anchor + 1);
        }
        let Some(chars) = Base64::read(text, begin, begin - run, is_end) else { return Next::More };
        if chars.is_straight {
            self.covered[alignment] = chars.end;
        }
        let bytes = chars.decoded();
        let mut inside = Vec::new();
        let mut search = Search::default();
        let mut from = 0;
        while let Some(found) = anchors::find(&bytes, from) {
            from = match found.1 {
                Spelling::Base64 { .. } => found.0 + 1,
                _ => match search.read(&bytes, found, true, &mut inside) {
                    Next::From(next) => next,
                    Next::More => unreachable!("the end of the text is there"),
                },
            };
        }
        for mut hit in inside {
            let place = |byte: usize| chars.places[byte * 4 / 3];
            if chars.is_cut && hit.range.end == bytes.len() {
                hit.value = None;
            }
            hit.range = place(hit.range.start)..place(hit.range.end - 1) + 1;
            // What an anchor of the same run has shown already.
            if hit.range.start >= self.after_base64 {
                self.after_base64 = hit.range.start + 1;
                hits.extend([hit]);
            }
        }
        Next::From(anchor + 1)
    }
}

/// A run of base64: its digits, and where each stands.
struct Base64 {
    digits: Zeroizing<Vec<u8>>,
    places: Vec<usize>,
    end: usize,
    /// Whether nothing stands between its characters.
    is_straight: bool,
    is_cut: bool,
}

impl Base64 {
    /// The run from `begin` on; `before` characters of it stand before. None if its end is not there yet.
    fn read(text: &[u8], begin: usize, before: usize, is_end: bool) -> Option<Base64> {
        let most = BEFORE + MOST * 4 / 3;
        let mut run = Base64 {
            digits: Zeroizing::new(Vec::with_capacity(most)),
            places: Vec::new(),
            end: begin,
            is_straight: true,
            is_cut: false,
        };
        let mut in_line = before;
        while run.digits.len() < most {
            // All that is looked at for one step; more of it than there is may come.
            let rest = &text[run.end..];
            if rest.len() < INDENT + 4 && !is_end {
                return None;
            }
            let step = match rest {
                [byte, ..] if digit(*byte).is_some() => {
                    in_line += 1;
                    digit(*byte).map(|digit| (digit, 1))
                }
                // As PHP writes JSON, and in a URL.
                [b'\\', b'/', ..] => Some((63, 2)),
                [b'%', b'2', b'B' | b'b', ..] => Some((62, 3)),
                [b'%', b'2', b'F' | b'f', ..] => Some((63, 3)),
                [b'\n' | b'\r', ..] if WRAPPED.contains(&in_line) => {
                    in_line = 1;
                    let blank =
                        rest.iter().take(INDENT + 2).position(|byte| !byte.is_ascii_whitespace());
                    blank.and_then(|len| Some((digit(rest[len])?, len + 1)))
                }
                _ => None,
            };
            let Some((digit, len)) = step else { return Some(run) };
            run.is_straight &= len == 1;
            run.end += len;
            run.digits.push(digit);
            run.places.push(run.end - 1);
        }
        run.is_cut = true;
        Some(run)
    }

    fn decoded(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.digits.len()));
        for group in self.digits.chunks(4) {
            let number = group.iter().fold(0_u32, |number, digit| number << 6 | u32::from(*digit));
            let number = number << (6 * (4 - group.len()));
            bytes.extend_from_slice(&number.to_be_bytes()[1..group.len()]);
        }
        bytes
    }
}

/// The values in a window. `place` says where a part of it stands in the text.
fn values(
    window: &[u8],
    is_cut: bool,
    place: impl Fn(Range<usize>) -> Range<usize>,
    hits: &mut impl Extend<Hit>,
) {
    for (units, spot) in spots_in(layers_of(Units::of_bytes(window)), Reading::Text) {
        let token_id = units.token_id(&spot);
        if !token_id.starts_with("TKN-") {
            continue;
        }
        let range = units.range(&spot);
        let is_whole = units.is_whole(&spot) && !(is_cut && range.end == window.len());
        let value = is_whole.then(|| units.value(&spot)).and_then(ApiToken::of_value);
        hits.extend([Hit { range: place(range), token_id, value }]);
    }
}

/// What comes after the id that `tkn` at the front of a text may begin.
enum After {
    /// Perhaps a colon, in some spelling.
    Colon,
    /// Surely none, as after most ids; nor is there one for any that begins in so many bytes.
    Other(usize),
    /// Too little of the text is there.
    More,
}

fn after_id(text: &[u8], is_end: bool) -> After {
    let word = "tkn".len();
    if text.get(word).is_some_and(|byte| *byte != b'-' && !may_be_encoded(*byte)) {
        return After::Other(word);
    }
    let rest = text[word..].iter().take(MOST);
    let len = word + rest.take_while(|byte| is_id_byte(**byte) || **byte == b'~').count();
    match text.get(len) {
        // Only what is left of so long a text can be an id.
        Some(byte) if *byte == b':' || may_be_encoded(*byte) => match len > LONGEST_ID {
            true => After::Other(len - LONGEST_ID),
            false => After::Colon,
        },
        Some(_) if len < MOST => After::Other(len),
        Some(_) => After::Other(len - LONGEST_ID),
        None if is_end => After::Other(len),
        None => After::More,
    }
}

/// Whether a byte may begin an encoded character, or one that looks like another.
fn may_be_encoded(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&') || !byte.is_ascii()
}

/// Whether a byte is surely no part of a value in any spelling, and ends one. Control characters are among them: they
/// stand between texts in binary files, and colour those of a terminal.
fn divides(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || b"\"'`<>)],|*@".contains(&byte)
}

/// The number that a character of base64 is, in both alphabets (RFC 4648, sections 4 and 5).
fn digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}
