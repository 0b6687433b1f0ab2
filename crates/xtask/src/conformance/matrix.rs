//! The matrix: how many cases each language passed, for people and for README.md.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, bail};

use super::Row;
use super::languages::LANGUAGES;
use crate::repo;

const BEGIN: &str = "<!-- conformance:begin -->\n";
const END: &str = "<!-- conformance:end -->";

/// As a Markdown table, which reads well in a terminal too.
pub(crate) fn of(rows: &[Row]) -> String {
    let mut table = "| language | over | passed | failed | left out | |\n| --- | --- | --- | --- | --- | --- |\n".to_owned();
    for Row { language, tally, note } in rows {
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {note} |",
            language.shown, language.over, tally.passed, tally.failed, tally.skipped
        );
    }
    table
}

/// Puts it into README.md.
pub(crate) fn write(rows: &[Row]) -> Result<()> {
    if !complete(rows) {
        bail!("README.md shows the matrix of all languages, when all pass: it is left as it was");
    }
    let (file, text) = readme()?;
    fs::write(&file, with(&text, rows)?).with_context(|| format!("cannot write {}", file.display()))
}

/// README.md must show what is true, as far as this machine can tell.
pub(crate) fn check(rows: &[Row]) -> Result<()> {
    let (_, text) = readme()?;
    if complete(rows) && with(&text, rows)? != text {
        bail!("the matrix in README.md is another one: run `cargo xtask conformance --write`");
    }
    Ok(())
}

/// Whether every language ran every case that it can, and passed.
fn complete(rows: &[Row]) -> bool {
    rows.len() == LANGUAGES.len()
        && rows.iter().all(|row| row.tally.failed == 0 && row.tally.passed > 0)
}

fn readme() -> Result<(std::path::PathBuf, String)> {
    let file = repo::root().join("README.md");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok((file, text))
}

fn with(text: &str, rows: &[Row]) -> Result<String> {
    let (before, rest) = text.split_once(BEGIN).context("README.md has no place for the matrix")?;
    let (_, after) = rest.split_once(END).context("the place for the matrix has no end")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", of(rows)))
}
