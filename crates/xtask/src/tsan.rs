//! ThreadSanitizer, over the core and the C library. The standard library is built with it, and so is every crate; only
//! the C and assembly of ring is not.
//!
//! The handles of [`Cancel`](mpt_tokens::Cancel) wake by pipes here, as they do where there is no eventfd: so all tests
//! are run over both.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::Sandbox;

use crate::log::Log;
use crate::platforms::{self, Platform};
use crate::tally::{CARGO_TEST, Tally};
use crate::{artifacts, repo};

/// This machine, whose programs clang links: it has the sanitizer's runtime, and Debian's rustc does not.
const MACHINE: Platform =
    Platform { target: "x86_64-unknown-linux-gnu", compiler: "clang", runner: &[], rustflags: &[] };

/// What the tests of the core leave out, and why: a program here is ten times as slow as otherwise.
const LEFT_OUT: [(&str, &str); 5] = [
    ("call::answers", TABLE),
    ("rate_limiter::tests::simulation", TABLE),
    ("answers::an_endless_body", BODIES),
    ("answers::hard_bodies", BODIES),
    (
        "secrets::memory",
        "it reads all memory of a process, of which the sanitizer has 20 terabytes",
    ),
];
const TABLE: &str = "a long table of what one thread does alone";
const BODIES: &str = "answers of hundreds of megabytes, which have to come by a deadline";

/// What a program ends with when the sanitizer has found something.
const FOUND: i32 = 66;

pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let memory = memory(log)?;
    let mut tally = log.one("a race of Rust, made on purpose, is found", |log| {
        let mut build = cargo(log, &memory, "test")?;
        build.args(["--no-run", "-p=mpt-tokens-capi", "-p=mpt-tokens-unify", "--test=race"]);
        let program = artifacts::executable(&artifacts::built(log, &mut build)?)?;
        finds_a_race(log, &mut Command::new(program))
    });
    let examples = cargo(log, &memory, "test")?;
    platforms::examples(log, examples, &["-p=mpt-tokens", "-p=mpt-tokens-unify"])?;
    let mut tests = cargo(log, &memory, "test")?;
    tests.args(["--no-fail-fast", "--lib", "--tests"]).env("PROPTEST_CASES", "16");
    tests.args(["-p=mpt-tokens", "-p=mpt-tokens-unify", "--"]);
    for (name, why) in LEFT_OUT {
        tests.args(["--skip", name]);
        log.skip(name, why);
    }
    tally += log.tests(CARGO_TEST, &mut tests)?;
    let mut tests = cargo(log, &memory, "test")?;
    tally +=
        log.tests(CARGO_TEST, tests.args(["--lib", "-p=mpt-tokens-capi", "-p=mpt-tokens-unify"]))?;

    let mut build = cargo(log, &memory, "build")?;
    build.args(["--lib", "-p=mpt-tokens-capi", "-p=mpt-tokens-unify"]);
    let library = artifacts::file(&artifacts::built(log, &mut build)?, "a")
        .context("cargo built no static library")?;
    let compile = |log: &mut Log, file: &str| program(log, file, &library, &memory);
    tally +=
        log.one("a race of C, made on purpose, is found in a callback of the library", |log| {
            let program = compile(log, "faults.c")?;
            finds_a_race(log, Command::new(program).arg("race-in-callback"))
        });
    for file in ["driver.c", "threads.c", "processes.c", "wrapper.cpp"] {
        tally += log.one(&format!("{file}: no race"), |log| {
            let program = compile(log, file)?;
            let sandbox = Sandbox::start().context("the sandbox does not start")?;
            let mut run = Command::new(program);
            run.arg(repo::empty("platforms/tsan/files")?);
            run.env("MPT_API_BASE_URL", sandbox.base_url());
            // A child may start threads: those of its parent that it lost are not waited for.
            run.env("TSAN_OPTIONS", "die_after_fork=0");
            log.run(run.env("MPT_API_TOKEN", sandbox.api_token()))
        });
    }
    Ok(tally)
}

/// What Debian's clang lacks of the runtime that this rustc wants, as an object file.
fn memory(log: &mut Log) -> Result<PathBuf> {
    let object = repo::folder("platforms/tsan")?.join("memory.o");
    let mut clang = Command::new(MACHINE.compiler);
    clang.args(["-O1", "-fno-builtin", "-fPIC", "-c"]);
    clang.arg(repo::root().join("crates/xtask/tsan/memory.c"));
    log.run(clang.arg("-o").arg(&object))?;
    Ok(object)
}

fn cargo(log: &mut Log, memory: &Path, verb: &str) -> Result<Command> {
    let mut cargo = MACHINE.cargo(log, verb)?;
    let memory = format!("-Clink-arg={}", memory.display());
    let flags = [
        "-Zsanitizer=thread",
        // The runtime is clang's.
        "-Zexternal-clangrt",
        "-Clink-arg=-fsanitize=thread",
        &memory,
        "--cfg=mpt_tokens_pipe",
    ];
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    cargo.env("MPT_TOKENS_SLOW", "yes");
    Ok(cargo)
}

/// A C or C++ program of the library's tests, with the sanitizer too.
fn program(log: &mut Log, file: &str, library: &Path, memory: &Path) -> Result<PathBuf> {
    let program = repo::folder("platforms/tsan")?.join(file).with_extension("");
    let cpp = file.ends_with(".cpp");
    let mut clang = Command::new(if cpp { "clang++" } else { MACHINE.compiler });
    clang.arg(if cpp { "-std=c++17" } else { "-std=c99" });
    clang.args(["-D_POSIX_C_SOURCE=200809L", "-pthread", "-g", "-fsanitize=thread", "-I"]);
    clang.arg(repo::root().join("include"));
    clang.arg(repo::root().join("crates/capi/tests/c").join(file));
    clang.args([library, memory]).args(["-ldl", "-lm", "-o"]).arg(&program);
    log.run(&mut clang)?;
    Ok(program)
}

fn finds_a_race(log: &mut Log, program: &mut Command) -> Result<()> {
    let done = program.output()?;
    let told = String::from_utf8_lossy(&done.stderr);
    log.note(&told);
    ensure!(
        done.status.code() == Some(FOUND) && told.contains("ThreadSanitizer: data race"),
        "the sanitizer did not find it: {}",
        done.status
    );
    Ok(())
}
