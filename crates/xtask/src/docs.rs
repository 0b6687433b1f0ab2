//! `cargo xtask docs`: the tables in the documents that say what the code says.
//!
//! The table of codes is made from `mpt_tokens::Code`, between two markers, wherever a document has them. The table
//! of dependencies is written by hand, for its reasons; it is compared with the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mpt_tokens::Code;

use crate::repo;

const BEGIN: &str = "<!-- codes:begin -->\n";
const END: &str = "<!-- codes:end -->";

/// Puts the table of codes into every document that has its markers.
pub(crate) fn update() -> Result<()> {
    for file in documents()? {
        let text = read(&file)?;
        let fresh = with_codes(&text).with_context(|| file.display().to_string())?;
        if fresh != text {
            fs::write(&file, fresh).with_context(|| format!("cannot write {}", file.display()))?;
            println!("{}: the table of codes is new", shown(&file));
        }
    }
    compare_dependencies()
}

/// Fails where a document does not say what the code says.
pub(crate) fn check() -> Result<()> {
    for file in documents()? {
        let text = read(&file)?;
        if with_codes(&text).with_context(|| file.display().to_string())? != text {
            bail!(
                "the table of codes in {} is not that of the code: run `cargo xtask docs`",
                shown(&file)
            );
        }
    }
    compare_dependencies()
}

fn with_codes(text: &str) -> Result<String> {
    let Some((before, rest)) = text.split_once(BEGIN) else { return Ok(text.to_owned()) };
    let (_, after) =
        rest.split_once(END).with_context(|| format!("{} without {END}", BEGIN.trim()))?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", codes()))
}

fn codes() -> String {
    let mut table = "| code | number | when | outcome |\n| --- | --- | --- | --- |\n".to_owned();
    for code in Code::ALL {
        let (name, number) = (code.name(), code.number());
        let _ = writeln!(
            table,
            "| `{name}` | {number} | {} | {} |",
            code.meaning(),
            code.outcome_rule()
        );
    }
    table
}

/// Every Markdown file at the top, in `docs`, and beside each crate and binding.
fn documents() -> Result<Vec<PathBuf>> {
    let root = repo::root();
    let mut folders = vec![root.to_owned(), root.join("docs")];
    for parent in ["crates", "bindings"] {
        folders.extend(entries(&root.join(parent))?.into_iter().filter(|path| path.is_dir()));
    }
    let mut files = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let markdown = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
        files.extend(entries(folder)?.into_iter().filter(markdown));
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(repo::root()).unwrap_or(file).display().to_string()
}

/// Who uses which crate, by the manifests and by ARCHITECTURE.md.
type Uses = BTreeMap<String, BTreeSet<String>>;

fn compare_dependencies() -> Result<()> {
    let used = dependencies_in(&repo::metadata()?)?;
    let told = dependencies_told(&read(&repo::root().join("ARCHITECTURE.md"))?);
    let mut wrong = String::new();
    for name in used.keys().chain(told.keys()).collect::<BTreeSet<_>>() {
        let users = |uses: &Uses| {
            uses.get(name).map(|users| users.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        match (users(&used), users(&told)) {
            (used, told) if used == told => {}
            (Some(used), Some(_)) => _ = write!(wrong, "\n  {name} is used by {used}"),
            (Some(used), None) => {
                _ = write!(wrong, "\n  {name} (used by {used}) has no line with its reason")
            }
            (None, _) => _ = write!(wrong, "\n  {name} is used by nobody"),
        }
    }
    if !wrong.is_empty() {
        bail!("the table of dependencies in ARCHITECTURE.md is not that of the manifests:{wrong}");
    }
    Ok(())
}

/// What each member of the workspace needs to run or to be built; what only its tests need does not count.
fn dependencies_in(metadata: &serde_json::Value) -> Result<Uses> {
    let mut uses = Uses::new();
    for package in metadata["packages"].as_array().context("cargo told of no packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        let user = name.strip_prefix("mpt-tokens-").unwrap_or("core");
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["kind"] != "dev" && dependency["path"].is_null() {
                let name = dependency["name"].as_str().unwrap_or_default().to_owned();
                uses.entry(name).or_default().insert(user.to_owned());
            }
        }
    }
    Ok(uses)
}

/// The rows below `<!-- dependencies -->`: crate, used by, reason.
fn dependencies_told(text: &str) -> Uses {
    let table = text.split_once("<!-- dependencies -->").map_or("", |(_, rest)| rest);
    let rows = table.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .filter_map(|row| {
            let mut cells = row.trim_matches('|').split('|').map(str::trim);
            let (name, users) = (cells.next()?, cells.next()?);
            Some((name.to_owned(), users.split(", ").map(str::to_owned).collect()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_replaces_what_was_between_the_markers() {
        let text = format!("a\n{BEGIN}old\n{END}\nb\n");
        let fresh = with_codes(&text).unwrap();
        assert!(fresh.contains("\n| `invalid_token_id` | 2 | "), "{fresh}");
        assert!(
            fresh.starts_with("a\n") && fresh.ends_with("\nb\n") && !fresh.contains("old"),
            "{fresh}"
        );
        assert_eq!(with_codes(&fresh).unwrap(), fresh);
    }

    #[test]
    fn a_document_without_markers_stays_and_half_a_pair_is_an_error() {
        assert_eq!(with_codes("a\n").unwrap(), "a\n");
        assert!(with_codes(&format!("a\n{BEGIN}b")).is_err());
    }

    #[test]
    fn reads_the_dependencies_told() {
        let told = dependencies_told(
            "x\n<!-- dependencies -->\n\n| crate | used by | reason |\n| --- | --- | --- |\n| url | core, cli | y |\n\nz",
        );
        let users = ["cli", "core"].map(str::to_owned).into();
        assert_eq!(told, Uses::from([("url".to_owned(), users)]));
    }
}
