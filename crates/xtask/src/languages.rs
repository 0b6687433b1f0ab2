//! The languages: what each needs of the machine, how its runner is built, what its runtime cannot do.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use mpt_tokens_tools::{
    C_COMPILER, CPP_COMPILER, GCC, GO, JDK, JNA, LUAJIT, MAKE, MONO, NODE, NPM, PERL, PHP,
    PKG_CONFIG, PYTHON, RUBY, Tool,
};

use crate::log::Log;
use crate::{artifacts, npm, python, repo};

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
    needs: &'static [Tool],
    /// What its runtime cannot do, and why: the cases that need it are left out.
    pub(crate) lacks: &'static [(&'static str, &'static str)],
    /// Builds its runner into the folder; the command starts it.
    pub(crate) runner: fn(&mut Log, &Path) -> Result<Command>,
    /// The README that a stranger follows, where the language has one of its own.
    pub(crate) readme: Option<&'static str>,
    /// What following it needs beside.
    readme_needs: &'static [Tool],
}

impl Language {
    /// What it needs of the machine: to be called, or to have its README followed.
    pub(crate) fn needs(&self, readme: bool) -> Vec<Tool> {
        [self.needs, if readme { self.readme_needs } else { &[] }].concat()
    }

    const fn new(
        name: &'static str,
        shown: &'static str,
        over: &'static str,
        raises: &'static str,
        needs: &'static [Tool],
        runner: fn(&mut Log, &Path) -> Result<Command>,
    ) -> Self {
        let (lacks, readme, readme_needs): (&[_], _, &[_]) = (&[], None, &[]);
        Self { name, shown, over, raises, needs, lacks, runner, readme, readme_needs }
    }

    /// Strings of the language hold Unicode only, so that the case cannot arise.
    const fn unicode(self) -> Self {
        Self { lacks: &[("bytes", "its strings are Unicode")], ..self }
    }

    const fn readme(self, readme: &'static str, readme_needs: &'static [Tool]) -> Self {
        Self { readme: Some(readme), readme_needs, ..self }
    }
}

/// In the order of the matrix.
pub(crate) const LANGUAGES: &[Language] = &[
    Language::new("rust", "Rust", "the crate", "Error", &[], |log, folder| {
        let program = folder.join("runner");
        artifacts::compile_rust(log, &tests("runner.rs"), &program)?;
        Ok(Command::new(program))
    })
    .unicode(),
    Language::new("c", "C", "libmpt_tokens", "mpt_code", &[C_COMPILER], |log, folder| {
        linked(log, &tests("runner.c"), folder)
    }),
    Language::new("cpp", "C++", "mpt_tokens.hpp", "mpt::error", &[CPP_COMPILER], |log, folder| {
        linked(log, &binding("cpp/conformance.cpp"), folder)
    })
    .readme("bindings/cpp/README.md", &[PKG_CONFIG]),
    Language::new("python", "Python", PYTHON_OVER, PYTHON_RAISES, &[PYTHON], |log, _| {
        python_runner(log, &[])
    })
    .unicode(),
    Language::new(
        "asyncio",
        "Python with asyncio",
        PYTHON_OVER,
        PYTHON_RAISES,
        &[PYTHON],
        |log, _| python_runner(log, &["--asyncio"]),
    )
    .unicode(),
    // cgo looks for gcc by that name.
    Language::new("go", "Go", "cgo", "*mpttokens.Error", &[GO, GCC, PKG_CONFIG], |log, folder| {
        let program = folder.join("runner");
        let mut go = loading(log, "go")?;
        go.current_dir(binding("go")).args(["build", "-o"]).arg(&program).arg("./conformance");
        log.run(&mut go)?;
        loading(log, program)
    })
    .readme("bindings/go/README.md", &[]),
    Language::new("node", "Node.js", "koffi", "TokenError", &[NODE, NPM], |log, folder| {
        let package = folder.join("package");
        npm::install(log, &binding("node"), &package)?;
        let mut texts = loading(log, "node")?;
        log.run(texts.arg(package.join("text_test.mjs")))?;
        let mut node = loading(log, "node")?;
        // A heap that does not grow for speed shows what is truly held.
        node.args(["--expose-gc", "--max-semi-space-size=1", "--single-threaded-gc"]);
        node.arg(package.join("conformance.mjs"));
        Ok(node)
    })
    .unicode()
    .readme("bindings/node/README.md", &[]),
    Language::new("ruby", "Ruby", "fiddle", "MptTokens::Error", &[RUBY], |log, _| {
        scripts(log, "ruby", ["ruby/interrupt_test.rb", "ruby/conformance.rb"])
    })
    .readme("bindings/ruby/README.md", &[]),
    Language::new("perl", "Perl", "FFI::Platypus", "MPT::Tokens::Error", &[PERL], |log, _| {
        scripts(log, "perl", ["perl/signal_test.pl", "perl/conformance.pl"])
    })
    .unicode()
    .readme("bindings/perl/README.md", &[MAKE]),
    Language::new(
        "java",
        "Java",
        "JNA",
        "com.softwareone.mpttokens.TokenException",
        &[JDK, JNA],
        java_runner,
    )
    .unicode()
    .readme("bindings/java/README.md", &[]),
    Language::new("csharp", "C#", "P/Invoke", "MptTokens.TokenException", &[MONO], csharp_runner)
        .unicode()
        .readme("bindings/csharp/README.md", &[]),
    Language::new("php", "PHP", "FFI", "MptTokens\\TokenException", &[PHP], |log, _| {
        scripts(log, "php", ["php/poll_test.php", "php/conformance.php"])
    })
    .readme("bindings/php/README.md", &[]),
    Language::new("lua", "Lua", "LuaJIT's ffi", "nil, err", &[LUAJIT], |log, _| {
        scripts(log, "luajit", ["lua/poll_test.lua", "lua/conformance.lua"])
    })
    .readme("bindings/lua/README.md", &[]),
];

const PYTHON_OVER: &str = "its own module";
const PYTHON_RAISES: &str = "mpt_tokens.Error";

pub(crate) fn tests(file: &str) -> PathBuf {
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
    let mut python = python::dev(log, "python")?;
    python.arg(tests("runner.py")).args(arguments);
    Ok(python)
}

/// A program that loads the library when it runs.
fn loading(log: &mut Log, program: impl AsRef<OsStr>) -> Result<Command> {
    let mut command = Command::new(program);
    artifacts::library(log)?.installed_for(&mut command)?;
    Ok(command)
}

/// Runs the language's own test, and leaves the runner.
fn scripts(log: &mut Log, interpreter: &str, [test, runner]: [&str; 2]) -> Result<Command> {
    let script = |log: &mut Log, file: &str| -> Result<Command> {
        let mut command = loading(log, interpreter)?;
        // Where Lua finds the wrapper; the others look beside the script.
        command.env("LUA_PATH", format!("{};;", binding("lua/?.lua").display()));
        command.arg(binding(file));
        Ok(command)
    };
    let mut test = script(log, test)?;
    log.run(&mut test)?;
    script(log, runner)
}

/// Compiles the wrapper and each program beside it, runs the tests, and leaves the runner.
fn java_runner(log: &mut Log, folder: &Path) -> Result<Command> {
    /// Where Debian puts it.
    const JNA_JAR: &str = "/usr/share/java/jna.jar";
    let classes = folder.join("classes");
    let mut javac = Command::new("javac");
    javac.args(["--release", "17", "-Xlint:all,-try", "-Werror", "-cp", JNA_JAR, "-d"]);
    javac.arg(&classes).arg("-sourcepath").arg(binding("java/src/main/java"));
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
