//! What comes below TLS, record by record: rustls keeps the part of a record that has come for itself, and only here can
//! be seen that a connection is in the middle of one.

use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use crate::http::transport::no_wait::is_no_wait;

/// Type, version, length (RFC 8446, section 5.1; the same in TLS 1.2).
const HEADER: usize = 5;

/// A connection that TLS may be spoken on.
#[derive(Debug)]
pub(super) struct Records<T> {
    inner: T,
    /// `None` without TLS.
    place: Option<Place>,
}

impl<T: Transport> Records<T> {
    pub(super) fn new(mut inner: T, tls: bool) -> Records<T> {
        let place = tls.then(|| Place::after(inner.buffers().input()));
        Records { inner, place }
    }
}

impl<T: Transport> Transport for Records<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let known = self.inner.buffers().input().len();
        let result = self.inner.await_input(timeout);
        if let Some(place) = &mut self.place {
            place.pass(&self.inner.buffers().input()[known..]);
            if is_no_wait(timeout) && result.is_err() && place.is_inside() {
                return Err(Error::Io(std::io::Error::other("a record has come in part")));
            }
        }
        result
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// How far the bytes that came reach into a record.
#[derive(Debug, Default)]
struct Place {
    /// Of the header, and how much of it came.
    header: [u8; HEADER],
    came: usize,
    /// Bytes of the body that are still to come.
    left: usize,
}

impl Place {
    fn after(bytes: &[u8]) -> Place {
        let mut place = Place::default();
        place.pass(bytes);
        place
    }

    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let part = self.left.min(bytes.len());
                self.left -= part;
                bytes = &bytes[part..];
                continue;
            }
            self.header[self.came] = bytes[0];
            self.came += 1;
            bytes = &bytes[1..];
            if self.came == HEADER {
                self.left = usize::from(u16::from_be_bytes([self.header[3], self.header[4]]));
                self.came = 0;
            }
        }
    }

    fn is_inside(&self) -> bool {
        self.came > 0 || self.left > 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the bytes of whole records are cut, the end of each record is seen, and no other place is one.
        #[test]
        fn the_ends_of_records_are_known(
            lengths in prop::collection::vec(0_u16..600, 1..6),
            step in 1_usize..40,
        ) {
            let mut bytes = Vec::new();
            let mut ends = vec![0];
            for length in lengths {
                bytes.extend([23, 3, 3]);
                bytes.extend(length.to_be_bytes());
                bytes.extend(vec![23; length.into()]);
                ends.push(bytes.len());
            }
            let mut place = Place::default();
            let mut passed = 0;
            for part in bytes.chunks(step) {
                place.pass(part);
                passed += part.len();
                prop_assert_eq!(!place.is_inside(), ends.contains(&passed));
            }
        }
    }
}
