//! `cargo xtask conformance`: builds each language's runner, and lets `crates/conformance` judge it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::builder::PossibleValuesParser;
use mpt_tokens_tools::{Tool, ci};

use crate::languages::{LANGUAGES, Language};
use crate::log::Log;
use crate::tally::{PLAIN, Tally};
use crate::{artifacts, examples, made, repo};

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
pub(crate) fn run(log: &mut Log, options: &Options) -> Result<bool> {
    let rows = rows(log, options)?;
    let total = total(&rows);
    print!("{}", matrix(&rows));
    if options.write {
        ensure!(
            complete(&rows),
            "README.md shows the matrix of all languages, when all pass: it is left as it was"
        );
        keep(&rows, false)?;
    }
    println!("\n{total}");
    Ok(total.failed == 0)
}

/// A step of `cargo xtask test`: every language that can run here; in CI a missing one is a failure.
pub(crate) fn test(log: &mut Log, what: What) -> Result<Tally> {
    let rows = rows(log, &Options { what, ..Options::default() })?;
    log.note(&matrix(&rows));
    // README.md must show what is true, as far as this machine can tell.
    if what == What::Cases && complete(&rows) {
        keep(&rows, true)?;
    }
    Ok(total(&rows))
}

fn rows(log: &mut Log, options: &Options) -> Result<Vec<Row>> {
    let judge = artifacts::program(log, "conformance")?;
    let named = &options.languages;
    let must = ci() || !(named.is_empty() || options.where_here);
    let wanted = |language: &&Language| {
        (named.is_empty() || named.iter().any(|name| name == language.name))
            && (options.what != What::Readme || language.readme.is_some())
    };
    Ok(LANGUAGES
        .iter()
        .filter(wanted)
        .map(|language| one(log, language, &judge, options, must))
        .collect())
}

/// One language. Where its runtime is not here it is skipped, or failed where it must be here.
fn one(
    log: &mut Log,
    language: &'static Language,
    judge: &Path,
    options: &Options,
    must: bool,
) -> Row {
    log.note(&format!("\n== {} ==", language.name));
    let needs = language.needs(options.what == What::Readme);
    if let Some(missing) = needs.iter().find_map(|tool| tool.missing()) {
        if must {
            log.note(&missing);
        } else {
            log.skip(language.shown, &missing);
        }
        let tally = if must { Tally::FAILED } else { Tally::SKIPPED };
        return Row { language, tally, note: missing };
    }
    let done = log.only(&needs).and_then(|()| match options.what {
        What::Readme => follow(log, language),
        _ => {
            let mut judge = judged(log, language, judge, options)?;
            log.tests(PLAIN, &mut judge)
        }
    });
    match done {
        Ok(tally) => {
            let lacks: Vec<_> = language.lacks.iter().map(|(_, why)| *why).collect();
            Row { language, tally, note: lacks.join("; ") }
        }
        Err(why) => {
            log.note(&format!("{why:#}"));
            Row { language, tally: Tally::FAILED, note: "it could not run: see above".to_owned() }
        }
    }
}

/// The judge, told how to start the language's runner.
fn judged(log: &mut Log, language: &Language, judge: &Path, options: &Options) -> Result<Command> {
    let folder = repo::folder(format!("xtask/conformance/{}", language.name))?;
    let runner = (language.runner)(log, &folder)?;
    Ok(judging(language, judge, options, &runner))
}

/// The cases of a language, by another runner than its own.
pub(crate) fn cases(log: &mut Log, name: &str, runner: &Command) -> Result<Tally> {
    let judge = artifacts::program(log, "conformance")?;
    let language = LANGUAGES.iter().find(|language| language.name == name);
    let language = language.with_context(|| format!("no language is called {name}"))?;
    log.tests(PLAIN, &mut judging(language, &judge, &Options::default(), runner))
}

fn judging(language: &Language, judge: &Path, options: &Options, runner: &Command) -> Command {
    let mut command = Command::new(judge);
    if options.what == What::Load {
        command.arg("load");
    } else {
        command.args(["cases", "--language", language.shown, "--raises", language.raises]);
        let lacks = language.lacks.iter().map(|(need, why)| format!("--lacks={need}={why}"));
        command.args(lacks).args(options.case.iter().map(|case| format!("--case={case}")));
    }
    command.arg("--").arg(runner.get_program()).args(runner.get_args());
    // What the judge starts has its environment.
    command.current_dir(runner.get_current_dir().unwrap_or(repo::root()));
    for (name, value) in runner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Does what the language's README says, as a stranger with an empty folder would.
fn follow(log: &mut Log, language: &Language) -> Result<Tally> {
    let library = artifacts::library(log)?;
    let document = language.readme.context("it has no README of its own")?;
    // What the language's tools keep goes there, not into the home of whoever runs this.
    let keep = repo::target().join("xtask").join(language.name);
    examples::follow(log, &library, document, |command, folder| {
        command.env("GEM_HOME", folder.join("gems")).env("GOCACHE", &keep).env("GOPROXY", "off");
    })?;
    Ok(Tally::PASSED)
}

/// The names of the languages that a tool makes a difference to.
pub(crate) fn languages_that_want(tool: &Tool) -> Vec<&'static str> {
    let wants = |language: &&Language| {
        language.needs(true).iter().any(|wanted| wanted.name() == tool.name())
    };
    LANGUAGES.iter().filter(wants).map(|language| language.name).collect()
}

fn total(rows: &[Row]) -> Tally {
    let mut total = Tally::default();
    rows.iter().for_each(|row| total += row.tally);
    total
}

/// How many cases each language passed, as a Markdown table, which reads well in a terminal too.
fn matrix(rows: &[Row]) -> String {
    let mut table = "| language | over | passed | failed | left out | |\n| --- | --- | --- | --- | --- | --- |\n".to_owned();
    for Row { language: Language { shown, over, .. }, tally, note } in rows {
        let Tally { passed, failed, skipped } = tally;
        let _ = writeln!(table, "| {shown} | {over} | {passed} | {failed} | {skipped} | {note} |");
    }
    table
}

/// Whether every language ran every case that it can, and passed.
fn complete(rows: &[Row]) -> bool {
    rows.len() == LANGUAGES.len()
        && rows.iter().all(|row| row.tally.failed == 0 && row.tally.passed > 0)
}

/// The matrix in README.md.
fn keep(rows: &[Row], check: bool) -> Result<()> {
    const BEGIN: &str = "<!-- conformance:begin -->\n";
    let file = repo::root().join("README.md");
    let text = fs::read_to_string(&file).context("cannot read README.md")?;
    if !text.contains(BEGIN) {
        bail!("README.md has no place for the matrix");
    }
    let fresh = made::between(&text, BEGIN, &matrix(rows), "<!-- conformance:end -->")?;
    made::keep(&file, &fresh, "conformance --write", check)
}
