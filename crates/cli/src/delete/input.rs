//! The tokens of a run: from the arguments, then from a list. All of it is looked at before anything is sent.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use mpt_tokens::{BatchItem, Pull};
use zeroize::Zeroizing;

use crate::delete::bytes::{List, is_stdin, open_descriptor};
use crate::delete::decode::Text;
use crate::delete::entries::{Entries, LONGEST};
use crate::delete::fault::{Faults, Trouble};
use crate::delete::line;
use crate::failure::Failure;

/// What a list may hold, for whoever gave another.
const EXPECTED: &str = "expected one token on each line (an id of letters, digits, `-`, `_` and `.`; a token value; or a JSON \
                        object with an `id`), or a table whose header has a column id, token or token_id (or see \
                        --column), or a JSON list; give any other id as {\"id\": \"...\"}, or with --any-id";

/// The same of an argument.
const EXPECTED_ARGUMENT: &str = "expected an id (letters, digits, `-`, `_`, `.`): give any other id with --any-id, or as \
                                 {\"id\": \"...\"} in a list";

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

/// What a run names beside its list.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) ids: &'a [String],
    pub(crate) any_id: bool,
    pub(crate) leaked: &'a [BatchItem],
}

impl Survey {
    /// Reads everything, so that whatever is wrong is told before anything is sent.
    pub(crate) fn of(
        Named { ids, any_id, leaked }: Named,
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
        leaked.iter().for_each(&mut see);
        let mut faults = Faults::default();
        for (number, id) in (1..).zip(ids) {
            match line::argument(id, any_id) {
                Ok(item) => see(&item),
                Err(fault) => faults.add_argument(number, &fault),
            }
        }
        faults.check("on the command line", "argument", EXPECTED_ARGUMENT)?;
        if let Some(list) = list {
            list.load()?;
            let mut faults = Faults::default();
            for item in Entries::new(list.reader(), any_id, list.column()) {
                match item {
                    Ok(item) => see(&item),
                    Err(Trouble::Fault(place, what)) => faults.add(place, &what),
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
    dead: Option<Entries>,
    rest: Option<Entries>,
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
        Named { ids, any_id, leaked }: Named,
        list: Option<&List>,
        survey: &Survey,
    ) -> Source {
        let arguments = ids.iter().filter_map(|id| line::argument(id, any_id).ok());
        // First what comes with all its values: of an id that is named again, no more is heard.
        let arguments: Vec<BatchItem> = leaked.iter().cloned().chain(arguments).collect();
        let entries = |list: &List| Entries::new(list.reader(), any_id, list.column());
        Source {
            arguments: arguments.into_iter(),
            dead: list.filter(|_| survey.dead > 0).map(entries),
            rest: list.map(entries),
            list: None,
            name: list.map(|list| list.name().to_owned()).unwrap_or_default(),
            any_id,
            trouble: None,
        }
    }

    /// The last look, which lets go of the list as it goes.
    pub(crate) fn last(named: Named, list: Option<List>, survey: &Survey) -> Source {
        Source { rest: None, ..Source::new(named, list.as_ref(), survey) }.owning(list)
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
            let column = list.column().map(str::to_owned);
            self.rest = Some(Entries::new(list.into_reader(), self.any_id, column.as_deref()));
        }
        take(self.rest.as_mut()?, |item| !item.known_dead, &self.name, &mut self.trouble)
    }
}

/// The next item of a kind. That it is as it was when it was looked at is sure: the bytes are the same.
fn take(
    entries: &mut Entries,
    is_wanted: impl Fn(&BatchItem) -> bool,
    name: &str,
    trouble: &mut Option<String>,
) -> Option<BatchItem> {
    let next = entries.find(|item| item.as_ref().map_or(true, &is_wanted))?;
    match next {
        Ok(item) => return Some(item),
        Err(Trouble::Fault(place, what)) => {
            *trouble = Some(format!("{name}, line {}: {what}", place.line));
        }
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

/// Reads a text as lists are read: UTF-16 is what PowerShell's `>` writes.
fn decoded(input: impl Read, text: &mut String) -> io::Result<usize> {
    Text::new(input)?.take(LONGEST as u64).read_to_string(text)
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
        decoded(io::stdin(), &mut text)
    } else {
        open_descriptor(path).and_then(|(file, _)| decoded(file, &mut text))
    };
    read.map_err(|error| {
        Failure::usage(format!("the token file `{}` cannot be read: {error}", path.display()))
    })?;
    Ok(text)
}
