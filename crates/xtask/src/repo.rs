//! Where things are, and how cargo is called.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result};

/// The top folder of the workspace.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        here.join("../..").canonicalize().expect("the workspace's folder can be read")
    })
}

/// The build folder, which is also where every chore keeps what it makes.
pub(crate) fn target() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| {
        let told =
            metadata().ok().and_then(|data| data["target_directory"].as_str().map(PathBuf::from));
        told.unwrap_or_else(|| root().join("target"))
    })
}

/// What cargo says of the workspace and its members.
pub(crate) fn metadata() -> Result<serde_json::Value> {
    let told = cargo("metadata").args(["--no-deps", "--format-version=1"]).output()?;
    serde_json::from_slice(&told.stdout).context("`cargo metadata` printed no JSON")
}

/// What is in a folder, by name.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The files of a folder that end so, none where there is no folder.
pub(crate) fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut paths = if folder.exists() { entries(folder)? } else { Vec::new() };
    paths.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    Ok(paths)
}

/// The folder of that name under the build folder.
pub(crate) fn folder(name: impl AsRef<Path>) -> Result<PathBuf> {
    let folder = target().join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Likewise, with nothing in it.
pub(crate) fn empty(name: &str) -> Result<PathBuf> {
    match fs::remove_dir_all(target().join(name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot empty {name}"))
        }
        _ => folder(name),
    }
}

/// `cargo VERB` (`nextest run` is one verb), at the top of the workspace, without colours (its output is kept, not shown at once).
pub(crate) fn cargo(verb: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(verb.split(' ')).env("CARGO_TERM_COLOR", "never");
    cargo
}

/// Like [`cargo`], for verbs that build: in CI the lock file must be right as it is.
pub(crate) fn locked(verb: &str) -> Command {
    let mut cargo = cargo(verb);
    if mpt_tokens_tools::ci() {
        cargo.arg("--locked");
    }
    cargo
}

#[cfg(test)]
mod tests {
    use super::root;

    /// A `cargo update` would bring twenty crates of Unicode tables back: `ARCHITECTURE.md` says why they are not there.
    #[test]
    fn the_lock_file_leaves_the_unicode_tables_out() {
        let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
        assert!(lock.contains("name = \"idna_adapter\"\nversion = \"1.0.0\"\n"));
    }
}
