//! What a batch would do, without doing it.

use std::collections::VecDeque;
use std::fmt;

use crate::batch::admission::Admission;
use crate::batch::options::{BatchItem, BatchOptions, Pull};
use crate::client::client::Client;
use crate::client::options::DeleteOptions;
use crate::journal::seen_ids::SeenIds;
use crate::outcome::code::Code;
use crate::outcome::outcome::Outcome;

/// What a batch would do: an iterator of outcomes, made by [`Client::dry_run`]. It sends nothing, and pulls ids one by
/// one.
pub struct DryRun<I> {
    client: Client,
    ids: Option<I>,
    options: DeleteOptions,
    seen_ids: SeenIds,
    own: VecDeque<BatchItem>,
    duplicates: u64,
    already_done: u64,
}

impl<I> DryRun<I> {
    pub(crate) fn new(
        client: &Client,
        ids: I,
        options: &BatchOptions,
        seen_ids: SeenIds,
    ) -> DryRun<I> {
        let options = DeleteOptions {
            missing_ok: options.missing_ok,
            allow_own_token: options.allow_own_token,
            burn: options.burn,
            ..DeleteOptions::new()
        };
        DryRun {
            client: client.clone(),
            ids: Some(ids),
            options,
            seen_ids,
            own: VecDeque::new(),
            duplicates: 0,
            already_done: 0,
        }
    }

    /// Returns how many ids were pulled more than once. They would be tried once.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Returns how many tokens the journal lists as dead. No request would be sent for them.
    pub fn already_done(&self) -> u64 {
        self.already_done
    }

    fn outcome(&mut self, item: BatchItem) -> Option<Outcome> {
        match Admission::of(&item, &mut self.seen_ids, &self.client, &self.options) {
            Admission::Duplicate(_) => self.duplicates += 1,
            Admission::Dead(_) => self.already_done += 1,
            Admission::Refused(refused) => return Some(*refused),
            Admission::OwnToken { other_spelling: true, .. } => self.own.push_front(item),
            Admission::OwnToken { .. } => self.own.push_back(item),
            Admission::Send { .. } => return Some(self.would_send(&item.id)),
        }
        None
    }

    fn would_send(&self, id: &str) -> Outcome {
        let url = match crate::TokenId::new(id) {
            Ok(id) => self.client.endpoint().token_url(&id),
            Err(_) => unreachable!("the id was checked"),
        };
        let with = if self.options.burn { " with the token's own value" } else { "" };
        let message = format!("would send DELETE {url}{with}");
        Outcome::refused(Code::Skipped, Some(id.to_owned()), message)
    }
}

impl<I> Iterator for DryRun<I>
where
    I: Iterator,
    I::Item: Into<Pull>,
{
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        while let Some(ids) = &mut self.ids {
            match ids.next().map(Into::into) {
                Some(Pull::Item(item)) => {
                    if let Some(outcome) = self.outcome(item) {
                        return Some(outcome);
                    }
                }
                Some(Pull::NotYet) => {}
                None => self.ids = None,
            }
        }
        self.own.pop_front().map(|own| self.would_send(&own.id))
    }
}

impl<I> fmt::Debug for DryRun<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DryRun").finish_non_exhaustive()
    }
}
