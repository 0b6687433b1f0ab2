//! What earlier attempts have left in doubt.

/// Which answer was lost first, so that a message can say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lost {
    #[default]
    No,
    /// Nobody knows whether the token was asked for before: the record of that is damaged.
    InDoubt,
    /// None for sure, but this attempt was refused by what may have passed it on.
    Perhaps(u32),
    /// That to an earlier call.
    Before,
    /// That to the attempt with this number.
    Attempt(u32),
}

impl Lost {
    /// Returns true if a request that was sent may have deleted the token, or a record of one may have been damaged.
    pub(crate) fn may_be_deleted(self) -> bool {
        !matches!(self, Lost::No | Lost::Perhaps(_))
    }
}
