//! The checks on platforms that are not this machine's own: `platforms.rs` knows how they are built and run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use mpt_tokens::OutcomeKind;
use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::{NEXTEST, ROOT};

use crate::log::Log;
use crate::platforms::{self, ARM64, MUSL, MUSL_SHARED, Platform};
use crate::tally::{self, CARGO_TEST, Tally};
use crate::{artifacts, demo, repo};

/// What the static program may take, in bytes, stripped.
const STATIC_PROGRAM: u64 = 4_100_000;

/// The file in which Debian's qemu tells the kernel which programs are for arm64, and what starts them.
const REGISTERED: &str = "/usr/lib/binfmt.d/qemu-aarch64.conf";

/// musl: a static program and a static library, and the tests of all that is in them.
pub(crate) fn musl(log: &mut Log) -> Result<Tally> {
    let mut tally = tests(log, &MUSL, &["mpt-tokens", "mpt-tokens-sandbox", "mpt-tokens-cli"])?;
    tally += log.one("the program: static, small, and it deletes", |log| {
        let program = stripped(log)?;
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
    tally += log.one("the library, shared, in a C program, which deletes", |log| {
        let program = with_shared(log, &MUSL_SHARED)?;
        let mut delete = MUSL_SHARED.program(log, &program)?;
        deletes(log, &mut delete)
    });
    tally += alone(log)?;
    Ok(tally)
}

/// The programs where there is musl's loader, and nothing else: no other library, no `/dev`, no file of a system.
fn alone(log: &mut Log) -> Result<Tally> {
    let names =
        ["the program, alone in a folder", "the C program, alone with musl and the library"];
    if let Some(missing) = ROOT.missing() {
        names.iter().for_each(|name| log.skip(name, &missing));
        return Ok(Tally { skipped: 2, ..Tally::default() });
    }
    let root = repo::empty("platforms/musl/alone")?;
    let mut tally = log.one(names[0], |log| {
        copy(&stripped(log)?, &root.join("mpt-tokens"))?;
        deletes(log, in_root(&root, "/mpt-tokens").args(["delete", "--format", "ndjson"]))
    });
    tally += log.one(names[1], |log| {
        let program = with_shared(log, &MUSL_SHARED)?;
        let soname = artifacts::soname()?;
        copy(&program, &root.join("delete_one"))?;
        // The loader, by the name that the program has for it. It is musl's libc, too.
        fs::create_dir(root.join("lib"))?;
        // There, since without /proc the loader does not know where the program is.
        copy(&program.with_file_name(&soname), &root.join("lib").join(&soname))?;
        copy(Path::new("/lib/ld-musl-x86_64.so.1"), &root.join("lib/ld-musl-x86_64.so.1"))?;
        deletes(log, &mut in_root(&root, "/delete_one"))
    });
    Ok(tally)
}

/// A program of a folder, to which that folder is the whole system.
fn in_root(root: &Path, program: &str) -> Command {
    let mut command = Command::new("chroot");
    command.arg(root).arg(program);
    command
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
        let program = with_shared(log, &ARM64)?;
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
    let packages = packages.iter().chain(&["mpt-tokens-unify"]);
    let packages: Vec<_> = packages.map(|package| format!("--package={package}")).collect();
    if !nextest {
        let examples = platform.cargo(log, verb)?;
        platforms::examples(log, examples, &packages)?;
    }
    let mut tests = platform.cargo(log, verb)?;
    tests.arg("--no-fail-fast");
    if !nextest {
        tests.args(["--lib", "--bins", "--tests"]);
    } else if platform.target == ARM64.target {
        tests.arg("--profile=emulated");
    }
    tests.args(&packages);
    if platform.target == ARM64.target {
        tests = emulating(tests.env("MPT_TOKENS_SLOW", "yes"));
    }
    log.tests(runner, &mut tests)
}

/// A command to which, and to all that it starts, programs for arm64 are programs like any other: there are tests that
/// start programs. Only to these: the kernel learns it for a user namespace of their own, and not for this machine.
fn emulating(command: &Command) -> Command {
    const LEARN: &str = "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
cat \"$1\" >/proc/sys/fs/binfmt_misc/register
shift
exec \"$@\"";
    let mut all = Command::new("unshare");
    all.args(["--user", "--map-root-user", "--mount", "sh", "-euc", LEARN, "sh", REGISTERED]);
    all.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => all.env(name, value),
            None => all.env_remove(name),
        };
    }
    all.current_dir(repo::root());
    all
}

/// The static program as it is given away. Debian's Rust leaves the symbols in, whatever the profile says.
fn stripped(log: &mut Log) -> Result<PathBuf> {
    let whole = program(log, &MUSL, "small")?;
    let program = repo::folder("platforms/musl")?.join("mpt-tokens");
    log.run(Command::new("strip").arg("-o").arg(&program).arg(whole))?;
    Ok(program)
}

/// The program, in a cargo profile.
fn program(log: &mut Log, platform: &Platform, profile: &str) -> Result<PathBuf> {
    let mut build = platform.cargo(log, "build")?;
    build.args(["--profile", profile, "--package", "mpt-tokens-cli", "--bins"]);
    if profile == "dev" {
        // It shares what it depends on with the tests.
        build.arg("--package=mpt-tokens-unify");
    } else {
        // Without what turns addresses into lines: a stripped program has none to show.
        build.env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "panic-unwind,optimize_for_size");
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

/// The C program with the shared library, which is beside it.
fn with_shared(log: &mut Log, platform: &Platform) -> Result<PathBuf> {
    let library = library(log, platform, ".so")?;
    let program = linked(log, platform, |link| link.arg(&library).arg("-Wl,-rpath,$ORIGIN"))?;
    // The loader looks for the name that says its ABI.
    copy(&library, &program.with_file_name(artifacts::soname()?))?;
    Ok(program)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
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
