//! What wakes a poll: a descriptor (on Windows a socket) that is not readable until it is told to be, and then stays so.

use std::io;

use crate::wait::sys;
use crate::wait::sys::{AsFd, BorrowedFd, OwnedFd};

/// An eventfd, or a pipe where the system has none. Neither blocks, and a program that is executed has neither.
pub(crate) struct WakeUp {
    readable: OwnedFd,
    /// The end of a pipe to write to; an eventfd is both.
    writable: Option<OwnedFd>,
}

impl WakeUp {
    /// `None` means that the process has no descriptor left.
    pub(crate) fn new() -> Option<WakeUp> {
        // Lets all tests be run over pipes, by `RUSTFLAGS="--cfg mpt_tokens_pipe"`.
        if cfg!(mpt_tokens_pipe) {
            return WakeUp::pipe().ok();
        }
        WakeUp::eventfd().or_else(|_| WakeUp::pipe()).ok()
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    pub(crate) fn eventfd() -> io::Result<WakeUp> {
        use rustix::event::{EventfdFlags, eventfd};
        let readable = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(WakeUp { readable, writable: None })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    pub(crate) fn eventfd() -> io::Result<WakeUp> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[cfg(unix)]
    pub(crate) fn pipe() -> io::Result<WakeUp> {
        // Both ends are closed when a program is executed.
        let (readable, writable) = io::pipe()?;
        // A writer that waited for room could not be called from a signal handler.
        rustix::io::ioctl_fionbio(&writable, true)?;
        rustix::io::ioctl_fionbio(&readable, true)?;
        Ok(WakeUp { readable: readable.into(), writable: Some(writable.into()) })
    }

    /// A socket that is connected to itself stands in for the pipe: on Windows, only sockets can be polled.
    #[cfg(windows)]
    pub(crate) fn pipe() -> io::Result<WakeUp> {
        Ok(WakeUp { readable: sys::loopback()?.into(), writable: None })
    }

    /// Makes the descriptor readable. It is never read, so it stays readable.
    ///
    /// This is safe on any thread and in a signal handler.
    pub(crate) fn wake(&self) {
        // What refuses more is full, and so readable already. No write is to a pipe without a reader: this is the reader.
        let _ = sys::write(self.writable.as_ref().unwrap_or(&self.readable), &1u64.to_ne_bytes());
    }

    /// The descriptor to poll in addition to one's own.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }

    /// As a forked child has it.
    #[cfg(test)]
    pub(crate) fn inherited(&self) -> WakeUp {
        let copy = |descriptor: &OwnedFd| descriptor.try_clone().unwrap();
        WakeUp { readable: copy(&self.readable), writable: self.writable.as_ref().map(copy) }
    }

    #[cfg(all(test, unix))]
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = &OwnedFd> {
        self.writable.iter().chain([&self.readable])
    }
}
