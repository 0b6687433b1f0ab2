//! The chunked transfer coding (RFC 9112, section 7.1), decoded as it comes.

use crate::http::transport::not_http::NotHttp;
use crate::http::wiped::Wiped;

/// The longest line of a chunk's size and extensions, in bytes: both may be of any length, and mean nothing here.
const MAX_LINE: usize = 8 * 1024;
/// The longest trailer section, in bytes.
const MAX_TRAILERS: usize = 16 * 1024;

/// How far the chunks of one body came.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    place: Place,
    /// How much of a line, or of the trailers, came.
    line: usize,
    /// Something was not as it should be, and not wrong enough to be no chunk.
    careless: bool,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the digits of a size: what they are so far.
    Size(Option<u64>),
    /// Behind the digits: in white space.
    Space(u64),
    /// In extensions.
    Extension(u64),
    /// Between the carriage return and the line feed behind a size.
    SizeEnd(u64),
    /// In the data: how much is left.
    Data(u64),
    /// Behind the data, and between the carriage return and the line feed there.
    DataEnd,
    DataEnded,
    /// Behind the last chunk: at the begin of a line, in it, between its carriage return and its line feed.
    Trailer {
        empty: bool,
    },
    TrailerEnd {
        empty: bool,
    },
    End,
    /// Behind the last chunk came what nobody can find the end of.
    Lost,
}

impl Default for Place {
    fn default() -> Self {
        Place::Size(None)
    }
}

impl Chunks {
    /// Whether the last chunk came: the body is complete, even where the connection ends here.
    pub(super) fn are_complete(&self) -> bool {
        use Place::{End, Lost, Trailer, TrailerEnd};
        matches!(self.place, Trailer { .. } | TrailerEnd { .. } | End | Lost)
    }

    /// Whether nothing is to come, and then whether that is certain.
    pub(super) fn end(&self) -> Option<bool> {
        match self.place {
            Place::End => Some(!self.careless),
            Place::Lost => Some(false),
            _ => None,
        }
    }

    /// Decodes into `body` until that has `limit` bytes, and says how much of `input` it used.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        body: &mut Wiped,
        limit: usize,
    ) -> Result<usize, NotHttp> {
        let mut at = 0;
        while at < input.len() && self.end().is_none() {
            if let Place::Data(left) = self.place {
                let room = limit - body.len();
                let part = (input.len() - at).min(room).min(usize::try_from(left).unwrap_or(room));
                if part == 0 {
                    break;
                }
                body.extend(&input[at..at + part]);
                at += part;
                self.place = match left - part as u64 {
                    0 => Place::DataEnd,
                    left => Place::Data(left),
                };
                continue;
            }
            self.step(input[at])?;
            at += 1;
        }
        Ok(at)
    }

    /// Takes a byte that is no data.
    fn step(&mut self, byte: u8) -> Result<(), NotHttp> {
        const SIZE: NotHttp = NotHttp("the size of a chunk is malformed");
        self.line += 1;
        if self.are_complete() {
            self.place = if self.line > MAX_TRAILERS { Place::Lost } else { self.trailer(byte) };
            return Ok(());
        }
        if self.line > MAX_LINE {
            return Err(NotHttp("the size of a chunk and what is said of it are too long"));
        }
        let digit = char::from(byte).to_digit(16).map(u64::from);
        self.place = match (self.place, byte) {
            (Place::Size(size), _) if digit.is_some() => {
                let size = size.unwrap_or(0).checked_mul(16).ok_or(SIZE)?;
                Place::Size(Some(size + digit.unwrap_or(0)))
            }
            (Place::Size(Some(size)) | Place::Space(size) | Place::Extension(size), b'\r') => {
                // White space with nothing behind it is not in the grammar; some servers pad with it.
                self.careless |= matches!(self.place, Place::Space(_));
                Place::SizeEnd(size)
            }
            (Place::Size(Some(size)) | Place::Space(size), b' ' | b'\t') => Place::Space(size),
            (Place::Size(Some(size)) | Place::Space(size), b';') => Place::Extension(size),
            (Place::Extension(size), byte) if byte == b'\t' || !byte.is_ascii_control() => {
                Place::Extension(size)
            }
            (Place::SizeEnd(size), b'\n') => {
                self.line = 0;
                if size == 0 { Place::Trailer { empty: true } } else { Place::Data(size) }
            }
            (Place::DataEnd, b'\r') => Place::DataEnded,
            (Place::DataEnded, b'\n') => {
                self.line = 0;
                Place::Size(None)
            }
            (Place::DataEnd | Place::DataEnded, _) => {
                return Err(NotHttp("a chunk is longer than its size"));
            }
            _ => return Err(SIZE),
        };
        Ok(())
    }

    /// Trailers mean nothing here; only their end does.
    fn trailer(&self, byte: u8) -> Place {
        match (self.place, byte) {
            (Place::Trailer { empty }, b'\r') => Place::TrailerEnd { empty },
            (Place::TrailerEnd { empty: true }, b'\n') => Place::End,
            (Place::TrailerEnd { empty: false }, b'\n') => Place::Trailer { empty: true },
            (Place::Trailer { .. }, byte) if byte == b'\t' || !byte.is_ascii_control() => {
                Place::Trailer { empty: false }
            }
            _ => Place::Lost,
        }
    }
}
