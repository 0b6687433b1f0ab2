//! Packages for Node.js, with what they depend on.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::log::Log;
use crate::repo;

/// A copy of a package with what its lock file pins: npm would put that into the tree.
pub(crate) fn install(log: &mut Log, from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for file in repo::entries(from)?.iter().filter(|entry| entry.is_file()) {
        fs::copy(file, to.join(file.file_name().context("a file has a name")?))?;
    }
    // npm starts anew each time: what it would do is done already when the lock is the same.
    let lock = fs::read(to.join("package-lock.json"))?;
    let done = to.join("node_modules/.done");
    if !fs::read(&done).is_ok_and(|installed| installed == lock) {
        let mut npm = Command::new("npm");
        npm.current_dir(to).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
        log.run(&mut npm)?;
        fs::write(&done, lock)?;
    }
    Ok(())
}
