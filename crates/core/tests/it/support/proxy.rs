//! A forward proxy that speaks `CONNECT`, and notes every byte that it can see.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::SOON;
use super::raw::{Conn, Server};

/// How a proxy behaves once a client came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Opens the tunnel.
    Works,
    /// Demands `Proxy-Authorization: Basic` with these, in base64; else 407.
    Demands(&'static str),
    /// Answers `CONNECT` with this status line and ends.
    Refuses(&'static str),
    /// Opens the tunnel in these words.
    Says(&'static str),
    /// Closes before it has read anything.
    DiesAtOnce,
    /// Closes after it has read `CONNECT`.
    DiesAsked,
    /// Closes in the middle of its answer.
    DiesAnswering,
    /// Closes right after its 200.
    DiesOpened,
    /// Closes when the first bytes of the client come through the tunnel, passing none on.
    DiesUsed,
    /// Never answers `CONNECT`.
    Silent,
    /// Opens the tunnel, passes everything on, and drops what the server answers.
    LosesAnswers,
}

pub(crate) struct Proxy {
    server: Server,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    /// A proxy that takes every host for `target`.
    pub(crate) fn start(manner: Manner, target: SocketAddr) -> Proxy {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Server::start({
            let seen = Arc::clone(&seen);
            move |conn, _| serve(conn, manner, target, &seen)
        });
        Proxy { server, seen }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn url_for(&self, user_info: &str) -> String {
        format!("http://{user_info}@{}", self.server.address())
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Every byte that went through the tunnels, either way, as the proxy saw it.
    pub(crate) fn seen(&self) -> Vec<u8> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until that many bytes went through the tunnels.
    pub(crate) fn wait_for_bytes(&self, count: usize) {
        let end = Instant::now() + SOON;
        while self.seen.lock().unwrap().len() < count {
            assert!(Instant::now() < end, "{count} bytes did not come through");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// What a proxy does with one connection, whatever the connection is made of.
pub(crate) fn serve(
    conn: &mut Conn<'_>,
    manner: Manner,
    target: SocketAddr,
    seen: &Arc<Mutex<Vec<u8>>>,
) {
    if manner == Manner::DiesAtOnce {
        return;
    }
    let Some(head) = conn.request() else { return };
    match manner {
        Manner::DiesAtOnce | Manner::DiesAsked => return,
        Manner::Silent => return conn.until_closed(),
        Manner::DiesAnswering => {
            conn.send("HTTP/1.1 200 Connec");
            return;
        }
        Manner::Refuses(status) => {
            conn.send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
            return;
        }
        Manner::Demands(credentials) => {
            let wanted = format!("\r\nproxy-authorization: basic {credentials}\r\n").to_lowercase();
            if !head.to_lowercase().contains(&wanted) {
                conn.send(
                    "HTTP/1.1 407 Proxy Authentication Required\r\n\
                     Proxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\n\r\n",
                );
                return;
            }
        }
        Manner::Works
        | Manner::Says(_)
        | Manner::DiesOpened
        | Manner::DiesUsed
        | Manner::LosesAnswers => {}
    }
    let mut upstream = TcpStream::connect(target).unwrap();
    conn.send(match manner {
        Manner::Says(words) => words,
        _ => "HTTP/1.1 200 Connection established\r\n\r\n",
    });
    if manner == Manner::DiesOpened {
        return;
    }
    if manner == Manner::DiesUsed {
        seen.lock().unwrap().extend(conn.read_some());
        return;
    }
    tunnel(conn, &mut upstream, manner, seen);
}

fn tunnel(
    conn: &mut Conn<'_>,
    upstream: &mut TcpStream,
    manner: Manner,
    seen: &Arc<Mutex<Vec<u8>>>,
) {
    let back = thread::spawn({
        let mut upstream = upstream.try_clone().unwrap();
        let mut client = conn.socket().try_clone().unwrap();
        let seen = Arc::clone(seen);
        move || {
            while let Some(bytes) = read_some(&mut upstream) {
                // The answer to the request is what comes last on a connection: TLS speaks before.
                let lost = manner == Manner::LosesAnswers;
                let passed = !lost && client.write_all(&bytes).is_ok();
                seen.lock().unwrap().extend(&bytes);
                if !passed {
                    break;
                }
            }
            let _ = client.shutdown(Shutdown::Both);
        }
    });
    loop {
        let bytes = conn.read_some();
        seen.lock().unwrap().extend(&bytes);
        if bytes.is_empty() || upstream.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = upstream.shutdown(Shutdown::Both);
    back.join().unwrap();
}

fn read_some(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut buffer = vec![0u8; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return None,
            Ok(read) => {
                buffer.truncate(read);
                return Some(buffer);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
