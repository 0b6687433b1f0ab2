//! Runs a program with its output kept, a limit on its time, and no descendant left behind.

use std::collections::BTreeSet;
use std::io::{self, PipeReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Process groups that are running now.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// What a program did.
pub(crate) struct Finished {
    /// `None`: it did not end in time, and was ended.
    pub(crate) status: Option<ExitStatus>,
    /// Standard output where it was asked for by itself, else empty.
    pub(crate) stdout: String,
    /// Standard error, and standard output too unless that was asked for by itself.
    pub(crate) output: String,
}

/// Runs `command` to its end or to `deadline`, with an empty standard input.
pub(crate) fn run(
    mut command: Command,
    stdout_apart: bool,
    deadline: Instant,
) -> io::Result<Finished> {
    let (both, writer) = io::pipe()?;
    let mut apart = None;
    if stdout_apart {
        let (reader, stdout) = io::pipe()?;
        command.stdout(stdout);
        apart = Some(reader);
    } else {
        command.stdout(writer.try_clone()?);
    }
    command.stderr(writer).stdin(Stdio::null());
    command.process_group(0);
    let mut child = command.spawn()?;
    // The pipes end when every writer is gone: this process must not be one of them.
    drop(command);
    let group = child.id();
    lock().insert(group);

    let output = read_aside(both);
    let stdout = apart.map(read_aside);
    let mut in_time = true;
    let mut text = |reader: &mpsc::Receiver<String>| {
        let left = deadline.saturating_duration_since(Instant::now());
        reader.recv_timeout(left).unwrap_or_else(|_| {
            in_time = false;
            kill_group(group);
            reader.recv_timeout(Duration::from_secs(10)).unwrap_or_default()
        })
    };
    let output = text(&output);
    let stdout = stdout.as_ref().map(&mut text).unwrap_or_default();
    let status = child.wait();
    lock().remove(&group);
    Ok(Finished { status: in_time.then_some(status?), stdout, output })
}

/// A name that no other run has, and no other call in this one.
pub(crate) fn unique() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed))
}

/// A program that somebody else started, in a group of its own: an interrupt ends it too.
pub(crate) fn note(group: u32) {
    lock().insert(group);
}

/// Ends a program that was noted, with its descendants, unless it has ended already.
pub(crate) fn end(child: &mut Child) {
    if matches!(child.try_wait(), Ok(None)) {
        kill_group(child.id());
    }
    // It is dead: how it ended tells nothing any more.
    let _ = child.wait();
    lock().remove(&child.id());
}

/// Ctrl-C, SIGTERM and SIGHUP end what was started here too: the children are in groups of their own,
/// which a terminal's Ctrl-C does not reach.
pub(crate) fn end_children_on_interrupt() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            for group in lock().iter() {
                kill_group(*group);
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

fn lock() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Reads to the end on a thread of its own; the text arrives once, when every writer has gone.
fn read_aside(mut pipe: PipeReader) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut text = match pipe.read_to_end(&mut bytes) {
            Ok(_) => String::new(),
            Err(error) => format!("(the output could not be read whole: {error})\n"),
        };
        text.insert_str(0, &String::from_utf8_lossy(&bytes));
        // The receiver is gone only when nobody wants the text any more.
        drop(sender.send(text));
    });
    receiver
}

fn kill_group(group: u32) {
    let pid = i32::try_from(group).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended by itself in this very moment.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut sh = Command::new("sh");
        sh.args(["-c", script]);
        sh
    }

    #[test]
    fn keeps_both_streams_in_order_or_apart() {
        let later = Instant::now() + Duration::from_secs(60);
        let done = run(sh("echo one; echo two >&2; echo three"), false, later).unwrap();
        assert_eq!((done.output.as_str(), done.stdout.as_str()), ("one\ntwo\nthree\n", ""));
        let done = run(sh("echo one; echo two >&2"), true, later).unwrap();
        assert_eq!((done.output.as_str(), done.stdout.as_str()), ("two\n", "one\n"));
        assert!(done.status.unwrap().success());
    }

    #[test]
    fn ends_a_program_that_hangs_with_its_children() {
        let done = run(
            sh("echo started; sleep 600 & wait"),
            false,
            Instant::now() + Duration::from_secs(1),
        );
        let done = done.unwrap();
        assert!(done.status.is_none());
        assert_eq!(done.output, "started\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let later = Instant::now() + Duration::from_secs(60);
        assert!(run(Command::new("./no-such-program"), false, later).is_err());
    }
}
