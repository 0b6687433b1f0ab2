//! What the checks of this workspace may need of a machine: one table, for every step of `cargo xtask test` and for
//! every single test that starts a program of the machine.
//!
//! A test asks with [`needs!`]. Where a tool is missing the test ends at once and is counted as skipped, by its name
//! and with what to install; with `CI=true` it fails instead.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so, whoever runs it")]

pub mod budgets;
pub mod python;
mod skip;
mod table;

pub use skip::{SKIPPED, ci, is_skipped};
pub use table::*;

use std::process::{Command, Stdio};

/// A program or library that is not part of the workspace.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    name: &'static str,
    programs: &'static [&'static str],
    get: &'static str,
    test: Test,
}

/// How to find out whether a tool is here.
#[derive(Clone, Copy, Debug)]
enum Test {
    /// The program starts, and ends with success.
    Run(&'static str, &'static [&'static str]),
    /// As [`Test::Run`] with `--version`, of the program that the variable names, or else of this one.
    Compiler(&'static str, &'static str),
    /// A Python that fits: [`python::find`].
    Python,
    /// This process has the rights of root.
    Root,
}

impl Tool {
    /// One that is here if `program args` ends with success; `get` says how to get it.
    pub const fn program(
        name: &'static str,
        program: &'static str,
        args: &'static [&'static str],
        get: &'static str,
    ) -> Tool {
        Tool { name, programs: &[], get, test: Test::Run(program, args) }
    }

    /// What people call it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The programs that are gone from `PATH` where the tool is not installed. Empty for what cannot be hidden so: what
    /// cargo finds in its own folder.
    pub const fn programs(&self) -> &'static [&'static str] {
        self.programs
    }

    /// `None` when it is here; else a sentence that says what is missing and how to get it.
    pub fn missing(&self) -> Option<String> {
        let here = match self.test {
            // It knows better what is wrong with those that it found.
            Test::Python => return python::find().as_ref().err().cloned(),
            Test::Run(program, args) => answers(program, args),
            Test::Compiler(variable, system) => {
                answers(&compiler(variable, system), &["--version"])
            }
            Test::Root => is_root(),
        };
        (!here).then(|| format!("{} is not here: {}", self.name, self.get))
    }
}

/// The compiler that `$CC` or `$CXX` names, or the system's.
pub fn compiler(variable: &str, system: &str) -> String {
    let named = std::env::var(variable).ok().filter(|name| !name.is_empty());
    named.unwrap_or_else(|| system.to_owned())
}

/// Whether `program args` starts and ends with success.
pub fn answers(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Read from `/proc`: the standard library does not tell the user id, and this crate depends on nothing.
fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    ids.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_says_what_it_is_and_how_to_get_it() {
        let tool = |program| Tool::program("the tool", program, &["-c", "exit 0"], "buy it");
        assert_eq!(tool("sh").missing(), None);
        let missing = tool("no-such-program").missing();
        assert_eq!(missing.as_deref(), Some("the tool is not here: buy it"));
    }

    #[test]
    fn every_tool_is_in_the_list_once() {
        for (number, tool) in ALL.iter().enumerate() {
            assert!(ALL[..number].iter().all(|other| other.name != tool.name), "{}", tool.name);
        }
    }
}
