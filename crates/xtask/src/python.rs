//! Finds a Python that fits, and sets up virtual environments with pinned packages and the wheel of this tree.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow, bail};

use crate::log::Log;
use crate::repo;

/// The oldest Python that the package works with.
const OLDEST: (u32, u32) = (3, 10);

/// Names to try after `$PYTHON`, the best first. A shim of that name may exist and fail: each is run.
const NAMES: &[&str] = &["python3.13", "python3.12", "python3.11", "python3.10", "python3"];

/// Prints `major minor executable` and ends with success if a venv can be made with it.
const PROBE: &str = "import sys, venv, ensurepip; print(*sys.version_info[:2], sys.executable)";

/// A Python that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Python {
    pub(crate) program: PathBuf,
    pub(crate) version: (u32, u32),
}

/// `$PYTHON`, or else the first of the usual names that works; the error is a sentence for the user.
pub(crate) fn find() -> &'static Result<Python, String> {
    static FOUND: OnceLock<Result<Python, String>> = OnceLock::new();
    FOUND.get_or_init(|| match std::env::var_os("PYTHON").filter(|name| !name.is_empty()) {
        Some(name) => probe(name.clone())
            .map_err(|why| format!("PYTHON={} does not fit: {why}", name.to_string_lossy())),
        None => first_that_fits(NAMES),
    })
}

/// Every Python that fits, one a version, for checks that want them all: the usual names, and pyenv's own folder,
/// since its shims answer only for the versions that are switched on.
pub(crate) fn all() -> Vec<Python> {
    let mut found = BTreeMap::new();
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| std::env::home_dir().map(|home| home.join(".pyenv")));
    let versions = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let in_pyenv =
        versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python3"));
    let names = NAMES.iter().map(PathBuf::from).chain(in_pyenv);
    for python in find().iter().cloned().chain(names.filter_map(|name| probe(name.into()).ok())) {
        found.entry(python.version).or_insert(python);
    }
    found.into_values().collect()
}

/// A virtual environment.
#[derive(Clone, Debug)]
pub(crate) struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// Makes it, empty, in place of what is in that folder.
    pub(crate) fn new(log: &mut Log, python: &Python, folder: PathBuf) -> Result<Self> {
        let mut make = Command::new(&python.program);
        log.run(make.args(["-m", "venv", "--clear"]).arg(&folder))?;
        Ok(Self { folder })
    }

    /// Installs exactly what `bindings/python/requirements-LOCK.lock` pins.
    pub(crate) fn fill(&self, log: &mut Log, lock: &str) -> Result<()> {
        let mut pip = self.pip();
        pip.args(["--require-hashes", "--only-binary=:all:", "-r"]).arg(lock_file(lock));
        log.run(&mut pip).map(drop)
    }

    /// Installs a wheel of this tree, which needs nothing else.
    pub(crate) fn install(&self, log: &mut Log, wheel: &Path) -> Result<()> {
        let mut pip = self.pip();
        log.run(pip.args(["--no-deps", "--no-index", "--force-reinstall"]).arg(wheel)).map(drop)
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
    pub(crate) fn pip(&self) -> Command {
        let mut pip = self.command("python");
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        pip
    }
}

/// An environment of exactly what `bindings/python/requirements-LOCK.lock` pins, made anew when that changes.
pub(crate) fn venv(log: &mut Log, python: &Python, lock: &str) -> Result<Venv> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);

    let (major, minor) = python.version;
    let folder = repo::target().join(format!("xtask/venv/{lock}-{major}.{minor}"));
    let file = lock_file(lock);
    let pinned =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let pinned = format!("# {}\n{pinned}", python.program.display());
    // Written last, so that a half-made environment is not taken for a whole one.
    let stamp = folder.join("made-from");
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == pinned) {
        return Ok(Venv { folder });
    }
    let venv = Venv::new(log, python, folder)?;
    venv.fill(log, lock)?;
    fs::write(&stamp, pinned).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(venv)
}

/// The file that pins what an environment has.
fn lock_file(lock: &str) -> PathBuf {
    repo::root().join(format!("bindings/python/requirements-{lock}.lock"))
}

/// The Python that fits, or a sentence that says what is missing.
pub(crate) fn fitting() -> Result<&'static Python> {
    find().as_ref().map_err(|why| anyhow!("{why}"))
}

/// Builds the wheel of this tree for this machine, in the dev profile; returns its path.
fn wheel(log: &mut Log, folder: &Path) -> Result<PathBuf> {
    let venv = venv(log, fitting()?, "build")?;
    // What an older build left would be taken for this one's.
    remove(folder, "whl")?;
    let mut maturin = venv.command("maturin");
    maturin.args(["build", "--quiet", "--locked", "--profile", "dev", "--out"]).arg(folder);
    maturin.arg("--interpreter").arg(venv.bin().join("python"));
    log.run(&mut maturin)?;
    only(folder, "whl")
}

/// An environment with what LOCK pins and the wheel of this tree, which is built once a run in the dev profile.
pub(crate) fn installed(log: &mut Log, python: &Python, lock: &str) -> Result<Venv> {
    static WHEEL: Mutex<Option<PathBuf>> = Mutex::new(None);
    static INSTALLED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

    let venv = venv(log, python, lock)?;
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if !installed.contains(&venv.folder) {
        let mut built = WHEEL.lock().unwrap_or_else(PoisonError::into_inner);
        let wheel = match &*built {
            Some(wheel) => wheel,
            None => built.insert(wheel(log, &repo::target().join("xtask/wheel"))?),
        };
        venv.install(log, wheel)?;
        installed.insert(venv.folder.clone());
    }
    Ok(venv)
}

/// Removes the files of a folder that end so.
pub(crate) fn remove(folder: &Path, ending: &str) -> Result<()> {
    for old in files(folder, ending)? {
        fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    Ok(())
}

/// The one file of a folder that ends so.
pub(crate) fn only(folder: &Path, ending: &str) -> Result<PathBuf> {
    match files(folder, ending)?.as_slice() {
        [file] => Ok(file.clone()),
        files => bail!("{} files end in .{ending} in {}, not one", files.len(), folder.display()),
    }
}

fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    Ok(found)
}

fn first_that_fits(names: &[&str]) -> Result<Python, String> {
    let mut reasons = Vec::new();
    for name in names {
        match probe(OsString::from(name)) {
            Ok(python) => return Ok(python),
            Err(why) => reasons.push(format!("{name}: {why}")),
        }
    }
    Err(format!(
        "no Python {}.{} or later with the modules venv and ensurepip is here (on Debian: apt-get install \
         python3-venv; or name one by PYTHON=...); tried {}",
        OLDEST.0,
        OLDEST.1,
        reasons.join("; ")
    ))
}

fn probe(program: OsString) -> Result<Python, String> {
    let told = Command::new(&program).args(["-c", PROBE]).stdin(Stdio::null()).output();
    let told = told.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "not here".to_owned(),
        _ => error.to_string(),
    })?;
    if !told.status.success() {
        let stderr = String::from_utf8_lossy(&told.stderr);
        let last = stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it failed");
        return Err(last.trim().to_owned());
    }
    let stdout = String::from_utf8_lossy(&told.stdout);
    let python = parse(stdout.trim()).ok_or_else(|| format!("it said {:?}", stdout.trim()))?;
    if python.version < OLDEST {
        return Err(format!("it is Python {}.{}", python.version.0, python.version.1));
    }
    Ok(python)
}

fn parse(told: &str) -> Option<Python> {
    let mut words = told.splitn(3, ' ');
    let version = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Python { program: PathBuf::from(words.next()?), version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_answer_of_a_python() {
        let python = parse("3 12 /opt/my pythons/bin/python3").unwrap();
        assert_eq!(python.version, (3, 12));
        assert_eq!(python.program, PathBuf::from("/opt/my pythons/bin/python3"));
        assert_eq!(parse("Python 3.12"), None);
    }

    #[test]
    fn says_what_was_tried() {
        let why = first_that_fits(&["no-such-python-a", "no-such-python-b"]).unwrap_err();
        assert!(why.contains("no-such-python-a: not here; no-such-python-b: not here"), "{why}");
    }

    #[test]
    fn a_shim_that_fails_is_passed_over() {
        let why = probe(OsString::from("false")).unwrap_err();
        assert_eq!(why, "it failed");
    }
}
