//! Token values in other text: what one is, in every spelling that it is copied in. The only place that knows.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use zeroize::Zeroize;

use crate::characters::{is_invisible, plain};
use crate::secret::{ApiToken, REDACTED};

/// How many encodings may lie over each other: a percent-encoded text in a JSON string in a JSON string.
const LAYERS: usize = 3;

/// A secret without `idt:` before the id is at least as long: `TKN-1-1:note` is none.
const SHORTEST: usize = 8;

/// Without a colon before it, a word as long as this is a secret; a shorter one only with letters and digits in it.
const LONG_WORD: usize = 16;

/// The longest text that is read as one value, in bytes: the longest value, with most of it encoded twice.
const LONGEST: usize = 16 * 1024;

/// The longest id that is looked for after `idt:`.
const LONGEST_ID: usize = 64;

/// The widest thing between an id and its secret: colons, with spaces and quotes around them.
const WIDEST_GAP: usize = 8;

/// A token value that stands in a text: found by [`find_values`].
#[derive(Clone, Debug)]
pub struct FoundValue {
    token_id: String,
    value: Option<ApiToken>,
    range: Range<usize>,
}

impl FoundValue {
    /// The id of the token, as the Marketplace writes it.
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// The value in its usual form, `idt:TKN-XXXX-XXXX:<secret>`. `None` where its end cannot be told from the text
    /// behind it, or where it has characters that no value has.
    pub fn value(&self) -> Option<&ApiToken> {
        self.value.as_ref()
    }

    /// Where it stands: bytes of the text.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

/// The token values that stand in a text, from its begin to its end.
///
/// A value is `TKN-<digits>-<digits>` (or more groups of digits) with a colon and eight or more characters behind it,
/// or `idt:`, an id, a colon and anything; in any case of letters, percent-encoded (also twice), escaped as in JSON
/// or HTML, with characters that look like these, and with invisible ones in between.
///
/// ```
/// let found = mpt_tokens::find_values("url=https://h.example/?t=idt%3ATKN-1671-0642%3As3cret-s3cret&x=1");
/// assert_eq!(found[0].token_id(), "TKN-1671-0642");
/// assert!(mpt_tokens::find_values("TKN-1671-0642: deleted").is_empty());
/// ```
pub fn find_values(text: &str) -> Vec<FoundValue> {
    spots(text, Reading::Text)
        .into_iter()
        .map(|(units, spot)| FoundValue {
            token_id: units.token_id(&spot),
            value: units.is_ended(&spot).then(|| units.token(&spot)).flatten(),
            range: units.range(&spot),
        })
        .collect()
}

/// The text with `<redacted>` in the place of the secret of each value in it, also of one with spaces around its
/// colons and of one that goes on in the next line.
pub fn redact_values(text: &str) -> Cow<'_, str> {
    let (mut shown, mut kept) = (String::new(), 0);
    for (units, spot) in spots(text, Reading::Careful) {
        let range = units.range(&spot);
        shown.push_str(&text[kept..range.start]);
        shown.push_str(&units.shown(&spot));
        kept = range.end;
    }
    if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(shown + &text[kept..]) }
}

/// What may be shown of a text that should be an id and holds a value; `None` when it holds none. Here everything but
/// a character of an id can stand between an id and its secret.
///
/// Only the front of a long text is looked at: it is too long for an id, and no more of it is shown.
pub(crate) fn shown_value(text: &str) -> Option<String> {
    let front = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    layers(&text[..front.unwrap_or_default()])
        .iter()
        .rev()
        .find_map(|units| units.find(0, Reading::Id).map(|spot| units.shown(&spot)))
}

/// The id in a text that is a value and nothing else, and where its secret begins.
pub(crate) fn whole_value(text: &str) -> Option<(String, usize)> {
    if text.len() > LONGEST {
        return None;
    }
    layers(text).iter().rev().find_map(|units| {
        let spot = units.whole()?;
        Some((units.token_id(&spot), units.0[spot.secret.start].begin))
    })
}

/// The value that a text is, in its usual form, whatever the spelling. White space and quotes around it, and `Bearer`
/// before it, do not count.
pub(crate) fn value_of(text: &str) -> Option<ApiToken> {
    let mut text = text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c) || is_quote(c));
    if let Some((scheme, rest)) = text.split_once(char::is_whitespace)
        && scheme.eq_ignore_ascii_case("bearer")
    {
        text = rest.trim_start();
    }
    if text.len() > LONGEST {
        return None;
    }
    // A bearer token has nothing that looks encoded (RFC 6750, section 2.1): what is decoded furthest is meant.
    layers(text).iter().rev().find_map(|units| units.token(&units.whole()?))
}

/// All values in a text, in order, none over another.
fn spots(text: &str, reading: Reading) -> Vec<(Rc<Units>, Spot)> {
    let mut spots: Vec<(Rc<Units>, Spot)> = Vec::new();
    for units in layers(text).into_iter().map(Rc::new) {
        let mut from = 0;
        while let Some(spot) = units.find(from, reading) {
            from = spot.secret.end;
            spots.push((Rc::clone(&units), spot));
        }
    }
    // Of two that overlap, the longer one: the other was read with an encoding too few.
    spots.sort_by_key(|(units, spot)| {
        let range = units.range(spot);
        (range.start, usize::MAX - range.end)
    });
    let mut end = 0;
    spots.retain(|(units, spot)| {
        let range = units.range(spot);
        let apart = range.start >= end;
        end = end.max(range.end);
        apart
    });
    spots
}

/// The text as it stands, and with each encoding taken off that it may have: a value can end where another encoding
/// seems to begin, as in `C:\tkn-1-1`, so all of them are looked at.
fn layers(text: &str) -> Vec<Units> {
    if text.bytes().all(is_id_byte) {
        return Vec::new();
    }
    let mut layers = vec![Units::of(text)];
    for layer in 0..LAYERS {
        let Some(decoded) = layers[layer].decoded() else { break };
        layers.push(decoded);
    }
    layers
}

/// An id as it is compared: without what nobody sees and white space around it, in its ASCII spelling, in capitals.
pub(crate) fn comparable(id: &str) -> String {
    let text: String = Units::of(id).0.iter().map(|unit| unit.c.to_ascii_uppercase()).collect();
    text.trim().to_owned()
}

/// Whether an id of the Marketplace could have the character.
pub(crate) const fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn is_id_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_id_byte)
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}')
}

/// How the text around a value is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Any text, of which only what is surely a value counts.
    Text,
    /// Any text, in which a secret is not to be left: spaces may stand around a colon, and lines may be wrapped.
    Careful,
    /// A text that is to be one id.
    Id,
}

/// Where a value stands, in units.
struct Spot {
    begin: usize,
    id: Range<usize>,
    secret: Range<usize>,
    prefixed: bool,
}

/// A character of a text after all its encodings, and where what it was made from stands.
#[derive(Clone, Copy)]
struct Unit {
    c: char,
    begin: usize,
    end: usize,
}

/// A text as it reads: decoded, in plain characters, without invisible ones. It holds secrets, and is wiped.
struct Units(Vec<Unit>);

impl Drop for Units {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|unit| unit.c.zeroize());
    }
}

impl Units {
    fn of(text: &str) -> Units {
        let mut units = Units(Vec::with_capacity(text.len()));
        units.0.extend(text.char_indices().map(|(at, c)| Unit {
            c,
            begin: at,
            end: at + c.len_utf8(),
        }));
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

    fn c(&self, at: usize) -> Option<char> {
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
            Some('t') => (Some('\t'), at + 2),
            Some(c @ ('/' | '\\' | '"' | '\'')) => (Some(c), at + 2),
            _ => return 0,
        };
        self.push(decoded, c.unwrap_or(char::REPLACEMENT_CHARACTER), at, to);
        to - at
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

    fn find(&self, from: usize, reading: Reading) -> Option<Spot> {
        (from..self.0.len()).find_map(|at| self.spot(at, reading))
    }

    /// The text as one value, from its first character to its last.
    fn whole(&self) -> Option<Spot> {
        let mut spot = self.spot(0, Reading::Text)?;
        let rest = &self.0[spot.secret.end..];
        if rest.iter().any(|unit| unit.c.is_whitespace() || is_quote(unit.c)) {
            return None;
        }
        spot.secret.end = self.0.len();
        Some(spot)
    }

    /// The value that begins here.
    fn spot(&self, begin: usize, reading: Reading) -> Option<Spot> {
        let prefixed = self.is_word(begin, "IDT").then(|| self.gap(begin + 3, reading)).flatten();
        if let Some((at, close)) = prefixed
            && let len = (at..at + LONGEST_ID).take_while(|at| self.is_id_at(*at)).count()
            && len > 0
            && let Some((secret, close_too)) = self.gap(at + len, reading)
        {
            let secret = self.secret(secret, reading);
            let least = if close && close_too { 1 } else { SHORTEST };
            if secret.len() >= least {
                return Some(Spot { begin, id: at..at + len, secret, prefixed: true });
            }
        }
        let end = self.numbered_id(begin)?;
        let (at, _) = self.gap(end, reading)?;
        let secret = self.secret(at, reading);
        let has_colon = self.0[end..at].iter().any(|unit| unit.c == ':');
        let is_one = secret.len() >= SHORTEST && (has_colon || self.is_random(at));
        is_one.then_some(Spot { begin, id: begin..end, secret, prefixed: false })
    }

    /// Whether what begins here is no word of a note, no date and no other id.
    fn is_random(&self, begin: usize) -> bool {
        let word = &self.0[self.secret(begin, Reading::Text)];
        let has = |is: fn(&char) -> bool| word.iter().any(|unit| is(&unit.c));
        let is_mixed = has(char::is_ascii_alphabetic) && has(char::is_ascii_digit);
        let is_long = word.len() >= LONG_WORD || (word.len() >= SHORTEST && is_mixed);
        is_long && self.numbered_id(begin).is_none()
    }

    fn is_word(&self, at: usize, capitals: &str) -> bool {
        capitals
            .chars()
            .enumerate()
            .all(|(n, c)| self.c(at + n).is_some_and(|found| found.eq_ignore_ascii_case(&c)))
    }

    /// `~` stands in the ids of the sandbox.
    fn is_id_at(&self, at: usize) -> bool {
        self.c(at).is_some_and(|c| is_id_char(c) || c == '~')
    }

    /// The end of `TKN-<digits>-<digits>` with any number of groups more.
    fn numbered_id(&self, begin: usize) -> Option<usize> {
        if !self.is_word(begin, "TKN") {
            return None;
        }
        let mut end = begin + 3;
        let mut groups = 0;
        while self.c(end) == Some('-') {
            let digits = (end + 1..self.0.len())
                .take_while(|at| self.c(*at).is_some_and(|c| c.is_ascii_digit()))
                .count();
            if digits == 0 {
                break;
            }
            end += 1 + digits;
            groups += 1;
        }
        (groups >= 2).then_some(end)
    }

    /// What divides an id from its secret: where it ends, and whether it is nothing but colons.
    fn gap(&self, begin: usize, reading: Reading) -> Option<(usize, bool)> {
        let colons = (begin..begin + WIDEST_GAP).take_while(|at| self.c(*at) == Some(':')).count();
        let end = begin + colons;
        let tight = colons > 0 && !self.c(end).is_none_or(|c| c.is_whitespace() || is_quote(c));
        if reading == Reading::Text || tight {
            return tight.then_some((end, true));
        }
        let is_part = |c: char| match reading {
            Reading::Id => !is_id_char(c),
            _ => c == ':' || c.is_whitespace(),
        };
        let len =
            (begin..begin + WIDEST_GAP).take_while(|at| self.c(*at).is_some_and(is_part)).count();
        let has_colon = self.0[begin..begin + len].iter().any(|unit| unit.c == ':');
        (len > 0 && (has_colon || reading == Reading::Id)).then_some((begin + len, false))
    }

    /// The secret that begins here, as far as it goes.
    fn secret(&self, begin: usize, reading: Reading) -> Range<usize> {
        let is_part = |c: char| match reading {
            // What RFC 6750, section 2.1, lets a bearer token have.
            Reading::Text => c.is_ascii_alphanumeric() || "-._~+/=".contains(c),
            Reading::Careful => !c.is_whitespace() && !is_quote(c) && !matches!(c, '<' | '>'),
            // Also what is shown in the place of a secret: an id with that in it is none.
            Reading::Id => !c.is_whitespace() && !is_quote(c),
        };
        let mut end = begin;
        loop {
            while self.c(end).is_some_and(is_part) {
                end += 1;
            }
            if reading == Reading::Text {
                break;
            }
            // A line break, with the indent of the next line.
            let blank = (end..self.0.len())
                .take_while(|at| self.c(*at).is_some_and(char::is_whitespace))
                .count();
            let breaks =
                self.0[end..end + blank].iter().any(|unit| unit.c != ' ' && unit.c != '\t');
            if !breaks || !self.c(end + blank).is_some_and(is_part) {
                break;
            }
            end += blank;
        }
        begin..end
    }

    /// Whether what follows a value is surely no part of it.
    fn is_ended(&self, spot: &Spot) -> bool {
        let ends = |c: char| c.is_whitespace() || is_quote(c) || ",;)]}>&|".contains(c);
        self.c(spot.secret.end).is_none_or(ends)
    }

    /// Where it stands in the text.
    fn range(&self, spot: &Spot) -> Range<usize> {
        self.0[spot.begin].begin..self.0[spot.secret.end - 1].end
    }

    fn text(&self, range: Range<usize>) -> String {
        // As long as it can get: no copy of a secret is left behind by one that grows.
        let mut text = String::with_capacity(range.len() * 4);
        text.extend(self.0[range].iter().map(|unit| unit.c));
        text
    }

    /// The id as the Marketplace writes it.
    fn token_id(&self, spot: &Spot) -> String {
        let id = self.text(spot.id.clone());
        match self.numbered_id(spot.id.start) {
            Some(end) if end == spot.id.end => id.to_ascii_uppercase(),
            _ => id,
        }
    }

    fn token(&self, spot: &Spot) -> Option<ApiToken> {
        let secret = zeroize::Zeroizing::new(self.text(spot.secret.clone()));
        let id = self.token_id(spot);
        let mut value = String::with_capacity(id.len() + secret.len() + 5);
        for part in ["idt:", &id, ":", &secret] {
            value.push_str(part);
        }
        ApiToken::new(value).ok().filter(|token| token.token_id() == Some(id.as_str()))
    }

    fn shown(&self, spot: &Spot) -> String {
        let prefix = if spot.prefixed { "idt:" } else { "" };
        format!("{prefix}{}:{REDACTED}", self.token_id(spot))
    }
}
