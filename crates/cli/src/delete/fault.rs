//! What in a list, or among the arguments, names no token, and where.

use std::io;

use crate::delete::line::Fault;
use crate::failure::Failure;

/// How many faults are told.
const NAMED: usize = 10;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Counted from 1.
    pub(crate) line: u64,
    /// In characters, counted from 1.
    pub(crate) column: usize,
}

impl Place {
    /// The beginning of a line.
    pub(crate) fn line(line: u64) -> Place {
        Place { line, column: 1 }
    }

    /// Goes past a byte of UTF-8.
    pub(crate) fn pass(&mut self, byte: u8) {
        if byte == b'\n' {
            *self = Place::line(self.line + 1);
        } else if byte & 0xc0 != 0x80 {
            self.column += 1;
        }
    }

    /// Where a fault is, in a text that begins here.
    fn of(self, fault: &Fault) -> Place {
        let column = fault.column.unwrap_or(1);
        if fault.line > 0 {
            Place { line: self.line + fault.line, column }
        } else {
            Place { line: self.line, column: self.column + column - 1 }
        }
    }
}

/// What goes wrong while a list is read.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// What stands there names no token.
    Fault(Place, String),
    /// It cannot be read on.
    Broken(io::Error),
}

impl Trouble {
    /// A fault in a text that begins at a place.
    pub(crate) fn in_text(place: Place, fault: Fault) -> Trouble {
        Trouble::Fault(place.of(&fault), fault.what)
    }

    pub(crate) fn fault(place: Place, what: impl Into<String>) -> Trouble {
        Trouble::Fault(place, what.into())
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Broken(error)
    }
}

/// All that is wrong: the first few faults, and how many there are.
#[derive(Default)]
pub(crate) struct Faults {
    named: Vec<String>,
    count: u64,
}

impl Faults {
    /// Adds one of a list.
    pub(crate) fn add(&mut self, place: Place, fault: &str) {
        let Place { line, column } = place;
        self.push(|| format!("  line {line}, column {column}: {fault}"));
    }

    /// Adds one of an argument.
    pub(crate) fn add_argument(&mut self, number: usize, fault: &Fault) {
        let column = fault.column.map(|column| format!(", column {column}")).unwrap_or_default();
        self.push(|| format!("  argument {number}{column}: {}", fault.what));
    }

    fn push(&mut self, fault: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(fault());
        }
    }

    /// Fails if there are any; `place` says where, as in "on the command line".
    pub(crate) fn check(self, place: &str, what: &str, expected: &str) -> Result<(), Failure> {
        if self.count == 0 {
            return Ok(());
        }
        let s = if self.count == 1 { "" } else { "s" };
        let mut notes = self.named;
        if self.count > NAMED as u64 {
            notes.push(format!("  and {} more", self.count - NAMED as u64));
        }
        notes.push(expected.to_owned());
        let message =
            format!("{} {what}{s} {place} cannot be used, and nothing was sent:", self.count);
        Err(Failure::usage(message).with_notes(notes))
    }
}
