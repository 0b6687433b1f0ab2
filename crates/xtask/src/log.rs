//! Runs the commands of a chore, and keeps what they print in a file of its own.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use mpt_tokens_tools::{SKIPPED, Tool};

use crate::tally::{PLAIN, Runner, Tally, skipped};
use crate::{hide, process, repo};

/// The environment variable that names another folder for the logs, under `target/xtask`: a run inside a run does not
/// write over its logs.
const LOGS: &str = "MPT_TOKENS_LOGS";

/// What a chore did, and what was printed meanwhile: `target/xtask/logs/NAME.log`.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    deadline: Instant,
    minutes: u64,
    /// Each test that was skipped: its name, and why.
    skipped: Vec<(String, String)>,
    /// The `PATH` of what runs, where that is not this program's own.
    programs: Option<OsString>,
}

impl Log {
    /// What runs by it must end within so many minutes from now.
    pub(crate) fn new(name: &str, minutes: u64) -> Result<Self> {
        let logs = std::env::var_os(LOGS).unwrap_or_else(|| "logs".into());
        let path = repo::folder(Path::new("xtask").join(logs))?.join(format!("{name}.log"));
        // Every program that runs writes to its end.
        let file = fs::write(&path, "").and_then(|()| File::options().append(true).open(&path));
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let deadline = Instant::now() + Duration::from_secs(minutes * 60);
        Ok(Self { path, file, deadline, minutes, skipped: Vec::new(), programs: None })
    }

    /// A verb: what its commands printed is shown unless all went well.
    pub(crate) fn of_verb(
        name: &str,
        minutes: u64,
        run: impl FnOnce(&mut Log) -> Result<bool>,
    ) -> Result<bool> {
        let mut log = Log::new(&format!("xtask-{name}"), minutes)?;
        let done = run(&mut log);
        if !matches!(done, Ok(true)) {
            eprint!("{}", log.text());
        }
        done
    }

    /// From now on, what runs finds these optional tools and no other.
    pub(crate) fn only(&mut self, tools: &[Tool]) -> Result<()> {
        self.programs = Some(hide::all_but(tools)?);
        Ok(())
    }

    /// From now on, what runs finds programs there.
    pub(crate) fn search(&mut self, path: Option<OsString>) -> Option<OsString> {
        std::mem::replace(&mut self.programs, path)
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
    pub(crate) fn text(&self) -> String {
        self.since(0)
    }

    fn since(&self, start: usize) -> String {
        let bytes = fs::read(&self.path).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned()
    }

    /// Adds a line of the chore's own.
    pub(crate) fn note(&mut self, line: &str) {
        if let Err(why) = writeln!(self.file, "{line}") {
            eprintln!("warning: cannot write {}: {why}", self.path.display());
        }
    }

    /// Runs a command that must end with success.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<()> {
        self.finish(command, false)?.1
    }

    /// Runs a command that must end with success; its standard output alone is returned, and not kept.
    pub(crate) fn stdout(&mut self, command: &mut Command) -> Result<String> {
        let (stdout, ended) = self.finish(command, true)?;
        ended.map(|()| stdout)
    }

    /// A command that is one test by itself.
    pub(crate) fn check(&mut self, command: &mut Command) -> Result<Tally> {
        self.run(command).map(|()| Tally::PASSED)
    }

    /// Something that is one test of several; what is wrong with it is noted.
    pub(crate) fn one(&mut self, name: &str, test: impl FnOnce(&mut Log) -> Result<()>) -> Tally {
        self.note(&format!("\n{name}"));
        match test(self) {
            Ok(()) => Tally::PASSED,
            Err(why) => {
                self.note(&format!("{why:#}"));
                Tally::FAILED
            }
        }
    }

    /// A command that runs tests and prints how many.
    pub(crate) fn tests(&mut self, runner: Runner, command: &mut Command) -> Result<Tally> {
        let list = self.path.with_extension("skipped");
        let _ = fs::remove_file(&list);
        let (output, ended) = self.finish(command.env(SKIPPED, &list), false)?;
        let mut tally = Tally::read(runner, &output);
        let told = fs::read_to_string(&list).unwrap_or_default();
        let _ = fs::remove_file(&list);
        for line in told.lines() {
            let (name, why) =
                line.split_once('\t').context("a test was skipped without a reason")?;
            self.skip(name, why);
            // Its harness took it for one that passed.
            if let Some(tally) = &mut tally {
                tally.passed = tally.passed.saturating_sub(1);
                tally.skipped += 1;
            }
        }
        skipped(&output).for_each(|(name, why)| self.skip(name, why));
        match (tally, ended) {
            // What was asked for may be the part of a table that a language leaves out.
            (Some(Tally { passed: 0, failed: 0, skipped }), Ok(()))
                if skipped == 0 || runner != PLAIN =>
            {
                bail!("it ran no test")
            }
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

    /// What the command printed, or its standard output alone, and whether it ended well.
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
        command.env(LOGS, "logs-inner");
        command.stdin(Stdio::null()).stderr(self.file.try_clone()?);
        command.stdout(if apart { Stdio::piped() } else { self.file.try_clone()?.into() });
        let start = usize::try_from(self.file.metadata()?.len())?;
        let child = process::start(command).with_context(|| format!("cannot start `{shown}`"))?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        let (stdout, status) = process::wait(child, left, |child| {
            let mut bytes = Vec::new();
            let read = child.stdout.take().map(|mut pipe| pipe.read_to_end(&mut bytes));
            read.transpose().map(|_| String::from_utf8_lossy(&bytes).into_owned())
        })?;
        let ended = match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(anyhow!("`{shown}` ended with {status}")),
            None => {
                Err(anyhow!("`{shown}` was ended: it took longer than {} minutes", self.minutes))
            }
        };
        Ok((if apart { stdout? } else { self.since(start) }, ended))
    }

    /// Hides from a command what [`Log::only`] has left out.
    fn hide(&self, command: &mut Command) {
        let Some(path) = &self.programs else { return };
        let own = std::env::var_os("PATH").unwrap_or_default();
        let given = command.get_envs().find_map(|(name, value)| value.filter(|_| name == "PATH"));
        if given.is_some_and(|given| given.as_bytes().ends_with(path.as_bytes())) {
            // It ran before, and is hidden from already.
            return;
        }
        // A virtual environment has its folder before all others, and keeps it there.
        let before = given.and_then(|given| given.as_bytes().strip_suffix(own.as_bytes()));
        let mut whole = before.map(OsStr::from_bytes).unwrap_or_default().to_owned();
        whole.push(path);
        command.env("PATH", whole);
    }
}

/// The command as a person would type it, programs by their bare names.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for arg in command.get_args() {
        let _ = write!(text, " {}", arg.to_string_lossy());
    }
    text
}
