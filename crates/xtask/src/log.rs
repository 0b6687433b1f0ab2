//! Runs the commands of a chore, and keeps what they print.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use mpt_tokens_tools::{SKIPPED, Tool};

use crate::tally::{Runner, Tally};
use crate::{hide, process, repo};

/// What a step did and what was printed meanwhile.
pub(crate) struct Log {
    text: String,
    deadline: Instant,
    limit: Duration,
    /// Each test that was skipped: its name, and why.
    skipped: Vec<(String, String)>,
    /// The `PATH` of what runs, where that is not this program's own.
    path: Option<OsString>,
}

impl Log {
    /// What runs by it must end within `limit` from now.
    pub(crate) fn new(limit: Duration) -> Self {
        let deadline = Instant::now() + limit;
        Self { text: String::new(), deadline, limit, skipped: Vec::new(), path: None }
    }

    /// From now on, what runs finds these optional tools and no other.
    pub(crate) fn only(&mut self, tools: &[Tool]) -> Result<()> {
        self.path = Some(hide::all_but(tools)?);
        Ok(())
    }

    /// Hides from a command what [`Log::only`] has left out.
    pub(crate) fn hide(&self, command: &mut Command) {
        let Some(path) = &self.path else { return };
        let own = std::env::var_os("PATH").unwrap_or_default();
        let given = command.get_envs().find_map(|(name, value)| value.filter(|_| name == "PATH"));
        // A virtual environment has its folder before all others, and keeps it there.
        let before = given.and_then(|given| given.as_bytes().strip_suffix(own.as_bytes()));
        let mut whole = before.map(OsStr::from_bytes).unwrap_or_default().to_owned();
        whole.push(path);
        command.env("PATH", whole);
    }

    /// As [`Log::run`], with another `PATH`.
    pub(crate) fn run_on_path(&mut self, command: &mut Command, path: &OsStr) -> Result<String> {
        let own = self.path.replace(path.to_owned());
        let done = self.run(command);
        self.path = own;
        done
    }

    /// Tells by name what was skipped, and why.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        self.note(&format!("skipped: {name}: {why}"));
        self.skipped.push((name.to_owned(), why.to_owned()));
    }

    /// Each test that was skipped: its name, and why.
    pub(crate) fn skipped(&self) -> &[(String, String)] {
        &self.skipped
    }

    /// Everything that was printed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a line of the step's own.
    pub(crate) fn note(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Runs a command that must end with success; what it printed is returned and kept.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<String> {
        let (output, ended) = self.finish(command, false)?;
        ended.map(|()| output)
    }

    /// Runs a command that must end with success; its standard output alone is returned, and not kept.
    pub(crate) fn stdout(&mut self, command: &mut Command) -> Result<String> {
        let (stdout, ended) = self.finish(command, true)?;
        ended.map(|()| stdout)
    }

    /// A command that is one test by itself.
    pub(crate) fn check(&mut self, command: &mut Command) -> Result<Tally> {
        self.run(command).map(|_| Tally::PASSED)
    }

    /// A command that runs tests and prints how many.
    pub(crate) fn tests(&mut self, runner: Runner, command: &mut Command) -> Result<Tally> {
        let list = repo::target().join(format!("xtask/skipped-{}", process::unique()));
        command.env(SKIPPED, &list);
        let (output, ended) = self.finish(command, false)?;
        let mut tally = Tally::read(runner, &output);
        for line in fs::read_to_string(&list).unwrap_or_default().lines() {
            let (name, why) =
                line.split_once('\t').context("a test was skipped without a reason")?;
            self.skip(name, why);
            // Its harness took it for one that passed.
            if let Some(tally) = &mut tally {
                tally.passed = tally.passed.saturating_sub(1);
                tally.skipped += 1;
            }
        }
        let _ = fs::remove_file(&list);
        for (name, why) in runner.skipped(&output) {
            self.skip(name, why);
        }
        match (tally, ended) {
            (Some(Tally { passed: 0, failed: 0, .. }), Ok(())) => bail!("it ran no test"),
            (Some(tally), Ok(())) => Ok(tally),
            // Its own count says so already.
            (Some(tally), Err(_)) if tally.failed > 0 => Ok(tally),
            (Some(mut tally), Err(why)) => {
                self.note(&format!("{why:#}"));
                tally += Tally::FAILED;
                Ok(tally)
            }
            (None, Err(why)) => Err(why),
            (None, Ok(())) => bail!("it ended with success but printed no count of tests"),
        }
    }

    /// Standard output of the command (or both streams as one), and whether it ended well.
    fn finish(&mut self, command: &mut Command, apart: bool) -> Result<(String, Result<()>)> {
        let shown = shown(command);
        self.note(&format!("$ {shown}"));
        // `cargo run` set these for this program. A build script that looks at one would run again, and all that
        // depends on it be built again, whenever a build was started by another hand.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(name);
            }
        }
        self.hide(command);
        let started = std::mem::replace(command, Command::new(""));
        let done = process::run(started, apart, self.deadline)
            .with_context(|| format!("cannot start `{shown}`"))?;
        self.text.push_str(&done.output);
        let ended = match done.status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(anyhow!("`{shown}` ended with {status}")),
            None => Err(anyhow!(
                "`{shown}` was ended: the step took longer than {} minutes",
                self.limit.as_secs() / 60
            )),
        };
        Ok((if apart { done.stdout } else { done.output }, ended))
    }
}

/// The command as a person would type it, programs by their bare names.
fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for arg in command.get_args() {
        let _ = write!(text, " {}", arg.to_string_lossy());
    }
    text
}
