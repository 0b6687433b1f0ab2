//! Finds a Python that fits, and sets up virtual environments with pinned packages and the wheel of this tree.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail};

use mpt_tokens_tools::python::{Python, find};

use crate::log::Log;
use crate::repo;

/// A virtual environment.
#[derive(Clone, Debug)]
pub(crate) struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// Installs a wheel of this tree, which needs nothing else.
    pub(crate) fn install(&self, log: &mut Log, wheel: &Path) -> Result<()> {
        let mut pip = self.pip();
        log.run(pip.args(["--no-deps", "--no-index", "--force-reinstall"]).arg(wheel))
    }

    /// Calls a program of it, as if it had been activated.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut path = OsString::from(self.bin());
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        let mut command = Command::new(self.bin().join(name));
        command.current_dir(repo::root()).env("PATH", path).env("VIRTUAL_ENV", &self.folder);
        command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command
    }

    /// Where its programs are.
    pub(crate) fn bin(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// `pip install`, without its chatter.
    fn pip(&self) -> Command {
        let mut pip = self.command("python");
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        pip
    }
}

/// An environment of exactly what `bindings/python/requirements-LOCK.lock` pins, made anew when that changes.
pub(crate) fn venv(log: &mut Log, python: &Python, lock: &str) -> Result<Venv> {
    venv_named(log, python, lock, lock)
}

fn venv_named(log: &mut Log, python: &Python, lock: &str, name: &str) -> Result<Venv> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let (major, minor) = python.version;
    let folder = repo::target().join(format!("xtask/venv/{name}-{major}.{minor}"));
    let file = repo::root().join(format!("bindings/python/requirements-{lock}.lock"));
    let pinned =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let pinned = format!("# {}\n{pinned}", python.program.display());
    // Written last, so that a half-made environment is not taken for a whole one.
    let stamp = folder.join("made-from");
    let venv = Venv { folder };
    if !fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == pinned) {
        let mut make = Command::new(&python.program);
        log.run(make.args(["-m", "venv", "--clear"]).arg(&venv.folder))?;
        let mut pip = venv.pip();
        log.run(pip.args(["--require-hashes", "--only-binary=:all:", "-r"]).arg(file))?;
        fs::write(&stamp, pinned).with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(venv)
}

/// The Python that fits, or a sentence that says what is missing.
pub(crate) fn fitting() -> Result<&'static Python> {
    find().as_ref().map_err(|why| anyhow!("{why}"))
}

/// The wheel of this tree for this machine, built once a run in the dev profile.
fn wheel(log: &mut Log) -> Result<PathBuf> {
    static WHEEL: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = WHEEL.lock().unwrap_or_else(PoisonError::into_inner);
    let wheel = match &*built {
        Some(wheel) => wheel,
        None => built.insert(build(log, &repo::target().join("xtask/wheel"))?),
    };
    Ok(wheel.clone())
}

/// Lets a cargo command build pyo3 as maturin builds it: one that differs would make both build it again, each time.
pub(crate) fn as_maturin(log: &mut Log, cargo: &mut Command) -> Result<()> {
    if find().is_err() {
        // Without a Python the crate of the module can be checked all the same.
        cargo.env("PYO3_NO_PYTHON", "1");
        return Ok(());
    }
    wheel(log)?;
    let (major, minor) = fitting()?.version;
    let ending = format!("-{major}.{minor}-abi3.txt");
    let files = repo::files(&repo::target().join("maturin"), "txt")?;
    let told = files.iter().find(|file| file.to_string_lossy().ends_with(&ending));
    let told = told.context("maturin has not told pyo3 how to build")?;
    cargo.env("PYO3_CONFIG_FILE", told).env("PYO3_BUILD_EXTENSION_MODULE", "1");
    Ok(())
}

fn build(log: &mut Log, folder: &Path) -> Result<PathBuf> {
    let venv = venv(log, fitting()?, "build")?;
    // What an older build left would be taken for this one's.
    remove(folder, "whl")?;
    let mut maturin = venv.command("maturin");
    // The feature lets it share its dependencies with what cargo has built: crates/unify says how.
    maturin.args(["build", "--quiet", "--locked", "--profile", "dev", "--features", "unify"]);
    maturin.arg("--out").arg(folder);
    maturin.arg("--interpreter").arg(venv.bin().join("python"));
    log.run(&mut maturin)?;
    only(folder, "whl")
}

/// An environment with what LOCK pins and the wheel of this tree, which is built once a run in the dev profile.
pub(crate) fn installed(log: &mut Log, python: &Python, lock: &str) -> Result<Venv> {
    static INSTALLED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

    let venv = venv(log, python, lock)?;
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if !installed.contains(&venv.folder) {
        let wheel = wheel(log)?;
        venv.install(log, &wheel)?;
        installed.insert(venv.folder.clone());
    }
    Ok(venv)
}

/// An environment for tests with another wheel, apart from that of [`installed`].
pub(crate) fn with_wheel(log: &mut Log, python: &Python, wheel: &Path) -> Result<Venv> {
    let venv = venv_named(log, python, "dev", "released")?;
    venv.install(log, wheel)?;
    Ok(venv)
}

/// A program of the environment that tests and types are checked in.
pub(crate) fn dev(log: &mut Log, program: &str) -> Result<Command> {
    Ok(installed(log, fitting()?, "dev")?.command(program))
}

/// Removes the files of a folder that end so.
pub(crate) fn remove(folder: &Path, ending: &str) -> Result<()> {
    for old in repo::files(folder, ending)? {
        fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    Ok(())
}

/// The one file of a folder that ends so.
pub(crate) fn only(folder: &Path, ending: &str) -> Result<PathBuf> {
    match repo::files(folder, ending)?.as_slice() {
        [file] => Ok(file.clone()),
        files => bail!("{} files end in .{ending} in {}, not one", files.len(), folder.display()),
    }
}
