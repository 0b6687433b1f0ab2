//! `cargo xtask test`: runs the steps of a table, two at a time where they do not wait for the same build.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use mpt_tokens_tools::{Tool, ci};

use crate::log::Log;
use crate::tally::Tally;

/// What `cargo xtask test` can be told.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only these steps (see --list).
    steps: Vec<String>,
    /// Run the slow steps too: those of CI=true, and those that are too slow even for it.
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
    when: When,
    beside: bool,
}

/// When a step runs without being named. Each runs what the one before it runs, too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    EveryDay,
    /// With `CI=true`.
    Ci,
    /// With `--all`.
    All,
}

/// How long a step may take, in minutes: several times what any takes on two cores.
const MINUTES: u64 = 20;
/// And one that is run with `--all` alone: the first time, it may build the standard library and all crates for another
/// platform, several times over.
const MINUTES_WITH_ALL: u64 = 90;

/// A step for every day, that builds with cargo.
pub(crate) const fn step(
    name: &'static str,
    shows: &'static str,
    run: fn(&mut Log) -> Result<Tally>,
) -> Step {
    Step { name, shows, run, needs: &[], uses: &[], when: When::EveryDay, beside: false }
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

    /// Too slow for every day: it runs in CI, and with `--all`.
    pub(crate) const fn in_ci(self) -> Self {
        Self { when: When::Ci, ..self }
    }

    /// Too slow for CI, too: it runs with `--all` only.
    pub(crate) const fn with_all(self) -> Self {
        Self { when: When::All, ..self }
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
pub(crate) fn run(table: &'static [Step], options: &Options) -> Result<bool> {
    let today = match (options.all, ci()) {
        (true, _) => When::All,
        (false, true) => When::Ci,
        (false, false) => When::EveryDay,
    };
    let width = table.iter().map(|step| step.name.len()).max().unwrap_or_default();
    if options.list {
        for step in table {
            let when = match step.when {
                When::EveryDay => "",
                When::Ci => " (with --all or CI=true)",
                When::All => " (with --all)",
            };
            println!("{:width$}  {}{when}", step.name, step.shows);
        }
        return Ok(true);
    }
    let steps = select(table, &options.steps, today)?;
    let started = Instant::now();
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    // What is missing, and each test that wants it.
    let mut skipped: BTreeMap<String, Vec<String>> = BTreeMap::new();

    std::thread::scope(|scope| {
        let (sender, done) = mpsc::channel();
        for beside in [false, true] {
            let (steps, sender) = (&steps, sender.clone());
            scope.spawn(move || {
                for step in steps.iter().filter(|step| step.beside == beside) {
                    sender.send(carry_out(step, ci())).expect("the results are read to the end");
                }
            });
        }
        drop(sender);
        for done in done {
            let word = match done.tally {
                Tally { failed: 1.., .. } => "FAIL",
                _ if done.missing.is_some() => "skip",
                _ => "pass",
            };
            let (name, took) = (done.step.name, done.took.as_secs_f64());
            let told = done.missing.clone().unwrap_or_else(|| done.tally.to_string());
            println!("{word}  {name:width$}  {took:>6.1} s  {told}");
            tally += done.tally;
            for (test, why) in &done.skipped {
                let test = format!("{name} {test}").trim_end().to_owned();
                skipped.entry(why.clone()).or_default().push(test);
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
    let is_left = |step: &&Step| options.steps.is_empty() && step.when > today;
    let left: Vec<_> = table.iter().filter(is_left).map(|step| step.name).collect();
    if !left.is_empty() {
        println!("\nnot run, too slow for today (--all runs them):\n  {}", left.join(" "));
    }
    println!("\n{} steps in {:.0} s", steps.len(), started.elapsed().as_secs_f64());
    println!("{tally}");
    Ok(tally.failed == 0)
}

/// The steps of these names, or else all that are to run today.
fn select(table: &'static [Step], names: &[String], today: When) -> Result<Vec<&'static Step>> {
    let known = |name: &&String| table.iter().any(|step| step.name == *name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        bail!("there is no step {name:?}: `cargo xtask test --list` names them all");
    }
    let wanted = |step: &&Step| match names {
        [] => step.when <= today,
        names => names.iter().any(|name| name == step.name),
    };
    Ok(table.iter().filter(wanted).collect())
}

fn carry_out(step: &'static Step, ci: bool) -> Done {
    let started = Instant::now();
    let mut done = Done {
        step,
        took: Duration::ZERO,
        tally: Tally::FAILED,
        missing: step.needs.iter().find_map(Tool::missing),
        skipped: Vec::new(),
        output: String::new(),
    };
    if let Some(missing) = &done.missing {
        done.output.clone_from(missing);
        if !ci {
            done.tally = Tally::SKIPPED;
            done.skipped.push((String::new(), missing.clone()));
        }
        return done;
    }
    let minutes = if step.when == When::All { MINUTES_WITH_ALL } else { MINUTES };
    match Log::new(step.name, minutes) {
        Ok(mut log) => {
            let tools = [step.needs, step.uses].concat();
            match log.only(&tools).and_then(|()| (step.run)(&mut log)) {
                Ok(tally) => done.tally = tally,
                Err(why) => log.note(&format!("{why:#}")),
            }
            (done.skipped, done.output) = (log.skipped().to_vec(), log.text());
        }
        Err(why) => done.output = format!("{why:#}"),
    }
    done.took = started.elapsed();
    done
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::tally::PLAIN;

    const GONE: Tool = Tool::program("the tool", "no-such-program", &[], "buy it");
    const PASSES: Step = step("passes", "", |log| log.check(Command::new("echo").arg("fine")));
    const FAILS: Step =
        step("fails", "", |log| log.check(Command::new("sh").args(["-c", "echo bad >&2; exit 3"])));
    const NEEDS: Step = PASSES.needs(&[GONE]);
    const SILENT: Step = step("silent", "", |log| log.tests(PLAIN, &mut Command::new("true")));
    const CRASHES: Step = step("crashes", "", |log| {
        log.tests(PLAIN, Command::new("sh").args(["-c", "echo 2 passed, 0 failed; kill -9 $$"]))
    });

    #[test]
    fn a_step_passes_or_fails_with_what_it_printed() {
        let done = carry_out(&PASSES, false);
        assert_eq!((done.tally, done.output.as_str()), (Tally::PASSED, "$ echo fine\nfine\n"));
        let done = carry_out(&FAILS, false);
        assert_eq!(done.tally, Tally::FAILED);
        let whole = done.output.contains("\nbad\n") && done.output.contains("exit status: 3");
        assert!(whole, "{}", done.output);
    }

    #[test]
    fn a_missing_tool_is_skipped_by_name_and_a_failure_in_ci() {
        let why = "the tool is not here: buy it";
        let done = carry_out(&NEEDS, false);
        assert_eq!((done.tally, done.missing.as_deref()), (Tally::SKIPPED, Some(why)));
        assert_eq!(done.skipped, [(String::new(), why.to_owned())]);
        assert_eq!(carry_out(&NEEDS, true).tally, Tally::FAILED);
    }

    /// As a test of a crate does it, in a process of its own.
    #[test]
    fn a_test_that_misses_a_tool_is_counted_as_skipped_by_its_name() {
        const ONE: Step = step("one", "", |log| {
            let says = "printf 'a::test\\tthe tool is not here\\n' >>$MPT_TOKENS_SKIPPED";
            let tells = format!("{says}; echo 3 passed, 0 failed");
            log.tests(PLAIN, Command::new("sh").args(["-c", &tells]))
        });
        let done = carry_out(&ONE, false);
        assert_eq!(done.tally, Tally { passed: 2, failed: 0, skipped: 1 });
        assert_eq!(done.skipped, [("a::test".to_owned(), "the tool is not here".to_owned())]);
    }

    #[test]
    fn a_step_finds_the_optional_tools_that_it_asked_for_and_no_other() {
        const SEES: Step = step("sees", "", |log| log.check(Command::new("git").arg("--version")));
        const ASKS: Step = step("asks", "", SEES.run).uses(&[mpt_tokens_tools::GIT]);
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
    fn steps_are_chosen_by_name_or_by_how_long_they_take() {
        static TABLE: &[Step] = &[PASSES, FAILS.in_ci(), SILENT.with_all()];
        let chosen = |names: &[&str], today| -> Result<Vec<&str>> {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            Ok(select(TABLE, &names, today)?.iter().map(|step| step.name).collect())
        };
        assert_eq!(chosen(&[], When::EveryDay).unwrap(), ["passes"]);
        assert_eq!(chosen(&[], When::Ci).unwrap(), ["passes", "fails"]);
        assert_eq!(chosen(&[], When::All).unwrap(), ["passes", "fails", "silent"]);
        assert_eq!(chosen(&["fails"], When::EveryDay).unwrap(), ["fails"]);
        assert!(chosen(&["no-such-step"], When::All).is_err());
    }
}
