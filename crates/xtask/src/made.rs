//! Files, and parts of files, that are made from the code and committed.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::repo;

/// Brings a file up to date, or fails where it is not when nothing may be changed; `verb` makes it.
pub(crate) fn keep(file: &Path, fresh: &str, verb: &str, check: bool) -> Result<()> {
    let shown = file.strip_prefix(repo::root()).unwrap_or(file).display();
    let text = match fs::read_to_string(file) {
        Err(why) if why.kind() == ErrorKind::NotFound => String::new(),
        text => text.with_context(|| format!("cannot read {shown}"))?,
    };
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

/// The same for all files of a folder with an ending: those that are not made any more go.
pub(crate) fn keep_all(
    folder: &Path,
    ending: &str,
    fresh: &BTreeMap<String, String>,
    verb: &str,
    check: bool,
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for old in repo::files(folder, ending)? {
        let name = old.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !fresh.contains_key(&name) {
            if check {
                bail!("{name} is made no more: run `cargo xtask {verb}`");
            }
            fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    fresh.iter().try_for_each(|(name, text)| keep(&folder.join(name), text, verb, check))
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
