//! The tests that are not compiled for Windows, found in the sources, so that each is counted as skipped by its name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::log::Log;
use crate::repo;
use crate::tally::Tally;

const WHY: &str = "it is written for Unix: for its signals, terminals and shells, or for its words";

/// Names each; counts them.
pub(super) fn skipped(log: &mut Log, packages: &[&str]) -> Result<Tally> {
    let mut tally = Tally::default();
    for package in packages {
        let name = package.trim_start_matches("mpt-tokens").trim_start_matches('-');
        let folder = repo::root().join("crates").join(if name.is_empty() { "core" } else { name });
        for part in ["src", "tests/it"] {
            let mut files = Vec::new();
            sources(&folder.join(part), &mut files)?;
            for test in tests(&files)? {
                log.skip(&format!("{package} {test}"), WHY);
                tally += Tally::SKIPPED;
            }
        }
    }
    Ok(tally)
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in repo::entries(folder)? {
        if entry.is_dir() {
            sources(&entry, files)?;
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            files.push(entry);
        }
    }
    Ok(())
}

/// The tests of these files that are for Unix: by themselves, or because their whole file is.
fn tests(files: &[PathBuf]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut texts = Vec::new();
    for file in files {
        let text = fs::read_to_string(file);
        texts.push(text.with_context(|| format!("cannot read {}", file.display()))?);
    }
    let modules: Vec<&str> =
        texts.iter().flat_map(|text| items(text)).filter_map(|item| item.unix_module()).collect();
    for (file, text) in files.iter().zip(&texts) {
        let module = file.file_stem().unwrap_or_default().to_string_lossy();
        let whole = modules.iter().any(|name| *name == module);
        for item in items(text).filter(|item| item.is_test && (whole || item.is_unix)) {
            found.push(format!("{module}::{}", item.name));
        }
    }
    Ok(found)
}

/// A function or a module, with what its attributes say.
struct Item<'a> {
    is_module: bool,
    name: &'a str,
    is_test: bool,
    is_unix: bool,
}

impl<'a> Item<'a> {
    fn unix_module(&self) -> Option<&'a str> {
        (self.is_module && self.is_unix).then_some(self.name)
    }
}

fn items(text: &str) -> impl Iterator<Item = Item<'_>> {
    let (mut is_test, mut is_unix) = (false, false);
    text.lines().filter_map(move |line| {
        let line = line.trim();
        match line {
            "#[test]" | "#[rstest]" => is_test = true,
            "#[cfg(unix)]" | "#[cfg(target_os = \"linux\")]" => is_unix = true,
            _ => {}
        }
        let (is_module, rest) = match (line.strip_prefix("fn "), line.strip_prefix("mod ")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) if rest.ends_with(';') => (true, rest),
            // What stands between an attribute and its item: another attribute, or words.
            _ if line.is_empty() || line.ends_with(['{', '}', ';']) => {
                (is_test, is_unix) = (false, false);
                return None;
            }
            _ => return None,
        };
        let name = rest.split(['(', '<', ';']).next().unwrap_or_default();
        let item = Item { is_module, name, is_test, is_unix };
        (is_test, is_unix) = (false, false);
        Some(item)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_unix_is_found_by_its_attributes() {
        let text = "#[cfg(unix)]\nmod pty;\nmod other;\n/// Words.\n#[rstest]\n#[case(\n    1\n)]\n#[cfg(unix)]\nfn a(\n) {}\n\
                    #[cfg(unix)]\nuse x;\n\n#[test]\nfn b() {\n    #[cfg(unix)]\n    {\n    }\n}\n#[cfg(unix)]\nfn helper() {}\n";
        let found: Vec<_> = items(text).collect();
        let unix = |item: &&Item| item.is_unix && (item.is_test || item.is_module);
        let names: Vec<_> = found.iter().filter(unix).map(|item| item.name).collect();
        assert_eq!(names, ["pty", "a"]);
        assert!(found.iter().any(|item| item.name == "b" && item.is_test && !item.is_unix));
    }
}
