//! Systems for which the code is type-checked, and on which it is never run here.
//!
//! cargo builds the standard library's source for them, as far as a check needs it. The C part of ring is left out: what
//! stands in for its compiler makes empty files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::log::Log;
use crate::platforms::Platform;
use crate::repo;
use crate::tally::Tally;

const TARGETS: &[&str] = &[
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "x86_64-unknown-freebsd",
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
];

/// The core, the C library and the program, for each target.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let (compiler, archiver) = (stand_in("no-compiler")?, stand_in("no-ar")?);
    // For Windows on arm64, ring starts a compiler of this name, whatever it is told.
    let clang = stand_in("clang")?;
    let folder = clang.parent().context("a link is in a folder")?;
    let search = std::env::var_os("PATH").unwrap_or_default();
    let search = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&search));
    let search = std::env::join_paths(search).context("PATH cannot be put together")?;
    let mut tally = Tally::default();
    for target in TARGETS {
        tally += log.one(&format!("{target}: checked, never run"), |log| {
            let platform = Platform { target, compiler: "", runner: &[], rustflags: &[] };
            let mut check = platform.cargo(log, "check")?;
            check.args([
                "-p=mpt-tokens",
                "-p=mpt-tokens-capi",
                "-p=mpt-tokens-cli",
                "--lib",
                "--bins",
            ]);
            let name = target.replace('-', "_");
            check.env("PATH", &search);
            check.env(format!("CC_{name}"), &compiler).env(format!("AR_{name}"), &archiver);
            log.run(&mut check)
        });
    }
    Ok(tally)
}

/// The script under a name that tells it what it is to stand in for.
fn stand_in(name: &str) -> Result<PathBuf> {
    let link = repo::folder("platforms/check")?.join(name);
    let script = repo::root().join("crates/xtask/check/no-compiler.sh");
    let _ = fs::remove_file(&link);
    symlink(script, &link).with_context(|| format!("cannot link {}", link.display()))?;
    Ok(link)
}
