//! `cargo xtask header`: `include/mpt_tokens.h`, made by cbindgen from the C crate and committed.

use std::fs;

use anyhow::{Context, Result, anyhow, bail};

use crate::repo;

const HEADER: &str = "include/mpt_tokens.h";

/// Writes the header.
pub(crate) fn update() -> Result<()> {
    let header = generate()?;
    let file = repo::root().join(HEADER);
    if fs::read_to_string(&file).is_ok_and(|old| old == header) {
        return Ok(());
    }
    fs::write(&file, header).with_context(|| format!("cannot write {HEADER}"))?;
    println!("{HEADER} is new");
    Ok(())
}

/// Fails where the committed header is not what would be made.
pub(crate) fn check() -> Result<()> {
    let committed = fs::read_to_string(repo::root().join(HEADER))
        .with_context(|| format!("cannot read {HEADER}"))?;
    if committed != generate()? {
        bail!("{HEADER} is not what the C crate says: run `cargo xtask header`");
    }
    Ok(())
}

fn generate() -> Result<String> {
    let folder = repo::root().join("crates/capi");
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml"))
        .map_err(|why| anyhow!("crates/capi/cbindgen.toml: {why}"))?;
    let bindings = cbindgen::Builder::new().with_crate(folder).with_config(config).generate()?;
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).context("the header is not UTF-8")
}
