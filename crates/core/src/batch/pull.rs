//! How a batch pulls ids, and what becomes of each.

use std::time::Instant;

use crate::batch::admission::Admission;
use crate::batch::options::{BatchItem, Pull};
use crate::batch::put_off::MOST;
use crate::batch::run::Batch;
use crate::input::api_token::ApiToken;
use crate::journal::seen_ids::{IdState, RecordedState};
use crate::outcome::outcome::Outcome;

impl<I> Batch<I>
where
    I: Iterator,
    I::Item: Into<Pull>,
{
    /// Pulls ids until enough are handed out, or none is there yet, or there is a report to give back;
    /// whether the next one is still to come.
    pub(crate) fn refill(&mut self) -> bool {
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
    pub(crate) fn probe(&mut self, now: Instant) {
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

    pub(crate) fn take(&mut self, mut item: BatchItem) {
        if self.with_index {
            self.index = Some(self.index.map_or(0, |last| last + 1));
        }
        let ready = self.ready.len();
        for value in item.value.iter().chain(&item.other_values) {
            self.settings.client.keep_secret(value);
        }
        let (client, options) = (&self.settings.client, &self.settings.options);
        match Admission::of(&item, &mut self.seen_ids, client, options) {
            Admission::Duplicate(known) => self.take_duplicate(item, known),
            Admission::Dead(known) => self.take_dead(item, known),
            Admission::Refused(refused) => self.ready.push_back(*refused),
            Admission::OwnToken { other_spelling, lost_before } => {
                self.note_values(&item);
                self.seen_ids.hand_out(&item.id, item.value.is_some());
                if other_spelling {
                    let job = self.job(item, lost_before);
                    self.own.push_front(job);
                } else {
                    let given = item.value.take();
                    item.value = self.settings.client.own_token().cloned();
                    let is_other = |value: &ApiToken| {
                        let own = item.value.as_ref().map(|own| own.in_usual_form());
                        own.is_none_or(|own| own.expose() != value.in_usual_form().expose())
                    };
                    item.other_values.extend(given.filter(is_other));
                    let job = self.job(item, lost_before);
                    self.own.push_back(job);
                }
            }
            Admission::Send { lost_before } => {
                self.note_values(&item);
                self.seen_ids.hand_out(&item.id, item.value.is_some());
                let job = self.job(item, lost_before);
                self.hand_out(job);
            }
        }
        // What needs no call is told at once.
        for outcome in self.ready.range_mut(ready..) {
            outcome.index = self.index;
        }
    }

    /// An id that was pulled before may bring a value that is not proven yet: the first one, or another one.
    pub(crate) fn take_duplicate(&mut self, item: BatchItem, known: IdState) {
        self.summary.duplicates += 1;
        // A burnt value is a duplicate of itself alone.
        let values = if self.settings.options.burn { Vec::new() } else { self.new_values(&item) };
        if values.is_empty() {
            return;
        }
        if known.is_under_way() {
            self.late.entry(item.id).or_default().extend(values);
        } else if known.is_dead() {
            self.summary.without_value -= u64::from(!known.is_proven() && !known.has_value());
            let told = Outcome::again(item.id.clone(), known.is_gone());
            self.prove_known(item.id, self.index, values, told);
        }
    }

    /// Returns the values of the item that this batch is to prove and has not met yet, and notes that it has met them.
    /// One that is burnt was met by [`Admission`].
    fn new_values(&mut self, item: &BatchItem) -> Vec<ApiToken> {
        let burn = self.settings.options.burn;
        let is_new = |value: &&ApiToken| burn || self.seen_ids.meet_other_value(&item.id, value);
        values_of(item, self.prove).filter(is_new).cloned().collect()
    }

    /// Notes that this batch has met the values of an item that is handed out with them.
    fn note_values(&mut self, item: &BatchItem) {
        let prove = self.prove && !self.settings.options.burn;
        for value in values_of(item, prove) {
            self.seen_ids.meet_other_value(&item.id, value);
        }
    }

    pub(crate) fn take_dead(&mut self, item: BatchItem, known: IdState) {
        self.summary.already_done += 1;
        if !known.is_dead() {
            self.seen_ids.learn(&item.id, RecordedState::Dead);
        }
        let is_unproven = self.prove && !known.is_proven();
        self.summary.without_value += u64::from(is_unproven);
        let values = self.new_values(&item);
        if is_unproven && !values.is_empty() {
            self.summary.without_value -= 1;
            let told = match known.is_dead() {
                true => Outcome::replayed(item.id.clone(), known.is_gone()),
                false => Outcome::again(item.id.clone(), false),
            };
            self.prove_known(item.id, self.index, values, told);
        } else if self.replay {
            self.ready.push_back(Outcome::replayed(item.id, known.is_gone()));
        }
    }
}

/// The values of an item, where they are needed.
fn values_of(item: &BatchItem, needed: bool) -> impl Iterator<Item = &ApiToken> {
    let first = item.value.as_ref().filter(|_| needed);
    first.into_iter().chain(item.other_values.iter().filter(move |_| first.is_some()))
}
