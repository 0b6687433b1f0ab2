//! Sockets, where the systems differ: `unix.rs` and `windows.rs` have the same functions, and nothing else in core asks
//! which of the two it runs on, except what is on disk (`journal/open.rs`).

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;

// On Windows, what can be waited for is a socket, and has the same names.
pub(crate) use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
