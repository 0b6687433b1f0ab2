//! A client of bare sockets: nothing between the tests and the bytes that the sandbox sends.

use mpt_tokens_sandbox::Sandbox;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Far above anything the sandbox takes: reaching it is a failure.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) const COLLECTION: &str = "/public/v1/accounts/api-tokens";

/// A connection to a sandbox.
pub(crate) struct Client {
    stream: TcpStream,
    /// What was read beyond the last answer.
    rest: Vec<u8>,
}

/// One answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line and the headers, interim answers before them included.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of UTF-8")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Closed,
    Reset,
}

impl Client {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", sandbox.port())).expect("connect");
        stream.set_read_timeout(Some(LONG)).expect("a timeout");
        Client { stream, rest: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("send");
    }

    /// Sends `METHOD target` with a credential, or with none when it is empty.
    pub(crate) fn ask(&mut self, method: &str, target: &str, value: &str) {
        let authorization = if value.is_empty() {
            String::new()
        } else {
            format!("authorization: Bearer {value}\r\n")
        };
        self.send(
            format!("{method} {target} HTTP/1.1\r\nhost: sandbox\r\n{authorization}\r\n")
                .as_bytes(),
        );
    }

    pub(crate) fn delete(&mut self, id: &str, value: &str) -> Answer {
        self.ask("DELETE", &format!("{COLLECTION}/{id}"), value);
        self.answer()
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, "");
        self.answer()
    }

    /// Reads one whole answer.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut head = String::new();
        loop {
            let length = self.read_until(b"\r\n\r\n");
            let part = String::from_utf8(self.take(length)).expect("a head of text");
            let status: u16 = part[9..12].parse().expect("a status");
            head += &part;
            if status >= 200 {
                let mut answer = Answer { status, head, body: Vec::new() };
                answer.body = self.body(&answer);
                return answer;
            }
        }
    }

    fn body(&mut self, answer: &Answer) -> Vec<u8> {
        if let Some(length) = answer.header("content-length") {
            let length = length.parse().expect("a length");
            while self.rest.len() < length {
                assert!(self.read_more(), "closed within the body");
            }
            return self.take(length);
        }
        let mut body = Vec::new();
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let line = self.read_until(b"\r\n");
                let digits = String::from_utf8(self.take(line)).expect("a chunk's length");
                let length = usize::from_str_radix(digits.trim(), 16).expect("hexadecimal digits");
                while self.rest.len() < length + 2 {
                    assert!(self.read_more(), "closed within a chunk");
                }
                body.extend(&self.take(length + 2)[..length]);
                if length == 0 {
                    break;
                }
            }
        }
        body
    }

    /// Reads to the end of the connection: what came, and how it ended.
    pub(crate) fn read_to_end(&mut self) -> (Vec<u8>, End) {
        loop {
            let mut buffer = [0; 16 * 1024];
            match self.stream.read(&mut buffer) {
                Ok(0) => return (std::mem::take(&mut self.rest), End::Closed),
                Ok(length) => self.rest.extend(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return (std::mem::take(&mut self.rest), End::Reset);
                }
                Err(error) => panic!("neither closed nor reset: {error}"),
            }
        }
    }

    /// Reads one whole answer, or none when the connection ends or `limit` passes before it is whole.
    pub(crate) fn answer_within(&mut self, limit: Duration) -> Option<u16> {
        self.stream.set_read_timeout(Some(limit)).expect("a timeout");
        let mut head = Vec::new();
        let mut buffer = [0; 4096];
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            match self.stream.read(&mut buffer) {
                Ok(length) if length > 0 => head.extend(&buffer[..length]),
                _ => return None,
            }
        }
        std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
    }

    /// Waits until exactly `bytes` have come, then sees that nothing more does for a while.
    pub(crate) fn silent_after(&mut self, bytes: &[u8]) {
        while self.rest.len() < bytes.len() {
            assert!(self.read_more(), "closed instead of silent");
        }
        self.stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        let error = self.stream.read(&mut [0]).expect_err("neither a byte nor an end");
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        assert_eq!(self.take(bytes.len()), bytes);
        assert!(self.rest.is_empty());
    }

    /// Reads until at least `count` bytes have come.
    pub(crate) fn read_at_least(&mut self, count: usize) -> Vec<u8> {
        while self.rest.len() < count {
            assert!(self.read_more(), "closed too early");
        }
        std::mem::take(&mut self.rest)
    }

    fn read_until(&mut self, end: &[u8]) -> usize {
        loop {
            if let Some(at) = self.rest.windows(end.len()).position(|window| window == end) {
                return at + end.len();
            }
            assert!(self.read_more(), "closed within {:?}", String::from_utf8_lossy(&self.rest));
        }
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let length = self.stream.read(&mut buffer).expect("read");
        self.rest.extend(&buffer[..length]);
        length > 0
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.rest.split_off(length);
        std::mem::replace(&mut self.rest, rest)
    }
}

/// Waits until the sandbox has let every connection go.
pub(crate) fn wait_until_none_is_open(sandbox: &Sandbox) {
    let start = Instant::now();
    while sandbox.stats().open_connections > 0 {
        assert!(start.elapsed() < LONG, "a connection outlives its client");
        std::thread::yield_now();
    }
}
