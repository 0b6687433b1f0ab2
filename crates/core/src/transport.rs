//! The one module that touches ureq's `unversioned` seam: connections that can be cancelled at any moment, under
//! deadlines of our own, and that see the first byte of a request being handed down.
//!
//! ureq hands no context of a call to its connectors and transports, and keeps transports in its pool between calls.
//! Since a call runs on the thread that makes it, its context is a thread-local, set for the time of one attempt.

mod answer;
mod chunks;
mod gzip;
mod records;
mod secure;
mod watch;
mod wiped;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::ClientConfig;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, NextTimeout, Transport,
};
use ureq::{Agent, Error};

use crate::connect;
use crate::credential::Credential;
use crate::endpoint::is_loopback_name;
use crate::resolve::Lookup;
use crate::wait::{Cancels, Wake};

pub(crate) use answer::Received;
use secure::TlsStep;
use watch::WatchStep;
pub(crate) use wiped::Wiped;
use wiped::WipedBuffers;

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Resolve,
    Connect,
    /// Talking to a proxy, or on the way to it.
    Tunnel,
    Tls,
    /// The connection stands: sending, waiting, reading.
    Exchange,
}

/// One attempt, as its transport sees it.
pub(crate) struct Current {
    /// No other attempt of this process has the same.
    serial: u64,
    deadline: Instant,
    connect_deadline: Instant,
    cancels: Cancels,
    lookup: Lookup,
    credential: Arc<Credential>,
    phase: Cell<Phase>,
    /// Whether the API token was put into the head of the request.
    authorized: Cell<bool>,
    /// Whether any byte of the request was handed down to a connection.
    sent: Cell<bool>,
    /// Why we ended the attempt ourselves, when we did.
    stopped: Cell<Option<Wake>>,
    /// When a handle that asks was asked last, as far as is known here.
    asked: Cell<Instant>,
    /// Bytes came after the deadline once: what was under way counts, what never ends does not.
    overtime: Cell<bool>,
    /// Whether the connection that carried the request had carried others.
    reused: Cell<bool>,
    /// The status of the answer, once its head was read.
    status: Cell<Option<u16>>,
    answer: RefCell<Option<Received>>,
    /// What a proxy answered that opened no tunnel.
    refusal: RefCell<Option<Received>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Current>>> = const { RefCell::new(None) };
    /// Whether connections are only asked for what has come already: see [`is_quiet`].
    static LISTENING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a connection stands, and nothing came on it that nobody asked for.
///
/// Through every layer: what comes may wait in the kernel, in a buffer, or decrypted inside TLS, which also takes
/// messages of its own this way, such as tickets.
///
/// No wait: a layer that has nothing to give says so by [`io::ErrorKind::WouldBlock`].
fn is_quiet(connection: &mut dyn Transport) -> bool {
    let nothing = |error: &Error| matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock);
    connection.buffers().input().is_empty()
        && listen(|| connection.await_input(NextTimeout::default()))
            .is_err_and(|error| nothing(&error))
}

/// Runs `body`, in which connections are only asked for what has come already.
fn listen<T>(body: impl FnOnce() -> T) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            LISTENING.set(false);
        }
    }
    LISTENING.set(true);
    let _reset = Reset;
    body()
}

impl Current {
    pub(crate) fn new(
        deadline: Instant,
        connect_deadline: Instant,
        cancels: Cancels,
        lookup: Lookup,
        credential: Arc<Credential>,
    ) -> Rc<Current> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Rc::new(Current {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            deadline,
            connect_deadline,
            cancels,
            lookup,
            credential,
            // A pooled connection goes through no connector.
            phase: Cell::new(Phase::Exchange),
            authorized: Cell::new(false),
            sent: Cell::new(false),
            stopped: Cell::new(None),
            asked: Cell::new(Instant::now()),
            overtime: Cell::new(false),
            reused: Cell::new(false),
            status: Cell::new(None),
            answer: RefCell::new(None),
            refusal: RefCell::new(None),
        })
    }

    /// Runs `body` with this attempt as the thread's current one.
    pub(crate) fn scope<T>(self: &Rc<Current>, body: impl FnOnce() -> T) -> T {
        /// Put back also when `body` panics.
        struct Reset(Option<Rc<Current>>);
        impl Drop for Reset {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _reset = Reset(CURRENT.replace(Some(Rc::clone(self))));
        body()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn sent(&self) -> bool {
        self.sent.get()
    }

    pub(crate) fn stopped(&self) -> Option<Wake> {
        self.stopped.get()
    }

    /// Whether the connection that carried the request had carried others before.
    pub(crate) fn reused(&self) -> bool {
        self.reused.get()
    }

    /// The status of the answer, once its head was read, though the rest of it may never have come.
    pub(crate) fn status(&self) -> Option<u16> {
        self.status.get()
    }

    /// What a proxy answered that opened no tunnel.
    pub(crate) fn take_refusal(&self) -> Option<Received> {
        self.refusal.take()
    }

    /// The answer, where one came whole.
    pub(crate) fn take_answer(&self) -> Option<Received> {
        self.answer.take()
    }

    fn limit(&self) -> Instant {
        match self.phase.get() {
            Phase::Exchange => self.deadline,
            _ => self.deadline.min(self.connect_deadline),
        }
    }

    /// Enters a phase, except that whatever happens on the way to a proxy is the tunnel's.
    fn enter(&self, phase: Phase) {
        if self.phase.get() != Phase::Tunnel {
            self.phase.set(phase);
        }
    }

    fn wait(&self, stream: &TcpStream, flags: PollFlags) -> Result<(), Error> {
        match self.cancels.wait(&[(stream.as_fd(), flags)], self.limit())? {
            // A peer that never stops sending must not hold the call for ever.
            Wake::Ready if Instant::now() >= self.limit() && self.overtime.replace(true) => {
                Err(self.stop(Wake::TimedOut))
            }
            // Nor from the question whether to go on.
            Wake::Ready if self.is_time_to_ask() && self.cancels.ask() => {
                Err(self.stop(Wake::Cancelled))
            }
            Wake::Ready => Ok(()),
            wake => Err(self.stop(wake)),
        }
    }

    /// Whether a handle that asks was not asked for longer than it wants, since there was always something to read.
    fn is_time_to_ask(&self) -> bool {
        let Some(every) = self.cancels.slice().filter(|_| self.cancels.is_polling()) else {
            return false;
        };
        let now = Instant::now();
        let due = now.duration_since(self.asked.get()) >= every;
        if due {
            self.asked.set(now);
        }
        due
    }

    fn stop(&self, wake: Wake) -> Error {
        self.stopped.set(Some(wake));
        let why = match wake {
            Wake::Cancelled => "the call was cancelled",
            Wake::TimedOut | Wake::Ready => "a deadline passed",
        };
        Error::Io(io::Error::new(io::ErrorKind::TimedOut, why))
    }
}

/// The attempt under way on this thread.
fn current() -> Result<Rc<Current>, Error> {
    CURRENT
        .with_borrow(Clone::clone)
        .ok_or_else(|| Error::Io(io::Error::other("a connection was used outside a call")))
}

/// Makes an echo of the API token of the attempt under way unreadable in bytes that came, also where it began `before`
/// them; and keeps what of them may begin another.
pub(crate) fn mask(before: &mut Wiped, bytes: &mut [u8]) {
    CURRENT.with_borrow(|current| {
        if let Some(current) = current {
            current.credential.mask_behind(before, bytes);
        }
    });
}

/// Whether connections are only asked for what has come already.
fn is_listening() -> bool {
    LISTENING.get()
}

/// An agent whose every connection is ours; `tls` where anything is `https`.
pub(crate) fn agent(config: Config, tls: Option<Arc<ClientConfig>>) -> Agent {
    let chain =
        ().chain(TunnelStep(ConnectProxyConnector::default()))
            .chain(TcpStep)
            .chain(TlsStep { config: tls })
            .chain(WatchStep);
    Agent::with_parts(config, chain, NoResolver)
}

/// ureq asks its resolver on every call, before it looks at its pool. We look a name up when a connection is opened.
#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

/// Goes through a proxy where the configuration has one: ureq's connector, under our phases.
#[derive(Debug)]
struct TunnelStep(ConnectProxyConnector);

impl Connector<()> for TunnelStep {
    type Out = Either<(), Box<dyn Transport>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let current = current()?;
        if details.config.proxy().is_none() {
            // The way to the proxy itself comes through here a second time: it stays the tunnel's.
            current.enter(Phase::Connect);
            return Ok(None);
        }
        current.phase.set(Phase::Tunnel);
        let tunnel = self.0.connect(details, chained)?;
        current.phase.set(Phase::Connect);
        Ok(tunnel)
    }
}

#[derive(Debug)]
struct TcpStep;

impl<In: Transport> Connector<In> for TcpStep {
    type Out = Either<In, Tcp>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let current = current()?;
        let addresses = addresses(details.uri, &current)?;
        current.enter(Phase::Connect);
        let stream = match connect::open(addresses, current.limit(), &current.cancels)? {
            Ok(stream) => stream,
            Err(wake) => return Err(current.stop(wake)),
        };
        let buffers = WipedBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(Either::B(Tcp { stream, buffers })))
    }
}

fn addresses(uri: &Uri, current: &Current) -> Result<Vec<SocketAddr>, Error> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let default_port = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let port = uri.port_u16().unwrap_or(default_port);
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    // Such a name is trusted with an API token in plain text, so nobody else is asked what it means.
    if is_loopback_name(host) {
        let here = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        return Ok(here.map(|ip| SocketAddr::new(ip, port)).to_vec());
    }
    current.enter(Phase::Resolve);
    match current.lookup.addresses(host, port, current.limit(), &current.cancels)? {
        Ok(found) if found.is_empty() => Err(Error::HostNotFound),
        Ok(found) => Ok(found),
        Err(wake) => Err(current.stop(wake)),
    }
}

/// A TCP connection that does not block in the kernel: every wait is a poll that a cancel ends too.
struct Tcp {
    stream: TcpStream,
    buffers: WipedBuffers,
}

impl Transport for Tcp {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let current = current()?;
        let mut left = &self.buffers.output()[..amount];
        while !left.is_empty() {
            match send(&self.stream, left, send_flags()) {
                Ok(sent) => left = &left[sent..],
                Err(Errno::AGAIN) => current.wait(&self.stream, PollFlags::OUT)?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(Error::Io(error.into())),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let listening = is_listening();
        loop {
            if !listening {
                current()?.wait(&self.stream, PollFlags::IN)?;
            }
            match recv(&self.stream, self.buffers.input_append_buf(), RecvFlags::DONTWAIT) {
                Ok((_, received)) => {
                    self.buffers.input_appended(received);
                    return Ok(received > 0);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if !listening => {}
                Err(error) => return Err(Error::Io(error.into())),
            }
        }
    }

    /// What ureq asks is asked of the last step of a connection, and answered there.
    fn is_open(&mut self) -> bool {
        is_quiet(self)
    }
}

#[cfg(not(target_vendor = "apple"))]
fn send_flags() -> SendFlags {
    SendFlags::DONTWAIT | SendFlags::NOSIGNAL
}

/// Apple's systems have no such flag; the socket option `SO_NOSIGPIPE` stands in.
#[cfg(target_vendor = "apple")]
fn send_flags() -> SendFlags {
    SendFlags::DONTWAIT
}

impl fmt::Debug for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp").field("peer", &self.stream.peer_addr().ok()).finish_non_exhaustive()
    }
}
