//! A `PATH` as on a machine that has fewer programs.
//!
//! Every step runs with the optional tools that it has asked for and with no other: a test that starts one which nobody
//! asked for fails here as it would on a bare machine.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use mpt_tokens_tools::{ALL, Tool};

use crate::repo;

/// `PATH` with the programs of these tools, and without those of all others.
pub(crate) fn all_but(kept: &[Tool]) -> Result<OsString> {
    let programs = |tools: &[Tool]| -> BTreeSet<&'static str> {
        tools.iter().flat_map(|tool| tool.programs().iter().copied()).collect()
    };
    let kept = programs(kept);
    without(&programs(ALL).into_iter().filter(|program| !kept.contains(program)).collect())
}

/// `PATH` without these programs: each folder that has one is replaced by a folder of links to all else that is in it.
pub(crate) fn without(programs: &BTreeSet<&'static str>) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).map(|folder| {
        let hidden: Vec<_> =
            programs.iter().filter(|program| folder.join(program).exists()).copied().collect();
        if hidden.is_empty() { Ok(folder) } else { links(&folder, &hidden) }
    });
    std::env::join_paths(folders.collect::<Result<Vec<_>>>()?)
        .context("PATH cannot be put together")
}

/// A folder of links to everything in `folder` but some. It is made once: its name says what it was made of, and when
/// that changed last.
fn links(folder: &Path, hidden: &[&str]) -> Result<PathBuf> {
    let changed = fs::metadata(folder).and_then(|data| data.modified())?;
    let mut hasher = DefaultHasher::new();
    (folder, hidden, changed.duration_since(SystemTime::UNIX_EPOCH)?).hash(&mut hasher);
    let parent = repo::folder("xtask/path")?;
    let made = parent.join(format!("{:016x}", hasher.finish()));
    if made.exists() {
        return Ok(made);
    }
    // Another run may do the same at this moment: the folder appears whole, under its name, or not at all.
    let new = tempfile::tempdir_in(&parent)
        .with_context(|| format!("cannot make a folder in {}", parent.display()))?;
    for entry in repo::entries(folder)? {
        let name = entry.file_name().context("an entry has a name")?;
        let link = new.path().join(name);
        if !hidden.iter().any(|hidden| name == *hidden) {
            symlink(&entry, &link).with_context(|| format!("cannot link {}", link.display()))?;
        }
    }
    if fs::rename(new.path(), &made).is_ok() {
        // It has another name now: there is nothing to remove.
        let _ = new.keep();
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_hidden_does_not_start_and_all_else_does() {
        let path = without(&BTreeSet::from(["ls"])).unwrap();
        let runs = |script: &str| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", script]).env("PATH", &path);
            shell.output().unwrap().status.success()
        };
        assert!(!runs("command -v ls"));
        assert!(runs("command -v cat && cat /dev/null"));
    }

    #[test]
    fn nothing_changes_where_nothing_is_hidden() {
        let path = without(&BTreeSet::from(["no-such-program"])).unwrap();
        assert_eq!(Some(path), std::env::var_os("PATH"));
    }
}
