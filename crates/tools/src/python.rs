//! Which Python is here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The oldest Python that the package works with.
const OLDEST: (u32, u32) = (3, 10);

/// Names to try after `$PYTHON`, the best first. A shim of that name may exist and fail: each is run.
const NAMES: &[&str] = &["python3.13", "python3.12", "python3.11", "python3.10", "python3"];

/// Prints `major minor executable` and ends with success if a venv can be made with it.
const PROBE: &str = "import sys, venv, ensurepip; print(*sys.version_info[:2], sys.executable)";

/// A Python that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// Where it is.
    pub program: PathBuf,
    /// Major and minor.
    pub version: (u32, u32),
}

/// `$PYTHON`, or else the first of the usual names that works; the error is a sentence for the user.
pub fn find() -> &'static Result<Python, String> {
    static FOUND: OnceLock<Result<Python, String>> = OnceLock::new();
    FOUND.get_or_init(|| match std::env::var_os("PYTHON").filter(|name| !name.is_empty()) {
        Some(name) => probe(name.clone())
            .map_err(|why| format!("PYTHON={} does not fit: {why}", name.to_string_lossy())),
        None => first_that_fits(NAMES),
    })
}

/// Every Python that fits, one a version, for checks that want them all: the usual names, and pyenv's own folder,
/// since its shims answer only for the versions that are switched on.
pub fn all() -> Vec<Python> {
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
