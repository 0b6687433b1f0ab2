//! Why bytes are no answer.

use std::fmt;

/// Why bytes are no answer. Never with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotHttp(pub(super) &'static str);

impl fmt::Display for NotHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NotHttp {}
