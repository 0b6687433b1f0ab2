//! Files, and parts of files, that are made from the code and committed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::repo;

/// Brings a file up to date, or fails where it is not when nothing may be changed; `verb` makes it.
pub(crate) fn keep(file: &Path, fresh: &str, verb: &str, check: bool) -> Result<()> {
    let shown = file.strip_prefix(repo::root()).unwrap_or(file).display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    if text == fresh {
        return Ok(());
    }
    if check {
        bail!("{shown} does not say what the code says: run `cargo xtask {verb}`");
    }
    fs::write(file, fresh).with_context(|| format!("cannot write {shown}"))?;
    println!("{shown} is new");
    Ok(())
}

/// The text with what stands between two marks replaced; as it is where it does not have the first of them.
pub(crate) fn between(text: &str, begin: &str, fresh: &str, end: &str) -> Result<String> {
    let Some((before, rest)) = text.split_once(begin) else { return Ok(text.to_owned()) };
    let (_, after) =
        rest.split_once(end).with_context(|| format!("{} without {end}", begin.trim()))?;
    Ok(format!("{before}{begin}{fresh}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn what_stands_between_the_marks_is_replaced() {
        assert_eq!(between("a<old>b", "<", "new", ">").unwrap(), "a<new>b");
        assert_eq!(between("a", "<", "new", ">").unwrap(), "a");
        assert!(between("a<b", "<", "new", ">").is_err());
    }
}
