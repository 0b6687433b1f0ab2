//! Token values in files of any size: where they may stand, what surrounds them, and on which line that is.

pub(crate) mod anchors;
pub(crate) mod fingerprint;
pub(crate) mod lines;
pub(crate) mod scanner;
pub(crate) mod utf16;
pub(crate) mod windows;
