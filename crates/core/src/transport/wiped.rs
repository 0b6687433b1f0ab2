//! Memory for what came from a server, which may echo the API token: none of it stays behind.

use std::fmt;
use std::ops::{Deref, DerefMut};

use ureq::unversioned::transport::Buffers;
use zeroize::Zeroize;

/// Bytes that are wiped when they are dropped, and wherever they stood before they grew.
#[derive(Default)]
pub(crate) struct Wiped(Vec<u8>);

impl Wiped {
    /// That many zeros.
    pub(crate) fn zeros(length: usize) -> Wiped {
        Wiped(vec![0; length])
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            // A vector that grows by itself leaves a copy where it was.
            let mut larger = Vec::with_capacity(needed.next_power_of_two());
            larger.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// Keeps the first `length` bytes and wipes the others.
    pub(crate) fn truncate(&mut self, length: usize) {
        if let Some(rest) = self.0.get_mut(length..) {
            rest.zeroize();
            self.0.truncate(length);
        }
    }

    /// Takes `length` bytes away from the front, and wipes where they were.
    pub(crate) fn remove_front(&mut self, length: usize) {
        let left = self.0.len() - length;
        self.0.copy_within(length.., 0);
        self.truncate(left);
    }
}

impl Deref for Wiped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// How many bytes there are, never which.
impl fmt::Debug for Wiped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wiped({} bytes)", self.0.len())
    }
}

/// The buffers of a connection. Allocated when first used, since some are used for a moment only. Input is wiped as it
/// is consumed, and when the connection ends; output by who wrote it, who knows how much of it there is.
#[derive(Debug)]
pub(super) struct WipedBuffers {
    input: Wiped,
    input_size: usize,
    /// What was appended and not consumed: `input[from..to]`.
    from: usize,
    to: usize,
    output: Vec<u8>,
    output_size: usize,
    progress: bool,
}

impl WipedBuffers {
    pub(super) fn new(input_size: usize, output_size: usize) -> WipedBuffers {
        let (input, output) = (Wiped::default(), Vec::new());
        WipedBuffers { input, input_size, from: 0, to: 0, output, output_size, progress: false }
    }

    /// Takes as many of `bytes` as there is room for.
    pub(super) fn append(&mut self, bytes: &[u8]) -> usize {
        let room = self.input_append_buf();
        let moved = bytes.len().min(room.len());
        room[..moved].copy_from_slice(&bytes[..moved]);
        self.input_appended(moved);
        moved
    }

    fn allocate_input(&mut self) {
        if self.input.is_empty() {
            self.input = Wiped::zeros(self.input_size);
        }
    }

    fn allocate_output(&mut self) {
        self.output.resize(self.output_size, 0);
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
