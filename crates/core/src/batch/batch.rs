//! Many tokens: ids in, a report for each, side by side.

use std::ops::ControlFlow;

use crate::batch::dry_run::DryRun;
use crate::batch::options::{BatchItem, BatchOptions, CONCURRENCY, MOST_PATIENCE, Pull};
use crate::batch::run::Batch;
use crate::batch::summary::BatchSummary;
use crate::client::client::Client;
use crate::input::api_token::ApiToken;
use crate::journal::seen_ids::SeenIds;
use crate::outcome::code::Code;
use crate::outcome::outcome::Outcome;
use crate::outcome::result::Error;

impl Client {
    /// Deletes many tokens. Returns an iterator of outcomes, in order of completion, that pulls ids as it goes.
    ///
    /// Each distinct id has one outcome and takes at most 64 bytes of memory, and as many for each value that is to be
    /// proven. If the server asks for a pause (429, or
    /// 503 with `Retry-After`), all calls keep it. Once its limit is known, all calls together keep below it. They
    /// share the client's reserve of retries. If two ids in a row get a 401, the API token is not accepted, and the
    /// batch stops; it also stops at a pause that is longer than both [`BatchOptions::patience`] and the timeout of a
    /// call. What was pulled and not started is `skipped` then, and the rest of the list has no outcomes:
    /// [`Batch::stopped`] says why. If the token in use may be deleted, it is deleted last.
    ///
    /// # Errors
    /// `invalid_argument` if the concurrency or the patience is out of range, or if another batch uses the journal;
    /// `invalid_config` if the journal is for another base URL or API token, or if the client can only burn and
    /// [`BatchOptions::burn`] is not set. Nothing was sent then.
    pub fn batch<I>(&self, ids: I, options: &BatchOptions) -> Result<Batch<I::IntoIter>, Error>
    where
        I: IntoIterator,
        I::Item: Into<Pull>,
    {
        let seen_ids = self.seen_ids(options, false)?;
        Ok(Batch::new(self, ids.into_iter(), options, seen_ids))
    }

    /// Returns what [`Client::batch`] would do with these ids, in order, and sends nothing. An id that would be sent
    /// has an outcome with the code `skipped`, whose message says where to. An id that would be refused has the outcome
    /// of that. The journal is read and not changed; [`Journal::look`](crate::Journal::look) opens one for this.
    ///
    /// # Errors
    /// As for [`Client::batch`].
    pub fn dry_run<I>(&self, ids: I, options: &BatchOptions) -> Result<DryRun<I::IntoIter>, Error>
    where
        I: IntoIterator,
        I::Item: Into<Pull>,
    {
        let seen_ids = self.seen_ids(options, true)?;
        Ok(DryRun::new(self, ids.into_iter(), options, seen_ids))
    }

    /// What is known of ids before the first is pulled.
    fn seen_ids(&self, options: &BatchOptions, only_look: bool) -> Result<SeenIds, Error> {
        if !CONCURRENCY.contains(&options.concurrency) {
            let message = format!("the concurrency is {}: expected 1 to 256", options.concurrency);
            return Err(Error::invalid_argument(message));
        }
        if options.patience > MOST_PATIENCE {
            let seconds = options.patience.as_secs();
            let message = format!("the patience is {seconds} s: expected one week at most");
            return Err(Error::invalid_argument(message));
        }
        if self.own_token().is_none() && !options.burn {
            return Err(Error::of(self.has_no_token(None)));
        }
        match &options.journal {
            None => Ok(SeenIds::new()),
            Some(_) if options.burn && self.own_token().is_some() => {
                let message =
                    "a journal of burning is of no API token: use a client that can only burn";
                Err(Error::refused(Code::InvalidConfig, None, message.to_owned()))
            }
            Some(journal) => Ok(journal.take_seen_ids(self, only_look)?),
        }
    }

    /// Burns many leaked values, each with itself as the credential, and proves that they are dead: like
    /// [`Client::delete_tokens`] with [`BatchOptions::burn`].
    ///
    /// # Errors
    /// As for [`Client::batch`].
    pub fn burn_tokens<I>(
        &self,
        values: I,
        options: &BatchOptions,
        on_outcome: impl FnMut(Outcome) -> ControlFlow<()>,
    ) -> Result<BatchSummary, Error>
    where
        I: IntoIterator<Item = ApiToken>,
    {
        let values = values.into_iter().map(BatchItem::from);
        self.delete_tokens(values, &options.clone().burn(true), on_outcome)
    }

    /// Deletes many tokens, like [`Client::batch`], and calls a function on the calling thread for each outcome.
    ///
    /// If the function breaks, no more ids are pulled. It is still called for ids that were pulled already; these are
    /// under way or `skipped`.
    ///
    /// [`BatchSummary::stopped`] says whether the batch stopped before the end of the list.
    ///
    /// # Errors
    /// As for [`Client::batch`].
    pub fn delete_tokens<I>(
        &self,
        ids: I,
        options: &BatchOptions,
        mut on_outcome: impl FnMut(Outcome) -> ControlFlow<()>,
    ) -> Result<BatchSummary, Error>
    where
        I: IntoIterator,
        I::Item: Into<Pull>,
    {
        let mut batch = self.batch(ids, options)?;
        while let Some(outcome) = batch.next() {
            if on_outcome(outcome).is_break() {
                batch.stop();
            }
        }
        Ok(batch.summary())
    }
}
