//! The checks on platforms that are not this machine's own: `platforms.rs` knows how they are built and run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use mpt_tokens::OutcomeKind;
use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::NEXTEST;

use crate::log::Log;
use crate::platforms::{self, ARM64, MUSL, Platform};
use crate::tally::{self, CARGO_TEST, Tally};
use crate::{artifacts, demo, repo};

/// What the static program may take, in bytes, stripped.
const STATIC_PROGRAM: u64 = 4_600_000;

/// musl: a static program and a static library, and the tests of all that is in them.
pub(crate) fn musl(log: &mut Log) -> Result<Tally> {
    let mut tally = tests(log, &MUSL, &["mpt-tokens", "mpt-tokens-sandbox", "mpt-tokens-cli"])?;
    tally += log.one("the program: static, small, and it deletes", |log| {
        let program = program(log, &MUSL, "release")?;
        is_static(log, &program)?;
        let size = fs::metadata(&program)?.len();
        log.note(&format!("{size} bytes, of {STATIC_PROGRAM} at most"));
        ensure!(
            size <= STATIC_PROGRAM,
            "the program has {size} bytes, not {STATIC_PROGRAM} at most"
        );
        let mut delete = MUSL.program(log, &program)?;
        deletes(log, delete.args(["delete", "--format", "ndjson"]))
    });
    tally += log.one("the library in a static C program, which deletes", |log| {
        let library = library(log, &MUSL, ".a")?;
        let unwinder = platforms::unwinder(log, MUSL.compiler)?.join("libunwind.a");
        let program = linked(log, &MUSL, |link| link.arg("-static").arg(library).arg(unwinder))?;
        is_static(log, &program)?;
        let mut delete = MUSL.program(log, &program)?;
        deletes(log, &mut delete)
    });
    Ok(tally)
}

/// arm64: the program and the shared library, and the tests of the core and the sandbox, all emulated.
pub(crate) fn arm64(log: &mut Log) -> Result<Tally> {
    let mut tally = tests(log, &ARM64, &["mpt-tokens", "mpt-tokens-sandbox"])?;
    tally += log.one("the program deletes", |log| {
        let program = program(log, &ARM64, "dev")?;
        let mut delete = ARM64.program(log, &program)?;
        deletes(log, delete.args(["delete", "--format", "ndjson"]))
    });
    tally += log.one("the library in a C program, which deletes", |log| {
        let library = library(log, &ARM64, ".so")?;
        let folder = library.parent().context("a file is in a folder")?;
        // The loader looks for the name that says its ABI.
        let loaded = folder.join(artifacts::soname()?);
        fs::copy(&library, &loaded)
            .with_context(|| format!("cannot copy to {}", loaded.display()))?;
        let program = linked(log, &ARM64, |link| {
            link.arg(&library).arg(format!("-Wl,-rpath,{}", folder.display()))
        })?;
        let mut delete = ARM64.program(log, &program)?;
        deletes(log, &mut delete)
    });
    Ok(tally)
}

/// The tests of some crates, built for the platform and run there: by nextest where it is here.
fn tests(log: &mut Log, platform: &Platform, packages: &[&str]) -> Result<Tally> {
    let nextest = NEXTEST.missing().is_none();
    let (runner, verb) =
        if nextest { (tally::NEXTEST, "nextest run") } else { (CARGO_TEST, "test") };
    let mut tests = platform.cargo(log, verb)?;
    tests.arg("--no-fail-fast");
    if !nextest {
        tests.args(["--lib", "--bins", "--examples", "--tests"]);
    }
    tests.args(packages.iter().map(|package| format!("--package={package}")));
    log.tests(runner, tests.arg("--package=mpt-tokens-unify"))
}

/// The program, in a cargo profile.
fn program(log: &mut Log, platform: &Platform, profile: &str) -> Result<PathBuf> {
    let mut build = platform.cargo(log, "build")?;
    build.args(["--profile", profile, "--package", "mpt-tokens-cli", "--bins"]);
    if profile == "dev" {
        // It shares what it depends on with the tests.
        build.arg("--package=mpt-tokens-unify");
    }
    artifacts::executable(&artifacts::built(log, &mut build)?)
}

/// The C library, built for development: the file with this ending.
fn library(log: &mut Log, platform: &Platform, ending: &str) -> Result<PathBuf> {
    let mut build = platform.cargo(log, "build")?;
    build.args(["--package=mpt-tokens-capi", "--package=mpt-tokens-unify", "--lib"]);
    file(&artifacts::built(log, &mut build)?, ending)
}

/// The C program that deletes one token, with the library.
fn linked(
    log: &mut Log,
    platform: &Platform,
    library: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<PathBuf> {
    let program = repo::folder(format!("platforms/c/{}", platform.target))?.join("delete_one");
    let mut link = Command::new(platform.compiler);
    link.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]);
    link.arg(repo::root().join("include"));
    link.arg(repo::root().join("crates/capi/examples/delete_one.c"));
    log.run(library(&mut link).arg("-o").arg(&program))?;
    Ok(program)
}

/// The last file that cargo built with this ending.
fn file(built: &[serde_json::Value], ending: &str) -> Result<PathBuf> {
    let files = built.iter().filter_map(|artifact| artifact["filenames"].as_array()).flatten();
    let mut files = files.filter_map(|file| file.as_str());
    let last = files.rfind(|file| file.ends_with(ending));
    last.map(PathBuf::from).with_context(|| format!("cargo built no {ending}"))
}

/// It asks for no loader and for no library.
fn is_static(log: &mut Log, program: &Path) -> Result<()> {
    let told = log.stdout(Command::new("readelf").args(["-lWd"]).arg(program))?;
    let asks = told.lines().find(|line| line.contains("INTERP") || line.contains("(NEEDED)"));
    ensure!(asks.is_none(), "{} is not static: {}", program.display(), asks.unwrap_or_default());
    Ok(())
}

/// A command that takes the token's id as its last argument deletes one of a sandbox on this machine.
pub(crate) fn deletes(log: &mut Log, command: &mut Command) -> Result<()> {
    const ID: &str = "TKN-ok-0001";
    let sandbox = Sandbox::start().context("the sandbox does not start")?;
    command.arg(ID).env("MPT_API_TOKEN", sandbox.api_token());
    let printed = log.stdout(command.env("MPT_API_BASE_URL", sandbox.base_url()))?;
    log.note(printed.trim_end());
    let outcome = demo::outcome_in(&printed).context("it printed no outcome")?;
    ensure!(outcome == OutcomeKind::Deleted, "it says {}", outcome.name());
    let truth = sandbox.truth(ID);
    ensure!(truth.status == Status::Deleted, "the token is not deleted: {truth:?}");
    Ok(())
}
