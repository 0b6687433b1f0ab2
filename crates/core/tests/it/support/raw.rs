//! A server that does what a test tells it, byte by byte.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::SOON;

/// A listener on loopback; every connection is handed to `serve` on a thread of its own, with its number from 1.
/// Everything is closed and joined on drop.
pub(crate) struct Server {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    connections: AtomicUsize,
    heads: Mutex<Vec<String>>,
    heard: Condvar,
    open: Mutex<HashMap<usize, TcpStream>>,
    closed: Mutex<usize>,
    ended: Condvar,
    handshakes: Mutex<Vec<rustls::HandshakeKind>>,
    hellos: Mutex<Vec<Vec<u8>>>,
}

/// One connection, as the server sees it. `Io` is the plain socket, or TLS over it.
pub(crate) struct Conn<'a> {
    io: &'a mut dyn Io,
    socket: TcpStream,
    shared: &'a Shared,
    /// What was read behind the end of a head.
    ahead: Vec<u8>,
}

pub(crate) trait Io: Read + Write + Send {
    /// Takes bytes that go out with the next that are sent, in a record of their own under TLS.
    fn hold(&mut self, bytes: &[u8]);
}

impl Io for TcpStream {
    fn hold(&mut self, _: &[u8]) {
        panic!("only a test under TLS wants it")
    }
}

impl Io for rustls::StreamOwned<rustls::ServerConnection, TcpStream> {
    fn hold(&mut self, bytes: &[u8]) {
        self.conn.writer().write_all(bytes).unwrap();
    }
}

impl Server {
    /// Serves plain TCP.
    pub(crate) fn start(serve: impl Fn(&mut Conn<'_>, usize) + Send + Sync + 'static) -> Server {
        Server::start_with(move |socket, shared, number| {
            let mut io = socket.try_clone().unwrap();
            serve(&mut Conn { io: &mut io, socket, shared, ahead: Vec::new() }, number);
        })
    }

    /// Serves TLS with this configuration. A handshake that fails ends the connection.
    pub(crate) fn start_tls(
        config: Arc<rustls::ServerConfig>,
        serve: impl Fn(&mut Conn<'_>, usize) + Send + Sync + 'static,
    ) -> Server {
        Server::start_with(move |socket, shared, number| {
            let Some(hello) = first_record(&socket) else { return };
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            session.read_tls(&mut &hello[..]).unwrap();
            // What is wrong with it is found again, and told, below.
            let _ = session.process_new_packets();
            shared.hellos.lock().unwrap().push(hello);
            let mut io = rustls::StreamOwned::new(session, socket.try_clone().unwrap());
            while io.conn.is_handshaking() {
                if io.conn.complete_io(&mut io.sock).is_err() {
                    return;
                }
            }
            shared.handshakes.lock().unwrap().extend(io.conn.handshake_kind());
            serve(&mut Conn { io: &mut io, socket, shared, ahead: Vec::new() }, number);
            // What is told by the end of a connection is told politely, as real servers do.
            io.conn.send_close_notify();
            let _ = io.conn.write_tls(&mut io.sock);
        })
    }

    fn start_with(serve: impl Fn(TcpStream, &Shared, usize) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared::default());
        let accepting = thread::spawn({
            let (stopping, shared) = (Arc::clone(&stopping), Arc::clone(&shared));
            let serve = Arc::new(serve);
            move || {
                let mut threads: Vec<JoinHandle<()>> = Vec::new();
                for socket in listener.incoming() {
                    // A thread that has ended keeps its stack until then.
                    threads.extract_if(.., |thread| thread.is_finished()).for_each(join);
                    if stopping.load(Ordering::SeqCst) {
                        break;
                    }
                    let socket = socket.unwrap();
                    // What was sent is on its way: a test may count on it.
                    socket.set_nodelay(true).unwrap();
                    let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
                    shared.open.lock().unwrap().insert(number, socket.try_clone().unwrap());
                    let (serve, shared) = (Arc::clone(&serve), Arc::clone(&shared));
                    threads.push(thread::spawn(move || {
                        serve(socket, &shared, number);
                        // The last handle: now the connection is closed, or reset when it was told to be.
                        shared.open.lock().unwrap().remove(&number);
                        *shared.closed.lock().unwrap() += 1;
                        shared.ended.notify_all();
                    }));
                }
                threads.into_iter().for_each(join);
            }
        });
        Server { address, stopping, shared, accepting: Some(accepting) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// With a name, so that certificates can be for it: `https://api.example.test:port`.
    pub(crate) fn tls_url(&self) -> String {
        format!("https://{}:{}", super::HOST, self.address.port())
    }

    /// How each TLS handshake that succeeded was made: in full, or resumed.
    pub(crate) fn handshakes(&self) -> Vec<rustls::HandshakeKind> {
        self.shared.handshakes.lock().unwrap().clone()
    }

    /// The first record of each TLS connection: its ClientHello.
    pub(crate) fn hellos(&self) -> Vec<Vec<u8>> {
        self.shared.hellos.lock().unwrap().clone()
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The heads of the requests read so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }

    /// How many requests were read so far.
    pub(crate) fn requests(&self) -> usize {
        self.shared.heads.lock().unwrap().len()
    }

    /// Waits until `count` requests were read.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let heads = self.shared.heads.lock().unwrap();
        let (heads, _) =
            self.shared.heard.wait_timeout_while(heads, SOON, |heads| heads.len() < count).unwrap();
        assert!(heads.len() >= count, "{count} requests did not come");
    }

    /// Waits until the server has closed `count` connections.
    pub(crate) fn wait_for_closed(&self, count: usize) {
        let closed = self.shared.closed.lock().unwrap();
        let (closed, _) =
            self.shared.ended.wait_timeout_while(closed, SOON, |closed| *closed < count).unwrap();
        assert!(*closed >= count, "{count} connections were not closed");
    }
}

/// The first record of TLS that comes; `None` when the client leaves before.
fn first_record(mut socket: &TcpStream) -> Option<Vec<u8>> {
    let mut record = vec![0; 5];
    socket.read_exact(&mut record).ok()?;
    record.resize(5 + usize::from(u16::from_be_bytes([record[3], record[4]])), 0);
    socket.read_exact(&mut record[5..]).ok()?;
    Some(record)
}

/// A failed assertion of the server's is the test's.
fn join(thread: JoinHandle<()>) {
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        for socket in self.shared.open.lock().unwrap().values() {
            // It may be closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        // The listener waits for a connection: this is it.
        drop(TcpStream::connect(self.address));
        if let Err(panic) = self.accepting.take().unwrap().join()
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Conn<'_> {
    /// Reads the head of one request; `None` when the client left instead.
    pub(crate) fn request(&mut self) -> Option<String> {
        const END: &[u8] = b"\r\n\r\n";
        let mut head = std::mem::take(&mut self.ahead);
        let mut buffer = [0u8; 4096];
        let mut looked_at = 0;
        let end = loop {
            let found = head[looked_at..].windows(END.len()).position(|bytes| bytes == END);
            if let Some(at) = found {
                break looked_at + at + END.len();
            }
            looked_at = head.len().saturating_sub(END.len() - 1);
            match self.io.read(&mut buffer) {
                Ok(read @ 1..) => head.extend(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return None,
            }
        };
        self.ahead = head.split_off(end);
        let head = String::from_utf8(head).unwrap();
        self.shared.heads.lock().unwrap().push(head.clone());
        self.shared.heard.notify_all();
        Some(head)
    }

    /// Reads the head of one request, and keeps no byte of it; `false` when the client left instead.
    #[cfg(target_os = "linux")] // for the tests that read a process's memory
    pub(crate) fn forget_request(&mut self) -> bool {
        let mut end = 0;
        let mut byte = [0u8; 1];
        while end < 4 {
            if !matches!(self.io.read(&mut byte), Ok(1)) {
                return false;
            }
            end = match (byte[0], end) {
                (b'\r', 0 | 2) | (b'\n', 1 | 3) => end + 1,
                (b'\r', _) => 1,
                _ => 0,
            };
        }
        true
    }

    /// Sends; a client that left already does not matter.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.io.write_all(bytes.as_ref()).and_then(|()| self.io.flush()).is_ok()
    }

    /// Sends under TLS, each in a record of its own, and all in one go.
    pub(crate) fn send_together(&mut self, first: impl AsRef<[u8]>, second: impl AsRef<[u8]>) {
        self.io.hold(first.as_ref());
        self.send(second);
    }

    /// Answers every request on this connection with the same bytes.
    pub(crate) fn answer_all(&mut self, bytes: impl AsRef<[u8]>) {
        while self.request().is_some() && self.send(bytes.as_ref()) {}
    }

    /// The next bytes, whatever they are; none when the client left.
    pub(crate) fn read_some(&mut self) -> Vec<u8> {
        if !self.ahead.is_empty() {
            return std::mem::take(&mut self.ahead);
        }
        let mut buffer = vec![0u8; 16 * 1024];
        let read = self.io.read(&mut buffer).unwrap_or(0);
        buffer.truncate(read);
        buffer
    }

    /// The next bytes; `None` when none came within the socket's read timeout, no bytes when the client left.
    pub(crate) fn try_read_some(&mut self) -> Option<Vec<u8>> {
        if !self.ahead.is_empty() {
            return Some(std::mem::take(&mut self.ahead));
        }
        let mut buffer = vec![0u8; 16 * 1024];
        match self.io.read(&mut buffer) {
            Ok(read) => {
                buffer.truncate(read);
                Some(buffer)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(_) => Some(Vec::new()),
        }
    }

    /// Waits until the client closes, and drops what it sends.
    pub(crate) fn until_closed(&mut self) {
        let mut buffer = [0u8; 4096];
        while !matches!(self.io.read(&mut buffer), Ok(0) | Err(_)) {}
    }

    /// Waits until the connection is over, or the server is, and takes nothing from it meanwhile.
    #[cfg(windows)]
    pub(crate) fn until_shut_down(&mut self) {
        // Nothing there tells of the end while there is something to read; but the end of the server is told.
        while self.socket.peek(&mut [0]).is_ok_and(|there| there > 0) {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the connection is over, and takes nothing from it meanwhile.
    #[cfg(unix)]
    pub(crate) fn until_shut_down(&mut self) {
        use rustix::event::{PollFd, PollFlags, poll};
        // Nothing is asked for but the end, which is always told.
        let mut fds = [PollFd::new(&self.socket, PollFlags::RDHUP)];
        while poll(&mut fds, None).is_err() {}
    }

    /// When `serve` returns, ends the connection with a reset instead of an orderly close.
    pub(crate) fn reset(&mut self) {
        rustix::net::sockopt::set_socket_linger(&self.socket, Some(Duration::ZERO)).unwrap();
    }

    /// The plain socket below.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

/// An answer with this status line and this body, its length told.
pub(crate) fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

pub(crate) const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// The API's own 404.
pub(crate) fn not_found() -> String {
    http(
        "404 Not Found",
        "Content-Type: application/json\r\n",
        r#"{"status":404,"title":"Not Found"}"#,
    )
}

/// A listener that must not hear anything: [`Trap::untouched`] says so.
pub(crate) struct Trap(TcpListener);

impl Trap {
    pub(crate) fn set() -> Trap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Trap(listener)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Loopback connects before `connect` returns: whoever came is in the queue by now.
    pub(crate) fn untouched(&self) -> bool {
        self.0.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}
