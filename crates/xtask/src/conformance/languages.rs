//! The languages: what each needs of the machine, how its runner is built, what its runtime cannot do.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::cases::Need;
use crate::artifacts::{self, Library};
use crate::log::Log;
use crate::repo;
use crate::tools::{LUAJIT, Tool};

/// One language.
pub(crate) struct Language {
    /// As the command line names it.
    pub(crate) name: &'static str,
    /// As people write it.
    pub(crate) shown: &'static str,
    /// What it calls the library through.
    pub(crate) over: &'static str,
    /// What a failed call raises or returns, by its name in the language.
    pub(crate) raises: &'static str,
    pub(crate) needs: &'static [Tool],
    /// What its runtime cannot do, and why: the cases that need it are left out.
    pub(crate) lacks: &'static [(Need, &'static str)],
    /// Builds its runner into the folder; the command starts it.
    pub(crate) runner: fn(&mut Log, &Path) -> Result<Command>,
}

impl Language {
    pub(crate) fn lack(&self, need: Need) -> Option<&'static str> {
        self.lacks.iter().find(|(lack, _)| *lack == need).map(|(_, why)| *why)
    }

    pub(crate) fn lacks_in_words(&self) -> String {
        self.lacks.iter().map(|(_, why)| *why).collect::<Vec<_>>().join("; ")
    }
}

/// Strings of the language hold Unicode only, so that the case cannot arise.
const UNICODE: (Need, &str) = (Need::Bytes, "its strings are Unicode");

/// A call blocks the only thread there is.
const ONE_THREAD: (Need, &str) =
    (Need::Interrupt, "one thread: nobody can cancel a call meanwhile");

/// In the order of the matrix.
pub(crate) const LANGUAGES: &[Language] = &[
    Language {
        name: "rust",
        shown: "Rust",
        over: "the crate",
        raises: "Error",
        needs: &[],
        lacks: &[UNICODE],
        runner: |log, folder| {
            let program = folder.join("runner");
            artifacts::compile_rust(log, &tests("runner.rs"), &program)?;
            Ok(Command::new(program))
        },
    },
    Language {
        name: "lua",
        shown: "Lua",
        over: "LuaJIT's ffi",
        raises: "nil, err",
        needs: &[LUAJIT],
        lacks: &[ONE_THREAD],
        runner: |log, _| {
            let mut lua = script(log, "luajit", "lua/conformance.lua")?;
            lua.env("LUA_PATH", format!("{};;", binding("lua/?.lua").display()));
            Ok(lua)
        },
    },
];

fn tests(file: &str) -> PathBuf {
    repo::root().join("tests/conformance").join(file)
}

fn binding(file: &str) -> PathBuf {
    repo::root().join("bindings").join(file)
}

/// A program that loads the library when it runs.
fn loading(library: &Library, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", library.folder()).env_remove("MPT_TOKENS_LIBRARY");
    command
}

fn script(log: &mut Log, interpreter: &str, file: &str) -> Result<Command> {
    let mut command = loading(&artifacts::library(log)?, interpreter);
    command.arg(binding(file));
    Ok(command)
}
