//! What the calls of a batch share about the server's load: one pause, and a pace once a limit was met.
//!
//! A batch starts unpaced. The first time that it meets a limit (429), it learns the rate that the server lets through
//! from what it let through so far, and from then on starts calls evenly at that rate. The rate rises slowly with
//! every attempt and falls with every further 429: so a limit is met rarely, and a limit that was lifted is noticed.
//!
//! A 429 need not come from a limit of a rate, and then slowing down does not help. So a rate that has fallen to half of
//! what it was is given up, and the next one is learned from twice as many answers: what such a server costs is a few
//! slower moments, and no list comes to a standstill.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::call::{Entry, Gate, World};

/// How long everybody waits after a 429 that does not say how long: most limits count by the second.
const UNTOLD: Duration = Duration::from_secs(1);
/// How long it gets, doubling, while nothing else is answered.
const UNTOLD_MOST: Duration = Duration::from_secs(30);
/// Fewer answers than this say little about a rate; a 429 then costs a pause and no more.
const ENOUGH: u64 = 20;
/// A rate that falls below this part of its highest is given up.
const FLOOR: f64 = 0.5;
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
    /// Attempts that the server took on before the first refusal: all that were sent and not answered 429, with lost
    /// answers and errors among them.
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
    /// What a rate is measured from.
    window: Window,
    /// The last refusal that was an event of its own.
    refused_at: Option<Instant>,
    /// From how many answers the next rate is learned.
    enough: u64,
    untold: Duration,
}

/// What came since the start, or since the last time that a limit was met and a rate could be told from it.
#[derive(Debug)]
struct Window {
    since: Instant,
    passed: u64,
    /// How many had passed at the last refusal.
    passed_at_refusal: u64,
    /// How much of the time was a pause that a 503 asked for: no part of a rate.
    down: Duration,
}

impl Window {
    fn new(since: Instant) -> Window {
        Window { since, passed: 0, passed_at_refusal: 0, down: Duration::ZERO }
    }
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    per_second: f64,
    /// The highest that it was since it was measured between two refusals; 0 for the first one, which counts a stock.
    highest: f64,
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
                window: Window::new(now),
                refused_at: None,
                enough: ENOUGH,
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

    /// A refusal for load, which everybody heeds.
    fn refused(&self, begun: Instant, now: Instant, status: u16, retry_after: Option<Duration>) {
        let mut state = self.state();
        // The first time, all that passed did so without the lock.
        let unlocked = self.passed.swap(0, Ordering::Relaxed);
        state.window.passed += unlocked;
        // The refusals of calls that were under way together are one event, however short the pause is.
        let again = state.is_paused(now) || state.refused_at.is_some_and(|at| begun < at);
        if status == 429 && !again {
            if retry_after.is_none() {
                let passed = state.window.passed > state.window.passed_at_refusal;
                state.untold = if passed { UNTOLD } else { (state.untold * 2).min(UNTOLD_MOST) };
            }
            let pause = retry_after.unwrap_or(state.untold);
            state.learn(now, pause);
            state.window.passed_at_refusal = state.window.passed;
            state.refused_at = Some(now);
        }
        let end = now + retry_after.unwrap_or(state.untold);
        if status == 503 {
            let paused_until = state.pause.map_or(now, |(until, _)| until.max(now));
            state.window.down += end.saturating_duration_since(paused_until);
        }
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

    /// Notes an attempt that the server took on.
    fn pass(&mut self) {
        self.window.passed += 1;
        if let Some(rate) = &mut self.rate {
            rate.per_second *= 1.0 + RISE / rate.learned_from;
            if rate.highest > 0.0 {
                rate.highest = rate.highest.max(rate.per_second);
            }
        }
    }

    /// A limit was met: which rate does the server let through, if it is one of a rate?
    #[allow(clippy::cast_precision_loss)]
    fn learn(&mut self, now: Instant, pause: Duration) {
        let window = &self.window;
        // The first time, what came through was a stock that the pause fills again: it counts as a part of the time.
        // Later, the limit was met at both ends of the time.
        let met_before = self.refused_at.is_some();
        let time = now.saturating_duration_since(window.since).saturating_sub(window.down)
            + if met_before { Duration::ZERO } else { pause };
        let measured = (window.passed + 1) as f64 / time.as_secs_f64().max(0.001);
        // Until a rate was given up, the second refusal is enough.
        let tells = window.passed >= self.enough || (met_before && self.enough == ENOUGH);
        let is_enough = window.passed >= ENOUGH;
        let passed = window.passed as f64;
        let (per_second, highest, learned_from) = match self.rate {
            None if !tells => {
                // What the stock let through would count for more than it is.
                if !met_before {
                    self.window = Window::new(now);
                }
                return;
            }
            None if met_before => (measured * MARGIN, measured * MARGIN, passed),
            None => (measured * MARGIN, 0.0, passed),
            Some(Rate { per_second, highest, learned_from }) if is_enough => {
                let lower = measured.min(per_second) * MARGIN;
                (lower, highest.max(lower), learned_from + passed)
            }
            Some(Rate { per_second, highest, learned_from }) => {
                (per_second * MARGIN, highest, learned_from)
            }
        };
        let is_new = self.rate.is_none();
        if per_second < highest * FLOOR {
            self.rate = None;
            self.enough = self.enough.saturating_mul(2);
        } else {
            let learned_from = learned_from.min(per_second * REMEMBERED).max(1.0);
            self.rate = Some(Rate { per_second, highest, learned_from });
        }
        if is_new || is_enough || self.rate.is_none() {
            self.window = Window::new(now);
        }
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

    fn answered(
        &self,
        begun: Instant,
        now: Instant,
        status: Option<u16>,
        retry_after: Option<Duration>,
    ) {
        if status != Some(429) {
            if self.strict.load(Ordering::Acquire) {
                self.state().pass();
            } else {
                self.passed.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let (Some(status @ 429), _) | (Some(status @ 503), Some(_)) = (status, retry_after) {
            self.refused(begun, now, status, retry_after);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use super::{ENOUGH, Entry, Gate, MARGIN, PATIENCE, Pace, RISE, Turn};

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
            pace.answered(begun, now.get(), Some(status), wait);
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
                pace.answered(begun, now, Some(status), (status == 429).then_some(wait));
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

    /// A call that begins when a refusal comes was not under way with the one that was refused: its refusal is an event
    /// of its own, and the second is enough for a rate. What is measured next begins there.
    #[test]
    fn a_call_that_begins_at_a_refusal_is_a_later_one() {
        let start = Instant::now();
        let (first, second) = (start + Duration::from_secs(1), start + Duration::from_secs(2));
        let pace = Pace::new(start, PATIENCE);
        pace.answered(start, start, Some(204), None);
        pace.answered(start, first, Some(429), Some(Duration::ZERO));
        assert_eq!(pace.rate(), None);
        pace.answered(start, first, Some(429), Some(Duration::ZERO));
        assert_eq!(pace.rate(), None, "it was under way before the first refusal");
        pace.answered(first, second, Some(429), Some(Duration::ZERO));
        assert!(pace.rate().is_some());
        assert_eq!(pace.state().window.since, second);
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
        pace.answered(start, start, Some(429), Some(PATIENCE + Duration::from_secs(1)));
        assert_eq!(pace.wait(None, || start, never), Entry::Late);
        let pace = Pace::new(start, PATIENCE);
        pace.answered(start, start, Some(503), Some(Duration::from_secs(599)));
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
        pace.answered(start, start, Some(429), Some(Duration::from_secs(60)));
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
        pace.answered(start, start, Some(503), Some(Duration::from_secs(3)));
        let pause = |left| {
            now.set(now.get() + left);
            true
        };
        assert_eq!(pace.wait(None, || now.get(), pause), Entry::Go);
        assert_eq!(now.get() - start, Duration::from_secs(3));
        assert_eq!(pace.rate(), None);
        pace.answered(now.get(), now.get(), Some(503), None);
        assert_eq!(pace.wait(None, || now.get(), |_| panic!("it was waited for")), Entry::Go);
    }

    /// What a server with random faults does to a call, whatever the rate.
    #[derive(Clone, Copy)]
    struct Faults {
        refused: f64,
        down: f64,
        lost: f64,
        wait: Option<Duration>,
    }

    /// How long `count` answers that are conclusive take so many callers, in simulated time.
    fn at_random(faults: Faults, callers: usize, latency: Duration, count: u32) -> Duration {
        let start = Instant::now();
        let pace = Pace::new(start, PATIENCE);
        let mut random = fastrand::Rng::with_seed(7);
        let mut events: Vec<(Instant, Option<Instant>)> = vec![(start, None); callers];
        let mut answers = 0;
        loop {
            let next = (0..callers).min_by_key(|caller| events[*caller].0).unwrap();
            let (now, call) = events[next];
            events[next] = if let Some(begun) = call {
                let dice = random.f64();
                let (status, wait) = if dice < faults.refused {
                    (Some(429), faults.wait)
                } else if dice < faults.refused + faults.down {
                    (Some(503), faults.wait)
                } else if dice < faults.refused + faults.down + faults.lost {
                    (None, None)
                } else {
                    answers += 1;
                    (Some(204), None)
                };
                pace.answered(begun, now, status, wait);
                if answers == count {
                    return now - start;
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

    /// Refusals that follow no rate: a list takes at most twice as long as it would without any pace.
    #[test]
    fn refusals_that_follow_no_rate_do_not_slow_a_list_to_a_standstill() {
        let wait = Some(Duration::ZERO);
        {
            for callers in [1, 8, 64] {
                for (refused, down, lost) in [
                    (0.05, 0.0, 0.0),
                    (0.1, 0.1, 0.1),
                    (0.3, 0.2, 0.2),
                    (0.02, 0.4, 0.0),
                    (0.02, 0.0, 0.4),
                ] {
                    let faults = Faults { refused, down, lost, wait };
                    let latency = Duration::from_millis(20);
                    let (count, good) = (1_500, 1.0 - refused - down - lost);
                    let took = at_random(faults, callers, latency, count).as_secs_f64();
                    let least = f64::from(count) / good / (callers as f64 / latency.as_secs_f64());
                    let told = format!("{callers} at once, {refused} {down} {lost}, {wait:?}");
                    assert!(
                        took < 2.0 * least + 1.0,
                        "{told}: {took:.1} s instead of {least:.1} s"
                    );
                }
            }
        }
    }

    /// A pace, and a clock that is set by hand.
    struct Clock {
        pace: Pace,
        start: Instant,
    }

    impl Clock {
        fn new() -> Clock {
            let start = Instant::now();
            Clock { pace: Pace::new(start, PATIENCE), start }
        }

        fn at(&self, seconds: f64) -> Instant {
            self.start + Duration::from_secs_f64(seconds)
        }

        /// So many attempts pass, begun then.
        fn pass(&self, begun: f64, count: u32, status: Option<u16>) {
            for _ in 0..count {
                self.pace.answered(self.at(begun), self.at(begun), status, None);
            }
        }

        /// An attempt that began then is refused then; `wait`: seconds.
        fn refuse(&self, begun: f64, now: f64, status: u16, wait: Option<u64>) {
            let wait = wait.map(Duration::from_secs);
            self.pace.answered(self.at(begun), self.at(now), Some(status), wait);
        }

        #[track_caller]
        fn assert_rate(&self, expected: f64) {
            let rate = self.pace.rate().unwrap();
            assert!((rate - expected).abs() < 1e-6, "{rate} instead of {expected}");
        }

        fn paused_until(&self) -> f64 {
            (self.pace.state().pause.unwrap().0 - self.start).as_secs_f64()
        }
    }

    /// The first rate counts the pause that fills the stock again. What was under way together is one event. A later
    /// rate counts neither that pause nor one of a 503, and counts lost answers and errors as what they are: load.
    #[test]
    fn a_rate_is_what_passed_in_the_time_that_the_server_worked() {
        let clock = Clock::new();
        clock.pass(0.0, 98, Some(204));
        clock.refuse(1.0, 1.0, 429, Some(1));
        clock.assert_rate(99.0 / 2.0 * MARGIN);
        assert_eq!(clock.paused_until(), 2.0);
        // In the pause, and begun before the refusal: nothing new but a longer pause.
        clock.refuse(1.0, 1.5, 429, Some(1));
        clock.refuse(0.9, 3.0, 429, Some(1));
        clock.assert_rate(99.0 / 2.0 * MARGIN);
        assert_eq!(clock.paused_until(), 4.0);
    }

    #[test]
    fn a_second_rate_counts_no_pause_and_all_load() {
        let clock = Clock::new();
        clock.refuse(0.0, 0.0, 429, Some(1));
        assert_eq!(clock.pace.rate(), None);
        clock.pass(1.0, 10, Some(204));
        clock.pass(1.0, 10, Some(500));
        clock.pass(1.0, 10, None);
        clock.refuse(2.0, 2.0, 503, Some(4));
        // The longer of two pauses that overlap, once.
        clock.refuse(2.0, 3.0, 503, Some(2));
        clock.refuse(8.0, 8.0, 429, Some(1));
        // Thirty, the two that were told to come back later, and the one that was refused, in four of eight seconds.
        clock.assert_rate(33.0 / 4.0 * MARGIN);
    }

    /// Too few answers before a refusal say nothing of a rate, enough do.
    #[rstest::rstest]
    #[case(19, false)]
    #[case(20, true)]
    fn a_rate_is_learned_from_enough_answers(#[case] passed: u32, #[case] learns: bool) {
        let clock = Clock::new();
        clock.pass(0.0, passed, Some(204));
        clock.refuse(1.0, 1.0, 429, Some(1));
        assert_eq!(clock.pace.rate().is_some(), learns);
    }

    /// A rate that falls below half of its highest is given up, and the next one takes twice as many answers.
    #[test]
    fn a_rate_that_has_fallen_by_half_is_given_up() {
        let clock = Clock::new();
        clock.pass(0.0, 199, Some(204));
        clock.refuse(1.0, 1.0, 429, Some(1));
        clock.assert_rate(100.0 * MARGIN);
        // The first rate counts a stock; the highest is what is measured after that.
        clock.pass(2.0, 39, None);
        clock.refuse(2.0, 2.0, 429, Some(0));
        clock.assert_rate(40.0 * MARGIN);
        clock.pass(2.0, 21, Some(204));
        clock.refuse(3.0, 3.0, 429, Some(0));
        clock.assert_rate(22.0 * MARGIN);
        clock.pass(3.0, 20, Some(204));
        clock.refuse(5.0, 5.0, 429, Some(0));
        assert_eq!(clock.pace.rate(), None);
        clock.pass(5.0, 39, Some(204));
        clock.refuse(6.0, 6.0, 429, Some(0));
        assert_eq!(clock.pace.rate(), None);
        clock.pass(6.0, 1, Some(204));
        clock.refuse(7.0, 7.0, 429, Some(0));
        clock.assert_rate(41.0 / 2.0 * MARGIN);
        assert_eq!(clock.pace.state().enough, 2 * ENOUGH);
    }

    /// It rises with each attempt, and falls by the margin at least and by half at most.
    #[test]
    fn a_rate_changes_by_steps() {
        let clock = Clock::new();
        clock.pass(0.0, 20, Some(204));
        clock.refuse(1.0, 1.0, 429, Some(0));
        let first = 21.0 * MARGIN;
        clock.assert_rate(first);
        clock.pass(2.0, 20, None);
        let risen = first * (1.0 + RISE / 20.0).powi(20);
        clock.assert_rate(risen);
        // Twenty-one in half a second is more.
        clock.refuse(1.5, 1.5, 429, Some(0));
        clock.assert_rate(risen * MARGIN);
        // Few answers lower it by the margin and no more, whatever was measured; enough do, by half at most.
        clock.pass(2.0, 18, None);
        clock.refuse(100.0, 100.0, 429, Some(0));
        let slower = risen * MARGIN * (1.0 + RISE / 40.0).powi(18) * MARGIN;
        clock.assert_rate(slower);
        clock.pass(100.0, 2, None);
        clock.refuse(1_000.0, 1_000.0, 429, Some(0));
        assert_eq!(clock.pace.rate(), None, "half of what is less than the highest is too little");
    }

    /// A refusal that does not say how long: a second, and longer while nothing passes at all.
    #[test]
    fn a_pause_that_is_not_told_doubles_while_nothing_passes() {
        let clock = Clock::new();
        clock.pass(0.0, 1, Some(204));
        let mut now = 0.0;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            clock.refuse(now, now, 429, None);
            pauses.push(clock.paused_until() - now);
            now = clock.paused_until();
        }
        assert_eq!(pauses, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        clock.pass(now, 1, None);
        clock.refuse(now, now, 429, None);
        assert_eq!(clock.paused_until() - now, 1.0);
        // Where it is told, that counts.
        let later = now + 1.0;
        clock.refuse(later, later, 429, Some(7));
        assert_eq!(clock.paused_until() - later, 7.0);
    }
}
