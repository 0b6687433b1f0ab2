//! Unix: everything is a file descriptor, and poll(2) tells all there is to know of it.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, Timespec};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketAddrUnix, SocketType};
use rustix::net::{connect, ipproto};

/// How often a socket that connects is looked at, beside being waited for. Never: poll tells when it failed.
pub(crate) const CONNECTING_IS_CHECKED: Option<Duration> = None;

/// How often a handle with a wake-up is looked at, beside being waited for. Never.
pub(crate) const WITH_WAKE_UP: Option<Duration> = None;

/// Waits until something is ready, or for this long; returns how many are ready.
pub(crate) fn poll(fds: &mut [PollFd<'_>], limit: Duration) -> Result<usize, Errno> {
    let limit = Timespec {
        tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    };
    rustix::event::poll(fds, Some(&limit))
}

/// A socket that does not block, and that no other program inherits.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn new_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    use rustix::net::{SocketFlags, socket_with};
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(family, SocketType::STREAM, flags, protocol(family))?)
}

/// A socket that does not block, that no other program inherits, and that sends no signal.
#[cfg(target_vendor = "apple")]
pub(crate) fn new_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(family, SocketType::STREAM, protocol(family))?;
    rustix::io::ioctl_fioclex(&socket)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    rustix::net::sockopt::set_socket_nosigpipe(&socket, true)?;
    Ok(socket)
}

fn protocol(family: AddressFamily) -> Option<Protocol> {
    (family != AddressFamily::UNIX).then_some(ipproto::TCP)
}

/// Whether there are Unix sockets.
pub(crate) const UNIX_SOCKETS: bool = true;

/// Connects to a Unix socket, which takes no time: the other side has room for another connection, or has not.
pub(crate) fn open_unix(path: &Path) -> io::Result<TcpStream> {
    let socket = new_socket(AddressFamily::UNIX)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    // Nothing is asked of it but to be written to, read from and waited for.
    Ok(TcpStream::from(socket))
}

#[cfg(not(target_vendor = "apple"))]
pub(crate) const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

/// Apple's systems have no flag against the signal; the socket option `SO_NOSIGPIPE` stands in.
#[cfg(target_vendor = "apple")]
pub(crate) const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT;

pub(crate) const RECV_FLAGS: RecvFlags = RecvFlags::DONTWAIT;

/// Writes to a wake-up; returns how much of it.
pub(crate) fn write(wake_up: impl AsFd, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::io::write(wake_up, bytes)
}
