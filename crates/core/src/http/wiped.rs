//! Memory for what came from a server, which may echo the API token: none of it stays behind.

use std::fmt;
use std::ops::{Deref, DerefMut};

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
