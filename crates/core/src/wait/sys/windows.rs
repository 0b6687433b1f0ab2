//! Windows: what can be waited for is a socket, by `WSAPoll`, which knows less than poll(2).

use std::io;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, Timespec};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags};
use socket2::{Domain, Protocol, Socket, Type};

/// How often a socket that connects is looked at, beside being waited for: before Windows 10 2004, `WSAPoll` does not
/// tell that a connection failed.
pub(crate) const CONNECTING_IS_CHECKED: Option<Duration> = Some(Duration::from_millis(25));

/// How often a handle with a wake-up is looked at, beside being waited for: a wake-up goes over loopback, which a
/// firewall may block.
pub(crate) const WITH_WAKE_UP: Option<Duration> = Some(Duration::from_millis(100));

/// The longest that `WSAPoll` is asked to wait: it counts milliseconds in 32 bits. The caller asks again.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits until something is ready, or for about this long; returns how many are ready.
pub(crate) fn poll(fds: &mut [PollFd<'_>], limit: Duration) -> Result<usize, Errno> {
    // WSAPoll refuses to wait for nothing.
    if fds.is_empty() {
        thread::sleep(limit);
        return Ok(0);
    }
    let limit = limit.min(LONGEST);
    let limit = Timespec {
        tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().try_into().unwrap_or(0),
    };
    rustix::event::poll(fds, Some(&limit))
}

/// A socket that does not block, and that no other program inherits.
pub(crate) fn new_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    // rustix has no flag against inheriting there, and does not start Winsock.
    let domain = Domain::from(i32::from(family.as_raw()));
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(OwnedFd::from(socket))
}

/// Whether there are Unix sockets.
pub(crate) const UNIX_SOCKETS: bool = false;

/// Refuses: Windows has such sockets, but neither the standard library nor rustix opens them.
pub(crate) fn open_unix(_: &Path) -> io::Result<TcpStream> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "Unix sockets are not supported on Windows"))
}

// The sockets do not block, and there are no signals: no flag is needed.
pub(crate) const SEND_FLAGS: SendFlags = SendFlags::empty();
pub(crate) const RECV_FLAGS: RecvFlags = RecvFlags::empty();

/// A socket that receives what it sends, and nothing else: it is connected to itself. It does not block.
pub(crate) fn loopback() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(socket.local_addr()?)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Writes to a wake-up; returns how much of it.
pub(crate) fn write(wake_up: impl AsFd, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(wake_up, bytes, SendFlags::empty())
}
