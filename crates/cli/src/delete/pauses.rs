//! What is told of the API's pauses where there is no bar to show them.

use std::io::{self, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mpt_tokens::BatchHandle;

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
    pub(crate) fn tell(wanted: bool, batch: BatchHandle) -> Pauses {
        let (ends, ended) = channel();
        let look = move || {
            let mut told_until = Instant::now();
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let now = Instant::now();
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

    pub(crate) fn end(self) {
        drop(self.ends);
        if let Some(thread) = self.thread {
            // It cannot panic, and holds nothing.
            let _ = thread.join();
        }
    }
}
