//! Reports the API's pauses and outages where there is no progress bar to show them.

use std::io::{self, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mpt_tokens::{BatchHandle, Outage};

/// A pause that is shorter is not worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(5);
/// How often is looked.
const EVERY: Duration = Duration::from_millis(500);

/// A look at the pauses of a batch, on a thread of its own: the run itself waits meanwhile.
pub(crate) struct Pauses {
    ends: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Pauses {
    pub(crate) fn tell(wanted: bool, batch: BatchHandle, patience: Duration) -> Pauses {
        let (ends, ended) = channel();
        let look = move || {
            let mut told_until = Instant::now();
            let mut outage: Option<Outage> = None;
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let now = Instant::now();
                let seen = batch.outage();
                if let Some(line) = outage_line(outage, seen, now, patience) {
                    // Without standard error, nobody can be informed.
                    let _ = writeln!(io::stderr(), "{line}");
                }
                outage = seen;
                let Some(pause) = batch.pause().filter(|pause| pause.left >= WORTH_TELLING) else {
                    continue;
                };
                if now >= told_until {
                    told_until = now + pause.left;
                    let seconds = pause.left.as_secs_f64().ceil();
                    // Without a standard error there is nobody to tell.
                    let _ = writeln!(
                        io::stderr(),
                        "paused {seconds:.0} s by the API ({})",
                        pause.http_status
                    );
                }
            }
        };
        // Without a thread nothing is told, and the run goes on.
        let thread = wanted
            .then(|| thread::Builder::new().name("pauses".to_owned()).spawn(look).ok())
            .flatten();
        Pauses { ends, thread }
    }

    /// Ends the thread.
    pub(crate) fn end(self) {
        drop(self.ends);
        if let Some(thread) = self.thread {
            // It cannot panic, and holds nothing.
            let _ = thread.join();
        }
    }
}

/// The line for the start or the end of an outage.
fn outage_line(
    before: Option<Outage>,
    now: Option<Outage>,
    at: Instant,
    patience: Duration,
) -> Option<String> {
    match (before, now) {
        (None, Some(_)) => {
            let longest = humantime::format_duration(patience);
            Some(format!("the API does not answer: waiting for it, for {longest} at most"))
        }
        (Some(outage), None) => {
            let seconds = at.duration_since(outage.since).as_secs();
            let took = humantime::format_duration(Duration::from_secs(seconds));
            Some(format!("the API answers again, after {took}"))
        }
        _ => None,
    }
}
