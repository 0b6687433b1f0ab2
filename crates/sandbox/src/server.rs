//! The connections: hyper serves each until a fault takes its socket away.

use crate::options::Options;
use crate::outage::Outage;
use crate::reply::HttpAnswer;
use crate::script::{End, Script, play};
use crate::service;
use crate::state::Memory;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

/// What every connection needs.
pub(crate) struct Server {
    pub(crate) memory: Memory,
    pub(crate) options: Options,
    /// Where the sandbox listens.
    pub(crate) port: u16,
    /// The outage that there is now.
    pub(crate) outage: watch::Sender<Option<Outage>>,
}

impl Server {
    fn is_silent(&self) -> bool {
        *self.outage.borrow() == Some(Outage::Silent)
    }
}

/// Serves one connection to its end.
pub(crate) async fn connection(stream: TcpStream, server: Arc<Server>) {
    let _open = OpenConnection::new(&server);
    let mut outage = server.outage.subscribe();
    tokio::select! {
        // So that nothing is answered any more once an outage has begun.
        biased;
        _ = outage.wait_for(|outage| *outage == Some(Outage::Refused)) => {}
        // An error here is the client's leaving, at whatever moment it pleased.
        _ = serve(stream, &server) => {}
    }
}

async fn serve(mut stream: TcpStream, server: &Arc<Server>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let script = Arc::new(Mutex::new(None));
        let handler = Handler { server: Arc::clone(server), script: Arc::clone(&script) };
        let mut http = http1::Builder::new().serve_connection(TokioIo::new(stream), handler);
        let ended = poll_fn(|cx| http.poll_without_shutdown(cx)).await;
        let parts = http.into_parts();
        let mut socket = parts.io.into_inner();
        let taken = script.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut script) = taken else {
            if ended.is_err_and(|error| error.is_parse()) {
                server.memory.lock().stats.malformed += 1;
            }
            return socket.shutdown().await;
        };
        if script.end == End::KeepOpen && !parts.read_buf.is_empty() {
            // A pipelined request is lost with hyper's buffer: it must not look served.
            script.end = End::Close;
        }
        match play(script, socket).await? {
            Some(open) => stream = open,
            None => return Ok(()),
        }
    }
}

/// Answers the requests of one connection, or leaves a script for what hyper must not send.
struct Handler {
    server: Arc<Server>,
    script: Arc<Mutex<Option<Script>>>,
}

impl Service<Request<Incoming>> for Handler {
    type Response = HttpAnswer;
    type Error = Takeover;
    type Future = Pin<Box<dyn Future<Output = Result<HttpAnswer, Takeover>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let server = Arc::clone(&self.server);
        let slot = Arc::clone(&self.script);
        Box::pin(async move {
            if server.is_silent() {
                server.memory.leave_unanswered();
                // Until the client leaves.
                pending::<()>().await;
            }
            let reply = service::answer(&server, &request);
            if !reply.wait.is_zero() {
                sleep(reply.wait).await;
                if server.is_silent() {
                    pending::<()>().await;
                }
            }
            match reply.answer {
                service::Answer::Http(answer) => Ok(answer),
                service::Answer::Raw(mut script) => {
                    if script.end == End::KeepOpen && !request.body().is_end_stream() {
                        script.end = End::Close;
                    }
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(script);
                    Err(Takeover)
                }
            }
        })
    }
}

/// Tells hyper to stop without a word; the script says what comes instead.
#[derive(Debug)]
struct Takeover;

impl std::fmt::Display for Takeover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a fault takes the socket")
    }
}

impl std::error::Error for Takeover {}

/// Counts a connection as open while it lives.
struct OpenConnection<'a>(&'a Server);

impl<'a> OpenConnection<'a> {
    fn new(server: &'a Server) -> Self {
        let mut state = server.memory.lock();
        state.stats.connections += 1;
        state.stats.open_connections += 1;
        drop(state);
        OpenConnection(server)
    }
}

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.memory.lock().stats.open_connections -= 1;
    }
}
