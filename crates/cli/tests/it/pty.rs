//! The program on a terminal of its own: what a person would type and see.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{self, Pty};

/// Control keys, as a terminal sends them.
pub(crate) const CTRL_C: &str = "\u{3}";
pub(crate) const CTRL_D: &str = "\u{4}";

const ROWS: u16 = 40;
/// So wide that no message is wrapped.
const COLUMNS: u16 = 400;
/// How long is waited for what must come: far longer than it takes, so that a busy machine fails no test.
const LONG: Duration = Duration::from_secs(60);

/// A program that runs on a terminal.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    seen: Arc<Seen>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    screen: vt100::Parser,
    /// Every byte that was written to it.
    bytes: Vec<u8>,
}

impl State {
    /// What stands on the screen, line by line.
    fn text(&self) -> String {
        let rows = self.screen.screen().rows(0, COLUMNS);
        let text: String = rows.map(|row| row.trim_end().to_owned() + "\n").collect();
        text.trim_end().to_owned() + "\n"
    }
}

impl Default for State {
    fn default() -> State {
        let size = |n: u16| n.try_into().unwrap();
        State { screen: vt100::Parser::new(size(ROWS), size(COLUMNS), 0), bytes: Vec::new() }
    }
}

/// What is left when the program has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What stands on the screen.
    pub(crate) screen: String,
    /// All that was ever written to the terminal, order and colour codes included.
    pub(crate) bytes: String,
}

impl Terminal {
    /// Starts a program with all three streams on a terminal, which is also its controlling one.
    pub(crate) fn start(command: Command) -> Terminal {
        Terminal::start_with(command, |command| command)
    }

    /// The same, with standard output somewhere else.
    pub(crate) fn start_without_stdout(command: Command, stdout: Stdio) -> Terminal {
        Terminal::start_with(command, |command| command.stdout(stdout))
    }

    /// The same, with standard error somewhere else.
    pub(crate) fn start_without_stderr(command: Command, stderr: Stdio) -> Terminal {
        Terminal::start_with(command, |command| command.stderr(stderr))
    }

    fn start_with(
        command: Command,
        streams: impl FnOnce(blocking::Command) -> blocking::Command,
    ) -> Terminal {
        let (pty, pts) = blocking::open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let command = streams(command.into()).env("TERM", "xterm").env_remove("COLUMNS");
        let child = command.spawn(pts).unwrap();
        let (pty, seen) = (Arc::new(pty), Arc::<Seen>::default());
        let reader = thread::spawn({
            let (pty, seen) = (Arc::clone(&pty), Arc::clone(&seen));
            move || seen.read(&pty)
        });
        Terminal { pty, child, seen, reader: Some(reader) }
    }

    /// Types keys.
    pub(crate) fn keys(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen shows something.
    pub(crate) fn wait_for(&self, text: &str) {
        let shows = |state: &State| state.text().contains(text);
        let waited =
            self.seen.changed.wait_timeout_while(self.seen.lock(), LONG, |state| !shows(state));
        let (state, late) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!late.timed_out(), "{text:?} does not come:\n{}", state.text());
    }

    /// What stands on the screen now.
    pub(crate) fn screen(&self) -> String {
        self.seen.lock().text()
    }

    /// What the program writes to a pipe instead.
    pub(crate) fn stdout(&mut self) -> impl Read + use<> {
        self.child.stdout.take().unwrap()
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program's end.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        // The terminal ends with the last process that has it open.
        self.reader.take().unwrap().join().unwrap();
        let state = self.seen.lock();
        Ended {
            status,
            screen: state.text(),
            bytes: String::from_utf8(state.bytes.clone()).unwrap(),
        }
    }
}

/// A test that fails must not leave a program behind.
impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The end of a session as text: the exit status, and the screen with an address for `[API]`.
    pub(crate) fn told(&self, api: &str) -> String {
        let status = self.status.code().expect("it was not killed");
        format!("? {status}\n{}", self.screen.replace(api, "[API]"))
    }
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, mut pty: &Pty) {
        let mut buffer = [0; 4096];
        // On Linux a terminal that nobody has open any more is an error, elsewhere it is an end.
        while let Ok(len @ 1..) = pty.read(&mut buffer) {
            let mut state = self.lock();
            state.screen.process(&buffer[..len]);
            state.bytes.extend_from_slice(&buffer[..len]);
            drop(state);
            self.changed.notify_all();
        }
    }
}
