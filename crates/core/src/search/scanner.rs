//! Token values in a stream of bytes, in constant memory.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};

use zeroize::Zeroizing;

use crate::input::api_token::ApiToken;
use crate::search::anchors;
use crate::search::lines::Lines;
use crate::search::utf16::Utf16;
use crate::search::windows::{BEFORE, Hit, Next, Search};

/// How much of a text is in memory: some windows.
const CAPACITY: usize = 256 * 1024;

/// A token value, or what looks like one, found by [`scan_values`].
#[derive(Clone, Debug)]
pub struct ScannedValue {
    token_id: String,
    value: Option<ApiToken>,
    line: u64,
    column: u64,
}

impl ScannedValue {
    /// Returns the id of the token, as the Marketplace writes it.
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// Returns the value in its usual form, `idt:TKN-XXXX-XXXX:<secret>`. Returns `None` if this is not surely a whole
    /// value: it is cut short, something stands in the place of the secret, or it is unclear where it ends.
    pub fn value(&self) -> Option<&ApiToken> {
        self.value.as_ref()
    }

    /// Takes the value out.
    pub fn into_value(self) -> Option<ApiToken> {
        self.value
    }

    /// Returns the number of its line, from 1. Lines end with a line feed.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns which character of the line it begins with, from 1, as compilers count. Outside UTF-8 and UTF-16, each
    /// byte is a character. A value in base64 begins where its characters in base64 do.
    pub fn column(&self) -> u64 {
        self.column
    }
}

/// Returns the token values in a stream, in order, with the memory of one buffer, however long the stream is.
///
/// What a value is, [`find_values`](crate::find_values) says: it finds the same in a text. Here the letters `TKN` must
/// be plain; control characters, and bytes that are not UTF-8, end a value. Also found: values in a stream that is
/// UTF-16 with a byte order mark, in UTF-16 in the middle of binary data, and in base64 of either alphabet (one layer;
/// if wrapped, not where a line ends within `TKN`). Not looked into: compressed data.
///
/// A value longer than 16 KiB is not read as a whole: its [`ScannedValue::value`] is `None`.
///
/// ```
/// let text = "AUTH=x\nTOKEN=idt:TKN-1671-0642:s3cret-s3cret\n";
/// let found: Vec<_> = mpt_tokens::scan_values(text.as_bytes()).collect::<Result<_, _>>()?;
/// assert_eq!(found[0].token_id(), "TKN-1671-0642");
/// assert_eq!((found[0].line(), found[0].column()), (2, 7));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Each item may be an error of the reader, after which there are no more. Interrupted reads are tried again.
pub fn scan_values<R: Read>(reader: R) -> ValueScanner<R> {
    ValueScanner::new(reader, ScanBuffer::default())
}

/// The memory of a [`ValueScanner`], to use again for the next stream. It held text: it is wiped when it is dropped.
#[derive(Default)]
pub struct ScanBuffer(Zeroizing<Vec<u8>>);

impl fmt::Debug for ScanBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScanBuffer(<redacted>)")
    }
}

/// The token values in a stream: an iterator, made by [`scan_values`].
pub struct ValueScanner<R> {
    reader: R,
    text: Zeroizing<Vec<u8>>,
    /// How much of it is filled.
    len: usize,
    /// From where the search goes on.
    at: usize,
    search: Search,
    lines: Lines,
    utf16: Option<Utf16>,
    /// How many bytes were read.
    read: u64,
    is_begun: bool,
    /// Whether the reader has no more.
    is_read: bool,
    /// Whether the text has no more.
    is_end: bool,
    is_done: bool,
    hits: VecDeque<Hit>,
}

impl<R> fmt::Debug for ValueScanner<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueScanner").field("bytes_read", &self.read).finish_non_exhaustive()
    }
}

impl<R: Read> ValueScanner<R> {
    /// Returns a scanner with memory that was used before.
    pub fn new(reader: R, buffer: ScanBuffer) -> ValueScanner<R> {
        let mut text = buffer.0;
        if text.is_empty() {
            *text = vec![0; CAPACITY];
        }
        ValueScanner {
            reader,
            text,
            len: 0,
            at: 0,
            search: Search::new(0),
            lines: Lines::new(0),
            utf16: None,
            read: 0,
            is_begun: false,
            is_read: false,
            is_end: false,
            is_done: false,
            hits: VecDeque::new(),
        }
    }

    /// Returns the number of bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Returns the memory, for another stream.
    pub fn into_buffer(self) -> ScanBuffer {
        ScanBuffer(self.text)
    }

    fn step(&mut self) -> io::Result<()> {
        if !self.is_begun {
            self.begin()?;
        }
        let text = &self.text[..self.len];
        // An anchor that begins near the end may be a part of a longer one.
        let sure = if self.is_end { self.len } else { self.len.saturating_sub(anchors::LONGEST) };
        match anchors::find(text, self.at).filter(|(start, _)| *start < sure) {
            None if self.is_end => self.is_done = true,
            None => {
                self.at = self.at.max(sure);
                self.fill()?;
            }
            Some(anchor) => match self.search.read(text, anchor, self.is_end, &mut self.hits) {
                Next::From(next) => self.at = next,
                Next::More => {
                    self.at = anchor.0;
                    self.fill()?;
                }
            },
        }
        Ok(())
    }

    /// Reads the first bytes: there may be a mark of the encoding.
    fn begin(&mut self) -> io::Result<()> {
        while self.len < 3 && !self.is_read {
            let read = read(&mut self.reader, &mut self.text[self.len..])?;
            self.note(read);
            self.len += read;
        }
        self.is_end = self.is_read;
        self.is_begun = true;
        match self.text[..self.len] {
            [0xef, 0xbb, 0xbf, ..] => {
                self.at = 3;
                self.search = Search::new(3);
                self.lines = Lines::new(3);
            }
            [a @ (0xff | 0xfe), b @ (0xff | 0xfe), ..] if a != b => {
                self.utf16 = Some(Utf16::new(a == 0xfe, &self.text[2..self.len]));
                self.len = 0;
                self.is_end = false;
                self.fill()?;
            }
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, read: usize) {
        self.read += read as u64;
        self.is_read = read == 0;
    }

    /// Gets more of the text, and lets go of what is behind.
    fn fill(&mut self) -> io::Result<()> {
        let behind = self.at.saturating_sub(BEFORE);
        if self.text.len() - self.len < CAPACITY / 2 && behind > 0 {
            self.lines.shift(&self.text, behind);
            self.search.shift(behind);
            self.text.copy_within(behind..self.len, 0);
            self.at -= behind;
            self.len -= behind;
        }
        let ValueScanner { text, len, utf16, reader, .. } = self;
        let Some(utf16) = utf16 else {
            let read = read(reader, &mut text[*len..])?;
            *len += read;
            self.note(read);
            self.is_end = self.is_read;
            return Ok(());
        };
        let mut count = None;
        if !self.is_read && !utf16.space().is_empty() {
            let read = read(reader, utf16.space())?;
            utf16.filled(read);
            count = Some(read);
        }
        let is_read = self.is_read || count == Some(0);
        *len += utf16.decode(&mut text[*len..], is_read);
        self.is_end = is_read && utf16.is_empty();
        if let Some(count) = count {
            self.note(count);
        }
        Ok(())
    }
}

fn read(reader: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

impl<R: Read> Iterator for ValueScanner<R> {
    type Item = io::Result<ScannedValue>;

    fn next(&mut self) -> Option<io::Result<ScannedValue>> {
        loop {
            if let Some(hit) = self.hits.pop_front() {
                let (line, column) = self.lines.place(&self.text, hit.range.start);
                let Hit { token_id, value, .. } = hit;
                return Some(Ok(ScannedValue { token_id, value, line, column }));
            }
            if self.is_done {
                return None;
            }
            if let Err(error) = self.step() {
                self.is_done = true;
                return Some(Err(error));
            }
        }
    }
}
