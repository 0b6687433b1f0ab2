//! Whether the API answers at all, and what a batch does while it does not: it waits, with one probing call at a time,
//! until an answer is conclusive or its patience ends. No I/O, and no clock of its own.

use std::time::{Duration, Instant};

/// Fewer calls in a row than this say nothing about the API.
const LEAST: usize = 5;
/// The first pause before a probing call; it doubles from one to the next.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause before a probing call.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// With how many calls at once a batch begins: a limit of the server is met by a few calls, not by all, and no more
/// threads start than there is work for.
const START: usize = 16;
/// How many more each answer allows while all is well, up to as many calls as [`FAST`]: four times as many from one round
/// to the next. Beyond that, or once a call did not get its answer at its first attempt, each answer allows one more.
const GROWTH: usize = 3;
/// From here on a limit of the server would be met by too many calls at once.
const FAST: usize = 64;

/// By how much each call changes the share of those that came to nothing: about the last thirty count.
const WEIGHT: f64 = 1.0 / 32.0;

/// An outage, as a batch sees it: its calls failed one after the other, and none was conclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outage {
    /// When the first of these calls failed.
    pub since: Instant,
}

/// What a call said about the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It answers, and its answer settles what was asked.
    Conclusive,
    /// Nothing that settles anything.
    Inconclusive,
}

/// The state of a batch's patience.
#[derive(Debug)]
pub(crate) struct Patience {
    concurrency: usize,
    /// How long nothing conclusive may come; zero for no waiting at all.
    patience: Duration,
    /// Calls that failed in a row.
    failures: usize,
    failing_since: Option<Instant>,
    probe: Option<Probe>,
    /// How many calls may run at once, as far as the API's answers allow it.
    allowed: usize,
    /// How many more each conclusive answer allows.
    growth: usize,
    /// The share of the last calls that came to nothing, 0 to 1.
    failing: f64,
}

/// The probing calls of an outage.
#[derive(Debug)]
struct Probe {
    /// Not before this.
    at: Instant,
    pause: Duration,
    under_way: bool,
}

impl Patience {
    pub(crate) fn new(concurrency: usize, patience: Duration) -> Patience {
        let allowed = START.min(concurrency);
        let failing = 0.0;
        Patience {
            concurrency,
            patience,
            failures: 0,
            failing_since: None,
            probe: None,
            allowed,
            growth: GROWTH,
            failing,
        }
    }

    /// How long nothing conclusive may come.
    pub(crate) fn limit(&self) -> Duration {
        self.patience
    }

    /// Returns true if calls that came to nothing are made again.
    pub(crate) fn is_on(&self) -> bool {
        !self.patience.is_zero()
    }

    /// The outage that the batch waits for.
    pub(crate) fn outage(&self) -> Option<Outage> {
        self.probe.as_ref()?;
        self.failing_since.map(|since| Outage { since })
    }

    /// How many calls may run at once while the API answers.
    pub(crate) fn allowed(&self) -> usize {
        self.allowed
    }

    /// When the next probing call may start; `None` while one is under way, and where there is no outage.
    pub(crate) fn probe_at(&self) -> Option<Instant> {
        self.probe.as_ref().filter(|probe| !probe.under_way).map(|probe| probe.at)
    }

    /// The share of the last calls that came to nothing, 0 to 1.
    pub(crate) fn failing(&self) -> f64 {
        self.failing
    }

    /// Notes that a probing call starts.
    pub(crate) fn begin_probe(&mut self) {
        if let Some(probe) = &mut self.probe {
            probe.under_way = true;
        }
    }

    /// Notes that a probing call came back and said nothing about the API: it was cancelled, say.
    pub(crate) fn end_probe(&mut self) {
        if let Some(probe) = &mut self.probe {
            probe.under_way = false;
        }
    }

    /// Notes that a call met a limit or a failure, whatever came of it.
    pub(crate) fn hear_of_trouble(&mut self) {
        self.growth = 1;
    }

    /// Notes what a call said; `is_probe`: it was a probing one. `random`, 0 to 1, spreads the probing calls of many
    /// batches.
    pub(crate) fn hear(&mut self, heard: Heard, is_probe: bool, now: Instant, random: f64) {
        let failed = f64::from(u8::from(heard == Heard::Inconclusive));
        self.failing += (failed - self.failing) * WEIGHT;
        match heard {
            Heard::Conclusive => {
                // After an outage slowly first: everybody else comes back at the same moment.
                let is_over = self.probe.take().is_some();
                self.allowed = match self.allowed {
                    _ if is_over => 1,
                    allowed if allowed < FAST => (allowed + self.growth).min(FAST),
                    allowed => allowed + 1,
                };
                self.allowed = self.allowed.min(self.concurrency);
                self.failures = 0;
                self.failing_since = None;
            }
            Heard::Inconclusive => {
                self.hear_of_trouble();
                self.failures += 1;
                self.failing_since.get_or_insert(now);
                let is_outage = self.is_on() && self.failures >= LEAST.max(2 * self.concurrency);
                match &mut self.probe {
                    Some(probe) if is_probe => {
                        probe.under_way = false;
                        probe.pause = (probe.pause * 2).min(LONGEST_PAUSE);
                        probe.at = now + jittered(probe.pause, random);
                    }
                    None if is_outage => {
                        let at = now + jittered(FIRST_PAUSE, random);
                        self.probe = Some(Probe { at, pause: FIRST_PAUSE, under_way: false });
                    }
                    _ => {}
                }
            }
        }
    }

    /// When the batch loses hope, unless an answer is conclusive before.
    pub(crate) fn ends_at(&self) -> Option<Instant> {
        self.failing_since.filter(|_| self.is_on()).map(|since| since + self.patience)
    }
}

/// Three quarters of a pause to all of it.
fn jittered(pause: Duration, random: f64) -> Duration {
    pause.mul_f64(0.75 + random.clamp(0.0, 1.0) / 4.0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MINUTES: Duration = Duration::from_secs(600);

    #[rstest]
    #[case::alone(1, 5)]
    #[case::two(2, 5)]
    #[case::eight(8, 16)]
    #[case::many(64, 128)]
    fn an_outage_is_so_many_failures_in_a_row(#[case] concurrency: usize, #[case] failures: usize) {
        let now = Instant::now();
        let mut patience = Patience::new(concurrency, MINUTES);
        for _ in 1..failures {
            patience.hear(Heard::Inconclusive, false, now, 1.0);
        }
        assert_eq!(patience.outage(), None);
        patience.hear(Heard::Conclusive, false, now, 1.0);
        for _ in 1..failures {
            patience.hear(Heard::Inconclusive, false, now, 1.0);
        }
        assert_eq!(patience.outage(), None);
        patience.hear(Heard::Inconclusive, false, now, 1.0);
        assert_eq!(patience.outage(), Some(Outage { since: now }));
    }

    /// At 64 at once, calls that came back late do not put a probing call off, and there is one at a time.
    #[test]
    fn probing_calls_come_one_at_a_time_and_ever_more_slowly() {
        let start = Instant::now();
        let mut now = start;
        let mut patience = Patience::new(64, MINUTES);
        for _ in 0..128 {
            patience.hear(Heard::Inconclusive, false, now, 1.0);
        }
        let mut pauses = Vec::new();
        while patience.ends_at().unwrap() > now {
            let at = patience.probe_at().unwrap();
            pauses.push((at - now).as_secs());
            now = at;
            patience.begin_probe();
            assert_eq!(patience.probe_at(), None);
            patience.hear(Heard::Inconclusive, false, now, 1.0);
            assert_eq!(patience.probe_at(), None, "another call is not the probing one");
            patience.hear(Heard::Inconclusive, true, now, 1.0);
        }
        assert_eq!(pauses[..7], [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pauses.len(), 24, "in ten minutes");
        assert_eq!(patience.outage(), Some(Outage { since: start }));
    }

    #[test]
    fn after_an_outage_a_batch_begins_slowly() {
        let now = Instant::now();
        let mut patience = Patience::new(8, MINUTES);
        assert_eq!(patience.allowed(), 8);
        for _ in 0..16 {
            patience.hear(Heard::Inconclusive, false, now, 0.0);
        }
        patience.begin_probe();
        patience.hear(Heard::Conclusive, true, now, 0.0);
        assert_eq!((patience.outage(), patience.ends_at(), patience.allowed()), (None, None, 1));
        patience.hear(Heard::Conclusive, false, now, 0.0);
        assert_eq!(patience.allowed(), 2);
    }

    /// How many calls may run after so many answers: 64 after one round, while all is well, and then
    /// twice as many after each.
    #[test]
    fn a_batch_begins_with_a_few_calls_and_each_answer_allows_more() {
        let now = Instant::now();
        let allowed = |concurrency, answers, trouble_after| {
            let mut patience = Patience::new(concurrency, MINUTES);
            for answer in 0..answers {
                if trouble_after == Some(answer) {
                    patience.hear_of_trouble();
                }
                patience.hear(Heard::Conclusive, false, now, 0.0);
            }
            patience.allowed()
        };
        assert_eq!(
            [0, 1, 16, 17, 80, 208, 209].map(|n| allowed(256, n, None)),
            [16, 19, 64, 65, 128, 256, 256]
        );
        assert_eq!([0, 1, 16].map(|n| allowed(64, n, None)), [16, 19, 64]);
        assert_eq!([0, 1].map(|n| allowed(8, n, None)), [8, 8]);
        assert_eq!([0, 1, 16].map(|n| allowed(256, n, Some(0))), [16, 17, 32]);
        assert_eq!([16, 17, 18].map(|n| allowed(256, n, Some(16))), [64, 65, 66]);
    }

    #[test]
    fn hope_is_measured_from_the_first_failure() {
        let now = Instant::now();
        let mut patience = Patience::new(1, MINUTES);
        assert_eq!(patience.ends_at(), None);
        patience.hear(Heard::Inconclusive, false, now, 0.0);
        patience.hear(Heard::Inconclusive, false, now + Duration::from_secs(9), 0.0);
        assert_eq!(patience.ends_at(), Some(now + MINUTES));
    }

    #[test]
    fn the_share_of_calls_that_fail_follows_the_last_ones() {
        let now = Instant::now();
        let mut patience = Patience::new(8, MINUTES);
        assert!(patience.failing().abs() < 1e-9);
        let mut hear = |heard, times| {
            for _ in 0..times {
                patience.hear(heard, false, now, 0.0);
            }
            patience.failing()
        };
        assert!(hear(Heard::Inconclusive, 200) > 0.99);
        assert!(hear(Heard::Conclusive, 200) < 0.01);
        for _ in 0..200 {
            hear(Heard::Inconclusive, 1);
            hear(Heard::Conclusive, 1);
        }
        assert!((0.45..0.55).contains(&hear(Heard::Conclusive, 0)));
    }

    #[test]
    fn without_patience_there_is_no_waiting() {
        let now = Instant::now();
        let mut patience = Patience::new(1, Duration::ZERO);
        for _ in 0..100 {
            patience.hear(Heard::Inconclusive, false, now, 0.0);
        }
        assert_eq!((patience.outage(), patience.ends_at()), (None, None));
    }
}
