//! What a journal that existed already knew when it was opened.

use std::fmt;

/// What a journal that existed already knew when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// Tokens that are `deleted` or `gone`: they are not asked again.
    pub dead: u64,
    /// Tokens with an intent and no outcome, or `unknown`: they are asked as ones whose answer was lost.
    pub open: u64,
    /// Lines that are damaged, if any.
    pub damage: Option<Damage>,
}

/// Which lines of a journal are damaged: a bit of them has changed, or they were overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// How many.
    pub lines: u64,
    /// The number of the first, counted from 1.
    pub first: u64,
    /// The number of the last.
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
