//! `cargo xtask docs`: what the documents have from the code.
//!
//! The table of codes is made from `mpt_tokens::Code`, between two markers, wherever a document has them; `shown` does
//! the same for whole files, such as examples. The table of dependencies is written by hand, for its reasons; who uses
//! each is read in the manifests.

mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mpt_tokens::Code;
use pulldown_cmark::{Event, Parser, Tag};

use crate::repo;

const BEGIN: &str = "<!-- codes:begin -->\n";
const DEPENDENCIES: &str = "<!-- dependencies -->\n\n";
const END: &str = "<!-- codes:end -->";

/// Brings every document up to date.
pub(crate) fn update() -> Result<()> {
    for (file, text, fresh) in compared()? {
        if fresh != text {
            fs::write(&file, fresh).with_context(|| format!("cannot write {}", file.display()))?;
            println!("{} is new", shown(&file));
        }
    }
    Ok(())
}

/// Fails where a document does not say what the code says, or a link in it leads nowhere.
pub(crate) fn check() -> Result<()> {
    for (file, text, fresh) in compared()? {
        let folder = file.parent().context("a file is in a folder")?;
        if let Some(link) = links(&text).into_iter().find(|link| !folder.join(link).exists()) {
            bail!("{} links to {link}, which is not there", shown(&file));
        }
        if fresh != text {
            bail!("{} does not say what the code says: run `cargo xtask docs`", shown(&file));
        }
    }
    Ok(())
}

/// Each document: its path, its text, and what the text should be.
fn compared() -> Result<Vec<(PathBuf, String, String)>> {
    let used = dependencies(&repo::metadata()?)?;
    let compare = |file: PathBuf| {
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let folder = file.parent().context("a file is in a folder")?;
        let fresh = with_codes(&text)
            .and_then(|text| with_users(&text, &used))
            .and_then(|text| shown::with_files(&text, folder));
        let fresh = fresh.with_context(|| shown(&file))?;
        Ok((file, text, fresh))
    };
    documents()?.into_iter().map(compare).collect()
}

/// Where a document links to in this tree, without the place inside the file.
fn links(text: &str) -> Vec<String> {
    let targets = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
        _ => None,
    });
    let here = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    here.map(|target| target.split('#').next().unwrap_or_default().to_owned()).collect()
}

fn with_codes(text: &str) -> Result<String> {
    let Some((before, rest)) = text.split_once(BEGIN) else { return Ok(text.to_owned()) };
    let (_, after) =
        rest.split_once(END).with_context(|| format!("{} without {END}", BEGIN.trim()))?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", codes()))
}

fn codes() -> String {
    let mut table =
        "| code | number | when | outcome | retryable |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    for code in Code::ALL {
        let (name, number) = (code.name(), code.number());
        let _ = writeln!(
            table,
            "| `{name}` | {number} | {} | {} | {} |",
            code.meaning(),
            code.outcome_rule(),
            code.retryable_rule()
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

fn shown(file: &Path) -> String {
    file.strip_prefix(repo::root()).unwrap_or(file).display().to_string()
}

/// Which member uses which crate.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// What each member of the workspace needs to run or to be built; what only its tests need does not count.
fn dependencies(metadata: &serde_json::Value) -> Result<Uses> {
    let mut uses = Uses::new();
    for package in metadata["packages"].as_array().context("cargo told of no packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        // It uses nothing: it only asks for features of what others use.
        if name == "mpt-tokens-unify" {
            continue;
        }
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

/// The table of dependencies with its second column as the manifests say it: crate, used by, reason. A crate
/// without a reason is an error; a row of a crate that nobody uses goes.
fn with_users(text: &str, uses: &Uses) -> Result<String> {
    let Some((before, rest)) = text.split_once(DEPENDENCIES) else { return Ok(text.to_owned()) };
    let (table, after) = rest.split_once("\n\n").unwrap_or((rest.trim_end(), ""));
    let mut fresh = format!("{before}{DEPENDENCIES}");
    let mut unexplained: BTreeSet<_> = uses.keys().collect();
    for row in table.lines() {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, reason] = cells[..] else { bail!("{row:?} does not have three columns") };
        let users = uses
            .get(name)
            .map(|users| users.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
        match users {
            _ if matches!(name, "crate" | "---") => _ = writeln!(fresh, "{row}"),
            Some(users) => _ = writeln!(fresh, "| {name} | {users} | {reason} |"),
            None => {}
        }
        unexplained.retain(|used| *used != name);
    }
    if !unexplained.is_empty() {
        bail!(
            "no reason is given for {unexplained:?}: add a row for each to the table of dependencies"
        );
    }
    if !after.is_empty() {
        _ = write!(fresh, "\n{after}");
    }
    Ok(fresh)
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
    fn finds_the_links_that_stay_in_the_tree() {
        let text = "[a](A.md#b) <https://a.example> [c](#c) ![d](d.png) `[e](e)`";
        assert_eq!(links(text), ["A.md", "", "d.png"]);
    }

    #[test]
    fn the_users_are_those_of_the_manifests_and_the_reasons_stay() {
        let rows = "| crate | used by | reason |\n| --- | --- | --- |\n| old | cli | x |\n| url | cli | y |\n";
        let users = BTreeSet::from(["core".to_owned()]);
        let uses = Uses::from([("url".to_owned(), users.clone())]);
        let fresh = with_users(&format!("a\n{DEPENDENCIES}{rows}\nb\n"), &uses).unwrap();
        let kept = "| crate | used by | reason |\n| --- | --- | --- |\n| url | core | y |\n";
        assert_eq!(fresh, format!("a\n{DEPENDENCIES}{kept}\nb\n"));
        assert_eq!(with_users(&fresh, &uses).unwrap(), fresh);
        assert_eq!(
            with_users(&format!("{DEPENDENCIES}{kept}"), &uses).unwrap(),
            format!("{DEPENDENCIES}{kept}")
        );
        let why = with_users(&fresh, &Uses::from([("new".to_owned(), users)])).unwrap_err();
        assert!(why.to_string().contains("new"), "{why}");
    }
}
