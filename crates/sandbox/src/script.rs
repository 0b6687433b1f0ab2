//! What is done with a connection whose answer HTTP itself would not allow: the socket is taken from
//! hyper and this is played on it.

use bytes::Bytes;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// Bytes to send, and how the connection ends.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) send: Send,
    pub(crate) end: End,
}

#[derive(Debug)]
pub(crate) enum Send {
    /// All at once.
    Whole(Bytes),
    /// Byte by byte, with a pause before each.
    Drip(Bytes, Duration),
    /// First the bytes, then one more byte after each pause, until the client leaves.
    DripForever(Bytes, u8, Duration),
    /// First the bytes, then so many bytes of filler, as fast as the client takes them.
    Flood(Bytes, u64),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// The next request is served as if nothing had been.
    KeepOpen,
    /// Closed in good order (FIN).
    Close,
    /// Closed with RST.
    Reset,
    /// Kept open without a word until the client leaves.
    Hold,
    /// Kept open until the next request arrives, then closed without reading it.
    CloseOnNext,
    /// Kept open until the next request arrives, which is answered so without a look at it; then closed.
    AnswerNext(&'static str),
}

/// Plays `script`, and gives the connection back when it goes on. An error is the client's leaving.
pub(crate) async fn play(script: Script, mut stream: TcpStream) -> io::Result<Option<TcpStream>> {
    match script.send {
        Send::Whole(bytes) => stream.write_all(&bytes).await?,
        Send::Drip(bytes, pause) => {
            for byte in bytes {
                sleep(pause).await;
                stream.write_u8(byte).await?;
            }
        }
        Send::DripForever(bytes, byte, pause) => {
            stream.write_all(&bytes).await?;
            loop {
                sleep(pause).await;
                stream.write_u8(byte).await?;
            }
        }
        Send::Flood(bytes, mut left) => {
            stream.write_all(&bytes).await?;
            // Made here, since a constant would be so many bytes of every program with a sandbox in it.
            let filler = vec![b'x'; 64 * 1024];
            while left > 0 {
                let part = left.min(filler.len() as u64);
                stream.write_all(&filler[..part as usize]).await?;
                left -= part;
            }
        }
    }
    match script.end {
        End::KeepOpen => return Ok(Some(stream)),
        End::Close => stream.shutdown().await?,
        End::Reset => stream.set_zero_linger()?,
        End::Hold => while stream.read(&mut [0; 1024]).await? > 0 {},
        End::CloseOnNext => stream.readable().await?,
        End::AnswerNext(answer) => {
            let mut unread = [0; 1024];
            if stream.read(&mut unread).await? > 0 {
                stream.write_all(answer.as_bytes()).await?;
                stream.shutdown().await?;
                // A close with something unread would be a reset, and might overtake the answer.
                while stream.read(&mut unread).await? > 0 {}
            }
        }
    }
    Ok(None)
}
