//! The one module that touches ureq's `unversioned` seam: connections that can be cancelled at any moment, under
//! deadlines of our own, and that see the first byte of a request being handed down.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use rustls::ClientConfig;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, Either, NextTimeout, Transport,
};
use ureq::{Agent, Error};

use crate::http::transport::attempt::{AttemptContext, current};
use crate::http::transport::buffers::{AN_ANSWER, OF_TLS, Sizes, WipedBuffers};
use crate::http::transport::dial;
use crate::http::transport::observed::Phase;
use crate::http::transport::observer::ObserverStep;
use crate::http::transport::secure::TlsStep;
use crate::http::transport::tcp::Tcp;
use crate::input::endpoint::is_loopback_name;
use crate::wait::sys;

/// An agent whose every connection is ours; `tls` where anything is `https`.
pub(crate) fn agent(config: Config, tls: Option<Arc<ClientConfig>>) -> Agent {
    let chain =
        ().chain(TunnelStep(ConnectProxyConnector::default()))
            .chain(TcpStep)
            .chain(TlsStep { config: tls, sessions: Arc::default() })
            .chain(ObserverStep);
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
            current.observed.enter(Phase::Connect);
            return Ok(None);
        }
        current.observed.phase.set(Phase::Tunnel);
        let tunnel = self.0.connect(details, chained)?;
        current.observed.phase.set(Phase::Connect);
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
        let route = &current.limits.route;
        let stream = if let Some(socket) = &route.socket {
            current.observed.enter(Phase::Connect);
            sys::open_unix(socket).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("the Unix socket `{}`: {error}", socket.display()),
                )
            })?
        } else {
            let addresses = addresses(details.uri, &current)?;
            current.observed.enter(Phase::Connect);
            let limit = current.limit();
            match dial::open(addresses, route.local, limit, &current.limits.cancels)? {
                Ok(stream) => stream,
                Err(wake) => return Err(current.stop(wake)),
            }
        };
        let buffers = WipedBuffers::new(Sizes {
            first_input: AN_ANSWER,
            input: details.config.input_buffer_size(),
            more_output: if details.needs_tls() { OF_TLS } else { 0 },
            output: details.config.output_buffer_size(),
        });
        Ok(Some(Either::B(Tcp { stream, buffers })))
    }
}

fn addresses(uri: &Uri, current: &AttemptContext) -> Result<Vec<SocketAddr>, Error> {
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
    current.observed.enter(Phase::Resolve);
    match current.limits.route.lookup.addresses(
        host,
        port,
        current.limit(),
        &current.limits.cancels,
    )? {
        Ok(found) if found.is_empty() => Err(Error::HostNotFound),
        Ok(found) => Ok(found),
        Err(wake) => Err(current.stop(wake)),
    }
}
