//! Opening a TCP connection: several addresses, none of which may eat the deadline (the idea of RFC 8305).

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, bind, connect, sockopt};

use crate::wait::sys;
use crate::wait::sys::{AsFd, BorrowedFd, OwnedFd};
use crate::wait::wait::{Cancels, Wake};

/// How long one address is given before the next is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the first address that answers, from `local` if that is given. The stream does not block.
pub(crate) fn open(
    addresses: Vec<SocketAddr>,
    local: Option<IpAddr>,
    deadline: Instant,
    cancels: &Cancels,
) -> io::Result<Result<TcpStream, Wake>> {
    let mut waiting = interleave(addresses).into_iter();
    let mut under_way: Vec<OwnedFd> = Vec::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    let mut next = waiting.next();
    let mut tried = Instant::now();
    loop {
        if let Some(address) = next.take() {
            tried = Instant::now();
            match start(address, local) {
                Ok(Started::Connected(socket)) => return Ok(Ok(TcpStream::from(socket))),
                Ok(Started::UnderWay(socket)) => under_way.push(socket),
                Err(error) => failure = error,
            }
        }
        if under_way.is_empty() {
            next = waiting.next();
            if next.is_none() {
                return Err(failure);
            }
            continue;
        }
        let more = waiting.len() > 0;
        let limit = if more { deadline.min(tried + HEAD_START) } else { deadline };
        let until = match sys::CONNECTING_IS_CHECKED {
            Some(every) => limit.min(Instant::now() + every),
            None => limit,
        };
        let interests: Vec<(BorrowedFd<'_>, PollFlags)> =
            under_way.iter().map(|socket| (socket.as_fd(), PollFlags::OUT)).collect();
        match cancels.wait(&interests, until)? {
            Wake::Cancelled => return Ok(Err(Wake::Cancelled)),
            Wake::TimedOut if until == limit && (!more || Instant::now() >= deadline) => {
                return Ok(Err(Wake::TimedOut));
            }
            Wake::TimedOut if until == limit => next = waiting.next(),
            Wake::TimedOut | Wake::Ready => {
                let before = under_way.len();
                let mut index = 0;
                while index < under_way.len() {
                    match finished(&under_way[index]) {
                        Ok(true) => return Ok(Ok(TcpStream::from(under_way.swap_remove(index)))),
                        Ok(false) => index += 1,
                        Err(error) => {
                            failure = error;
                            under_way.swap_remove(index);
                        }
                    }
                }
                // A refusal says at once that the next address should be tried.
                if under_way.len() < before {
                    next = waiting.next();
                } else if Instant::now() >= deadline {
                    // What is ready is told before what is late, again and again.
                    return Ok(Err(Wake::TimedOut));
                }
            }
        }
    }
}

enum Started {
    Connected(OwnedFd),
    UnderWay(OwnedFd),
}

fn start(address: SocketAddr, local: Option<IpAddr>) -> io::Result<Started> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = sys::new_socket(family)?;
    if let Some(local) = local {
        if local.is_ipv4() != address.is_ipv4() {
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                "the host has no address of the same kind as the one to connect from",
            ));
        }
        bind(&socket, &SocketAddr::new(local, 0))?;
    }
    // Requests are small and complete: waiting for more to send would only add delay.
    sockopt::set_tcp_nodelay(&socket, true)?;
    match connect(&socket, &address) {
        Ok(()) => Ok(Started::Connected(socket)),
        Err(Errno::INPROGRESS | Errno::WOULDBLOCK | Errno::INTR) => Ok(Started::UnderWay(socket)),
        Err(error) => Err(error.into()),
    }
}

/// Whether the connection stands; an error when it failed.
fn finished(socket: &OwnedFd) -> io::Result<bool> {
    // Before the socket is asked: it may connect meanwhile.
    let mut interest = [PollFd::new(socket, PollFlags::OUT)];
    let ready = sys::poll(&mut interest, Duration::ZERO).is_ok_and(|ready| ready > 0);
    match sockopt::socket_error(socket)? {
        Err(error) => Err(error.into()),
        Ok(()) => match rustix::net::getpeername(socket) {
            Ok(_) => Ok(true),
            // Under wine, the error is sometimes lost.
            Err(Errno::NOTCONN) if ready => Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "the connection failed, and the system does not say why",
            )),
            Err(Errno::NOTCONN) => Ok(false),
            Err(error) => Err(error.into()),
        },
    }
}

/// The families in turn, beginning with that of the first address, which the system prefers.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 =
        addresses.first().is_some_and(|address| matches!(address.ip(), IpAddr::V6(_)));
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut mixed = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        match (first.next(), second.next()) {
            (None, None) => return mixed,
            (a, b) => mixed.extend(a.into_iter().chain(b)),
        }
    }
}
