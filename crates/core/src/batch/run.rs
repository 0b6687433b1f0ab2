//! A batch under way: pulls ids, queues them, gives reports back.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::batch::admission::Admission;
use crate::batch::job::{Done, Earlier, Job, is_conclusive, is_inconclusive, is_unproven_yet};
use crate::batch::options::{BatchItem, BatchOptions, PATIENCE, Pull};
use crate::batch::patience::{Heard, Outage, Patience};
use crate::batch::put_off::{MOST, PutOff, pause};
use crate::batch::rate_limiter::Pause;
use crate::batch::stopped::{Stopped, given_up};
use crate::batch::summary::BatchSummary;
use crate::batch::workers::{CallSettings, Workers};
use crate::client::client::Client;
use crate::client::options::DeleteOptions;
use crate::input::api_token::ApiToken;
use crate::input::trace::TraceParent;
use crate::journal::journal::Journal;
use crate::journal::seen_ids::{IdState, RecordedState, SeenIds};
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::lost::Lost;
use crate::outcome::outcome::{Outcome, Proof};
use crate::wait::cancel::Cancel;

/// A batch: an iterator of reports, made by [`Client::batch`].
///
/// Ids are pulled inside `next`, on the thread that calls it, about twice as many ahead as calls run at once, and
/// never while a report is ready. Reports come in order of completion, one for each id that was pulled, but for
/// duplicates and for what a journal knows to be dead. Between two calls of `next` the calls under way go on.
///
/// Dropping it stops it: what is under way is waited for, or cancelled through a cancel handle.
///
/// It belongs to the process that made it: in a forked child it has ended, and the reports are the parent's.
pub struct Batch<I> {
    /// `None` once it has ended.
    ids: Option<I>,
    concurrency: usize,
    workers: Arc<Workers>,
    threads: Vec<JoinHandle<()>>,
    /// For the calls that run on the calling thread: the only one at a time, and the one for the own token.
    settings: CallSettings,
    /// How the workers hear of a cancel handle that asks: it must ask on the calling thread.
    forward: Option<Cancel>,
    asked: Instant,
    prove: bool,
    replay: bool,
    seen_ids: SeenIds,
    journal: Option<Journal>,
    /// The token in use, by each id that may be its own: it goes last.
    own: VecDeque<Job>,
    put_off: PutOff,
    patience: Patience,
    /// Whether the next probing call is for an id that was not tried yet, where there is one.
    probe_new: bool,
    /// Whether the job that is handed out next is the probing call.
    next_is_probe: bool,
    /// Values that came while their tokens were under way.
    late: HashMap<String, ApiToken>,
    /// Ids handed out whose report has not come back.
    out: usize,
    ready: VecDeque<Outcome>,
    /// Whether the journal has outcomes in memory that are not in its file yet.
    unwritten: bool,
    summary: BatchSummary,
}

/// A hand on a batch for other threads, made by [`Batch::handle`]: for a progress bar, and for whoever hears the
/// interrupt. A clone is for the same batch.
#[derive(Clone)]
pub struct BatchHandle {
    workers: Arc<Workers>,
}

impl BatchHandle {
    /// As [`Batch::stop`].
    pub fn stop(&self) {
        self.workers.stop(Stopped::Asked);
    }

    /// The pause that all calls keep now, if any: the server asked for it.
    pub fn pause(&self) -> Option<Pause> {
        if self.workers.is_elsewhere() { None } else { self.workers.rate_limiter().pause() }
    }

    /// How many tokens are put off now, to be called for again: nothing conclusive came of the calls so far.
    pub fn put_off(&self) -> usize {
        if self.workers.is_elsewhere() { 0 } else { self.workers.noted().0 }
    }

    /// The outage that the batch waits for now, if any: its calls failed one after the other.
    pub fn outage(&self) -> Option<Outage> {
        if self.workers.is_elsewhere() { None } else { self.workers.noted().1 }
    }

    /// How many calls are started a second at most; `None` while the server has shown no limit.
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
        Batch {
            ids: Some(ids),
            concurrency: options.concurrency,
            workers: Arc::new(Workers::new(theirs, journal.clone(), halt, longest_pause)),
            threads: Vec::new(),
            settings,
            forward,
            asked: Instant::now(),
            prove: options.prove,
            replay: options.replay,
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
            summary: BatchSummary::default(),
        }
    }
}

impl<I> Batch<I> {
    /// Pulls no more ids. What is under way finishes; what was pulled and not started is reported as `skipped`. Go on
    /// calling `next` for these reports.
    pub fn stop(&self) {
        self.workers.stop(Stopped::Asked);
    }

    /// Why no more ids are tried, where that is so.
    pub fn stopped(&self) -> Option<Stopped> {
        self.workers.stopped()
    }

    /// The counts of what was reported so far.
    pub fn summary(&self) -> BatchSummary {
        self.summary
    }

    /// What another thread may know and do of this batch.
    pub fn handle(&self) -> BatchHandle {
        BatchHandle { workers: Arc::clone(&self.workers) }
    }

    /// How many calls may run at once now.
    fn allowed(&self) -> usize {
        self.concurrency.min(self.patience.allowed())
    }

    /// How many jobs may be handed out at once now: the workers find the next one ready.
    fn window(&self) -> usize {
        if self.concurrency == 1 { 1 } else { self.allowed() * 2 }
    }

    /// When there is something to do, though no call comes back.
    fn wakes_at(&self) -> Option<Instant> {
        let first = self.put_off.first_at();
        let again = match self.patience.outage() {
            // One that may not go yet is no probing call.
            Some(_) => self.patience.probe_at().map(|at| first.map_or(at, |first| first.max(at))),
            None => first.filter(|_| self.out < self.window()),
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

    fn receive(&mut self, done: Done) {
        self.out -= 1;
        let Done { job, outcome } = done;
        let now = Instant::now();
        let came_to_nothing = is_inconclusive(&outcome) || is_unproven_yet(&outcome);
        if came_to_nothing {
            self.patience.hear(Heard::Inconclusive, job.probe, now, fastrand::f64());
        } else if is_conclusive(&outcome) {
            self.patience.hear(Heard::Conclusive, job.probe, now, fastrand::f64());
        } else if job.probe {
            self.patience.end_probe();
        }
        if self.patience.outage().is_some() {
            // They have their turn when the API is back, or as a probing call.
            for job in self.workers.take_back() {
                self.out -= 1;
                self.put_off.push(job, now);
            }
        }
        // There is no hope where the server wants to be left alone for longer than is waited.
        let too_long = outcome.retry_after().is_some_and(|wanted| wanted > self.patience.limit());
        if came_to_nothing && self.patience.is_on() && !too_long && self.workers.stopped().is_none()
        {
            self.put_off(job, outcome, now);
        } else {
            self.settle(job, outcome);
        }
    }

    /// Keeps a job for another call. The journal has it open, or dead where only its proof is missing.
    fn put_off(&mut self, mut job: Job, outcome: Outcome, now: Instant) {
        let wanted = outcome.retry_after().unwrap_or_default();
        let pause = pause(outcome.rounds(), fastrand::f64()).max(wanted);
        if outcome.is_success() {
            if job.known_dead.is_none() {
                self.record(&job, &outcome);
            }
            job.known_dead = Some(Box::new(outcome));
        } else {
            let begun = job.earlier.as_ref().map_or_else(|| now - outcome.elapsed(), |it| it.begun);
            job.earlier = Some(Box::new(Earlier { outcome, begun }));
        }
        job.probe = false;
        self.put_off.push(job, now + pause);
    }

    fn record(&mut self, job: &Job, outcome: &Outcome) {
        if let Some(journal) = &self.journal
            && (job.intent.is_some() || job.known_dead.is_some())
        {
            journal.outcome(outcome);
            self.unwritten = true;
        }
    }

    /// Takes an outcome for the last word on its token.
    fn settle(&mut self, job: Job, outcome: Outcome) {
        self.record(&job, &outcome);
        self.seen_ids.learn(&job.id, RecordedState::of(outcome.kind(), outcome.is_in_doubt()));
        if outcome.proof().is_some_and(Proof::is_proven) {
            self.seen_ids.prove(&job.id);
        }
        let value = self.late.remove(&job.id);
        if self.prove && outcome.is_success() && outcome.proof().is_none() {
            self.summary.without_value += 1;
            if let Some(value) = value {
                let told = Outcome::again(job.id.clone(), outcome.kind() == OutcomeKind::Gone);
                self.ready.push_back(outcome);
                self.prove_known(job.id, value, told);
                return;
            }
        }
        self.ready.push_back(outcome);
    }

    /// Hands jobs out that were put off and whose time has come; all of them back, as they are, where the batch is
    /// stopped or has lost hope.
    fn hand_out_again(&mut self, now: Instant) {
        if self.patience.ends_at().is_some_and(|end| end <= now) {
            self.workers.stop(Stopped::NoAnswer(self.patience.limit()));
        }
        if let Some(why) = self.workers.stopped() {
            for job in self.put_off.take() {
                let outcome = given_up(&job, &why);
                self.settle(job, outcome);
            }
            return;
        }
        while self.patience.outage().is_none()
            && self.out < self.window()
            && let Some(job) = self.put_off.pop(now)
        {
            self.hand_out(job);
        }
    }

    /// Asks for the proof of a token that is dead, and that was counted as one without a value.
    fn prove_known(&mut self, id: String, value: ApiToken, told: Outcome) {
        self.summary.without_value -= 1;
        self.seen_ids.hand_out(&id, true);
        let job = Job {
            id,
            lost_before: Lost::No,
            known_dead: Some(Box::new(told)),
            missing_ok: None,
            value: Some(value),
            intent: None,
            trace: TraceParent::random(),
            probe: false,
            earlier: None,
        };
        self.hand_out(job);
    }

    /// A job for the id; its intent is in the journal's memory, not yet on disk.
    fn job(&self, item: BatchItem, lost_before: Lost) -> Job {
        let intent = self.journal.as_ref().map(|journal| journal.intent(&item.id));
        let value = item.value.filter(|_| self.prove);
        Job {
            id: item.id,
            lost_before,
            missing_ok: item.missing_ok,
            known_dead: None,
            value,
            intent,
            trace: TraceParent::random(),
            probe: false,
            earlier: None,
        }
    }

    fn carry_out_here(&mut self, job: Job) {
        let outcome = self.workers.carry_out(&job, &self.settings);
        self.receive(Done { job, outcome });
    }

    /// Queues a job for the workers, of which there may be one more then.
    fn hand_out(&mut self, mut job: Job) {
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

    /// Writes the outcomes that came together, before the first of them is given back: while the journal is being
    /// brought to the disk a write may have to wait, and one wait is enough for all.
    fn write_outcomes(&mut self) {
        if let Some(journal) = &self.journal
            && std::mem::take(&mut self.unwritten)
            && let Err(why) = journal.write()
        {
            self.workers.stop(Stopped::Journal(why.to_string()));
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        if outcome.known_dead {
            // It is counted as what was done already.
            return;
        }
        let summary = &mut self.summary;
        summary.total += 1;
        *match outcome.kind() {
            OutcomeKind::Deleted => &mut summary.deleted,
            OutcomeKind::Gone => &mut summary.gone,
            OutcomeKind::NotDeleted => &mut summary.not_deleted,
            OutcomeKind::Unknown => &mut summary.unknown,
        } += 1;
        summary.put_off += u64::from(outcome.rounds() > 1);
        if outcome.code() == Code::Skipped {
            summary.skipped += 1;
        }
        if outcome.code() == Code::NotFound && outcome.kind() == OutcomeKind::NotDeleted {
            summary.not_found += 1;
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
            let done = self.workers.take_done();
            let none_done = done.is_empty();
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
                self.workers.wait_for_news([polling, wakes].into_iter().flatten().min());
            }
            return true;
        }
        if !self.put_off.is_empty() {
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

impl<I> Batch<I>
where
    I: Iterator,
    I::Item: Into<Pull>,
{
    /// Pulls ids until enough are handed out, or none is there yet, or there is a report to give back;
    /// whether the next one is still to come.
    fn refill(&mut self) -> bool {
        if self.patience.outage().is_some() {
            self.probe(Instant::now());
            return false;
        }
        while self.out < self.window()
            && self.out + self.put_off.len() < MOST
            && self.ids.is_some()
            && self.ready.is_empty()
            && !self.workers.has_done()
            && self.workers.stopped().is_none()
        {
            match self.ids.as_mut().and_then(Iterator::next).map(Into::into) {
                Some(Pull::Item(item)) => self.take(item),
                Some(Pull::NotYet) => return true,
                None => self.ids = None,
            }
        }
        false
    }

    /// Makes the next probing call of an outage, if it is time for it: in turn for a token that was put off and for a
    /// new one, since those that were put off may have failed for reasons of their own.
    fn probe(&mut self, now: Instant) {
        if self.workers.stopped().is_some() || self.patience.probe_at().is_none_or(|at| now < at) {
            return;
        }
        self.probe_new = !self.probe_new;
        if self.probe_new && self.out + self.put_off.len() < MOST {
            match self.ids.as_mut().and_then(Iterator::next).map(Into::into) {
                Some(Pull::Item(item)) => {
                    self.next_is_probe = true;
                    self.take(item);
                    if !std::mem::take(&mut self.next_is_probe) {
                        return;
                    }
                }
                Some(Pull::NotYet) => {}
                None => self.ids = None,
            }
        }
        if let Some(job) = self.put_off.pop(now) {
            self.next_is_probe = true;
            self.hand_out(job);
        }
    }

    fn take(&mut self, mut item: BatchItem) {
        if let Some(value) = &item.value {
            self.settings.client.keep_secret(value);
        }
        let (client, options) = (&self.settings.client, &self.settings.options);
        match Admission::of(&item, &mut self.seen_ids, client, options) {
            Admission::Duplicate(known) => self.take_duplicate(item, known),
            Admission::Dead(known) => self.take_dead(item, known),
            Admission::Refused(refused) => self.ready.push_back(*refused),
            Admission::OwnToken { other_spelling, lost_before } => {
                self.seen_ids.hand_out(&item.id, item.value.is_some());
                if other_spelling {
                    let job = self.job(item, lost_before);
                    self.own.push_front(job);
                } else {
                    item.value = Some(self.settings.client.own_token().clone());
                    let job = self.job(item, lost_before);
                    self.own.push_back(job);
                }
            }
            Admission::Send { lost_before } => {
                self.seen_ids.hand_out(&item.id, item.value.is_some());
                let job = self.job(item, lost_before);
                self.hand_out(job);
            }
        }
    }

    /// An id that was pulled before may bring the value that its proof needs.
    fn take_duplicate(&mut self, item: BatchItem, known: IdState) {
        self.summary.duplicates += 1;
        match item.value.filter(|_| self.prove && !known.has_value()) {
            Some(value) if known.is_under_way() => {
                self.late.insert(item.id, value);
            }
            Some(value) if known.is_dead() && !known.is_proven() => {
                let told = Outcome::again(item.id.clone(), known.is_gone());
                self.prove_known(item.id, value, told);
            }
            _ => {}
        }
    }

    fn take_dead(&mut self, item: BatchItem, known: IdState) {
        self.summary.already_done += 1;
        if !known.is_dead() {
            self.seen_ids.learn(&item.id, RecordedState::Dead);
        }
        let is_unproven = self.prove && !known.is_proven();
        self.summary.without_value += u64::from(is_unproven);
        if let Some(value) = item.value.filter(|_| is_unproven) {
            let told = match known.is_dead() {
                true => Outcome::replayed(item.id.clone(), known.is_gone()),
                false => Outcome::again(item.id.clone(), false),
            };
            self.prove_known(item.id, value, told);
        } else if self.replay {
            self.ready.push_back(Outcome::replayed(item.id, known.is_gone()));
        }
    }
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
