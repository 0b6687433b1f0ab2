//! Where a token value may stand: a few bytes that each spelling has, found about as fast as memory is read.

use std::sync::LazyLock;

use aho_corasick::packed::{self, Searcher};
use aho_corasick::{AhoCorasick, MatchKind, Span};

/// How a value is spelled at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// One byte a character, or UTF-8.
    Plain,
    /// UTF-16 in the middle of other bytes: each second byte is zero.
    Wide,
    /// Base64. `phase`: how many characters of a group of four come before.
    Base64 { phase: usize },
}

/// The longest anchor, in bytes.
pub(crate) const LONGEST: usize = 16;

static ANCHORS: LazyLock<Anchors> = LazyLock::new(Anchors::new);

struct Anchors {
    finder: Finder,
    spellings: Vec<Spelling>,
}

enum Finder {
    /// With vector instructions of the processor.
    Packed(Box<Searcher>),
    Automaton(AhoCorasick),
}

/// The first anchor in a text from `from` on: where it begins, and the spelling that it is of.
pub(crate) fn find(text: &[u8], from: usize) -> Option<(usize, Spelling)> {
    let Anchors { finder, spellings } = &*ANCHORS;
    let span = Span { start: from, end: text.len() };
    let (start, pattern) = match finder {
        Finder::Packed(searcher) => {
            let found = searcher.find_in(text, span)?;
            (found.start(), found.pattern())
        }
        Finder::Automaton(automaton) => {
            let found = automaton.find(aho_corasick::Input::new(text).span(span))?;
            (found.start(), found.pattern())
        }
    };
    Some((start, spellings[pattern.as_usize()]))
}

impl Anchors {
    fn new() -> Anchors {
        let patterns = patterns();
        let (bytes, spellings): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostFirst)
            .builder()
            .extend(&bytes)
            .build();
        let finder = match packed {
            Some(searcher) => Finder::Packed(Box::new(searcher)),
            None => Finder::Automaton(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostFirst)
                    .build(&bytes)
                    .unwrap_or_else(|error| unreachable!("the patterns are few: {error}")),
            ),
        };
        Anchors { finder, spellings }
    }
}

fn patterns() -> Vec<(Vec<u8>, Spelling)> {
    let mut patterns = Vec::new();
    for cases in 0..8_u8 {
        let letters = b"TKN".iter().enumerate();
        let word = letters.map(|(n, letter)| letter | (cases >> n & 1) << 5).collect();
        patterns.push((word, Spelling::Plain));
    }
    for word in ["T\0K\0N", "t\0k\0n"] {
        patterns.push((word.into(), Spelling::Wide));
    }
    for text in ["TKN-", "tkn-", "T\0K\0N\0-"] {
        for before in 0..3 {
            let (chars, phase) = in_base64(text.as_bytes(), before);
            patterns.push((chars, Spelling::Base64 { phase }));
        }
    }
    patterns
}

/// The characters of base64 that a text surely has when `before` bytes of a group of three come before it, and how many
/// characters of the group come before those. None is one of the two that the alphabets do not share.
fn in_base64(text: &[u8], before: usize) -> (Vec<u8>, usize) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| text[at / 8 - before] >> (7 - at % 8) & 1;
    let (first, end) = ((before * 8).div_ceil(6), (before + text.len()) * 8 / 6);
    let digit = |char: usize| (char * 6..char * 6 + 6).fold(0, |digit, at| digit << 1 | bit(at));
    let chars = (first..end).map(|char| ALPHABET[usize::from(digit(char))]).collect();
    (chars, first % 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_any_alignment_has_its_anchor() {
        let found: Vec<String> =
            (0..3).map(|before| String::from_utf8(in_base64(b"TKN-", before).0).unwrap()).collect();
        // base64 of `TKN-`, `:TKN-` and `t:TKN-`.
        assert_eq!(found, ["VEtOL", "RLTi", "US04t"]);
        assert!("VEtOLTE2NzE=".contains(&found[0]));
    }

    #[test]
    fn patterns_are_as_the_scanner_expects_them() {
        let patterns = patterns();
        assert!(patterns.iter().all(|(bytes, _)| (3..=LONGEST).contains(&bytes.len())));
        let in_both = |bytes: &[u8]| bytes.iter().all(|byte| !b"+/-_".contains(byte));
        let mut base64 = patterns.iter().filter(|(_, at)| matches!(at, Spelling::Base64 { .. }));
        assert!(base64.all(|(bytes, _)| in_both(bytes)));
    }
}
