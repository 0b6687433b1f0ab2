//! The counts of a batch.

use serde::Serialize;

/// The counts of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BatchSummary {
    /// Reports with the outcome `deleted`.
    pub deleted: u64,
    /// Reports with the outcome `gone`.
    pub gone: u64,
    /// Reports with the outcome `not_deleted`.
    pub not_deleted: u64,
    /// Reports with the outcome `unknown`.
    pub unknown: u64,
    /// Reports with the code `not_found`: the API does not know the token, and nothing worse is known of it. They are
    /// counted by their outcome, too.
    pub not_found: u64,
    /// Reports with the code `skipped`; they are counted by their outcome, too.
    pub skipped: u64,
    /// Ids that were pulled again: not tried again, not reported again.
    pub duplicates: u64,
    /// Ids that the journal or the list ([`BatchItem::known_dead`]) knows to be dead: not asked again; what the journal
    /// knows is reported again where that is asked for ([`BatchOptions::replay`]).
    pub already_done: u64,
    /// Tokens that are dead and not proven, since their values were not at hand where proof was asked for.
    pub without_value: u64,
    /// Tokens that were called for more than once, since nothing conclusive came at first:
    /// see [`Outcome::rounds`](crate::Outcome::rounds).
    pub put_off: u64,
    /// All reports of what was tried: not those that only bring a proof, or what the journal knows.
    pub total: u64,
}
