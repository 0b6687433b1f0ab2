//! Many tokens: ids in, a report for each, side by side.

use std::ops::ControlFlow;

use crate::batch::dry_run::DryRun;
use crate::batch::options::{BatchOptions, CONCURRENCY, MOST_PATIENCE, Pull};
use crate::batch::run::Batch;
use crate::batch::summary::BatchSummary;
use crate::client::client::Client;
use crate::journal::seen_ids::SeenIds;
use crate::outcome::outcome::Outcome;
use crate::outcome::result::Error;

impl Client {
    /// Deletes many tokens: an iterator of reports, in order of completion, that pulls ids as it goes.
    ///
    /// Each id is tried once; memory is at most 64 bytes a distinct id. All calls together keep one pause when the
    /// server asks for one (429, or 503 with `Retry-After`), and a pace once its limit is known; they share the
    /// client's reserve of retries. An answer of 401 stops the batch, and so does a pause of more than ten minutes,
    /// or than one call may take where that is longer: what was pulled and not started is `skipped`.
    /// The token in use goes last, where deleting it is allowed at all.
    ///
    /// # Errors
    /// `invalid_argument` when the concurrency or the patience is out of its range or the journal is in use by another batch;
    /// `invalid_config` when the journal is for another base URL or another API token. Nothing was sent then.
    pub fn batch<I>(&self, ids: I, options: &BatchOptions) -> Result<Batch<I::IntoIter>, Error>
    where
        I: IntoIterator,
        I::Item: Into<Pull>,
    {
        let seen_ids = self.seen_ids(options, false)?;
        Ok(Batch::new(self, ids.into_iter(), options, seen_ids))
    }

    /// What [`Client::batch`] would do with these ids, in order, without sending anything: an id that would be sent
    /// has a report with the code `skipped` that says to where, and one that would be refused the report of that.
    /// The journal is looked at and not changed; [`Journal::look`] gives one for that.
    ///
    /// # Errors
    /// As [`Client::batch`].
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
        match &options.journal {
            None => Ok(SeenIds::new()),
            Some(journal) => Ok(journal.take_seen_ids(self, only_look)?),
        }
    }

    /// Deletes many tokens: as [`Client::batch`], with a callback on the calling thread for each report.
    ///
    /// When the callback breaks, no more ids are pulled; it is called on for those that were pulled already, which
    /// are under way or `skipped`.
    ///
    /// # Errors
    /// As [`Client::batch`].
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
