//! `cargo xtask test`: runs the steps of the table, two at a time where they do not wait for the same build.

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::log::Log;
use crate::repo;
use crate::steps::STEPS;
use crate::tally::Tally;
use mpt_tokens_tools::Tool;

/// What `cargo xtask test` can be told.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only these steps (see --list).
    steps: Vec<String>,
    /// Run the slow steps too, as CI=true does.
    #[arg(long)]
    all: bool,
    /// Name every step and what it shows, and run nothing.
    #[arg(long)]
    list: bool,
}

/// One line of the table.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    name: &'static str,
    shows: &'static str,
    run: fn(&mut Log) -> Result<Tally>,
    needs: &'static [Tool],
    uses: &'static [Tool],
    full: bool,
    beside: bool,
}

/// The environment variable that names another folder for the logs of steps, under `target/xtask`.
pub(crate) const LOGS: &str = "MPT_TOKENS_LOGS";

/// How long a step may take, in minutes: several times what any takes on two cores.
const MINUTES: u64 = 20;

/// A step for every day, that builds with cargo.
pub(crate) const fn step(
    name: &'static str,
    shows: &'static str,
    run: fn(&mut Log) -> Result<Tally>,
) -> Step {
    Step { name, shows, run, needs: &[], uses: &[], full: false, beside: false }
}

impl Step {
    /// What the machine must have for it.
    pub(crate) const fn needs(self, needs: &'static [Tool]) -> Self {
        Self { needs, ..self }
    }

    /// What some of its tests want, each of which finds out whether it is there. What is neither here nor in `needs`
    /// is hidden from it.
    pub(crate) const fn uses(self, uses: &'static [Tool]) -> Self {
        Self { uses, ..self }
    }

    /// What it is called.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether a tool makes a difference to it.
    pub(crate) fn wants(&self, tool: &Tool) -> bool {
        self.needs.iter().chain(self.uses).any(|wanted| wanted.name() == tool.name())
    }

    /// Too slow for every day: it runs with `--all` and in CI.
    pub(crate) const fn full(self) -> Self {
        Self { full: true, ..self }
    }

    /// It may run while cargo builds something else.
    pub(crate) const fn beside(self) -> Self {
        Self { beside: true, ..self }
    }
}

struct Done {
    step: &'static Step,
    took: Duration,
    tally: Tally,
    missing: Option<String>,
    skipped: Vec<(String, String)>,
    output: String,
}

/// Runs the steps; whether all of them passed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let all = options.all || mpt_tokens_tools::ci();
    if options.list {
        list();
        return Ok(true);
    }
    let steps = select(&options.steps, all)?;
    let started = Instant::now();
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    // What is missing, and each test that wants it.
    let mut skipped: BTreeMap<String, Vec<String>> = BTreeMap::new();

    std::thread::scope(|scope| {
        let (sender, done) = mpsc::channel();
        for beside in [false, true] {
            let lane: Vec<_> = steps.iter().copied().filter(|step| step.beside == beside).collect();
            let sender = sender.clone();
            scope.spawn(move || {
                for step in lane {
                    sender
                        .send(carry_out(step, mpt_tokens_tools::ci()))
                        .expect("the results are read to the end");
                }
            });
        }
        drop(sender);
        let width = steps.iter().map(|step| step.name.len()).max().unwrap_or_default();
        for done in done {
            report(&done, width);
            if let Err(why) = keep(&done) {
                eprintln!("warning: {why:#}");
            }
            tally += done.tally;
            for (test, why) in &done.skipped {
                let name = format!("{} {test}", done.step.name);
                skipped.entry(why.clone()).or_default().push(name.trim_end().to_owned());
            }
            if done.tally.failed > 0 {
                failed.push(done);
            }
        }
    });

    for done in &failed {
        println!("\n---- {} ----\n{}", done.step.name, done.output.trim_end());
    }
    for (why, tests) in &skipped {
        println!("\nskipped, {why}:\n  {}", tests.join("\n  "));
    }
    let left = STEPS.iter().filter(|step| step.full).count();
    let more = if all || !options.steps.is_empty() || left == 0 {
        String::new()
    } else {
        format!("; {left} slow steps run with --all")
    };
    println!("\n{} steps in {:.0} s{more}", steps.len(), started.elapsed().as_secs_f64());
    println!("{tally}");
    Ok(tally.failed == 0)
}

fn list() {
    let width = STEPS.iter().map(|step| step.name.len()).max().unwrap_or_default();
    for step in STEPS {
        let when = if step.full { " (with --all or CI=true)" } else { "" };
        println!("{:width$}  {}{when}", step.name, step.shows);
    }
}

fn select(names: &[String], all: bool) -> Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(STEPS.iter().filter(|step| all || !step.full).collect());
    }
    for name in names {
        if !STEPS.iter().any(|step| step.name == name) {
            bail!("there is no step {name:?}: `cargo xtask test --list` names them all");
        }
    }
    Ok(STEPS.iter().filter(|step| names.iter().any(|name| name == step.name)).collect())
}

fn carry_out(step: &'static Step, ci: bool) -> Done {
    let started = Instant::now();
    let missing = step.needs.iter().find_map(Tool::missing);
    if let Some(missing) = missing {
        let tally = if ci { Tally::FAILED } else { Tally::SKIPPED };
        let skipped = if ci { Vec::new() } else { vec![(String::new(), missing.clone())] };
        let output = missing.clone();
        return Done {
            step,
            took: started.elapsed(),
            tally,
            missing: Some(missing),
            skipped,
            output,
        };
    }
    let limit = Duration::from_secs(MINUTES * 60);
    let mut log = Log::new(limit);
    let done = log.only(&[step.needs, step.uses].concat()).and_then(|()| (step.run)(&mut log));
    let tally = done.unwrap_or_else(|why| {
        log.note(&format!("{why:#}"));
        Tally::FAILED
    });
    let (skipped, output) = (log.skipped().to_vec(), log.text().to_owned());
    Done { step, took: started.elapsed(), tally, missing: None, skipped, output }
}

/// What every step printed can be read afterwards, whether it failed or not.
fn keep(done: &Done) -> Result<()> {
    // A run inside a run does not write over its logs.
    let name = std::env::var_os(LOGS).unwrap_or_else(|| "logs".into());
    let folder = repo::target().join("xtask").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join(format!("{}.log", done.step.name));
    fs::write(&file, &done.output).with_context(|| format!("cannot write {}", file.display()))
}

fn report(done: &Done, width: usize) {
    let word = match done.tally {
        Tally { failed: 1.., .. } => "FAIL",
        _ if done.missing.is_some() => "skip",
        _ => "pass",
    };
    let told = done.missing.clone().unwrap_or_else(|| done.tally.to_string());
    println!("{word}  {:width$}  {:>6.1} s  {told}", done.step.name, done.took.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::tally::Runner;

    const GONE: Tool = Tool::program("the tool", "no-such-program", &[], "buy it");
    const PASSES: Step = step("passes", "", |log| log.check(Command::new("echo").arg("fine")));
    const FAILS: Step =
        step("fails", "", |log| log.check(Command::new("sh").args(["-c", "echo bad >&2; exit 3"])));
    const NEEDS: Step = PASSES.needs(&[GONE]);
    const SILENT: Step =
        step("silent", "", |log| log.tests(Runner::Plain, &mut Command::new("true")));
    const CRASHES: Step = step("crashes", "", |log| {
        log.tests(
            Runner::Plain,
            Command::new("sh").args(["-c", "echo 2 passed, 0 failed; kill -9 $$"]),
        )
    });

    #[test]
    fn a_step_passes_or_fails_with_what_it_printed() {
        let done = carry_out(&PASSES, false);
        assert_eq!((done.tally, done.output.as_str()), (Tally::PASSED, "$ echo fine\nfine\n"));
        let done = carry_out(&FAILS, false);
        assert_eq!(done.tally, Tally::FAILED);
        assert!(
            done.output.contains("\nbad\n") && done.output.contains("exit status: 3"),
            "{}",
            done.output
        );
    }

    #[test]
    fn a_missing_tool_is_skipped_by_name_and_a_failure_in_ci() {
        let done = carry_out(&NEEDS, false);
        assert_eq!(
            (done.tally, done.missing.as_deref()),
            (Tally::SKIPPED, Some("the tool is not here: buy it"))
        );
        assert_eq!(done.skipped, [(String::new(), "the tool is not here: buy it".to_owned())]);
        assert_eq!(carry_out(&NEEDS, true).tally, Tally::FAILED);
    }

    /// As a test of a crate does it, in a process of its own.
    #[test]
    fn a_test_that_misses_a_tool_is_counted_as_skipped_by_its_name() {
        const ONE: Step = step("one", "", |log| {
            let says = "printf 'a::test\\tthe tool is not here\\n' >>$MPT_TOKENS_SKIPPED";
            let tells = format!("{says}; echo 3 passed, 0 failed");
            log.tests(Runner::Plain, Command::new("sh").args(["-c", &tells]))
        });
        let done = carry_out(&ONE, false);
        assert_eq!(done.tally, Tally { passed: 2, failed: 0, skipped: 1 });
        assert_eq!(done.skipped, [("a::test".to_owned(), "the tool is not here".to_owned())]);
    }

    #[test]
    fn a_step_finds_the_optional_tools_that_it_asked_for_and_no_other() {
        const SEES: Step = step("sees", "", |log| log.check(Command::new("git").arg("--version")));
        const ASKS: Step = SEES.uses(&[mpt_tokens_tools::GIT]);
        if mpt_tokens_tools::GIT.missing().is_none() {
            assert_eq!(carry_out(&ASKS, false).tally, Tally::PASSED);
        }
        assert_eq!(carry_out(&SEES, false).tally, Tally::FAILED);
    }

    #[test]
    fn tests_that_do_not_tell_their_number_or_do_not_end_well_fail() {
        assert_eq!(carry_out(&SILENT, false).tally, Tally::FAILED);
        assert_eq!(carry_out(&CRASHES, false).tally, Tally { passed: 2, failed: 1, skipped: 0 });
    }

    #[test]
    fn every_step_has_a_name_of_its_own() {
        for (number, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..number].iter().all(|other| other.name != step.name), "{}", step.name);
        }
        assert!(select(&["no-such-step".to_owned()], true).is_err());
        assert_eq!(select(&["fmt".to_owned()], false).unwrap().len(), 1);
    }
}
