//! What a person sees in a console of Windows. wine has one where it is started on a terminal, which it then draws on.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::{Sandbox, Status};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::log::Log;
use crate::platforms::WINDOWS;
use crate::process;

/// Far above what it takes.
const LONG: Duration = Duration::from_secs(120);

const ID: &str = "Grüße-ключ";

/// The program asks, and tells what it did, in ids and paths that are not ASCII.
pub(super) fn shows(log: &mut Log, program: &Path) -> Result<()> {
    let sandbox = Sandbox::builder().tokens([ID, "TKN-1-1"]).start()?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let journal = folder.path().join("Übersicht für März");
    let mut command = WINDOWS.program(log, program)?;
    command.args(["delete", "--any-id", "--no-progress", "--concurrency=1", ID, "TKN-1-1"]);
    command.arg("--journal").arg(super::windows_path(&journal));
    command.env("MPT_API_BASE_URL", sandbox.base_url()).env("MPT_API_TOKEN", sandbox.api_token());
    let seen = seen(&mut command, "[y/N]", b"y\r")?;
    log.note(&seen);
    let deleted = [ID, "TKN-1-1"].map(|id| sandbox.truth(id).status == Status::Deleted);
    ensure!(deleted == [true; 2], "not both are deleted");
    ensure!(seen.matches(ID).count() == 2, "not both the question and the outcome name {ID}");
    ensure!(seen.contains("\u{1b}[32mdeleted"), "no colour");
    ensure!(fs::metadata(&journal).is_ok(), "there is no such journal");
    Ok(())
}

/// What appears on a terminal until the program ends, with keys pressed once a text is there.
fn seen(command: &mut Command, until: &str, keys: &[u8]) -> Result<String> {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).context("no terminal")?;
    grantpt(&terminal).and_then(|()| unlockpt(&terminal)).context("no terminal")?;
    let name = ptsname(&terminal, Vec::new()).context("no terminal")?;
    let other = File::options().read(true).write(true).open(name.to_str()?)?;
    // Every key goes through as it is pressed: wine's console waits for it so.
    let raw = Command::new("stty").args(["raw", "-echo"]).stdin(other.try_clone()?).status();
    ensure!(raw.context("stty does not start")?.success(), "the terminal stays as it is");
    command.stdin(other.try_clone()?).stdout(other.try_clone()?).stderr(other);
    let child = process::start(command).context("wine does not start")?;
    // This side's copies of the other end.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut terminal = File::from(terminal);
    let mut keyboard = terminal.try_clone()?;
    let (tell, told) = mpsc::channel();
    // It ends when nobody has the terminal any more.
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = terminal.read(&mut buffer) {
            if tell.send(buffer[..read].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut shown = Vec::new();
    let mut typed = false;
    let (done, status) = process::wait(child, LONG, |child| -> Result<()> {
        loop {
            match told.recv_timeout(Duration::from_millis(200)) {
                Ok(bytes) => shown.extend(bytes),
                // All that a program that has ended drew is there by now.
                Err(_) if child.try_wait()?.is_some() => return Ok(()),
                Err(_) => {}
            }
            if !typed && String::from_utf8_lossy(&shown).contains(until) {
                keyboard.write_all(keys)?;
                typed = true;
            }
        }
    })?;
    let shown = String::from_utf8_lossy(&shown).into_owned();
    done.with_context(|| shown.clone())?;
    let status = status.with_context(|| format!("it did not end: {shown}"))?;
    ensure!(status.success(), "it ended with {status}: {shown}");
    Ok(shown)
}
