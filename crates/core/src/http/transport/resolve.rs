//! From a host's name to addresses: on a thread of its own, so that a slow look-up can be left behind.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use crate::wait::aside::Aside;
use crate::wait::wait::{Cancels, Wake};

/// How names are looked up: the system's way, or one that a test brings.
#[derive(Clone)]
pub(crate) struct Lookup(Arc<LookUp>);

/// From a host and a port to addresses.
type LookUp = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

impl Lookup {
    pub(crate) fn new(
        look: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Lookup {
        Lookup(Arc::new(look))
    }

    /// This look-up, with hosts whose addresses are given.
    pub(crate) fn with_hosts(self, hosts: Vec<(String, Vec<IpAddr>)>) -> Lookup {
        if hosts.is_empty() {
            return self;
        }
        Lookup::new(move |host, port| {
            match hosts.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(host)) {
                Some((_, found)) => Ok(found.iter().map(|ip| SocketAddr::new(*ip, port)).collect()),
                None => (self.0)(host, port),
            }
        })
    }

    /// The addresses of a host that is not an IP literal.
    ///
    /// `getaddrinfo` has no timeout and cannot be interrupted: it runs on a thread, one for each connection that is
    /// opened by name, and an abandoned one ends by itself.
    pub(crate) fn addresses(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
        cancels: &Cancels,
    ) -> io::Result<Result<Vec<SocketAddr>, Wake>> {
        let look = self.0.clone();
        let host = host.to_owned();
        let work = Aside::begin("mpt-tokens-resolve", move || look(&host, port))?;
        match work.wait(deadline, cancels)? {
            Ok(Ok(found)) => Ok(Ok(found.clone())),
            Ok(Err(error)) => Err(io::Error::new(error.kind(), error.to_string())),
            Err(wake) => Ok(Err(wake)),
        }
    }
}

impl Default for Lookup {
    fn default() -> Self {
        Lookup::new(|host, port| (host, port).to_socket_addrs().map(Iterator::collect))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup")
    }
}
