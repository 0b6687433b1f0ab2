//! What is released for Python: a wheel for the platform of this machine, and the source distribution.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

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
    log.run(maturin.arg("--interpreter").arg(interpreter))?;
    python::only(folder, "whl")
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
