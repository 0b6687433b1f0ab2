//! The buffers of a connection, which keep nothing of what was in them.

use ureq::unversioned::transport::Buffers;
use zeroize::Zeroize;

use crate::http::wiped::Wiped;

/// The buffers of a connection. Allocated when first used, since some are used for a moment only. Input is wiped as it
/// is consumed, and when the connection ends; output by who wrote it, who knows how much of it there is.
#[derive(Debug)]
pub(crate) struct WipedBuffers {
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
    pub(crate) fn new(input_size: usize, output_size: usize) -> WipedBuffers {
        let (input, output) = (Wiped::default(), Vec::new());
        WipedBuffers { input, input_size, from: 0, to: 0, output, output_size, progress: false }
    }

    /// Takes as many of `bytes` as there is room for.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> usize {
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
