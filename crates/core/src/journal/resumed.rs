//! What a journal that existed already knew when it was opened.

use std::fmt;

/// What an existing journal knew when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// The number of tokens that are `deleted` or `gone`: no request is sent for them.
    pub dead: u64,
    /// The number of tokens with an intent and no outcome, or `unknown`: they are treated as ones whose answer was
    /// lost.
    pub open: u64,
    /// The damaged lines, if there are any.
    pub damage: Option<Damage>,
}

/// The damaged lines of a journal: a bit in them changed, or they were overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The number of damaged lines.
    pub lines: u64,
    /// The line number of the first one, counted from 1.
    pub first: u64,
    /// The line number of the last one.
    pub last: u64,
}

/// `has 2 damaged lines, from line 7 to line 9`, and what follows from that.
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.lines, self.first, self.last) {
            (1, first, _) => write!(f, "has a damaged line, line {first}")?,
            (lines, first, last) => {
                write!(f, "has {lines} damaged lines, from line {first} to line {last}")?;
            }
        }
        f.write_str(
            ": a token that is not known to be dead is asked for, and is `unknown` where the API does not know it",
        )
    }
}
