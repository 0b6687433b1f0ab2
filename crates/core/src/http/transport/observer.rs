//! The last step of a connection, above TLS: it sees the request being handed down, reads the answer to it, and keeps
//! the API token, and what a server may echo of it, from ureq, which logs every byte that it writes or reads at trace
//! level.
//!
//! ureq works on buffers of this step's own. On the way down, what ureq writes is a stand-in, and the request takes its
//! place. On the way up the answer is read here ([`Reader`]), noted with the attempt ([`Observed`](super::observed::Observed)), and told to ureq as a
//! status alone: ureq keeps the connection, or not, as this step says.

use std::mem;
use std::ops::Range;
use std::time::Instant;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use zeroize::Zeroize;

use crate::http::transport::answer::{Reader, Received, Whose};
use crate::http::transport::attempt::{AttemptContext, current, is_current};
use crate::http::transport::buffers::{Sizes, WipedBuffers};
use crate::http::transport::no_wait::{has_more, is_quiet};
use crate::http::transport::not_http::NotHttp;
use crate::http::transport::observed::Phase;
use crate::wait::wait::Wake;

/// What ureq reads at once: what a tunnel passes on, or a status line.
const READ_AT_ONCE: usize = 16 * 1024;
/// What ureq is told of an answer.
const STATUS_LINE: usize = 64;

#[derive(Debug)]
pub(super) struct ObserverStep;

impl<In: Transport> Connector<In> for ObserverStep {
    type Out = Observer<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let current = current()?;
        // The way to a proxy is the tunnel's until the proxy has opened it.
        let whose =
            if current.observed.phase() == Phase::Tunnel { Whose::Proxy } else { Whose::Server };
        current.observed.enter(Phase::Exchange);
        let output = details.config.output_buffer_size();
        Ok(chained.map(|inner| Observer {
            inner,
            masked: WipedBuffers::new(Sizes {
                first_input: STATUS_LINE,
                input: READ_AT_ONCE,
                more_output: 0,
                output,
            }),
            whose,
            reader: Some(Reader::new(whose)),
            fresh: true,
            reusable: true,
            served: 0,
        }))
    }
}

#[derive(Debug)]
pub(super) struct Observer<T: Transport> {
    inner: T,
    /// What ureq writes and reads: never the API token.
    masked: WipedBuffers,
    whose: Whose,
    /// `None` where bytes are passed on as they come: a proxy has opened its tunnel.
    reader: Option<Reader>,
    /// Nothing was sent on it yet.
    fresh: bool,
    /// What comes next on it is an answer, and not the rest of one.
    reusable: bool,
    /// The attempt that read from it last.
    served: u64,
}

impl<T: Transport> Transport for Observer<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.masked
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let current = current()?;
        let fresh = mem::take(&mut self.fresh);
        // What goes to a proxy, or is part of a TLS handshake inside a tunnel, is not the request.
        let request = amount > 0 && current.observed.phase() == Phase::Exchange;
        if request {
            if current.limits.cancels.is_cancelled() {
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
        let (amount, secret) = match self.whose {
            Whose::Server if request => self.write_request(&current, amount)?,
            _ => (self.pass_on(amount)?, 0..amount),
        };
        if request {
            current.observed.sent.set(true);
            if self.whose == Whose::Server {
                current.observed.reused.set(current.observed.reused() || !fresh);
            }
            // Until a whole answer to it was read.
            self.reusable = false;
        }
        let result = self.inner.transmit_output(amount, timeout);
        self.inner.buffers().output()[secret].zeroize();
        result
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let current = current()?;
        self.served = current.serial();
        match self.whose {
            Whose::Server => {
                let answer = self.read(&current, timeout)?;
                self.reusable = answer.reusable;
                self.tell(answer.status);
                current.observed.answer.replace(Some(answer));
                Ok(true)
            }
            Whose::Proxy if self.reader.is_some() => {
                let answer = self.read(&current, timeout)?;
                // Any 2xx opens the tunnel (RFC 9110, section 9.3.6); ureq knows one of them.
                let opened = (200..=299).contains(&answer.status);
                self.tell(if opened { 200 } else { answer.status });
                if let Some(mut reader) = self.reader.take().filter(|_| opened) {
                    // What came behind it came through the tunnel.
                    self.masked.append(reader.rest());
                    reader.rest().truncate(0);
                } else {
                    current.observed.refusal.replace(Some(answer));
                }
                Ok(true)
            }
            Whose::Proxy => {
                if self.inner.buffers().input().is_empty() && !self.inner.await_input(timeout)? {
                    return Ok(false);
                }
                let below = self.inner.buffers();
                let moved = self.masked.append(below.input());
                consume(below, moved);
                Ok(moved > 0)
            }
        }
    }

    /// Whether an idle connection can carry a request.
    ///
    /// ureq asks when it puts a connection back and again when it takes it out. Only the second look protects a
    /// request, so the attempt that has just read its answer is spared the first.
    fn is_open(&mut self) -> bool {
        self.reusable
            && self.masked.input().is_empty()
            && (is_current(self.served) || is_quiet(&mut self.inner))
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Nothing stays behind of what came unasked either.
impl<T: Transport> Drop for Observer<T> {
    fn drop(&mut self) {
        let below = self.inner.buffers();
        let left = below.input().len();
        if left > 0 {
            consume(below, left);
        }
    }
}

impl<T: Transport> Observer<T> {
    /// Writes the request in the place of what ureq wrote. Returns how long it is, and where the API token stands in it.
    fn write_request(
        &mut self,
        current: &AttemptContext,
        amount: usize,
    ) -> Result<(usize, Range<usize>), Error> {
        // One request for a whole head of ureq's, and never another.
        let whole = self.masked.output()[..amount].ends_with(b"\r\n\r\n");
        if !whole || current.observed.written.replace(true) {
            return Err(too_long());
        }
        let room = self.inner.buffers().output();
        current.request.write(&current.credential, room).ok_or_else(too_long)
    }

    /// Passes on what goes to a proxy, or through it, as it is.
    fn pass_on(&mut self, amount: usize) -> Result<usize, Error> {
        let room = self.inner.buffers().output().get_mut(..amount).ok_or_else(too_long)?;
        room.copy_from_slice(&self.masked.output()[..amount]);
        Ok(amount)
    }

    /// Reads one answer, to its end.
    fn read(&mut self, current: &AttemptContext, timeout: NextTimeout) -> Result<Received, Error> {
        let reader = self.reader.get_or_insert_with(|| Reader::new(self.whose));
        let mask = |bytes: &mut [u8]| current.credential.mask(bytes);
        let not_http = |error: NotHttp| Error::Other(Box::new(error));
        loop {
            let below = self.inner.buffers();
            let came = below.input().len();
            if came > 0 {
                let taken = reader.take(below.input(), mask);
                consume(below, came);
                current.observed.status.set(reader.status());
                if let Some(mut answer) = taken.map_err(not_http)? {
                    current.credential.mask_body(&mut answer.body);
                    return Ok(answer);
                }
            }
            let failure = match self.inner.await_input(timeout) {
                Ok(true) => continue,
                Ok(false) => None,
                // What came before a broken record of TLS counts: each record is authentic by itself.
                Err(_) if current.observed.stopped().is_none() && has_more(&mut self.inner) => {
                    continue;
                }
                Err(error) => Some(error),
            };
            return match reader.end(mask).map_err(not_http)? {
                Some(mut answer) => {
                    current.credential.mask_body(&mut answer.body);
                    Ok(answer)
                }
                None => Err(failure.unwrap_or_else(|| {
                    Error::Io(std::io::Error::new(
                        std::io::ErrorKind::UnexpectedEof,
                        "the connection ended before the answer did",
                    ))
                })),
            };
        }
    }

    /// Gives ureq an answer that it reads at once: the status, and no body.
    fn tell(&mut self, status: u16) {
        let mut line = *b"HTTP/1.1 000 \r\n";
        for (place, digit) in [(9, status / 100), (10, status / 10), (11, status)] {
            line[place] += (digit % 10) as u8;
        }
        self.masked.append(&line);
        self.masked.append(match status {
            101 | 204 | 304 => b"\r\n",
            _ => b"content-length: 0\r\n\r\n",
        });
    }
}

fn too_long() -> Error {
    Error::Io(std::io::Error::other("the request is longer than a buffer"))
}

/// Takes bytes from a buffer, and wipes where they were, whosever buffer it is.
fn consume(buffers: &mut dyn Buffers, amount: usize) {
    buffers.input_consume(amount);
    if buffers.input().is_empty() {
        let free = buffers.input_append_buf();
        let used = amount.min(free.len());
        free[..used].zeroize();
    }
}
