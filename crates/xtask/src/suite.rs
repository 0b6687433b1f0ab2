//! `cargo xtask test`: runs the steps of the table, two at a time where they do not wait for the same build.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::log::Log;
use crate::repo;
use crate::steps::STEPS;
use crate::tally::Tally;
use crate::tools::Tool;

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
    full: bool,
    beside: bool,
    minutes: u64,
}

/// A step for every day, that builds with cargo and takes ten minutes at most.
pub(crate) const fn step(
    name: &'static str,
    shows: &'static str,
    run: fn(&mut Log) -> Result<Tally>,
) -> Step {
    Step { name, shows, run, needs: &[], full: false, beside: false, minutes: 10 }
}

impl Step {
    /// What the machine must have for it.
    pub(crate) const fn needs(self, needs: &'static [Tool]) -> Self {
        Self { needs, ..self }
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
    output: String,
}

/// Runs the steps; whether all of them passed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let all = options.all || repo::ci();
    if options.list {
        list();
        return Ok(true);
    }
    let steps = select(&options.steps, all)?;
    let started = Instant::now();
    let mut tally = Tally::default();
    let mut failed = Vec::new();

    std::thread::scope(|scope| {
        let (sender, done) = mpsc::channel();
        for beside in [false, true] {
            let lane: Vec<_> = steps.iter().copied().filter(|step| step.beside == beside).collect();
            let sender = sender.clone();
            scope.spawn(move || {
                for step in lane {
                    sender.send(carry_out(step)).expect("the results are read to the end");
                }
            });
        }
        drop(sender);
        let width = steps.iter().map(|step| step.name.len()).max().unwrap_or_default();
        for done in done {
            report(&done, width);
            tally += done.tally;
            if done.tally.failed > 0 {
                failed.push(done);
            }
        }
    });

    for done in &failed {
        println!("\n---- {} ----\n{}", done.step.name, done.output.trim_end());
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

fn carry_out(step: &'static Step) -> Done {
    let started = Instant::now();
    let done =
        |tally, missing, output| Done { step, took: started.elapsed(), tally, missing, output };
    if let Some(missing) = step.needs.iter().find_map(|tool| (tool.missing)()) {
        let tally = if repo::ci() { Tally::FAILED } else { Tally::SKIPPED };
        return done(tally, Some(missing.clone()), missing);
    }
    let limit = Duration::from_secs(step.minutes * 60);
    let mut log = Log::new(limit);
    let tally = (step.run)(&mut log).unwrap_or_else(|why| {
        log.note(&format!("{why:#}"));
        Tally::FAILED
    });
    if let Err(why) = keep(step.name, log.text()) {
        log.note(&format!("warning: {why:#}"));
    }
    done(tally, None, log.text().to_owned())
}

/// What every step printed can be read afterwards, whether it failed or not.
fn keep(name: &str, text: &str) -> Result<()> {
    let folder = repo::target().join("xtask/logs");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join(format!("{name}.log"));
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
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
