//! What is released for Python: a wheel for the platform of this machine, and the source distribution.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::conformance;
use crate::languages;
use crate::log::Log;
use crate::python::{self, Venv};
use crate::repo;
use crate::tally::{PYTEST, Tally};

/// Both, as they would be uploaded.
pub(crate) struct Released {
    pub(crate) wheel: PathBuf,
    pub(crate) sdist: PathBuf,
}

/// The oldest glibc that the wheel may need. zig links for it, whatever this machine has.
const GLIBC: &str = "manylinux_2_17";

const LINUX: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

/// Makes both, in a cargo profile.
pub(crate) fn build(log: &mut Log, profile: &str, folder: &Path) -> Result<Released> {
    let venv = python::venv(log, python::fitting()?, "release")?;
    let interpreter = venv.bin().join("python");
    // What an older build left would be taken for this one's.
    python::remove(folder, "gz")?;
    let wheel = wheel(log, &venv, profile, folder, &interpreter)?;
    log.run(venv.command("maturin").args(["sdist", "--out"]).arg(folder))?;
    Ok(Released { wheel, sdist: python::only(folder, "gz")? })
}

fn wheel(
    log: &mut Log,
    venv: &Venv,
    profile: &str,
    folder: &Path,
    interpreter: &Path,
) -> Result<PathBuf> {
    python::remove(folder, "whl")?;
    let mut maturin = venv.command("maturin");
    maturin.args(["build", "--quiet", "--locked", "--profile", profile, "--out"]).arg(folder);
    if LINUX {
        maturin.args(["--zig", "--compatibility", GLIBC]);
        // Named, so that wheels for a Python that is not here are built in the same place.
        maturin.arg("--target").arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH));
    }
    maturin.arg("--interpreter").arg(interpreter);
    if LINUX {
        // What follows goes to rustc, for this crate only.
        maturin.args(["--", &format!("-Clink-arg={}", unwinder(log, "cc")?)]);
    }
    log.run(&mut maturin)?;
    python::only(folder, "whl")
}

/// The path of the unwinder, libgcc_s, of the platform that a compiler is for.
///
/// zig links one of its own, statically. But a thread that Python ends is unwound by glibc with the platform's, and two
/// unwinders on one stack crash. A library that is named earlier provides the functions, and zig's is left out.
pub(crate) fn unwinder(log: &mut Log, compiler: &str) -> Result<String> {
    let path = log.stdout(Command::new(compiler).arg("-print-file-name=libgcc_s.so.1"))?;
    let path = path.trim();
    // A compiler that knows no such file repeats the name.
    ensure!(
        Path::new(path).is_absolute(),
        "the C compiler `{compiler}` finds no libgcc_s.so.1: {path:?}"
    );
    Ok(path.to_owned())
}

/// Runs the Python tests and the conformance cases on the wheel as [`build`] makes it, and the test of how Python ends in
/// every Python that is here. What is linked otherwise behaves otherwise: it is not enough to test another wheel.
pub(crate) fn whole(log: &mut Log) -> Result<Tally> {
    let newest = python::fitting()?;
    let release = python::venv(log, newest, "release")?;
    let folder = repo::folder("xtask/released/whole")?;
    let wheel = wheel(log, &release, "dev", &folder, &release.bin().join("python"))?;
    let mut tally = Tally::default();
    for python in mpt_tokens_tools::python::all() {
        let venv = python::with_wheel(log, &python, &wheel)?;
        let mut pytest = venv.command("python");
        pytest.args(["-m", "pytest", "-q"]).env("MPT_TOKENS_EXITS", "5");
        if python.version == newest.version {
            pytest.env("MPT_TOKENS_CALLS", "20000");
        } else {
            pytest.arg("bindings/python/tests/test_exit.py");
        }
        tally += log.tests(PYTEST, &mut pytest)?;
    }
    let venv = python::with_wheel(log, newest, &wheel)?;
    for (name, arguments) in [("python", &[][..]), ("asyncio", &["--asyncio"])] {
        let mut runner = venv.command("python");
        runner.arg(languages::tests("runner.py")).args(arguments);
        tally += conformance::cases(log, name, &runner)?;
    }
    Ok(tally)
}

/// Checks both by the tests in `bindings/python/release`.
///
/// They are built without optimization, which takes minutes and decides none of this.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let folder = repo::target().join("xtask/released");
    build(log, "dev", &folder)?;
    let venv = python::venv(log, python::fitting()?, "release")?;
    let arch = std::env::consts::ARCH;
    let mut platform = String::new();
    if LINUX {
        platform = format!("manylinux2014_{arch}.{GLIBC}_{arch}.whl");
        // maturin knows what that interpreter would say of itself.
        wheel(log, &venv, "dev", &folder.join("free-threaded"), Path::new("3.14t"))?;
    }
    let mut pytest: Command = python::venv(log, python::fitting()?, "dev")?.command("python");
    pytest.args(["-m", "pytest", "-q", "--timeout=900", "bindings/python/release"]);
    pytest.env("MPT_TOKENS_RELEASED", &folder).env("MPT_TOKENS_TOOLS", venv.bin());
    pytest.env("MPT_TOKENS_VERSION", mpt_tokens::VERSION).env("MPT_TOKENS_PLATFORM", platform);
    log.tests(PYTEST, pytest.env("CARGO_TARGET_DIR", repo::target()))
}
