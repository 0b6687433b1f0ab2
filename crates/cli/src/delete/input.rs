//! The tokens of a run: from the arguments, then from a list. All of it is looked at before anything is sent.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;

use mpt_tokens::{BatchItem, Pull};
use zeroize::Zeroizing;

use crate::delete::bytes::{Bytes, List, is_stdin, open_descriptor};
use crate::delete::line::{self, Fault, Reading};
use crate::failure::Failure;

/// The longest line that is read, in bytes: scanners print whole findings.
const LONGEST_LINE: u64 = 1024 * 1024;

/// How many faults of a list are named.
const NAMED: usize = 10;

/// What a list may hold, for whoever gave another.
const EXPECTED: &str = "expected one token on each line: an id (letters, digits, `-`, `_`, `.`), a token value, or a JSON object \
                        with an `id`; give any other id as {\"id\": \"...\"}, or with --any-id";

/// The same of an argument.
const EXPECTED_ARGUMENT: &str = "expected an id (letters, digits, `-`, `_`, `.`): give any other id with --any-id, or as \
                                 {\"id\": \"...\"} in a list";

/// What goes wrong while a list is read.
enum Trouble {
    /// A line names no token.
    Fault(Fault),
    /// It cannot be read on.
    Broken(io::Error),
}

/// The tokens that a list names, one after the other.
struct Lines {
    reader: BufReader<Bytes>,
    number: u64,
    reading: Reading,
}

impl Lines {
    fn new(bytes: Bytes, any_id: bool) -> Lines {
        let reading = Reading { any_id, after_value: false };
        Lines { reader: BufReader::with_capacity(8 * 1024, bytes), number: 0, reading }
    }

    /// Goes to the end of a line that is too long.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let len = end.map_or(buffer.len(), |end| end + 1);
            let is_over = end.is_some() || buffer.is_empty();
            self.reader.consume(len);
            if is_over {
                return Ok(());
            }
        }
    }

    fn read(&mut self, line: &[u8]) -> Result<Option<BatchItem>, Fault> {
        let fault = |what: &str| Err(Fault { column: None, what: what.to_owned() });
        if line.len() as u64 == LONGEST_LINE {
            return fault("is longer than a mebibyte");
        }
        let Ok(text) = std::str::from_utf8(line) else {
            return fault("is not UTF-8");
        };
        if text.contains('\0') {
            return fault("has a NUL character, as UTF-16 text does: expected UTF-8");
        }
        let text = text.trim_end_matches(['\n', '\r']);
        let item = line::item(text, self.reading)?;
        self.reading.after_value = match &item {
            Some(item) => item.value.is_some(),
            None => self.reading.after_value || line::is_value_aside(text),
        };
        Ok(item)
    }
}

impl Iterator for Lines {
    type Item = Result<BatchItem, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.number += 1;
            let mut line = Zeroizing::new(Vec::new());
            match (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(Trouble::Broken(error))),
            }
            let read = self.read(&line);
            if line.len() as u64 == LONGEST_LINE
                && !line.ends_with(b"\n")
                && let Err(error) = self.skip_line()
            {
                return Some(Err(Trouble::Broken(error)));
            }
            match read {
                Ok(None) => {}
                Ok(Some(item)) => return Some(Ok(item)),
                Err(fault) => return Some(Err(Trouble::Fault(fault))),
            }
        }
    }
}

/// The lines, or arguments, that name no token: the first few, and how many.
#[derive(Default)]
struct Faults {
    named: Vec<String>,
    count: u64,
}

impl Faults {
    fn add(&mut self, what: &str, number: u64, fault: &Fault) {
        self.count += 1;
        if self.named.len() == NAMED {
            return;
        }
        let mut text = format!("  {what} {number}");
        if let Some(column) = fault.column {
            // Writing to a string cannot fail.
            let _ = write!(text, ", column {column}");
        }
        let _ = write!(text, ": {}", fault.what);
        self.named.push(text);
    }

    /// Fails if there are any; `place` says where, as in "on the command line".
    fn check(self, place: &str, what: &str, expected: &str) -> Result<(), Failure> {
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

/// What the first look at a list tells.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// How many tokens are named, duplicates and dead ones, too.
    pub(crate) count: u64,
    /// How many of them the list itself knows to be dead.
    pub(crate) dead: u64,
    pub(crate) first: Vec<String>,
    /// Whether the token in use is among them.
    pub(crate) own: bool,
}

impl Survey {
    /// Reads everything, so that whatever is wrong is told before anything is sent.
    pub(crate) fn of(
        ids: &[String],
        any_id: bool,
        list: Option<&mut List>,
        own: impl Fn(&str) -> bool,
        show: usize,
    ) -> Result<Survey, Failure> {
        let mut survey = Survey::default();
        let mut see = |item: &BatchItem| {
            survey.count += 1;
            survey.dead += u64::from(item.known_dead);
            survey.own |= own(&item.id);
            if survey.first.len() < show && !item.known_dead {
                survey.first.push(item.id.clone());
            }
        };
        let mut faults = Faults::default();
        for (number, id) in (1..).zip(ids) {
            match line::argument(id, any_id) {
                Ok(item) => see(&item),
                Err(fault) => faults.add("argument", number, &fault),
            }
        }
        faults.check("on the command line", "argument", EXPECTED_ARGUMENT)?;
        if let Some(list) = list {
            list.load()?;
            let mut faults = Faults::default();
            let mut lines = Lines::new(list.reader(), any_id);
            while let Some(item) = lines.next() {
                match item {
                    Ok(item) => see(&item),
                    Err(Trouble::Fault(fault)) => faults.add("line", lines.number, &fault),
                    Err(Trouble::Broken(error)) => {
                        return Err(Failure::usage(broken(list.name(), &error)));
                    }
                }
            }
            faults.check(&format!("in {}", list.name()), "line", EXPECTED)?;
        }
        Ok(survey)
    }

    /// How many tokens are to be deleted, as far as the list knows.
    pub(crate) fn alive(&self) -> u64 {
        self.count - self.dead
    }

    /// A list of nobody is a mistake, unless that was expected.
    pub(crate) fn check_empty(&self, list: Option<&List>, allowed: bool) -> Result<(), Failure> {
        match list {
            Some(list) if self.count == 0 && !allowed => Err(Failure::usage(format!(
                "{} names no token: give another list, or --allow-empty if that is fine",
                list.name()
            ))),
            _ => Ok(()),
        }
    }
}

fn broken(name: &str, error: &io::Error) -> String {
    format!("{name} cannot be read: {error}")
}

/// The tokens of a run, pulled as they are needed: what was looked at, and nothing else.
pub(crate) struct Source {
    arguments: std::vec::IntoIter<BatchItem>,
    /// What the list knows to be dead goes first: another line may name the same token.
    dead: Option<Lines>,
    rest: Option<Lines>,
    /// A list that nobody else reads any more.
    list: Option<List>,
    name: String,
    any_id: bool,
    /// What ended the list before its end.
    trouble: Option<String>,
}

impl Source {
    /// A look at what would be pulled.
    pub(crate) fn new(
        ids: &[String],
        any_id: bool,
        list: Option<&List>,
        survey: &Survey,
    ) -> Source {
        let arguments: Vec<BatchItem> =
            ids.iter().filter_map(|id| line::argument(id, any_id).ok()).collect();
        let lines = |list: &List| Lines::new(list.reader(), any_id);
        Source {
            arguments: arguments.into_iter(),
            dead: list.filter(|_| survey.dead > 0).map(lines),
            rest: list.map(lines),
            list: None,
            name: list.map(|list| list.name().to_owned()).unwrap_or_default(),
            any_id,
            trouble: None,
        }
    }

    /// The last look, which lets go of the list as it goes.
    pub(crate) fn last(
        ids: &[String],
        any_id: bool,
        list: Option<List>,
        survey: &Survey,
    ) -> Source {
        Source { rest: None, ..Source::new(ids, any_id, list.as_ref(), survey) }.owning(list)
    }

    fn owning(self, list: Option<List>) -> Source {
        Source { list, ..self }
    }

    /// Why the list ended before its end, if it did.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    fn next_item(&mut self) -> Option<BatchItem> {
        if let Some(dead) = &mut self.dead {
            if let Some(item) = take(dead, |item| item.known_dead, &self.name, &mut self.trouble) {
                return Some(item);
            }
            self.dead = None;
        }
        if self.trouble.is_some() {
            return None;
        }
        if let Some(item) = self.arguments.next() {
            return Some(item);
        }
        if let Some(list) = self.list.take() {
            self.rest = Some(Lines::new(list.into_reader(), self.any_id));
        }
        take(self.rest.as_mut()?, |item| !item.known_dead, &self.name, &mut self.trouble)
    }
}

/// The next item of a kind. That it is as it was when it was looked at is sure: the bytes are the same.
fn take(
    lines: &mut Lines,
    is_wanted: impl Fn(&BatchItem) -> bool,
    name: &str,
    trouble: &mut Option<String>,
) -> Option<BatchItem> {
    let next = lines.find(|item| item.as_ref().map_or(true, &is_wanted))?;
    match next {
        Ok(item) => return Some(item),
        Err(Trouble::Fault(fault)) => *trouble = Some(format!("{name}: a line {}", fault.what)),
        Err(Trouble::Broken(error)) => {
            *trouble = Some(format!(
                "{}; every token that was tried is reported, and the rest of the list was not tried: run again",
                broken(name, &error)
            ));
        }
    }
    None
}

impl Iterator for Source {
    type Item = Pull;

    fn next(&mut self) -> Option<Pull> {
        if self.trouble.is_some() {
            return None;
        }
        self.next_item().map(Pull::Item)
    }
}

/// The API token in a file, or on standard input.
pub(crate) fn token_from(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = if is_stdin(path) {
        if io::stdin().is_terminal() {
            return Err(Failure::usage(
                "`--token-file -` would show the API token as it is typed: give it through a pipe or a file",
            ));
        }
        io::stdin().take(LONGEST_LINE).read_to_string(&mut text)
    } else {
        open_descriptor(path)
            .and_then(|(file, _)| file.take(LONGEST_LINE).read_to_string(&mut text))
    };
    read.map_err(|error| {
        Failure::usage(format!("the token file `{}` cannot be read: {error}", path.display()))
    })?;
    Ok(text)
}
