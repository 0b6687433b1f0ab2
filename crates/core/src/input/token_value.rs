//! Token values in other text: what one is, in every spelling that it is copied in. The only place that knows.

use std::ops::Range;
use std::rc::Rc;

use zeroize::Zeroizing;

use crate::input::characters::{is_id_byte, is_invisible};
use crate::input::decode::{Units, layers};

/// What stands in place of a secret wherever one could be shown.
pub(crate) const REDACTED: &str = "<redacted>";

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
pub(crate) fn value_of(text: &str) -> Option<Zeroizing<String>> {
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
    layers(text).iter().rev().find_map(|units| Some(units.value(&units.whole()?)))
}

/// All values in a text, in order, none over another.
pub(crate) fn spots(text: &str, reading: Reading) -> Vec<(Rc<Units>, Spot)> {
    spots_in(layers(text), reading)
}

/// All values in a text that was read in each way in which it can be.
pub(crate) fn spots_in(layers: Vec<Units>, reading: Reading) -> Vec<(Rc<Units>, Spot)> {
    let mut spots: Vec<(Rc<Units>, Spot)> = Vec::new();
    for units in layers.into_iter().map(Rc::new) {
        let mut from = 0;
        while let Some(spot) = units.find(from, reading) {
            from = spot.secret.end;
            spots.push((Rc::clone(&units), spot));
        }
    }
    // Of two that overlap, the longer one: the other was read with an encoding too few. Of two that are the same, the
    // one whose end is clear: `\n` and `\"` after a value end it once they are decoded.
    spots.sort_by_key(|(units, spot)| {
        let range = units.range(spot);
        (range.start, usize::MAX - range.end, !units.is_ended(spot))
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

/// An id as it is compared: without what nobody sees and white space around it, in its ASCII spelling, in capitals.
pub(crate) fn comparable(id: &str) -> String {
    let text: String = Units::of(id).0.iter().map(|unit| unit.c.to_ascii_uppercase()).collect();
    text.trim().to_owned()
}

fn is_id_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_id_byte)
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}')
}

/// How the text around a value is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Any text, of which only what is surely a value counts.
    Text,
    /// Any text, in which a secret is not to be left: spaces may stand around a colon, and lines may be wrapped.
    Careful,
    /// A text that is to be one id.
    Id,
}

/// Where a value stands, in units.
pub(crate) struct Spot {
    begin: usize,
    id: Range<usize>,
    secret: Range<usize>,
    prefixed: bool,
}

impl Units {
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
                // The full stop of a sentence, or the dots of a value that was cut short.
                while end > begin && self.c(end - 1) == Some('.') {
                    end -= 1;
                }
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
        let divides = |c: char| c.is_whitespace() || is_quote(c);
        let end = spot.secret.end;
        match self.c(end) {
            // The end of a sentence, and of the name in `name:password`.
            Some('.' | ':' | '!' | '?') => self.c(end + 1).is_none_or(divides),
            Some(c) => divides(c) || ",;)]}>&|<@*".contains(c),
            None => true,
        }
    }

    /// Whether it is surely a whole value: its end is clear, the id has a digit, and what follows could be a secret.
    /// `abc`, `xxxxxxxxxxxx` and `s3cr...` stand in the place of one.
    pub(crate) fn is_whole(&self, spot: &Spot) -> bool {
        let secret = &self.0[spot.secret.clone()];
        let first = secret.first().map(|unit| unit.c);
        let other = secret.iter().map(|unit| unit.c).find(|c| Some(*c) != first);
        let is_varied = secret.iter().any(|unit| Some(unit.c) != first && Some(unit.c) != other);
        let is_numbered = self.0[spot.id.clone()].iter().any(|unit| unit.c.is_ascii_digit());
        self.is_ended(spot) && is_numbered && secret.len() >= SHORTEST && is_varied
    }

    /// Where it stands in the text.
    pub(crate) fn range(&self, spot: &Spot) -> Range<usize> {
        self.0[spot.begin].begin..self.0[spot.secret.end - 1].end
    }

    fn text(&self, range: Range<usize>) -> String {
        // As long as it can get: no copy of a secret is left behind by one that grows.
        let mut text = String::with_capacity(range.len() * 4);
        text.extend(self.0[range].iter().map(|unit| unit.c));
        text
    }

    /// The id as the Marketplace writes it.
    pub(crate) fn token_id(&self, spot: &Spot) -> String {
        let id = self.text(spot.id.clone());
        match self.numbered_id(spot.id.start) {
            Some(end) if end == spot.id.end => id.to_ascii_uppercase(),
            _ => id,
        }
    }

    /// The value in its usual form.
    pub(crate) fn value(&self, spot: &Spot) -> Zeroizing<String> {
        let secret = Zeroizing::new(self.text(spot.secret.clone()));
        let id = self.token_id(spot);
        let mut value = Zeroizing::new(String::with_capacity(id.len() + secret.len() + 5));
        for part in ["idt:", &id, ":", &secret] {
            value.push_str(part);
        }
        value
    }

    pub(crate) fn shown(&self, spot: &Spot) -> String {
        let prefix = if spot.prefixed { "idt:" } else { "" };
        format!("{prefix}{}:{REDACTED}", self.token_id(spot))
    }
}
