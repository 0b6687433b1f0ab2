//! A batch under way: pulls ids, queues them, gives reports back.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::batch::job::{Done, Job};
use crate::batch::options::{BatchItem, BatchOptions, PATIENCE, Pull};
use crate::batch::patience::{Outage, Patience};
use crate::batch::put_off::PutOff;
use crate::batch::rate_limiter::Pause;
use crate::batch::stopped::Stopped;
use crate::batch::summary::BatchSummary;
use crate::batch::workers::{CallSettings, Workers};
use crate::client::client::Client;
use crate::client::options::DeleteOptions;
use crate::input::api_token::ApiToken;
use crate::input::trace::TraceParent;
use crate::journal::journal::Journal;
use crate::journal::seen_ids::SeenIds;
use crate::outcome::event::Listener;
use crate::outcome::lost::Lost;
use crate::outcome::outcome::Outcome;
use crate::wait::cancel::Cancel;

/// With so many calls at once, a report comes every few microseconds, and to be woken for each costs more than to take it.
const MANY: usize = 32;
/// How long reports are gathered then, while the workers have enough to do.
const GATHERING: Duration = Duration::from_millis(1);

/// A batch: an iterator of outcomes, made by [`Client::batch`].
///
/// `next` pulls ids on the thread that calls it, about twice as many as calls run at once, and never while an outcome
/// is ready. Outcomes come in order of completion, one for each id that was pulled, except for duplicates and for
/// tokens that a journal lists as dead. Between two calls of `next`, the calls under way go on.
///
/// Dropping a batch stops it, and waits for the calls under way. A cancel handle ends these early.
///
/// A batch belongs to the process that made it. In a forked child it has ended; the outcomes are the parent's.
#[must_use = "a batch does nothing before it is asked for outcomes"]
pub struct Batch<I> {
    /// `None` once it has ended.
    pub(crate) ids: Option<I>,
    pub(crate) concurrency: usize,
    pub(crate) workers: Arc<Workers>,
    pub(crate) threads: Vec<JoinHandle<()>>,
    /// For the calls that run on the calling thread: the only one at a time, and the one for the own token.
    pub(crate) settings: CallSettings,
    /// How the workers hear of a cancel handle that asks: it must ask on the calling thread.
    pub(crate) forward: Option<Cancel>,
    pub(crate) asked: Instant,
    pub(crate) prove: bool,
    pub(crate) replay: bool,
    /// The position in the list of the id that was pulled last, where outcomes tell it.
    pub(crate) index: Option<u64>,
    pub(crate) with_index: bool,
    pub(crate) seen_ids: SeenIds,
    pub(crate) journal: Option<Journal>,
    /// The token in use, by each id that may be its own: it goes last.
    pub(crate) own: VecDeque<Job>,
    pub(crate) put_off: PutOff,
    pub(crate) patience: Patience,
    /// Whether the next probing call is for an id that was not tried yet, where there is one.
    pub(crate) probe_new: bool,
    /// Whether the job that is handed out next is the probing call.
    pub(crate) next_is_probe: bool,
    /// Values that came while their tokens were under way.
    pub(crate) late: HashMap<String, Vec<ApiToken>>,
    /// Ids handed out whose report has not come back.
    pub(crate) out: usize,
    pub(crate) ready: VecDeque<Outcome>,
    /// Whether the journal has outcomes in memory that are not in its file yet.
    pub(crate) unwritten: bool,
    pub(crate) summary: BatchSummary,
    /// Why it had stopped at its end; a stop or a cancel after that is no news.
    pub(crate) stopped_at_end: Option<Option<Stopped>>,
}

/// A handle to a batch for other threads, made by [`Batch::handle`]: for a progress bar, or for a signal handler's
/// thread. A clone is for the same batch.
#[derive(Clone)]
pub struct BatchHandle {
    workers: Arc<Workers>,
}

impl BatchHandle {
    /// Stops the batch, like [`Batch::stop`].
    pub fn stop(&self) {
        self.workers.stop(Stopped::Asked);
    }

    /// Returns why the batch stopped, like [`Batch::stopped`]; after its end, a stop or a cancel counts here, too.
    pub fn stopped(&self) -> Option<Stopped> {
        if self.workers.is_elsewhere() { None } else { self.workers.stopped() }
    }

    /// Returns the pause that the server asked for and all calls keep now; `None` means no pause.
    pub fn pause(&self) -> Option<Pause> {
        if self.workers.is_elsewhere() { None } else { self.workers.rate_limiter().pause() }
    }

    /// Returns how many tokens are put off now, because their calls have settled nothing yet.
    pub fn put_off(&self) -> usize {
        if self.workers.is_elsewhere() { 0 } else { self.workers.noted().0 }
    }

    /// Returns the outage that the batch waits out now; `None` means that the API answers.
    pub fn outage(&self) -> Option<Outage> {
        if self.workers.is_elsewhere() { None } else { self.workers.noted().1 }
    }

    /// Returns how many calls start per second at most; `None` means that the server has shown no limit.
    pub fn rate(&self) -> Option<f64> {
        if self.workers.is_elsewhere() { None } else { self.workers.rate_limiter().rate() }
    }
}

impl fmt::Debug for BatchHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchHandle").finish_non_exhaustive()
    }
}

impl<I> Batch<I>
where
    I: Iterator,
    I::Item: Into<Pull>,
{
    pub(crate) fn new(
        client: &Client,
        ids: I,
        options: &BatchOptions,
        seen_ids: SeenIds,
    ) -> Batch<I> {
        let halt = Cancel::new();
        let own_options = DeleteOptions {
            missing_ok: options.missing_ok,
            allow_own_token: options.allow_own_token,
            cancel: options.cancel.clone(),
            is_put_off: !options.patience.is_zero(),
            burn: options.burn,
            ..DeleteOptions::new()
        };
        let settings = CallSettings::new(client.clone(), own_options.clone(), &halt);
        let forward = settings.cancels.is_polling().then(Cancel::new);
        let theirs = match &forward {
            None => CallSettings::new(client.clone(), own_options, &halt),
            Some(forward) => {
                let instead = |cancel: &Cancel| {
                    if cancel.is_polling() { forward.clone() } else { cancel.clone() }
                };
                let client = client.with_cancel(instead(client.cancel_handle()));
                let cancel = own_options.cancel.as_ref().map(instead);
                CallSettings::new(client, DeleteOptions { cancel, ..own_options }, &halt)
            }
        };
        let journal = options.journal.clone();
        // A batch that gives up for want of an answer would look dead for as long in such a pause.
        let patience = if options.patience.is_zero() { PATIENCE } else { options.patience };
        let longest_pause = patience.max(client.timeout());
        let summary = BatchSummary { not_pulled: length(&ids), ..BatchSummary::default() };
        Batch {
            ids: Some(ids),
            concurrency: options.concurrency,
            workers: Arc::new_cyclic(|workers: &Weak<Workers>| {
                // The function that hears of events is the caller's, and runs on the calling thread.
                let workers = Weak::clone(workers);
                let listener = Listener::new(move |event| {
                    if let Some(workers) = workers.upgrade() {
                        workers.keep_event(event.clone());
                    }
                });
                let theirs =
                    CallSettings { client: theirs.client.with_listener(listener), ..theirs };
                Workers::new(theirs, journal.clone(), halt, longest_pause)
            }),
            threads: Vec::new(),
            settings,
            forward,
            asked: Instant::now(),
            prove: options.prove || options.burn,
            replay: options.replay,
            index: None,
            with_index: options.index,
            seen_ids,
            journal,
            own: VecDeque::new(),
            put_off: PutOff::default(),
            patience: Patience::new(options.concurrency, options.patience),
            probe_new: false,
            next_is_probe: false,
            late: HashMap::new(),
            out: 0,
            ready: VecDeque::new(),
            unwritten: false,
            summary,
            stopped_at_end: None,
        }
    }
}

impl<I> Batch<I> {
    /// Stops pulling ids. Calls under way finish; what was pulled and not started is `skipped`. Keep calling `next` for
    /// these outcomes.
    pub fn stop(&self) {
        self.workers.stop(Stopped::Asked);
    }

    /// Returns why the batch stopped trying ids; `None` means that it did not. Ask when `next` has returned `None`: ids
    /// that were not pulled have no outcome, and this is what says so. [`Batch::summary`] has their number.
    pub fn stopped(&self) -> Option<Stopped> {
        self.stopped_at_end.clone().unwrap_or_else(|| self.workers.stopped())
    }

    /// Returns the counts of the outcomes so far.
    pub fn summary(&self) -> BatchSummary {
        BatchSummary { stopped: self.stopped().as_ref().map(Stopped::reason), ..self.summary }
    }

    /// Returns a handle to this batch for another thread.
    pub fn handle(&self) -> BatchHandle {
        BatchHandle { workers: Arc::clone(&self.workers) }
    }

    /// How many calls may run at once now.
    pub(crate) fn allowed(&self) -> usize {
        self.concurrency.min(self.patience.allowed())
    }

    /// How many jobs may be handed out at once now: the workers find the next one ready.
    pub(crate) fn window(&self) -> usize {
        if self.concurrency == 1 { 1 } else { self.allowed() * 2 }
    }

    /// When there is something to do, though no call comes back.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        // What is under way ends by itself, and nothing else is begun.
        if self.workers.stopped().is_some() {
            return None;
        }
        let first = self.put_off.first_at();
        let again = match (self.patience.outage(), first) {
            // One that may not go yet is no probing call, nor is one that nobody is left for.
            (Some(_), Some(first)) => self.patience.probe_at().map(|at| first.max(at)),
            (Some(_), None) => self.patience.probe_at().filter(|_| self.ids.is_some()),
            (None, _) => first.filter(|_| self.out < self.window()),
        };
        [again, self.patience.ends_at()].into_iter().flatten().min()
    }

    /// Looks whether the batch was cancelled, and tells the workers of what only this thread can find out.
    fn heed_cancel(&mut self) {
        if let Some(forward) = &self.forward {
            if self.settings.cancels.slice().is_some_and(|every| self.asked.elapsed() >= every) {
                self.settings.cancels.ask();
                self.asked = Instant::now();
            }
            if self.settings.is_cancelled() {
                forward.cancel();
            }
        }
    }

    /// A job for the id; its intent is in the journal's memory, not yet on disk.
    pub(crate) fn job(&self, item: BatchItem, lost_before: Lost) -> Job {
        let intent = self.journal.as_ref().map(|journal| journal.intent(&item.id));
        let value = item.value.filter(|_| self.prove);
        Job {
            id: item.id,
            index: self.index,
            lost_before,
            missing_ok: item.missing_ok,
            known_dead: None,
            value,
            other_values: item.other_values,
            intent,
            trace: TraceParent::random(),
            probe: false,
            earlier: None,
        }
    }

    pub(crate) fn carry_out_here(&mut self, job: Job) {
        let outcome = self.workers.carry_out(&job, &self.settings);
        self.receive(Done { job, outcome });
    }

    /// Queues a job for the workers, of which there may be one more then.
    pub(crate) fn hand_out(&mut self, mut job: Job) {
        self.out += 1;
        job.probe = std::mem::take(&mut self.next_is_probe);
        if job.probe {
            self.patience.begin_probe();
        }
        let more = self.workers.order(job);
        if more && self.concurrency > 1 && self.threads.len() < self.allowed() {
            match self.workers.spawn() {
                Ok(thread) => self.threads.push(thread),
                // With fewer workers it takes longer, and without any this thread does the work.
                Err(_) => self.concurrency = self.threads.len().max(1),
            }
        }
    }

    /// Nothing is left to do: the workers go, and what the journal wrote is on disk.
    fn finish(&mut self) {
        self.workers.close();
        for thread in self.threads.drain(..) {
            // A worker catches the panics of its calls, and reports them as `internal`.
            let _ = thread.join();
        }
        if let Some(journal) = &self.journal {
            // A failure is told by `Journal::failure`: no report is left to carry it.
            let _ = journal.sync();
        }
        if self.stopped_at_end.is_none() {
            self.stopped_at_end = Some(self.workers.stopped());
        }
    }

    /// The next report that needs no further id.
    fn outcome(&mut self) -> Option<Outcome> {
        loop {
            if let Some(outcome) = self.ready.pop_front() {
                self.write_outcomes();
                self.count(&outcome);
                return Some(outcome);
            }
            self.heed_cancel();
            let (events, done) = self.workers.take_done();
            let none_done = done.is_empty();
            if let Some(listener) = &self.settings.client.listener {
                events.iter().for_each(|event| listener.tell(event));
            }
            for done in done {
                self.receive(done);
            }
            self.hand_out_again(Instant::now());
            self.workers.note(self.put_off.len(), self.patience.outage());
            if none_done && self.ready.is_empty() {
                return None;
            }
        }
    }

    /// Makes progress without pulling an id; `false` when there is nothing to make progress with.
    fn proceed(&mut self) -> bool {
        if self.out > 0 {
            if self.threads.is_empty() {
                if let Some(job) = self.workers.take_job() {
                    self.carry_out_here(job);
                }
            } else {
                let polling = self.forward.as_ref().and_then(|_| self.settings.cancels.slice());
                let wakes = self.wakes_at().map(|at| at.saturating_duration_since(Instant::now()));
                let jobs = self.workers.wait_for_news([polling, wakes].into_iter().flatten().min());
                if self.allowed() >= MANY && jobs >= self.allowed() / 2 && self.workers.has_done() {
                    self.settings.cancels.pause(GATHERING);
                }
            }
            return true;
        }
        // In an outage nothing may be put off, and ids left all the same.
        let waits_to_pull = self.patience.outage().is_some()
            && self.ids.is_some()
            && self.workers.stopped().is_none();
        if !self.put_off.is_empty() || waits_to_pull {
            let wait = self.wakes_at().map_or(Duration::ZERO, |at| at - Instant::now());
            // A cancel and a stop end it early; `outcome` finds out.
            self.settings.cancels.pause(wait);
            return true;
        }
        if let Some(job) = self.own.pop_front() {
            self.out += 1;
            self.carry_out_here(job);
            return true;
        }
        false
    }
}

/// How many ids there are, if the source knows.
fn length(ids: &impl Iterator) -> Option<u64> {
    let (least, most) = ids.size_hint();
    most.filter(|most| *most == least).map(|most| most as u64)
}

impl<I> Iterator for Batch<I>
where
    I: Iterator,
    I::Item: Into<Pull>,
{
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        if self.workers.is_elsewhere() {
            return None;
        }
        loop {
            if let Some(outcome) = self.outcome() {
                return Some(outcome);
            }
            let later = self.refill();
            self.summary.not_pulled = self.ids.as_ref().map_or(Some(0), length);
            if !self.ready.is_empty() || self.workers.has_done() {
                continue;
            }
            // Workers make progress while the source is asked again; a batch without any must make its own.
            if later && (self.out == 0 || !self.threads.is_empty()) {
                continue;
            }
            if !self.proceed() {
                self.finish();
                return None;
            }
        }
    }
}

impl<I> Drop for Batch<I> {
    fn drop(&mut self) {
        if self.workers.is_elsewhere() {
            // Threads of the parent can be neither joined nor detached here.
            self.threads.drain(..).for_each(std::mem::forget);
            return;
        }
        self.stop();
        loop {
            while self.outcome().is_some() {}
            if !self.proceed() {
                break;
            }
        }
        self.finish();
        if let Some(journal) = &self.journal {
            journal.give_back(std::mem::replace(&mut self.seen_ids, SeenIds::new()));
        }
    }
}

impl<I> fmt::Debug for Batch<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("summary", &self.summary).finish_non_exhaustive()
    }
}
