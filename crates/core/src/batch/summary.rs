//! The counts of a batch.

use serde::Serialize;

/// The counts of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BatchSummary {
    /// Outcomes that are `deleted`.
    pub deleted: u64,
    /// Outcomes that are `gone`.
    pub gone: u64,
    /// Outcomes that are `not_deleted`.
    pub not_deleted: u64,
    /// Outcomes that are `unknown`.
    pub unknown: u64,
    /// Outcomes that are `not_deleted` with the code `not_found`: the API does not know the token. They count as
    /// `not_deleted`, too.
    pub not_found: u64,
    /// Outcomes that are `not_deleted` with the code `dead_value`: values that were dead already, or never were values.
    /// They count as `not_deleted`, too.
    pub dead_values: u64,
    /// Outcomes with the code `skipped`. They count as `not_deleted` or `unknown`, too.
    pub skipped: u64,
    /// Ids that were pulled more than once: only the first one has an outcome, and one with a further value to prove.
    pub duplicates: u64,
    /// Ids that the journal or the list ([`BatchItem::known_dead`](crate::BatchItem::known_dead)) says are dead. No
    /// request is sent for them. [`BatchOptions::replay`](crate::BatchOptions::replay) returns those of the journal.
    pub already_done: u64,
    /// Tokens that are dead and not proven, because their values were not given.
    pub without_value: u64,
    /// Tokens that were put off at least once, because their first call settled nothing:
    /// see [`Outcome::rounds`](crate::Outcome::rounds).
    pub put_off: u64,
    /// Ids that were not pulled from the list (so far): where the batch stopped, nobody tried them and they have no
    /// outcome. `None` if the list does not know its length: in Rust, if [`Iterator::size_hint`] is not exact.
    pub not_pulled: Option<u64>,
    /// Why the batch stopped, in a word: see [`Stopped::reason`](crate::Stopped::reason). `None` means that it did not.
    #[serde(skip)]
    pub stopped: Option<&'static str>,
    /// All outcomes, except those that only add a proof and those from the journal.
    pub total: u64,
}
