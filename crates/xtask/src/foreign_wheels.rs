//! Wheels for other platforms than this machine's: built here, inspected here, and tried in Pythons for them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::foreign;
use crate::foreign_pythons::{self, Python};
use crate::log::Log;
use crate::platforms::{ARM64, MUSL, Platform, WINDOWS};
use crate::python::{self, Venv};
use crate::tally::{PYTEST, Tally};
use crate::{repo, wheels};

/// One wheel.
struct Wheel {
    /// What the wheel's name says of its platform.
    name: &'static str,
    platform: Platform,
    /// What maturin must be told. zig links for an older system than this machine has.
    maturin: &'static [&'static str],
    /// What says on which systems it loads, and what it must print.
    inspect: (&'static [&'static str], &'static str),
    /// The Python that it is tried in.
    python: fn(&mut Log, &Venv) -> Result<Python>,
}

/// musl's own C compiler links programs; zig links a shared library that needs nothing but musl.
const MUSL_MODULE: Platform =
    Platform { compiler: "", rustflags: &["-Ctarget-feature=-crt-static"], ..MUSL };

/// Linked by zig.
const ARM64_MODULE: Platform = Platform { compiler: "", ..ARM64 };

const WHEELS: &[Wheel] = &[
    Wheel {
        name: "win_amd64",
        platform: WINDOWS,
        maturin: &[],
        inspect: (&["delvewheel", "show"], "python3.dll"),
        python: foreign_pythons::windows,
    },
    Wheel {
        name: "musllinux_1_2_x86_64",
        platform: MUSL_MODULE,
        maturin: &["--zig", "--compatibility", "musllinux_1_2"],
        // Nothing but musl, by the name that zig has for it. musl's loader knows itself by any name that begins with
        // `libc.`; auditwheel knows Alpine's alone, and finds glibc's linker script where it is told of no folder.
        inspect: (
            &["auditwheel", "show", "--ldpaths", "/usr/lib/x86_64-linux-musl"],
            "{\n    \"libc.so\": \"/usr/lib/x86_64-linux-musl/libc.so\"\n}",
        ),
        python: foreign_pythons::musl,
    },
    Wheel {
        name: "manylinux_2_28_aarch64",
        platform: ARM64_MODULE,
        maturin: &["--zig", "--compatibility", "manylinux_2_28"],
        inspect: (&["auditwheel", "show"], "manylinux_2_28_aarch64"),
        python: foreign_pythons::arm64,
    },
];

/// Each is built and inspected, without optimization, which decides none of this. Then it deletes a token, and passes the
/// tests of the Python package.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let venv = python::venv(log, python::fitting()?, "release")?;
    let mut tally = Tally::default();
    for wheel in WHEELS {
        let mut built = None;
        tally += log.one(&format!("{}: built and inspected", wheel.name), |log| {
            let file = build(log, &venv, wheel)?;
            inspect(log, &venv, wheel, &file)?;
            built = Some(file);
            Ok(())
        });
        let Some(file) = built else { continue };
        // Whatever is wrong with one, the others are tried.
        match tried(log, &venv, wheel, &file) {
            Ok(counted) => tally += counted,
            Err(why) => {
                log.note(&format!("{why:#}"));
                tally += Tally::FAILED;
            }
        }
    }
    Ok(tally)
}

/// It deletes a token, and passes the tests of the Python package.
fn tried(log: &mut Log, venv: &Venv, wheel: &Wheel, file: &Path) -> Result<Tally> {
    let python = (wheel.python)(log, venv)?;
    python.install(log, venv, file)?;
    let mut tally = log.one(&format!("{}: deletes", wheel.name), |log| {
        let mut delete = python.command(log, &["bindings/python/examples/delete_one.py"])?;
        foreign::deletes(log, &mut delete)
    });
    let mut tests = python.command(log, &["-m", "pytest", "-q", "-p", "no:cacheprovider"])?;
    // Emulated, much takes ten times as long.
    tests.arg("--timeout=600");
    for (test, why) in python.cannot {
        // A file is not even read.
        let leave_out = if test.contains("::") { "deselect" } else { "ignore" };
        tests.arg(format!("--{leave_out}=bindings/python/tests/{test}"));
        log.skip(&format!("{}: {test}", wheel.name), why);
        tally += Tally::SKIPPED;
    }
    tally += log.tests(PYTEST, &mut tests)?;
    Ok(tally)
}

fn build(log: &mut Log, venv: &Venv, wheel: &Wheel) -> Result<PathBuf> {
    let folder = repo::folder(format!("platforms/wheels/{}", wheel.name))?;
    python::remove(&folder, "whl")?;
    let mut maturin = venv.command("maturin");
    // The feature lets it share its dependencies with the tests: crates/unify says how.
    maturin.args(["build", "--quiet", "--locked", "--profile", "dev", "--features", "unify"]);
    maturin.arg("--out").arg(&folder);
    maturin.args(["--target", wheel.platform.target]).args(wheel.maturin);
    // Of the stable ABI, the oldest Python that it is for says enough.
    maturin.args(["--interpreter", "python3.10"]);
    // musl unwinds no thread that ends, so there zig's does.
    if wheel.platform.target == ARM64.target {
        maturin.args(["--", &format!("-Clink-arg={}", wheels::unwinder(log, ARM64.compiler)?)]);
    }
    wheel.platform.set(log, &mut maturin)?;
    log.run(&mut maturin)?;
    python::only(&folder, "whl")
}

fn inspect(log: &mut Log, venv: &Venv, wheel: &Wheel, file: &Path) -> Result<()> {
    let name = file.file_name().and_then(|name| name.to_str()).context("a wheel has a name")?;
    let fits = name.contains("-cp310-abi3-") && name.contains(wheel.name);
    ensure!(fits, "the wheel for {} is called {name}", wheel.name);
    log.note(&format!("{name}: {} bytes", fs::metadata(file)?.len()));
    log.run(venv.command("abi3audit").args(["--strict", "--verbose"]).arg(file))?;
    let (words, says) = wheel.inspect;
    let told = log.stdout(venv.command(words[0]).args(&words[1..]).arg(file))?;
    log.note(&told);
    ensure!(told.contains(says), "{} does not say {says}", words[0]);
    Ok(())
}
