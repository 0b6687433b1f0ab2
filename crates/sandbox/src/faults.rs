//! The faults: one table, which the program's help, the page at `/` and the README show too.

mod bodies;
mod framing;
mod gateways;
mod lost;
mod shapes;
mod statuses;

use crate::reply::{Ask, Reply};
use std::fmt::Write;

/// One way to answer a `DELETE` of a token.
#[derive(Debug)]
pub struct Fault {
    /// Its name in a token id.
    pub name: &'static str,
    /// What it does to the token.
    pub effect: Effect,
    /// What the client sees.
    pub meaning: &'static str,
    /// What a number given with it (`name~number`) means; `None` if it takes none.
    pub number: Option<Number>,
    pub(crate) reply: fn(&Ask<'_>) -> Reply,
}

/// What a fault does to the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// The token is deleted, as the contract says.
    Deletes,
    /// The token stays as it is.
    Keeps,
    /// Somebody else deletes the token just before.
    Gone,
}

impl Effect {
    /// One word for it, as the table shows it.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Deletes => "deleted",
            Effect::Keeps => "kept",
            Effect::Gone => "gone",
        }
    }
}

/// What a fault's number means.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// Meaning and unit.
    pub meaning: &'static str,
    /// The default number; with `None`, what it stands for is left out.
    pub default: Option<u32>,
}

/// The faults in groups, each with its heading, in the order in which the table shows them.
pub fn fault_groups() -> [(&'static str, &'static [Fault]); 6] {
    [
        ("The contract's answer, well or oddly formed", shapes::FAULTS),
        ("No answer, or half of one", lost::FAULTS),
        ("Another status", statuses::FAULTS),
        ("A gateway's answer in the API's place", gateways::FAULTS),
        ("An error body that is hard to read", bodies::FAULTS),
        ("An answer whose end is marked oddly, or in doubt", framing::FAULTS),
    ]
}

/// Every fault, in the order of the table.
pub fn faults() -> impl Iterator<Item = &'static Fault> {
    fault_groups().into_iter().flat_map(|(_, faults)| faults)
}

/// The table of faults as plain text, 100 columns wide at most.
pub fn fault_table() -> String {
    let mut table = String::new();
    for (heading, faults) in fault_groups() {
        let _ = writeln!(table, "{heading}:");
        for fault in faults {
            let name = fault.number.map_or(fault.name.to_owned(), |_| format!("{}~N", fault.name));
            let _ = writeln!(table, "  {name:<17} {:<8} {}", fault.effect.name(), fault.meaning);
            if let Some(number) = fault.number {
                let _ = writeln!(table, "  {:<17} {:<8} N: {number}", "", "");
            }
        }
        table.push('\n');
    }
    table.truncate(table.trim_end().len());
    table.push('\n');
    table
}

/// The table of faults as Markdown.
pub fn fault_table_markdown() -> String {
    let mut table = String::new();
    for (heading, faults) in fault_groups() {
        let _ =
            writeln!(table, "| {heading} | token | what the client sees |\n| --- | --- | --- |");
        for fault in faults {
            let name = fault.number.map_or(fault.name.to_owned(), |_| format!("{}~N", fault.name));
            let number = fault.number.map_or(String::new(), |number| format!(" (N: {number})"));
            let _ = writeln!(
                table,
                "| `{name}` | {} | {}{number} |",
                fault.effect.name(),
                fault.meaning
            );
        }
        table.push('\n');
    }
    table.truncate(table.trim_end().len());
    table.push('\n');
    table
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.default {
            Some(default) => write!(f, "{}, {default} unless given", self.meaning),
            None => write!(f, "{}, none unless given", self.meaning),
        }
    }
}

type ReplyFn = fn(&Ask<'_>) -> Reply;

const fn deletes(name: &'static str, meaning: &'static str, reply: ReplyFn) -> Fault {
    Fault { name, effect: Effect::Deletes, meaning, number: None, reply }
}

const fn keeps(name: &'static str, meaning: &'static str, reply: ReplyFn) -> Fault {
    Fault { name, effect: Effect::Keeps, meaning, number: None, reply }
}

impl Fault {
    const fn number(mut self, meaning: &'static str, default: Option<u32>) -> Self {
        self.number = Some(Number { meaning, default });
        self
    }
}
