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

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use mpt_tokens_tools::Tool;

use crate::log::Log;
use crate::tally::Tally;
use cases::Table;
use languages::{LANGUAGES, Language};

/// What `cargo xtask conformance` can be told.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Run only these languages.
    #[arg(value_parser = PossibleValuesParser::new(LANGUAGES.iter().map(|language| language.name)))]
    languages: Vec<String>,
    /// Skip a language that was named where its runtime is not here.
    #[arg(long)]
    where_here: bool,
    /// Run only the cases whose name has this text.
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// What to do with each language.
    #[arg(long, value_enum, default_value_t, conflicts_with = "case")]
    what: What,
    /// Put the matrix into README.md.
    #[arg(long, conflicts_with_all = ["case", "what"])]
    write: bool,
}

/// What is done with each language.
#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum What {
    /// Run the table of cases.
    #[default]
    Cases,
    /// Make 30,000 calls and batches of 10,000 ids, with flat memory.
    Load,
    /// Follow its README to the letter, in an empty folder.
    Readme,
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

/// A step of `cargo xtask test`: every language that can run here; in CI a missing one is a failure.
pub(crate) fn test(log: &mut Log, what: What) -> Result<Tally> {
    let rows = run_with(log, &Options { what, ..Options::default() })?;
    log.note(&matrix::of(&rows));
    if what == What::Cases {
        matrix::check(&rows)?;
    }
    Ok(total(&rows))
}

fn run_with(log: &mut Log, options: &Options) -> Result<Vec<Row>> {
    let table = Table::read(options.case.as_deref())?;
    let named = &options.languages;
    let must = mpt_tokens_tools::ci() || !(named.is_empty() || options.where_here);
    let wanted = LANGUAGES
        .iter()
        .filter(|language| named.is_empty() || named.iter().any(|name| name == language.name));
    let able = |language: &&Language| options.what != What::Readme || language.readme.is_some();
    Ok(wanted.filter(able).map(|language| one(log, language, &table, options.what, must)).collect())
}

/// One language. Where its runtime is not here it is skipped, or failed where it must be here.
fn one(log: &mut Log, language: &'static Language, table: &Table, what: What, must: bool) -> Row {
    log.note(&format!("\n== {} ==", language.name));
    let needs = language.needs(what);
    if let Some(missing) = needs.iter().find_map(|tool| tool.missing()) {
        if must {
            log.note(&missing);
        } else {
            log.skip(language.shown, &missing);
        }
        let tally = if must { Tally::FAILED } else { Tally::SKIPPED };
        return Row { language, tally, note: missing };
    }
    let done = log.only(&needs).and_then(|()| match what {
        What::Cases => judge::run(log, language, table),
        What::Load => load::run(log, language),
        What::Readme => language.follow_readme(log),
    });
    match done {
        Ok(tally) => Row { language, tally, note: language.lacks_in_words() },
        Err(why) => {
            log.note(&format!("{why:#}"));
            Row { language, tally: Tally::FAILED, note: "it could not run: see above".to_owned() }
        }
    }
}

/// The names of the languages that a tool makes a difference to.
pub(crate) fn languages_that_want(tool: &Tool) -> Vec<&'static str> {
    let wants = |language: &&Language| {
        language.needs(What::Readme).iter().any(|wanted| wanted.name() == tool.name())
    };
    LANGUAGES.iter().filter(wants).map(|language| language.name).collect()
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
