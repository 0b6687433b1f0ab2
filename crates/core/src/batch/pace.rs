//! What the calls of a batch share about the server's load: one pause, and a pace once a limit was met.
//!
//! A batch starts unpaced. The first time that it meets a limit (429), it learns the rate that the server lets through
//! from what it let through so far, and from then on starts calls evenly at that rate. The rate rises slowly with
//! every answer and falls with every further 429: so a limit is met rarely, and a limit that was lifted is noticed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::call::{Entry, Gate, World};

/// How long everybody waits after a 429 that does not say how long: most limits count by the second.
const UNTOLD: Duration = Duration::from_secs(1);
/// How long it gets, doubling, while nothing else is answered.
const UNTOLD_MOST: Duration = Duration::from_secs(30);
/// Fewer answers than this before the first 429 say little about a rate; one 429 then costs a pause and no more.
const ENOUGH: u64 = 20;
/// A batch that is asked for a longer pause than this, and than one call may take, ends: it would look dead for hours.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// The part of a learned rate that is used.
const MARGIN: f64 = 0.95;
/// A rate counts as learned from at most this many seconds' worth of answers.
const REMEMBERED: f64 = 5.0;
/// A rate doubles within ten times as many answers as it was learned from.
const RISE: f64 = std::f64::consts::LN_2 / 10.0;

/// Why a batch is quiet just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// How long it lasts yet.
    pub left: Duration,
    /// The status that asked for it: 429 or 503.
    pub http_status: u16,
}

/// The gate of a batch.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Whether there is a pause or a rate to heed: without one, nobody takes the lock.
    strict: AtomicBool,
    /// Answers that were no refusal for load.
    passed: AtomicU64,
    /// The longest pause that is kept.
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The end of the pause, and the status that asked for it.
    pause: Option<(Instant, u16)>,
    rate: Option<Rate>,
    /// When the next call may start.
    next: Instant,
    /// Since when, and since how many passed, a rate is measured: the start, or the last time that a limit was met.
    since: Instant,
    passed_before: u64,
    met_before: bool,
    untold: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    per_second: f64,
    /// How many answers it was learned from.
    learned_from: f64,
}

/// What is to be done before a call starts.
enum Turn {
    Go,
    /// Wait for the end of the pause, then ask again.
    After(Instant),
    /// Wait for the turn that was given, then go.
    At(Instant),
}

impl Pace {
    pub(crate) fn new(now: Instant, patience: Duration) -> Pace {
        Pace {
            patience,
            strict: AtomicBool::new(false),
            passed: AtomicU64::new(0),
            state: Mutex::new(State {
                pause: None,
                rate: None,
                next: now,
                since: now,
                passed_before: 0,
                met_before: false,
                untold: UNTOLD,
            }),
        }
    }

    /// The pause that all calls keep now.
    pub(crate) fn pause(&self) -> Option<Pause> {
        let (until, http_status) = self.state().pause?;
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        Some(Pause { left, http_status })
    }

    /// How many calls are started a second at most.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.state().rate.map(|rate| rate.per_second)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn: not at all when that is not before `deadline`, or after a longer pause than is kept.
    /// `pause` waits, and is `false` when the wait was ended early.
    pub(crate) fn wait(
        &self,
        deadline: Option<Instant>,
        now: impl Fn() -> Instant,
        pause: impl Fn(Duration) -> bool,
    ) -> Entry {
        if !self.strict.load(Ordering::Acquire) {
            return Entry::Go;
        }
        loop {
            let start = now();
            let turn = self.state().turn(start, deadline, self.patience);
            let (until, go) = match turn {
                Some(Turn::Go) => return Entry::Go,
                Some(Turn::At(slot)) => (slot, true),
                Some(Turn::After(end)) => (end, false),
                None => return Entry::Late,
            };
            if !pause(until.saturating_duration_since(start)) {
                return Entry::Ended;
            }
            // A pause that began meanwhile is for those who had their turn already, too.
            if go && !self.state().is_paused(now()) {
                return Entry::Go;
            }
        }
    }

    fn refused(&self, begun: Instant, now: Instant, status: u16, retry_after: Option<Duration>) {
        let passed = self.passed.load(Ordering::Relaxed);
        let mut state = self.state();
        let passed = passed.saturating_sub(state.passed_before);
        // The refusals of calls that were under way together are one event, however short the pause is.
        let again = state.is_paused(now) || (state.met_before && begun < state.since);
        let least = retry_after.unwrap_or(state.untold);
        if status == 429 && !again {
            state.learn(now, passed, least);
            if retry_after.is_none() {
                state.untold =
                    if passed == 0 { (state.untold * 2).min(UNTOLD_MOST) } else { UNTOLD };
            }
            state.since = now;
            state.passed_before += passed;
            state.met_before = true;
        }
        let end = now + least;
        if state.pause.is_none_or(|(until, _)| until < end) {
            state.pause = Some((end, status));
        }
        state.next = state.next.max(end);
        self.strict.store(true, Ordering::Release);
    }
}

impl State {
    fn is_paused(&self, now: Instant) -> bool {
        self.pause.is_some_and(|(until, _)| now < until)
    }

    /// `None`: not before the deadline.
    fn turn(
        &mut self,
        now: Instant,
        deadline: Option<Instant>,
        patience: Duration,
    ) -> Option<Turn> {
        let turn = match (self.pause, self.rate) {
            (Some((until, _)), _) if now < until => Turn::After(until),
            (_, None) => Turn::Go,
            (_, Some(rate)) => {
                let slot = self.next.max(now);
                if deadline.is_some_and(|deadline| deadline <= slot) {
                    return None;
                }
                self.next = slot + Duration::from_secs_f64(1.0 / rate.per_second);
                if slot <= now { Turn::Go } else { Turn::At(slot) }
            }
        };
        match turn {
            Turn::After(until) if deadline.unwrap_or(now + patience) <= until => None,
            turn => Some(turn),
        }
    }

    /// A limit was met: which rate does the server let through?
    #[allow(clippy::cast_precision_loss)]
    fn learn(&mut self, now: Instant, passed: u64, pause: Duration) {
        // The first time, what came through was a stock that the pause fills again: it counts as a part of the time.
        // Later, the limit was met at both ends of the time.
        let time = now.saturating_duration_since(self.since)
            + if self.met_before { Duration::ZERO } else { pause };
        let measured = (passed + 1) as f64 / time.as_secs_f64().max(0.001);
        let per_second = match self.rate {
            Some(rate) => (measured.min(rate.per_second) * MARGIN).max(rate.per_second / 2.0),
            None if self.met_before || passed >= ENOUGH => measured * MARGIN,
            None => return,
        };
        let learned_from = (passed as f64).min(per_second * REMEMBERED).max(1.0);
        self.rate = Some(Rate { per_second, learned_from });
    }
}

impl Gate for Pace {
    fn enter(&self, world: &dyn World, deadline: Option<Instant>) -> Entry {
        match deadline {
            // A call of a batch is started by a worker that has waited for its turn already.
            None => Entry::Go,
            Some(_) => self.wait(deadline, || world.now(), |left| world.pause(left)),
        }
    }

    fn answered(&self, begun: Instant, now: Instant, status: u16, retry_after: Option<Duration>) {
        match (status, retry_after) {
            (429, _) | (503, Some(_)) => self.refused(begun, now, status, retry_after),
            _ => {
                self.passed.fetch_add(1, Ordering::Relaxed);
                if self.strict.load(Ordering::Acquire)
                    && let Some(rate) = &mut self.state().rate
                {
                    rate.per_second *= 1.0 + RISE / rate.learned_from;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use super::{Entry, Gate, PATIENCE, Pace, Turn};

    /// A server with a bucket of one second's worth, and as many callers as calls take time: simulated, so that an
    /// hour takes no time.
    struct Server {
        rate: f64,
        left: f64,
        filled: Instant,
    }

    impl Server {
        fn answer(&mut self, now: Instant) -> u16 {
            let passed = now.saturating_duration_since(self.filled).as_secs_f64();
            self.left = (self.left + passed * self.rate).min(self.rate);
            self.filled = now;
            if self.left < 1.0 {
                return 429;
            }
            self.left -= 1.0;
            204
        }
    }

    /// One caller with calls that take `latency`: how long `count` answers took, and how many refusals came.
    fn run(rate: f64, latency: Duration, count: u32, lifted_after: Option<u32>) -> (Duration, u32) {
        let start = Instant::now();
        let now = Cell::new(start);
        let pace = Pace::new(start, PATIENCE);
        let mut server = Server { rate, left: rate, filled: start };
        let (mut answers, mut refusals) = (0, 0);
        while answers < count {
            let pause = |left| {
                now.set(now.get() + left);
                true
            };
            assert_eq!(pace.wait(None, || now.get(), pause), Entry::Go);
            let begun = now.get();
            now.set(begun + latency);
            if lifted_after.is_some_and(|after| answers >= after) {
                server.rate = 1e9;
            }
            let status = server.answer(now.get());
            let wait = (status == 429).then_some(Duration::from_secs(1));
            pace.answered(begun, now.get(), status, wait);
            if status == 204 { answers += 1 } else { refusals += 1 }
        }
        (now.get() - start, refusals)
    }

    #[test]
    fn a_limit_is_kept_with_few_refusals_and_little_loss() {
        for rate in [5.0, 100.0, 2_000.0] {
            let count = (rate * 60.0) as u32;
            let (took, refusals) = run(rate, Duration::from_micros(100), count, None);
            assert!(refusals * 20 < count, "{rate}/s: {refusals} of {count} refused");
            assert!(took < Duration::from_secs(72), "{rate}/s: {took:?} instead of a minute");
        }
    }

    /// As [`run`], with as many callers at once: how long it took, and how many refusals came.
    fn crowd(
        callers: usize,
        rate: f64,
        latency: Duration,
        count: u32,
        wait: Duration,
    ) -> (Duration, u32) {
        let start = Instant::now();
        let pace = Pace::new(start, PATIENCE);
        let mut server = Server { rate, left: rate, filled: start };
        // When each caller has something to do, and when its call began, if it makes one.
        let mut events: Vec<(Instant, Option<Instant>)> = vec![(start, None); callers];
        let (mut answers, mut refusals) = (0, 0);
        loop {
            let next = (0..callers).min_by_key(|caller| events[*caller].0).unwrap();
            let (now, call) = events[next];
            events[next] = if let Some(begun) = call {
                let status = server.answer(now);
                pace.answered(begun, now, status, (status == 429).then_some(wait));
                if status == 204 {
                    answers += 1
                } else {
                    refusals += 1
                }
                if answers == count {
                    return (now - start, refusals);
                }
                (now, None)
            } else {
                match pace.state().turn(now, None, PATIENCE).unwrap() {
                    Turn::Go => (now + latency, Some(now)),
                    Turn::At(slot) => (slot + latency, Some(slot)),
                    Turn::After(end) => (end, None),
                }
            };
        }
    }

    /// What many calls under way at once are refused is one event, also where the server asks for no pause at all: it
    /// must not slow the list to a standstill.
    #[test]
    fn a_crowd_is_not_slowed_more_than_the_server_asks() {
        for callers in [1, 16, 64, 256] {
            for wait in [Duration::ZERO, Duration::from_secs(1)] {
                let latency = Duration::from_millis(200);
                let (took, refusals) = crowd(callers, 50.0, latency, 3_000, wait);
                // One caller alone makes five a second.
                let least = 3_000.0 / 50_f64.min(5.0 * callers as f64);
                let told =
                    format!("{callers} at once, a pause of {wait:?}: {took:?}, {refusals} refused");
                assert!(took.as_secs_f64() < least * 1.5 + 5.0, "{told}");
                assert!(refusals < 1_500, "{told}");
            }
        }
    }

    #[test]
    fn a_pause_of_hours_is_not_waited_for() {
        let start = Instant::now();
        let pace = Pace::new(start, PATIENCE);
        let never = |_| panic!("it was waited for");
        pace.answered(start, start, 429, Some(PATIENCE + Duration::from_secs(1)));
        assert_eq!(pace.wait(None, || start, never), Entry::Late);
        let pace = Pace::new(start, PATIENCE);
        pace.answered(start, start, 503, Some(Duration::from_secs(599)));
        assert_eq!(pace.wait(None, || start, |_| false), Entry::Ended);
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let (took, refusals) = run(1e9, Duration::from_micros(100), 10_000, None);
        assert_eq!((took, refusals), (Duration::from_secs(1), 0));
    }

    #[test]
    fn a_limit_that_was_lifted_is_noticed() {
        // 100 a second at first; then none, and still a call takes a millisecond.
        let (took, _) = run(100.0, Duration::from_millis(1), 20_000, Some(1_000));
        assert!(took < Duration::from_secs(90), "{took:?}: as slow as under the limit");
    }

    #[test]
    fn a_turn_that_does_not_come_in_time_is_not_waited_for() {
        let start = Instant::now();
        let pace = Pace::new(start, PATIENCE);
        pace.answered(start, start, 429, Some(Duration::from_secs(60)));
        let never = |_| panic!("it was waited for");
        let soon = Some(start + Duration::from_secs(30));
        assert_eq!(pace.wait(soon, || start, never), Entry::Late);
        assert_eq!(pace.wait(None, || start, |_| false), Entry::Ended);
        assert_eq!(pace.pause().unwrap().http_status, 429);
    }

    #[test]
    fn a_503_pauses_everybody_and_slows_nobody_after_it() {
        let start = Instant::now();
        let now = Cell::new(start);
        let pace = Pace::new(start, PATIENCE);
        pace.answered(start, start, 503, Some(Duration::from_secs(3)));
        let pause = |left| {
            now.set(now.get() + left);
            true
        };
        assert_eq!(pace.wait(None, || now.get(), pause), Entry::Go);
        assert_eq!(now.get() - start, Duration::from_secs(3));
        assert_eq!(pace.rate(), None);
        pace.answered(now.get(), now.get(), 503, None);
        assert_eq!(pace.wait(None, || now.get(), |_| panic!("it was waited for")), Entry::Go);
    }
}
