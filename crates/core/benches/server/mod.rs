//! The least that a server can do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

pub(crate) const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// Answers 204 to whatever ends in an empty line, with a thread a connection, until this process ends; the base URL.
pub(crate) fn start() -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    Ok(url)
}

fn serve(mut stream: TcpStream) {
    let mut buffer = [0u8; 16 * 1024];
    let mut filled = 0;
    let _ = stream.set_nodelay(true);
    while let Ok(received @ 1..) = stream.read(&mut buffer[filled..]) {
        filled += received;
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            if stream.write_all(ANSWER).is_err() {
                return;
            }
        }
    }
}
