//! The last step of a connection, above TLS: it sees the request being handed down, and keeps the API token from
//! ureq, which logs every byte that it writes or reads at trace level.
//!
//! ureq works on buffers of this step's own. On the way down the stand-in for the API token becomes the API token;
//! on the way up an echo of it becomes asterisks of the same length, so that the framing of the answer stays.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use zeroize::Zeroize;

use super::{CURRENT, Phase, current, is_quiet};
use crate::wait::Wake;

/// The longest head of an answer, in bytes; what is longer is not HTTP as the API speaks it.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct WatchStep;

impl<In: Transport> Connector<In> for WatchStep {
    type Out = Watched<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        current()?.enter(Phase::Exchange);
        let output = details.config.output_buffer_size();
        Ok(chained.map(|inner| Watched {
            inner,
            shown: Shown::new(MAX_HEAD + 1024, output),
            fresh: true,
            spoiled: Arc::default(),
            served: 0,
        }))
    }
}

#[derive(Debug)]
pub(super) struct Watched<T> {
    inner: T,
    /// What ureq writes and reads: never the API token.
    shown: Shown,
    /// Nothing was sent on it yet.
    fresh: bool,
    /// Told by the attempt that read a strange answer from it: what comes next may be the rest of that answer.
    spoiled: Arc<AtomicBool>,
    /// The attempt that read from it last.
    served: u64,
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.shown
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let current = current()?;
        let fresh = mem::take(&mut self.fresh);
        // What goes to a proxy, or is part of a TLS handshake inside a tunnel, is not the request.
        let request = amount > 0 && current.phase() == Phase::Exchange;
        if request {
            if current.cancels.is_cancelled() {
                return Err(current.stop(Wake::Cancelled));
            }
            if Instant::now() >= current.limit() {
                return Err(current.stop(Wake::TimedOut));
            }
            // A server that ends a new connection, or speaks on it before it was asked, has not taken a request, and
            // what it says is no answer to one.
            if fresh && !is_quiet(&mut self.inner) {
                return Err(Error::Io(std::io::Error::new(
                    std::io::ErrorKind::ConnectionAborted,
                    "the server ended the connection, or spoke on it, before it was asked",
                )));
            }
        }
        let below = self.inner.buffers().output();
        let Some(room) = below.get_mut(..amount) else {
            return Err(Error::Io(std::io::Error::other("the request is longer than a buffer")));
        };
        room.copy_from_slice(&self.shown.output()[..amount]);
        if request {
            if !current.authorized.get() {
                if !current.credential.put_into(room) {
                    return Err(Error::Io(std::io::Error::other(
                        "the head of the request is longer than a buffer",
                    )));
                }
                current.authorized.set(true);
            }
            current.sent.set(true);
            current.carrier.replace(Some(Arc::clone(&self.spoiled)));
        }
        let result = self.inner.transmit_output(amount, timeout);
        // The API token was among these bytes.
        self.inner.buffers().output()[..amount].zeroize();
        result
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let current = current()?;
        if self.inner.buffers().input().is_empty() && !self.inner.await_input(timeout)? {
            return Ok(false);
        }
        let below = self.inner.buffers();
        let moved = self.shown.append(below.input());
        below.input_consume(moved);
        self.served = current.serial;
        if current.phase() == Phase::Exchange {
            current.credential.mask(self.shown.appended_with(moved, current.credential.len()));
        }
        Ok(moved > 0)
    }

    /// Whether an idle connection can carry a request.
    ///
    /// ureq asks when it puts a connection back and again when it takes it out. Only the second look protects a
    /// request, so the attempt that has just read its answer is spared the first.
    fn is_open(&mut self) -> bool {
        let just_served = || {
            CURRENT.with_borrow(|current| current.as_ref().is_some_and(|c| c.serial == self.served))
        };
        !self.spoiled.load(Ordering::Relaxed)
            && self.shown.input().is_empty()
            && (just_served() || is_quiet(&mut self.inner))
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// The buffers that ureq works on. Allocated when first used, since a tunnel's are used for a moment only.
#[derive(Debug)]
struct Shown {
    input: Vec<u8>,
    input_size: usize,
    /// What was appended and not consumed: `input[from..to]`.
    from: usize,
    to: usize,
    output: Vec<u8>,
    output_size: usize,
    progress: bool,
}

impl Shown {
    fn new(input_size: usize, output_size: usize) -> Shown {
        let (input, output) = (Vec::new(), Vec::new());
        Shown { input, input_size, from: 0, to: 0, output, output_size, progress: false }
    }

    /// Takes as many of `bytes` as there is room for.
    fn append(&mut self, bytes: &[u8]) -> usize {
        let room = self.input_append_buf();
        let moved = bytes.len().min(room.len());
        room[..moved].copy_from_slice(&bytes[..moved]);
        self.input_appended(moved);
        moved
    }

    /// The last `new` bytes of the input, and up to `before` of those in front of them that are not consumed.
    fn appended_with(&mut self, new: usize, before: usize) -> &mut [u8] {
        let begin = (self.to - new).saturating_sub(before).max(self.from);
        &mut self.input[begin..self.to]
    }
}

impl Buffers for Shown {
    fn output(&mut self) -> &mut [u8] {
        self.output.resize(self.output_size, 0);
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.from..self.to]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.input.resize(self.input_size, 0);
        if self.from > 0 {
            self.input.copy_within(self.from..self.to, 0);
            self.to -= self.from;
            self.from = 0;
        }
        &mut self.input[self.to..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.to += amount;
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        self.from += amount;
    }

    /// Asked for by requests with a body, of which there are none.
    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.input.resize(self.input_size, 0);
        self.output.resize(self.output_size, 0);
        (&mut self.input[self.to..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.from < self.to && self.progress
    }
}
