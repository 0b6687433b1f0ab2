//! A TCP connection.

use std::fmt;
use std::net::TcpStream;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{recv, send};
use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use crate::http::transport::attempt::current;
use crate::http::transport::buffers::WipedBuffers;
use crate::http::transport::no_wait::{is_no_wait, is_quiet};
use crate::wait::sys;

/// A TCP connection that does not block in the kernel: every wait is a poll that a cancel ends too.
pub(crate) struct Tcp {
    pub(crate) stream: TcpStream,
    pub(crate) buffers: WipedBuffers,
}

impl Transport for Tcp {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let current = current()?;
        let mut left = &self.buffers.output()[..amount];
        while !left.is_empty() {
            match send(&self.stream, left, sys::SEND_FLAGS) {
                Ok(sent) => left = &left[sent..],
                Err(Errno::AGAIN) => current.wait(&self.stream, PollFlags::OUT)?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(Error::Io(error.into())),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let waits = !is_no_wait(timeout);
        loop {
            if waits {
                current()?.wait(&self.stream, PollFlags::IN)?;
            }
            match recv(&self.stream, self.buffers.input_append_buf(), sys::RECV_FLAGS) {
                Ok((_, received)) => {
                    self.buffers.input_appended(received);
                    return Ok(received > 0);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if waits => {}
                Err(error) => return Err(Error::Io(error.into())),
            }
        }
    }

    /// What ureq asks is asked of the last step of a connection, and answered there.
    fn is_open(&mut self) -> bool {
        is_quiet(self)
    }
}

impl fmt::Debug for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp").field("peer", &self.stream.peer_addr().ok()).finish_non_exhaustive()
    }
}
