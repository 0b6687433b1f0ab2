//! Runs the commands of a chore, and keeps what they print.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::process;
use crate::tally::{Runner, Tally};

/// What a step did and what was printed meanwhile.
pub(crate) struct Log {
    text: String,
    deadline: Instant,
    limit: Duration,
}

impl Log {
    /// What runs by it must end within `limit` from now.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { text: String::new(), deadline: Instant::now() + limit, limit }
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
        let (output, ended) = self.finish(command, false)?;
        match (Tally::read(runner, &output), ended) {
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
