//! What is remembered of one token.

/// One token, by its id in [`State::tokens`](crate::state::State::tokens).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// How many `DELETE` requests named the token.
    pub(crate) requests: u32,
    /// Which of them deleted it, counted from 1; 0 when none did.
    pub(crate) deleted_by: u32,
    /// How many faults of its scenario it has been through.
    pub(crate) turn: u16,
    pub(crate) status: Status,
}

impl Record {
    pub(crate) fn new(status: Status) -> Self {
        Record { requests: 0, deleted_by: 0, turn: 0, status }
    }
}

/// Whether a token exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// The token exists and authenticates.
    Active,
    /// The token was deleted; it no longer authenticates.
    Deleted,
    /// There was never such a token.
    Unknown,
}

impl Status {
    /// The Marketplace's word for the status, or `None` for [`Status::Unknown`].
    pub fn name(self) -> Option<&'static str> {
        match self {
            Status::Active => Some("Active"),
            Status::Deleted => Some("Deleted"),
            Status::Unknown => None,
        }
    }
}
