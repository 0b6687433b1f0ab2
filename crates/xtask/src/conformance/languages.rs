//! The languages: what each needs of the machine, how its runner is built, what its runtime cannot do.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::What;
use super::cases::Need;
use crate::artifacts;
use crate::follow::follow;
use crate::log::Log;
use crate::tally::Tally;
use crate::{npm, python, repo};
use mpt_tokens_tools::{
    C_COMPILER, CPP_COMPILER, GCC, GO, JDK, JNA, LUAJIT, MAKE, MONO, NODE, NPM, PERL, PHP,
    PKG_CONFIG, PYTHON, RUBY, Tool,
};

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
    /// The README that a stranger follows, where the language has one of its own.
    pub(crate) readme: Option<&'static str>,
    /// What following it needs beside.
    pub(crate) readme_needs: &'static [Tool],
}

impl Language {
    /// What it needs of the machine for this.
    pub(crate) fn needs(&self, what: What) -> Vec<Tool> {
        let more = if what == What::Readme { self.readme_needs } else { &[] };
        [self.needs, more].concat()
    }

    pub(crate) fn lack(&self, need: Need) -> Option<&'static str> {
        self.lacks.iter().find(|(lack, _)| *lack == need).map(|(_, why)| *why)
    }

    /// Does what its README says, as a stranger with an empty folder would.
    pub(crate) fn follow_readme(&self, log: &mut Log) -> Result<Tally> {
        let library = artifacts::library(log)?;
        let document = self.readme.context("it has no README of its own")?;
        // What the language's tools keep goes there, not into the home of whoever runs this.
        let keep = repo::target().join("xtask").join(self.name);
        follow(log, &library, document, |command, folder| {
            command
                .env("GEM_HOME", folder.join("gems"))
                .env("GOCACHE", &keep)
                .env("GOPROXY", "off");
        })?;
        Ok(Tally::PASSED)
    }

    pub(crate) fn lacks_in_words(&self) -> String {
        self.lacks.iter().map(|(_, why)| *why).collect::<Vec<_>>().join("; ")
    }
}

/// Strings of the language hold Unicode only, so that the case cannot arise.
const UNICODE: (Need, &str) = (Need::Bytes, "its strings are Unicode");

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
        readme: None,
        readme_needs: &[],
    },
    Language {
        name: "c",
        shown: "C",
        over: "libmpt_tokens",
        raises: "mpt_code",
        needs: &[C_COMPILER],
        lacks: &[],
        runner: |log, folder| linked(log, &tests("runner.c"), folder),
        readme: None,
        readme_needs: &[],
    },
    Language {
        name: "cpp",
        shown: "C++",
        over: "mpt_tokens.hpp",
        raises: "mpt::error",
        needs: &[CPP_COMPILER],
        lacks: &[],
        runner: |log, folder| linked(log, &binding("cpp/conformance.cpp"), folder),
        readme: Some("bindings/cpp/README.md"),
        readme_needs: &[PKG_CONFIG],
    },
    Language {
        name: "python",
        shown: "Python",
        over: "its own module",
        raises: "mpt_tokens.Error",
        needs: &[PYTHON],
        lacks: &[UNICODE],
        runner: |log, _| python_runner(log, &[]),
        readme: None,
        readme_needs: &[],
    },
    Language {
        name: "asyncio",
        shown: "Python with asyncio",
        over: "its own module",
        raises: "mpt_tokens.Error",
        needs: &[PYTHON],
        lacks: &[UNICODE],
        runner: |log, _| python_runner(log, &["--asyncio"]),
        readme: None,
        readme_needs: &[],
    },
    Language {
        name: "go",
        shown: "Go",
        over: "cgo",
        raises: "*mpttokens.Error",
        // cgo looks for gcc by that name.
        needs: &[GO, GCC, PKG_CONFIG],
        lacks: &[],
        runner: |log, folder| {
            let program = folder.join("runner");
            let mut go = loading(log, "go")?;
            go.current_dir(binding("go")).args(["build", "-o"]).arg(&program).arg("./conformance");
            log.run(&mut go)?;
            loading(log, program)
        },
        readme: Some("bindings/go/README.md"),
        readme_needs: &[],
    },
    Language {
        name: "node",
        shown: "Node.js",
        over: "koffi",
        raises: "TokenError",
        needs: &[NODE, NPM],
        lacks: &[UNICODE],
        runner: |log, folder| {
            let package = folder.join("package");
            npm::install(log, &binding("node"), &package)?;
            let mut texts = loading(log, "node")?;
            log.run(texts.arg(package.join("text_test.mjs")))?;
            let mut node = loading(log, "node")?;
            // A heap that does not grow for speed shows what is truly held.
            node.args(["--expose-gc", "--max-semi-space-size=1", "--single-threaded-gc"])
                .arg(package.join("conformance.mjs"));
            Ok(node)
        },
        readme: Some("bindings/node/README.md"),
        readme_needs: &[],
    },
    Language {
        name: "ruby",
        shown: "Ruby",
        over: "fiddle",
        raises: "MptTokens::Error",
        needs: &[RUBY],
        lacks: &[],
        runner: |log, _| {
            let mut interrupts = script(log, "ruby", "ruby/interrupt_test.rb")?;
            log.run(&mut interrupts)?;
            script(log, "ruby", "ruby/conformance.rb")
        },
        readme: Some("bindings/ruby/README.md"),
        readme_needs: &[],
    },
    Language {
        name: "perl",
        shown: "Perl",
        over: "FFI::Platypus",
        raises: "MPT::Tokens::Error",
        needs: &[PERL],
        lacks: &[UNICODE],
        runner: |log, _| {
            let mut signals = script(log, "perl", "perl/signal_test.pl")?;
            log.run(&mut signals)?;
            script(log, "perl", "perl/conformance.pl")
        },
        readme: Some("bindings/perl/README.md"),
        readme_needs: &[MAKE],
    },
    Language {
        name: "java",
        shown: "Java",
        over: "JNA",
        raises: "com.softwareone.mpttokens.TokenException",
        needs: &[JDK, JNA],
        lacks: &[UNICODE],
        runner: java_runner,
        readme: Some("bindings/java/README.md"),
        readme_needs: &[],
    },
    Language {
        name: "csharp",
        shown: "C#",
        over: "P/Invoke",
        raises: "MptTokens.TokenException",
        needs: &[MONO],
        lacks: &[UNICODE],
        runner: csharp_runner,
        readme: Some("bindings/csharp/README.md"),
        readme_needs: &[],
    },
    Language {
        name: "php",
        shown: "PHP",
        over: "FFI",
        raises: "MptTokens\\TokenException",
        needs: &[PHP],
        lacks: &[],
        runner: |log, _| {
            let mut polls = script(log, "php", "php/poll_test.php")?;
            log.run(&mut polls)?;
            script(log, "php", "php/conformance.php")
        },
        readme: Some("bindings/php/README.md"),
        readme_needs: &[],
    },
    Language {
        name: "lua",
        shown: "Lua",
        over: "LuaJIT's ffi",
        raises: "nil, err",
        needs: &[LUAJIT],
        lacks: &[],
        runner: |log, _| {
            let lua = |log: &mut Log, file: &str| -> Result<Command> {
                let mut lua = script(log, "luajit", file)?;
                lua.env("LUA_PATH", format!("{};;", binding("lua/?.lua").display()));
                Ok(lua)
            };
            let mut polls = lua(log, "lua/poll_test.lua")?;
            log.run(&mut polls)?;
            lua(log, "lua/conformance.lua")
        },
        readme: Some("bindings/lua/README.md"),
        readme_needs: &[],
    },
];

fn tests(file: &str) -> PathBuf {
    repo::root().join("tests/conformance").join(file)
}

fn binding(file: &str) -> PathBuf {
    repo::root().join("bindings").join(file)
}

fn linked(log: &mut Log, source: &Path, folder: &Path) -> Result<Command> {
    let program = folder.join("runner");
    artifacts::library(log)?.link(log, source, &program)?;
    Ok(Command::new(program))
}

fn python_runner(log: &mut Log, arguments: &[&str]) -> Result<Command> {
    let mut python = python::installed(log, python::fitting()?, "dev")?.command("python");
    python.arg(tests("runner.py")).args(arguments);
    Ok(python)
}

/// A program that loads the library when it runs.
fn loading(log: &mut Log, program: impl AsRef<OsStr>) -> Result<Command> {
    let mut command = Command::new(program);
    artifacts::library(log)?.installed_for(&mut command)?;
    Ok(command)
}

fn script(log: &mut Log, interpreter: &str, file: &str) -> Result<Command> {
    let mut command = loading(log, interpreter)?;
    command.arg(binding(file));
    Ok(command)
}

/// Compiles the wrapper and each program beside it, runs the tests, and leaves the runner.
fn java_runner(log: &mut Log, folder: &Path) -> Result<Command> {
    let classes = folder.join("classes");
    let mut javac = Command::new("javac");
    javac
        .args(["--release", "17", "-Xlint:all,-try", "-Werror", "-cp", JNA_JAR, "-d"])
        .arg(&classes);
    javac.arg("-sourcepath").arg(binding("java/src/main/java"));
    javac.args([binding("java/Conformance.java"), binding("java/ThreadTest.java")]);
    log.run(&mut javac)?;
    let java = |log: &mut Log, class: &str| -> Result<Command> {
        let mut java = loading(log, "java")?;
        // A heap that does not grow for speed, and one compiler that keeps little, show what is truly held.
        java.args(["-XX:+UseSerialGC", "-Xmx96m", "-XX:TieredStopAtLevel=1"]);
        java.arg("-cp").arg(format!("{}:{JNA_JAR}", classes.display())).arg(class);
        Ok(java)
    };
    let mut threads = java(log, "ThreadTest")?;
    log.run(&mut threads)?;
    java(log, "Conformance")
}

/// Where Debian puts it.
const JNA_JAR: &str = "/usr/share/java/jna.jar";

/// Likewise.
fn csharp_runner(log: &mut Log, folder: &Path) -> Result<Command> {
    let mono = |log: &mut Log, name: &str| -> Result<Command> {
        let program = folder.join(name).with_extension("exe");
        let mut mcs = Command::new("mcs");
        mcs.args(["-warn:4", "-warnaserror"]).arg(format!("-out:{}", program.display()));
        mcs.args(["Client.cs", "Native.cs", "Outcome.cs"].map(|file| binding("csharp").join(file)));
        mcs.arg(binding("csharp").join(name).with_extension("cs"));
        log.run(&mut mcs)?;
        let mut mono = loading(log, "mono")?;
        mono.arg("--debug").arg(program);
        Ok(mono)
    };
    let mut threads = mono(log, "ThreadTest")?;
    log.run(&mut threads)?;
    mono(log, "Conformance")
}
