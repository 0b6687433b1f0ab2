//! The buffers of a connection, which keep nothing of what was in them.

use std::mem;

use ureq::unversioned::transport::Buffers;
use zeroize::Zeroize;

use crate::http::transport::attempt;
use crate::http::wiped::Wiped;

/// How large buffers are, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// The room for input at first.
    pub(crate) first_input: usize,
    /// The most room for input.
    pub(crate) input: usize,
    /// The room for output beside that for a request.
    pub(crate) more_output: usize,
    /// The most room for output.
    pub(crate) output: usize,
}

/// The first room for what a server sends: a 204 has some hundred bytes.
pub(crate) const AN_ANSWER: usize = 1024;
/// The room beside a request for the first messages of TLS, and for what TLS makes of a request.
pub(crate) const OF_TLS: usize = 1024;

/// The buffers of a connection. Allocated when first used, since some are used for a moment only, and no larger than
/// what was sent and came so far asks for: a batch has hundreds of them. Input is wiped as it is consumed, and when the
/// connection ends; output by who wrote it, who knows how much of it there is.
#[derive(Debug)]
pub(crate) struct WipedBuffers {
    input: Wiped,
    sizes: Sizes,
    /// A read filled all the room that there was: there is more to come.
    was_filled: bool,
    /// What was appended and not consumed: `input[from..to]`.
    from: usize,
    to: usize,
    output: Vec<u8>,
    progress: bool,
}

impl WipedBuffers {
    pub(crate) fn new(sizes: Sizes) -> WipedBuffers {
        let (input, output) = (Wiped::default(), Vec::new());
        let was_filled = false;
        WipedBuffers { input, sizes, was_filled, from: 0, to: 0, output, progress: false }
    }

    /// How many bytes are reserved.
    #[cfg(test)]
    pub(crate) fn reserved(&self) -> usize {
        self.input.len() + self.output.len()
    }

    /// Takes as many of `bytes` as there is room for.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> usize {
        self.reserve_input(self.to - self.from + bytes.len());
        let room = self.input_append_buf();
        let moved = bytes.len().min(room.len());
        room[..moved].copy_from_slice(&bytes[..moved]);
        self.input_appended(moved);
        moved
    }

    /// Whoever sent as much as there is room for sends more.
    fn allocate_input(&mut self) {
        if mem::take(&mut self.was_filled) {
            self.reserve_input(self.input.len() * 4);
        } else {
            self.reserve_input(self.sizes.first_input);
        }
    }

    /// Makes room for so many bytes in all, as far as there may be. What the smaller room held is wiped.
    fn reserve_input(&mut self, length: usize) {
        let length = length.min(self.sizes.input);
        if self.input.len() < length {
            let mut larger = Wiped::zeros(length);
            larger[..self.to].copy_from_slice(&self.input[..self.to]);
            self.input = larger;
        }
    }

    fn allocate_output(&mut self) {
        let request = attempt::longest_request().unwrap_or(usize::MAX);
        let needed = request.saturating_add(self.sizes.more_output).min(self.sizes.output);
        if self.output.len() < needed {
            self.output.resize(needed, 0);
        }
    }
}

impl Buffers for WipedBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.allocate_output();
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.from..self.to]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.allocate_input();
        if self.from > 0 {
            self.input.copy_within(self.from..self.to, 0);
            let left = self.to - self.from;
            self.input[left..self.to].zeroize();
            (self.from, self.to) = (0, left);
        }
        &mut self.input[self.to..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.to += amount;
        self.was_filled |= self.to == self.input.len();
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        self.input[self.from..self.from + amount].zeroize();
        self.from += amount;
    }

    /// Asked for by requests with a body, of which there are none.
    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.allocate_input();
        self.allocate_output();
        (&mut self.input[self.to..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.from < self.to && self.progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_INPUT: usize = 1024;

    fn sized(output: usize) -> Sizes {
        Sizes { first_input: FIRST_INPUT, input: 16 * 1024, more_output: 0, output }
    }

    /// Takes these bytes as a connection does that reads them all, and says how many reads it took.
    fn read(buffers: &mut WipedBuffers, mut bytes: &[u8]) -> usize {
        let mut reads = 0;
        while !bytes.is_empty() {
            let room = buffers.input_append_buf();
            let part = bytes.len().min(room.len());
            room[..part].copy_from_slice(&bytes[..part]);
            buffers.input_appended(part);
            let came = buffers.input().len();
            buffers.input_consume(came);
            bytes = &bytes[part..];
            reads += 1;
        }
        reads
    }

    #[test]
    fn they_grow_with_what_comes() {
        let mut buffers = WipedBuffers::new(sized(8 * 1024));
        assert_eq!(buffers.reserved(), 0);
        assert_eq!(read(&mut buffers, &[1; 1000]), 1);
        assert_eq!(buffers.reserved(), FIRST_INPUT);
        for _ in 0..100 {
            read(&mut buffers, &[1; 1000]);
        }
        assert_eq!(buffers.reserved(), FIRST_INPUT, "all were short");
        let megabyte = vec![1; 1024 * 1024];
        assert!(read(&mut buffers, &megabyte) < 70);
        assert_eq!(buffers.reserved(), 16 * 1024);
    }

    /// What is not consumed yet stays where it is found, wherever in the buffer it was.
    #[test]
    fn nothing_is_lost_when_they_grow() {
        let mut buffers = WipedBuffers::new(sized(0));
        let bytes: Vec<u8> = (0..=255).cycle().take(FIRST_INPUT).collect();
        assert_eq!(buffers.append(&bytes), FIRST_INPUT);
        buffers.input_consume(100);
        assert_eq!(buffers.append(&bytes), FIRST_INPUT);
        assert_eq!(buffers.input(), [&bytes[100..], &bytes].concat());
        let many = vec![7; 16 * 1024];
        let taken = buffers.append(&many);
        assert_eq!(buffers.input().len(), 16 * 1024);
        assert_eq!(buffers.input(), [&bytes[100..], &bytes, &many[..taken]].concat());
        assert_eq!(buffers.append(b"more"), 0, "it is full");
    }
}
