//! What comes back to a batch: settled, put off, counted, and written to the journal.

use std::time::Instant;

use crate::batch::job::{Done, Earlier, Job, is_conclusive, is_inconclusive, is_unproven_yet};
use crate::batch::patience::Heard;
use crate::batch::put_off::pause;
use crate::batch::run::Batch;
use crate::batch::stopped::{Stopped, given_up};
use crate::input::api_token::ApiToken;
use crate::input::random;
use crate::input::trace::TraceParent;
use crate::journal::seen_ids::RecordedState;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::lost::Lost;
use crate::outcome::outcome::{Outcome, Proof};

impl<I> Batch<I> {
    pub(crate) fn receive(&mut self, done: Done) {
        self.out -= 1;
        let Done { job, outcome } = done;
        let now = Instant::now();
        if outcome.attempts().len() > 1 {
            self.patience.hear_of_trouble();
        }
        let came_to_nothing = is_inconclusive(&outcome) || is_unproven_yet(&outcome);
        if came_to_nothing {
            self.patience.hear(Heard::Inconclusive, job.probe, now, random::share());
        } else if is_conclusive(&outcome) {
            self.patience.hear(Heard::Conclusive, job.probe, now, random::share());
        } else if job.probe {
            self.patience.end_probe();
        }
        if self.patience.outage().is_some() {
            // They have their turn when the API is back, or as a probing call.
            for job in self.workers.take_back() {
                self.out -= 1;
                if job.probe {
                    // No worker had begun it: the next probing call takes its place.
                    self.patience.end_probe();
                }
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
    pub(crate) fn put_off(&mut self, mut job: Job, outcome: Outcome, now: Instant) {
        let wanted = outcome.retry_after().unwrap_or_default();
        let pause = pause(outcome.rounds(), self.patience.failing(), random::share()).max(wanted);
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

    pub(crate) fn record(&mut self, job: &Job, outcome: &Outcome) {
        if let Some(journal) = &self.journal
            && (job.intent.is_some() || job.known_dead.is_some())
        {
            journal.outcome(outcome);
            self.unwritten = true;
        }
    }

    /// Takes an outcome for the last word on its token.
    pub(crate) fn settle(&mut self, job: Job, mut outcome: Outcome) {
        outcome.index = job.index;
        self.record(&job, &outcome);
        self.seen_ids.learn(&job.id, RecordedState::of(outcome.kind(), outcome.is_in_doubt()));
        if outcome.proof().is_some_and(Proof::is_of_the_token) {
            self.seen_ids.prove(&job.id);
        }
        let values = self.late.remove(&job.id);
        if self.prove && outcome.is_success() && outcome.proof().is_none() {
            self.summary.without_value += u64::from(values.is_none());
        }
        let (is_dead, is_gone) = (outcome.is_success(), outcome.kind() == OutcomeKind::Gone);
        self.ready.push_back(outcome);
        if let Some(values) = values.filter(|_| is_dead) {
            let told = Outcome::again(job.id.clone(), is_gone);
            self.prove_known(job.id, job.index, values, told);
        }
    }

    /// Hands jobs out that were put off and whose time has come; all of them back, as they are, where the batch is
    /// stopped or has lost hope.
    pub(crate) fn hand_out_again(&mut self, now: Instant) {
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

    /// Asks for the proof of a token that is dead, by each of `values`, of which there is one at least.
    pub(crate) fn prove_known(
        &mut self,
        id: String,
        index: Option<u64>,
        values: Vec<ApiToken>,
        told: Outcome,
    ) {
        let mut values = values.into_iter();
        self.seen_ids.hand_out(&id, true);
        let job = Job {
            id,
            index,
            lost_before: Lost::No,
            known_dead: Some(Box::new(told)),
            missing_ok: None,
            value: values.next(),
            other_values: values.collect(),
            intent: None,
            trace: TraceParent::random(),
            probe: false,
            earlier: None,
        };
        self.hand_out(job);
    }

    /// Writes the outcomes that came together, before the first of them is given back: while the journal is being
    /// brought to the disk a write may have to wait, and one wait is enough for all.
    pub(crate) fn write_outcomes(&mut self) {
        if let Some(journal) = &self.journal
            && std::mem::take(&mut self.unwritten)
            && let Err(why) = journal.write()
        {
            self.workers.stop(Stopped::Journal(why.to_string()));
        }
    }

    pub(crate) fn count(&mut self, outcome: &Outcome) {
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
        if outcome.code() == Code::DeadValue && outcome.kind() == OutcomeKind::NotDeleted {
            summary.dead_values += 1;
        }
    }
}
