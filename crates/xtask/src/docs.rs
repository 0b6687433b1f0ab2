//! `cargo xtask docs`: what the documents have from the code.
//!
//! The table of codes is made from `mpt_tokens::Code`; a file that a document shows whole, such as an example, is put
//! between two marks (`<!-- file:path -->`, the path from the document's folder). The table of dependencies is written
//! by hand, for its reasons; who uses each is read in the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mpt_tokens::Code;
use pulldown_cmark::{Event, Parser, Tag};

use crate::{made, repo};

const DEPENDENCIES: &str = "<!-- dependencies -->\n\n";
const FILE: &str = "<!-- file:";
const FILE_END: &str = "<!-- file:end -->";

/// Brings every document up to date. `check` changes nothing: it fails where a document does not say what the code says,
/// or a link in it leads nowhere.
pub(crate) fn run(check: bool) -> Result<()> {
    let used = dependencies(&repo::metadata()?)?;
    for file in documents()? {
        let shown = file.strip_prefix(repo::root()).unwrap_or(&file).display();
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {shown}"))?;
        let folder = file.parent().context("a file is in a folder")?;
        let broken = links(&text).into_iter().find(|link| !folder.join(link).exists());
        if let Some(link) = broken.filter(|_| check) {
            bail!("{shown} links to {link}, which is not there");
        }
        let fresh = made::between(&text, "<!-- codes:begin -->\n", &codes(), "<!-- codes:end -->")
            .and_then(|text| {
                made::between(&text, "<!-- budgets:begin -->\n", &budgets(), "<!-- budgets:end -->")
            })
            .and_then(|text| with_users(&text, &used))
            .and_then(|text| with_files(&text, folder));
        let fresh = fresh.with_context(|| shown.to_string())?;
        made::keep(&file, &fresh, "docs", check)?;
    }
    Ok(())
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

fn codes() -> String {
    let mut table =
        "| code | number | when | outcome | retryable |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    for code in Code::ALL {
        let (name, number, when) = (code.name(), code.number(), code.meaning());
        let (outcome, retryable) = (code.outcome_rule(), code.retryable_rule());
        let _ = writeln!(table, "| `{name}` | {number} | {when} | {outcome} | {retryable} |");
    }
    table
}

fn budgets() -> String {
    let mut table = "| what | at most | counted by |\n| --- | --- | --- |\n".to_owned();
    for budget in mpt_tokens_tools::budgets::ALL {
        let _ = writeln!(table, "| {} | {} | {} |", budget.what, budget.most, budget.by);
    }
    table
}

/// Every Markdown file at the top, in `docs`, and beside each crate and binding.
fn documents() -> Result<Vec<PathBuf>> {
    let root = repo::root();
    let mut folders = vec![root.to_owned(), root.join("docs")];
    for parent in ["crates", "bindings"] {
        folders.extend(repo::entries(&root.join(parent))?);
    }
    let mut files = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        files.extend(repo::files(folder, "md")?);
    }
    Ok(files)
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
        if let Some(users) = uses.get(name) {
            let users = users.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            _ = writeln!(fresh, "| {name} | {users} | {reason} |");
        } else if matches!(name, "crate" | "---") {
            _ = writeln!(fresh, "{row}");
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

/// The document with each file that it shows as that is now.
fn with_files(text: &str, folder: &Path) -> Result<String> {
    let mut fresh = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once(FILE) {
        let (path, from) = from.split_once(" -->\n").context("a `file:` mark without an end")?;
        let (_, after) =
            from.split_once(FILE_END).with_context(|| format!("{path} without {FILE_END}"))?;
        let shown = fs::read_to_string(folder.join(path))
            .with_context(|| format!("cannot read {path}, which is to be shown"))?;
        let language = Path::new(path).extension().unwrap_or_default().display();
        let shown = shown.trim_end();
        _ = write!(fresh, "{before}{FILE}{path} -->\n```{language}\n{shown}\n```\n{FILE_END}");
        rest = after;
    }
    Ok(fresh + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let alone = format!("{DEPENDENCIES}{kept}");
        assert_eq!(with_users(&alone, &uses).unwrap(), alone);
        let why = with_users(&fresh, &Uses::from([("new".to_owned(), users)])).unwrap_err();
        assert!(why.to_string().contains("new"), "{why}");
    }

    #[test]
    fn files_are_shown_as_they_are_now() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let begin = format!("{FILE}Cargo.toml -->");
        let text = format!("1\n{begin}\nold\n{FILE_END}\n2\n{begin}\n{FILE_END}\n");
        let fresh = with_files(&text, folder).unwrap();
        let shown = format!("{begin}\n```toml\n{}\n```\n{FILE_END}", manifest.trim_end());
        assert_eq!(fresh, format!("1\n{shown}\n2\n{shown}\n"));
        assert_eq!(with_files(&fresh, folder).unwrap(), fresh);
    }

    #[test]
    fn half_a_pair_and_a_file_that_is_not_there_are_errors() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(with_files("a\n", here).unwrap(), "a\n");
        assert!(with_files(&format!("{FILE}no-such-file.c -->\n{FILE_END}"), here).is_err());
        assert!(with_files(&format!("{FILE}Cargo.toml -->\n"), here).is_err());
    }
}
