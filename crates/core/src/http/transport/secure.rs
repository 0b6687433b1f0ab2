//! TLS on a connection, by rustls; whom it trusts is decided elsewhere.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport, TransportAdapter,
};

use crate::http::transport::attempt::current;
use crate::http::transport::buffers::{AN_ANSWER, Sizes, WipedBuffers};
use crate::http::transport::observed::Phase;
use crate::http::transport::sessions::{Session, Sessions};
use crate::http::transport::tls_records::Records;

/// Speaks TLS where the URL is `https`: with the server, and before that with a proxy, if that wants it.
pub(super) struct TlsStep {
    /// `None` where nothing is `https`.
    pub(super) config: Option<Arc<ClientConfig>>,
    pub(super) sessions: Arc<Sessions>,
}

impl<In: Transport> Connector<In> for TlsStep {
    type Out = Either<In, Tls>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(below) = chained else {
            return Ok(None);
        };
        if !details.needs_tls() || below.is_tls() {
            return Ok(Some(Either::A(below)));
        }
        let current = current()?;
        current.observed.enter(Phase::Tls);
        let config = self.config.as_ref().ok_or(Error::TlsRequired)?;
        let host = details.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::Tls("the host's name is not one that a certificate can be for"))?;
        let below = Records::new(below, true).boxed();
        let mut below = TransportAdapter::new(below, Arc::clone(&details.current_time));
        below.set_timeout(details.timeout);
        let deadline = current.limits.of(Phase::Tls);
        let session = self.sessions.begin(&name, deadline, &current.limits.cancels);
        let session = session.map_err(|wake| current.stop(wake))?;
        let mut stream = begin(config, &session, name, below)?;
        stream.conn.complete_io(&mut stream.sock)?;
        let buffers = WipedBuffers::new(Sizes {
            first_input: AN_ANSWER,
            input: details.config.input_buffer_size(),
            more_output: 0,
            output: details.config.output_buffer_size(),
        });
        Ok(Some(Either::B(Tls { buffers, stream, session })))
    }
}

type Stream = StreamOwned<ClientConnection, TransportAdapter>;

/// A TLS connection before its handshake. On the heap, and put there by a function of its own: the handshake is where a
/// call needs the most of the caller's stack, and what is only moved would take its share of it.
#[inline(never)]
fn begin(
    config: &ClientConfig,
    session: &Arc<Session>,
    name: ServerName<'static>,
    below: TransportAdapter,
) -> Result<Box<Stream>, Error> {
    let mut config = config.clone();
    config.resumption = Resumption::store(Arc::clone(session) as _);
    let tls = ClientConnection::new(Arc::new(config), name).map_err(std::io::Error::other)?;
    Ok(Box::new(StreamOwned::new(tls, below)))
}

impl fmt::Debug for TlsStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsStep")
    }
}

/// A connection that TLS is spoken on.
pub(super) struct Tls {
    buffers: WipedBuffers,
    stream: Box<Stream>,
    session: Arc<Session>,
}

impl Transport for Tls {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.get_mut().set_timeout(timeout);
        Ok(self.stream.write_all(&self.buffers.output()[..amount])?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        self.session.is_answered();
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("below", self.stream.sock.inner()).finish_non_exhaustive()
    }
}
