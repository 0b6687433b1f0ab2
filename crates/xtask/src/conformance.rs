//! `cargo xtask conformance`: one table of cases, run by every language against a sandbox.
//!
//! `tests/conformance/README.md` says how the table reads and what a runner is told and answers. A runner only calls
//! its library and prints what it got; whether that is right is decided here, once for all languages.

mod cases;
mod judge;
mod languages;
mod load;
mod matrix;
mod runner;

use std::time::Duration;

use anyhow::{Result, bail};

use crate::log::Log;
use crate::repo;
use crate::tally::Tally;
use cases::Table;
use languages::{LANGUAGES, Language};

/// What `cargo xtask conformance` can be told.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only these languages: rust, c, cpp, python, go, node, ruby, java, csharp, php, perl, lua.
    languages: Vec<String>,
    /// Run only the cases whose name has this text.
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// Put each language under load instead: 10,000 calls and a batch of 10,000 ids, with flat memory.
    #[arg(long, conflicts_with = "case")]
    load: bool,
    /// Put the matrix into README.md.
    #[arg(long, conflicts_with_all = ["case", "load"])]
    write: bool,
}

/// How one language did.
struct Row {
    language: &'static Language,
    tally: Tally,
    /// Why it could not run here, or what its runtime cannot do.
    note: String,
}

/// The verb: builds, runs, prints the matrix; whether all passed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let mut log = Log::new(Duration::from_secs(60 * 60));
    let done = run_with(&mut log, options);
    match &done {
        Ok(rows) if !failed(rows) => {}
        _ => eprint!("{}", log.text()),
    }
    let rows = done?;
    let total = total(&rows);
    print!("{}", matrix::of(&rows));
    if options.write {
        matrix::write(&rows)?;
    }
    println!("\n{total}");
    Ok(total.failed == 0)
}

fn run_with(log: &mut Log, options: &Options) -> Result<Vec<Row>> {
    let table = Table::read(options.case.as_deref())?;
    let mut rows = Vec::new();
    for language in select(&options.languages)? {
        let asked_for = repo::ci() || !options.languages.is_empty();
        rows.push(one(log, language, &table, options.load, asked_for));
    }
    Ok(rows)
}

/// A language whose runtime is not here is skipped; in CI, or where it was named, that is a failure.
fn one(log: &mut Log, language: &'static Language, table: &Table, load: bool, must: bool) -> Row {
    log.note(&format!("\n== {} ==", language.name));
    if let Some(missing) = language.needs.iter().find_map(|tool| (tool.missing)()) {
        log.note(&missing);
        let tally = if must { Tally::FAILED } else { Tally::SKIPPED };
        return Row { language, tally, note: missing };
    }
    let done = if load { load::run(log, language) } else { judge::run(log, language, table) };
    match done {
        Ok(tally) => Row { language, tally, note: language.lacks_in_words() },
        Err(why) => {
            log.note(&format!("{why:#}"));
            Row { language, tally: Tally::FAILED, note: "it could not run: see above".to_owned() }
        }
    }
}

fn select(names: &[String]) -> Result<Vec<&'static Language>> {
    for name in names {
        if !LANGUAGES.iter().any(|language| language.name == name) {
            bail!("there is no language {name:?}: `cargo xtask conformance --help` names them all");
        }
    }
    let wanted =
        |language: &&Language| names.is_empty() || names.iter().any(|name| name == language.name);
    Ok(LANGUAGES.iter().filter(wanted).collect())
}

fn failed(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.tally.failed > 0)
}

fn total(rows: &[Row]) -> Tally {
    rows.iter().fold(Tally::default(), |mut total, row| {
        total += row.tally;
        total
    })
}
