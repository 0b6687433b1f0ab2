//! What a run keeps on disk, and which ids it has seen.

pub(crate) mod error;
pub(crate) mod file;
pub(crate) mod journal;
pub(crate) mod lines;
pub(crate) mod open;
pub(crate) mod owner;
pub(crate) mod resumed;
pub(crate) mod seen_ids;
