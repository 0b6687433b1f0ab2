//! The one place where a call waits: for descriptors, a deadline, or a cancel, whichever comes first.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::wait::cancel::Cancel;
use crate::wait::sys;
use crate::wait::sys::BorrowedFd;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    Ready,
    TimedOut,
    Cancelled,
}

/// Who may cancel a call: the client it is made on and, beside it, its caller, and its batch while it has not begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancels([Option<Cancel>; 3]);

impl Cancels {
    pub(crate) fn new(client: &Cancel, call: Option<&Cancel>) -> Cancels {
        Cancels([Some(client.clone()), call.cloned(), None])
    }

    pub(crate) fn and(self, batch: Cancel) -> Cancels {
        let [client, call, _] = self.0;
        Cancels([client, call, Some(batch)])
    }

    fn iter(&self) -> impl Iterator<Item = &Cancel> {
        self.0.iter().flatten()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.iter().any(Cancel::is_cancelled)
    }

    /// Whether one of them must be asked on the calling thread.
    pub(crate) fn is_polling(&self) -> bool {
        self.iter().any(Cancel::is_polling)
    }

    /// How long a wait may last before [`Cancels::ask`] must be called; `None`: the descriptors say it.
    pub(crate) fn slice(&self) -> Option<Duration> {
        self.iter().filter_map(Cancel::slice).min()
    }

    pub(crate) fn ask(&self) -> bool {
        self.iter().any(Cancel::ask)
    }

    /// Waits until one of `interests` is ready.
    pub(crate) fn wait(
        &self,
        interests: &[(BorrowedFd<'_>, PollFlags)],
        deadline: Instant,
    ) -> io::Result<Wake> {
        if self.is_cancelled() {
            return Ok(Wake::Cancelled);
        }
        let slice = self.slice();
        let cancels = self.iter().filter_map(Cancel::descriptor);
        let waited_for = interests.iter().copied().chain(cancels.map(|fd| (fd, PollFlags::IN)));
        let waited_for = waited_for.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags));
        // Most waits are for one socket, and need no memory.
        let (mut few, mut many);
        let fds = match interests {
            [(fd, flags)] => {
                few = [(); 4].map(|()| PollFd::from_borrowed_fd(*fd, *flags));
                let mut count = 0;
                for fd in waited_for {
                    few[count] = fd;
                    count += 1;
                }
                &mut few[..count]
            }
            _ => {
                many = waited_for.collect::<Vec<_>>();
                &mut many[..]
            }
        };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let limit = slice.map_or(left, |slice| left.min(slice));
            let ready = match sys::poll(fds, limit) {
                Ok(ready) => ready,
                Err(Errno::INTR) => {
                    if self.ask() {
                        return Ok(Wake::Cancelled);
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if self.is_cancelled() {
                return Ok(Wake::Cancelled);
            }
            // What is ready counts before a deadline that passed at the same time: an answer is worth more.
            if fds[..interests.len()].iter().any(|fd| !fd.revents().is_empty()) {
                return Ok(Wake::Ready);
            }
            // By the clock, since a system may end a wait a little early.
            if ready == 0 && Instant::now() >= deadline {
                return Ok(Wake::TimedOut);
            }
            if ready == 0 && self.ask() {
                return Ok(Wake::Cancelled);
            }
        }
    }

    /// Waits for nothing but time.
    pub(crate) fn pause(&self, duration: Duration) -> Wake {
        let deadline = Instant::now() + duration;
        // A poll of nothing can fail only for lack of memory; then the pause ends early, which harms nobody.
        self.wait(&[], deadline).unwrap_or(Wake::TimedOut)
    }
}
