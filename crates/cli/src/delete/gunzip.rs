//! gzip (RFC 1952) as it is read, into memory that is wiped.

use std::io::{self, Read};

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use zeroize::Zeroizing;

/// How far back deflate may refer: the buffer of what was unpacked is as large.
const WINDOW: usize = 32 * 1024;

/// How much packed data is read at once.
const BLOCK: usize = 16 * 1024;

const HEADER_CHECK: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// Unpacks all members of a gzip file.
pub(crate) struct Gunzip<R> {
    input: R,
    packed: Zeroizing<Vec<u8>>,
    /// What of `packed` is still to be unpacked.
    left: std::ops::Range<usize>,
    inflate: Box<DecompressorOxide>,
    window: Zeroizing<Vec<u8>>,
    /// What of `window` was not given out yet.
    ready: std::ops::Range<usize>,
    state: State,
    check: u32,
    size: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Data,
    Trailer,
    End,
}

impl<R: Read> Gunzip<R> {
    /// A reader of what `input` holds, which begins with a header of gzip.
    pub(crate) fn new(input: R) -> Gunzip<R> {
        Gunzip {
            input,
            packed: Zeroizing::new(vec![0; BLOCK]),
            left: 0..0,
            inflate: Box::default(),
            window: Zeroizing::new(vec![0; WINDOW]),
            ready: 0..0,
            state: State::Header,
            check: !0,
            size: 0,
        }
    }

    /// Whether there is packed data; reads more where there was none.
    fn has_more(&mut self) -> io::Result<bool> {
        if self.left.is_empty() {
            self.left = 0..self.input.read(&mut self.packed)?;
        }
        Ok(!self.left.is_empty())
    }

    fn byte(&mut self) -> io::Result<u8> {
        if !self.has_more()? {
            return Err(damaged("it ends too early"));
        }
        self.left.start += 1;
        Ok(self.packed[self.left.start - 1])
    }

    fn number(&mut self) -> io::Result<u32> {
        let bytes = [self.byte()?, self.byte()?, self.byte()?, self.byte()?];
        Ok(u32::from_le_bytes(bytes))
    }

    fn header(&mut self) -> io::Result<()> {
        let start = [self.byte()?, self.byte()?, self.byte()?];
        let flags = self.byte()?;
        if start != [0x1f, 0x8b, 8] || flags & RESERVED != 0 {
            return Err(damaged("a header is not as RFC 1952 says"));
        }
        // When it was packed, how well, and where.
        for _ in 0..6 {
            self.byte()?;
        }
        if flags & EXTRA != 0 {
            for _ in 0..u16::from_le_bytes([self.byte()?, self.byte()?]) {
                self.byte()?;
            }
        }
        for text in [NAME, COMMENT] {
            while flags & text != 0 && self.byte()? != 0 {}
        }
        if flags & HEADER_CHECK != 0 {
            self.byte()?;
            self.byte()?;
        }
        Ok(())
    }

    fn data(&mut self) -> io::Result<()> {
        let more = if self.has_more()? { TINFL_FLAG_HAS_MORE_INPUT } else { 0 };
        let at = self.ready.end % WINDOW;
        let packed = &self.packed[self.left.clone()];
        let (status, used, len) = decompress(&mut self.inflate, packed, &mut self.window, at, more);
        self.left.start += used;
        self.ready = at..at + len;
        let plain = &self.window[self.ready.clone()];
        self.check = plain.iter().fold(self.check, |check, byte| {
            (check >> 8) ^ CHECKS[usize::from(check as u8 ^ *byte)]
        });
        self.size = self.size.wrapping_add(u32::try_from(len).unwrap_or_default());
        match status {
            TINFLStatus::Done => self.state = State::Trailer,
            TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput if more != 0 || len > 0 => {}
            TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => {
                return Err(damaged("it ends too early"));
            }
            _ => return Err(damaged("it cannot be unpacked")),
        }
        Ok(())
    }

    fn trailer(&mut self) -> io::Result<()> {
        if (self.number()?, self.number()?) != (!self.check, self.size) {
            return Err(damaged("its checksum is wrong"));
        }
        (self.check, self.size) = (!0, 0);
        self.inflate.init();
        self.ready = 0..0;
        // Some tapes fill the last block with zeros.
        while self.has_more()? && self.packed[self.left.start] == 0 {
            self.left.start += 1;
        }
        self.state = if self.has_more()? { State::Header } else { State::End };
        Ok(())
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() {
            match self.state {
                State::Header => {
                    self.header()?;
                    self.state = State::Data;
                }
                State::Data => self.data()?,
                State::Trailer => self.trailer()?,
                State::End => return Ok(0),
            }
        }
        let len = self.ready.len().min(buffer.len());
        let start = self.ready.start;
        buffer[..len].copy_from_slice(&self.window[start..start + len]);
        self.ready.start += len;
        Ok(len)
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::other(format!("as gzip it is damaged: {why}"))
}

/// The check value (RFC 1952, section 8) of each byte.
const CHECKS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut check = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            check = (check >> 1) ^ (0xedb8_8320 * (check & 1));
            bit += 1;
        }
        table[byte] = check;
        byte += 1;
    }
    table
};
