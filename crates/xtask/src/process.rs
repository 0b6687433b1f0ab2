//! Programs that end in time, and leave no descendant behind.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Process groups that are running now.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Starts a program in a process group of its own.
pub(crate) fn start(command: &mut Command) -> io::Result<Child> {
    let child = command.process_group(0).spawn()?;
    running().insert(child.id());
    Ok(child)
}

/// Lets `work` go on with a program, waits for its end, and ends what it left running; `None` when the limit was reached
/// and it was ended.
pub(crate) fn wait<T>(
    mut child: Child,
    limit: Duration,
    work: impl FnOnce(&mut Child) -> T,
) -> io::Result<(T, Option<ExitStatus>)> {
    let group = child.id();
    let (ended, watched) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        let late = watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if late {
            kill(group);
        }
        late
    });
    let done = work(&mut child);
    let status = child.wait();
    drop(ended);
    let late = watch.join().expect("no panic");
    end(&mut child);
    Ok((done, (!late).then_some(status?)))
}

/// Ends a program with its descendants; what has ended already stays as it is.
pub(crate) fn end(child: &mut Child) {
    kill(child.id());
    // It is dead: how it ended tells nothing any more.
    let _ = child.wait();
    running().remove(&child.id());
}

/// Ctrl-C, SIGTERM and SIGHUP end what was started here too: a terminal's Ctrl-C does not reach other groups.
pub(crate) fn end_children_on_interrupt() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            running().iter().copied().for_each(kill);
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

fn running() -> MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill(group: u32) {
    if let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // It may have ended by itself in this very moment.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children() {
        let mut hangs = Command::new("sh");
        // The pipe ends when the last of them is gone.
        hangs.args(["-c", "sleep 600 & wait"]).stdout(std::process::Stdio::piped());
        let read = |child: &mut Child| {
            let stdout = child.stdout.take().expect("a pipe");
            io::read_to_string(stdout).expect("text")
        };
        let child = start(&mut hangs).unwrap();
        let (printed, status) = wait(child, Duration::from_millis(100), read).unwrap();
        assert_eq!((printed.as_str(), status), ("", None));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(start(&mut Command::new("./no-such-program")).is_err());
    }
}
