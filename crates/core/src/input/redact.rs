//! What no text may show: every secret that a client has met, whichever call a text came with, and in whichever
//! spelling a server is likely to give it back.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::input::api_token::{ApiToken, SHORTEST};
use crate::input::find_values::redact_values;
use crate::input::random;
use crate::input::token_value::REDACTED;

/// What stands in the place of each byte of a secret where the length of a text must stay.
pub(crate) const MASK: u8 = b'*';

/// A value that is shorter than this is not looked for in raw answers: it could be a part of HTTP itself.
pub(crate) const SHORTEST_MASKED: usize = 16;
/// How many parts one half of the memory for the values of a list holds: those of two thousand values of the usual
/// length. When it is full, the other half is forgotten and takes its place.
const HALF: usize = 1 << 17;
/// How many of the highest bits of a part are looked at first.
const SEEN_BITS: u32 = 16;
/// How often a text is unescaped at most: a JSON text in a percent-encoded URL in a JSON text.
const DEPTH: usize = 3;
/// A run of hexadecimal digits or of base64 that is shorter holds no part of a secret.
const SHORTEST_RUN: usize = SHORTEST * 4 / 3;

/// The secrets of a client: the value of its API token, and those of the tokens that it was given to delete or to
/// prove. Of these it keeps no value, but a disguised number for each eight characters in a row, of the last two
/// thousand values or more: at most 5 MiB.
pub(crate) struct Secrets {
    own: Option<Arc<ApiToken>>,
    /// What the parts are disguised with.
    key: u64,
    own_parts: Parts,
    others: RwLock<Others>,
}

/// Disguised parts: numbers that are spread evenly already.
struct Parts {
    set: HashSet<u64, BuildHasherDefault<AsItIs>>,
    /// A bit for each of the highest bits of a number that is in the set: nearly all that are not are told so here.
    seen: Vec<u64>,
}

impl Parts {
    fn contains(&self, part: u64) -> bool {
        let bit = part >> (64 - SEEN_BITS);
        self.seen[(bit >> 6) as usize] >> (bit & 63) & 1 != 0 && self.set.contains(&part)
    }

    fn add(&mut self, secret: &str, key: u64) {
        for part in parts(secret, key).take(HALF) {
            let bit = part >> (64 - SEEN_BITS);
            self.seen[(bit >> 6) as usize] |= 1 << (bit & 63);
            self.set.insert(part);
        }
    }
}

impl Default for Parts {
    fn default() -> Parts {
        Parts { set: HashSet::default(), seen: vec![0; 1 << (SEEN_BITS - 6)] }
    }
}

#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only whole numbers are looked up")
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Default)]
struct Others {
    new: Parts,
    old: Parts,
}

impl Secrets {
    /// `own`: the API token in use, if there is one.
    pub(crate) fn new(own: Option<Arc<ApiToken>>) -> Secrets {
        let key = random::draw(|rng| rng.u64(..));
        let mut own_parts = Parts::default();
        if let Some(own) = &own {
            own_parts.add(own.secret(), key);
            own_parts.add(own.in_usual_form().secret(), key);
        }
        Secrets { own, key, own_parts, others: RwLock::default() }
    }

    /// From now on no text shows this value.
    pub(crate) fn keep(&self, value: &ApiToken) {
        let is_in = |set: &Parts| parts(value.secret(), self.key).all(|part| set.contains(part));
        if is_in(&self.own_parts)
            || is_in(&self.others.read().unwrap_or_else(PoisonError::into_inner).new)
        {
            return;
        }
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if others.new.set.len() >= HALF {
            others.old = std::mem::take(&mut others.new);
        }
        others.new.add(value.secret(), self.key);
    }

    /// `text` without any part of a secret: as it is, percent-encoded, escaped as in JSON, HTML or a program (`\u`,
    /// `\x`, `&#`), each several times over, and in hexadecimal or base64. And without what has the form of a token
    /// value, whoever's it is.
    pub(crate) fn redact(&self, text: &str) -> String {
        let text = self.without_own(text);
        let mut found = Vec::new();
        let mut view = View::of(&text);
        for _ in 0..=DEPTH {
            self.search(&view, &mut found);
            match view.unescaped() {
                Some(next) => view = next,
                None => break,
            }
        }
        redact_values(&cut_out(&text, found)).into_owned()
    }

    /// A value of JSON in which every text is redacted; and a number, where its digits are a secret.
    pub(crate) fn redact_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&text)),
            Value::Number(number) => {
                let digits = number.to_string();
                let clean = self.redact(&digits);
                if clean == digits { Value::Number(number) } else { Value::String(clean) }
            }
            Value::Array(list) => list.into_iter().map(|value| self.redact_json(value)).collect(),
            Value::Object(members) => Value::Object(self.redact_members(members)),
            other => other,
        }
    }

    pub(crate) fn redact_members(&self, members: Map<String, Value>) -> Map<String, Value> {
        members
            .into_iter()
            .map(|(name, value)| (self.redact(&name), self.redact_json(value)))
            .collect()
    }

    /// Notes where in the text of `view` parts of secrets stand.
    fn search(&self, view: &View, found: &mut Vec<Range<usize>>) {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let sets = [&self.own_parts, &others.new, &others.old];
        let sets: Vec<&Parts> = sets.into_iter().filter(|set| !set.set.is_empty()).collect();
        let is_secret = |part: u64| {
            let part = disguised(part, self.key);
            sets.iter().any(|set| set.contains(part))
        };
        let bytes = &view.bytes;
        find(bytes.iter().copied(), is_secret, |part| found.push(view.source(part)));
        for run in runs(bytes, |byte| base64_digit(byte).is_some()) {
            for start in run.start..run.start + 4 {
                let digits = bytes[start..run.end].iter().filter_map(|byte| base64_digit(*byte));
                find(joined(digits, 6), is_secret, |part| {
                    let (first, last) = (part.start * 8 / 6, (part.end * 8).div_ceil(6));
                    found.push(view.source(start + first..start + last));
                });
            }
        }
        for run in runs(bytes, |byte| hex_digit(byte).is_some()) {
            for start in run.start..run.start + 2 {
                let digits = bytes[start..run.end].iter().filter_map(|byte| hex_digit(*byte));
                find(joined(digits, 4), is_secret, |part| {
                    found.push(view.source(start + part.start * 2..start + part.end * 2));
                });
            }
        }
    }

    /// `text` without the value of the own token, be it percent-encoded or not, however short it is; and without what
    /// the transport has put in its place.
    fn without_own(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        let mask = char::from(MASK);
        while let Some(begin) = rest.find(mask) {
            let len = rest[begin..].bytes().take_while(|byte| *byte == MASK).count();
            let (before, run) = (&rest[..begin], &rest[begin..begin + len]);
            clean.push_str(before);
            clean.push_str(if len >= SHORTEST_MASKED { REDACTED } else { run });
            rest = &rest[begin + len..];
        }
        clean.push_str(rest);
        for hidden in self.own.iter().flat_map(|own| own.hidden()) {
            let mut done = 0;
            while let Some((begin, end)) = find_encoded(&clean[done..], hidden) {
                clean.replace_range(done + begin..done + end, REDACTED);
                done += begin + REDACTED.len();
            }
        }
        clean
    }
}

/// The parts of a secret, disguised.
fn parts(secret: &str, key: u64) -> impl Iterator<Item = u64> {
    let whole = |part: &[u8]| part.iter().fold(0, |whole, byte| whole << 8 | u64::from(*byte));
    secret.as_bytes().windows(SHORTEST).map(move |part| disguised(whole(part), key))
}

/// Calls `note` with the place of each eight bytes in a row that are a part of a secret.
fn find(
    bytes: impl Iterator<Item = u8>,
    is_secret: impl Fn(u64) -> bool,
    mut note: impl FnMut(Range<usize>),
) {
    let mut part = 0;
    for (at, byte) in bytes.enumerate() {
        part = part << 8 | u64::from(byte);
        let end = at + 1;
        if end >= SHORTEST && is_secret(part) {
            note(end - SHORTEST..end);
        }
    }
}

/// Another number for each eight bytes (the finalizer of SplitMix64, which no two numbers share): so a search is exact,
/// and no piece of a secret lies in memory as it is.
fn disguised(part: u64, key: u64) -> u64 {
    let mut mixed = part ^ key;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A text as it reads once its escapes are undone, each byte with the place in the text that it came from.
struct View {
    bytes: Vec<u8>,
    /// Where each byte begins in the text, and where the last one ends.
    starts: Vec<usize>,
}

impl View {
    fn of(text: &str) -> View {
        View { bytes: text.as_bytes().to_vec(), starts: (0..=text.len()).collect() }
    }

    fn source(&self, part: Range<usize>) -> Range<usize> {
        let last = self.bytes.len();
        self.starts[part.start.min(last)]..self.starts[part.end.min(last)]
    }

    /// The same with one more layer of escapes undone; `None` where there is none.
    fn unescaped(&self) -> Option<View> {
        let mut next = View { bytes: Vec::new(), starts: Vec::new() };
        let mut at = 0;
        while at < self.bytes.len() {
            let (byte, len) = unescape(&self.bytes[at..]).unwrap_or((self.bytes[at], 1));
            next.bytes.push(byte);
            next.starts.push(self.starts[at]);
            at += len;
        }
        next.starts.extend(self.starts.last());
        (next.bytes.len() < self.bytes.len()).then_some(next)
    }
}

/// The ASCII character that the escape at the front of `text` stands for, and how long the escape is.
fn unescape(text: &[u8]) -> Option<(u8, usize)> {
    let number = |from: usize, len: usize, radix: u32| {
        let digits = std::str::from_utf8(text.get(from..from + len)?).ok()?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, radix).ok().filter(|_| plain)
    };
    // Digits up to an end that is written.
    let up_to = |from: usize, end: u8, radix: u32| {
        let len = text.get(from..)?.iter().take(8).position(|byte| *byte == end)?;
        Some((number(from, len, radix)?, from + len + 1))
    };
    let (code, len) = match text {
        [b'%', ..] => (number(1, 2, 16)?, 3),
        [b'\\', b'u', b'{', ..] => up_to(3, b'}', 16)?,
        [b'\\', b'u' | b'U', ..] => (number(2, 4, 16)?, 6),
        [b'\\', b'x' | b'X', ..] => (number(2, 2, 16)?, 4),
        [b'\\', mark @ (b'/' | b'"' | b'\'' | b'\\'), ..] => (u32::from(*mark), 2),
        [b'&', b'#', b'x' | b'X', ..] => up_to(3, b';', 16)?,
        [b'&', b'#', ..] => up_to(2, b';', 10)?,
        _ => return None,
    };
    Some((u8::try_from(code).ok().filter(u8::is_ascii)?, len))
}

/// Where only such bytes stand, and enough of them to hold a part of a secret.
fn runs(bytes: &[u8], is: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().chain(Some(&0)).enumerate() {
        if is(*byte) && at < bytes.len() {
            continue;
        }
        if at - start >= SHORTEST_RUN {
            runs.push(start..at);
        }
        start = at + 1;
    }
    runs
}

/// The bytes that digits of so many bits spell, as far as there are whole ones.
fn joined(digits: impl Iterator<Item = u32>, bits: u32) -> impl Iterator<Item = u8> {
    let (mut held, mut count) = (0_u32, 0);
    digits.filter_map(move |digit| {
        held = (held << bits | digit) & 0xffff;
        count += bits;
        let whole = count >= 8;
        if whole {
            count -= 8;
        }
        whole.then(|| (held >> count) as u8)
    })
}

fn hex_digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

/// Of both alphabets (RFC 4648, sections 4 and 5).
fn base64_digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// `text` with each place, and what places overlap or touch, replaced.
fn cut_out(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_unstable_by_key(|place| place.start);
    let (mut clean, mut kept) = (String::with_capacity(text.len()), 0);
    for place in places {
        if place.start > kept || clean.is_empty() && kept == 0 {
            clean.push_str(&text[kept..place.start]);
            clean.push_str(REDACTED);
        }
        kept = kept.max(place.end);
    }
    clean + &text[kept..]
}

/// Where `needle`, which is ASCII, stands in `text` first, each of its characters percent-encoded or not.
fn find_encoded(text: &str, needle: &str) -> Option<(usize, usize)> {
    let text = text.as_bytes();
    (0..text.len()).find_map(|begin| Some((begin, begin + matched(&text[begin..], needle)?)))
}

/// How many bytes at the front of `text` are `needle`, each of its characters percent-encoded or not.
fn matched(text: &[u8], needle: &str) -> Option<usize> {
    let mut at = 0;
    for (position, wanted) in needle.bytes().enumerate() {
        let rest = &text[at..];
        let literal = rest.first() == Some(&wanted);
        let encoded = matches!(rest, [b'%', ..]) && unescape(rest) == Some((wanted, 3));
        at += match (literal, encoded) {
            // A `%` that may be itself, or the begin of its own encoding.
            (true, true) => match matched(&rest[1..], &needle[position + 1..]) {
                Some(more) => return Some(at + 1 + more),
                None => 3,
            },
            (true, false) => 1,
            (false, true) => 3,
            (false, false) => return None,
        };
    }
    Some(at)
}

#[cfg(test)]
mod tests;
