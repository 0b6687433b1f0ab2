mod simulation;

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::{ENOUGH, MARGIN, Permit, RISE, RateLimiter, Throttle};
use crate::batch::options::PATIENCE;

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
    let pace = RateLimiter::new(start, PATIENCE);
    let mut server = Server { rate, left: rate, filled: start };
    let (mut answers, mut refusals) = (0, 0);
    while answers < count {
        let pause = |left| {
            now.set(now.get() + left);
            true
        };
        assert_eq!(pace.wait(None, || now.get(), pause), Permit::Go);
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

/// A call that begins when a refusal comes was not under way with the one that was refused: its refusal is an event
/// of its own, and lowers the rate. What is measured next begins there.
#[test]
fn a_call_that_begins_at_a_refusal_is_a_later_one() {
    let clock = Clock::new();
    clock.pass(0.0, 20, Some(204));
    clock.refuse(0.0, 1.0, 429, None);
    clock.refuse(0.5, 1.0, 429, None);
    assert_eq!(clock.pace.rate(), None, "it was under way before the first refusal");
    clock.refuse(1.0, 2.0, 429, None);
    clock.assert_rate(21.0 / 2.0 * MARGIN);
    assert_eq!(clock.pace.state().window.since, clock.at(2.0));
    // Turns that were given at an earlier rate were, too.
    for _ in 0..10 {
        assert!(clock.pace.state().turn(clock.at(2.0), None, PATIENCE).is_some());
    }
    let next = clock.pace.state().next;
    clock.refuse(2.0, 2.0, 429, None);
    let lower = 21.0 / 2.0 * MARGIN * MARGIN;
    clock.assert_rate(lower);
    let just_before = (next - clock.start).as_secs_f64() - 1e-6;
    clock.refuse(just_before, 4.0, 429, None);
    clock.assert_rate(lower);
    clock.refuse(just_before + 2e-6, 4.0, 429, None);
    clock.assert_rate(lower * MARGIN);
}

#[test]
fn a_pause_of_hours_is_not_waited_for() {
    let start = Instant::now();
    let pace = RateLimiter::new(start, PATIENCE);
    let never = |_| panic!("it was waited for");
    pace.answered(start, start, Some(429), Some(PATIENCE + Duration::from_secs(1)));
    assert_eq!(pace.wait(None, || start, never), Permit::Late);
    let pace = RateLimiter::new(start, PATIENCE);
    pace.answered(start, start, Some(503), Some(Duration::from_secs(599)));
    assert_eq!(pace.wait(None, || start, |_| false), Permit::Ended);
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
    let pace = RateLimiter::new(start, PATIENCE);
    pace.answered(start, start, Some(429), Some(Duration::from_secs(60)));
    let never = |_| panic!("it was waited for");
    let soon = Some(start + Duration::from_secs(30));
    assert_eq!(pace.wait(soon, || start, never), Permit::Late);
    assert_eq!(pace.wait(None, || start, |_| false), Permit::Ended);
    assert_eq!(pace.pause().unwrap().http_status, 429);
}

#[test]
fn a_503_pauses_everybody_and_slows_nobody_after_it() {
    let start = Instant::now();
    let now = Cell::new(start);
    let pace = RateLimiter::new(start, PATIENCE);
    pace.answered(start, start, Some(503), Some(Duration::from_secs(3)));
    let pause = |left| {
        now.set(now.get() + left);
        true
    };
    assert_eq!(pace.wait(None, || now.get(), pause), Permit::Go);
    assert_eq!(now.get() - start, Duration::from_secs(3));
    assert_eq!(pace.rate(), None);
    pace.answered(now.get(), now.get(), Some(503), None);
    assert_eq!(pace.wait(None, || now.get(), |_| panic!("it was waited for")), Permit::Go);
}

/// A pace, and a clock that is set by hand.
struct Clock {
    pace: RateLimiter,
    start: Instant,
}

impl Clock {
    fn new() -> Clock {
        let start = Instant::now();
        Clock { pace: RateLimiter::new(start, PATIENCE), start }
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
    assert_eq!(clock.paused_until(), 6.0);
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

/// A rate that falls below seven tenths of its highest is given up, and the next one takes twice as many answers.
#[test]
fn a_rate_that_has_fallen_far_is_given_up() {
    let clock = Clock::new();
    clock.pass(0.0, 199, Some(204));
    clock.refuse(1.0, 1.0, 429, Some(1));
    clock.assert_rate(100.0 * MARGIN);
    // The first rate counts a stock; the highest is what is measured after that.
    clock.pass(2.0, 39, None);
    clock.refuse(2.0, 2.0, 429, Some(0));
    clock.assert_rate(40.0 * MARGIN);
    clock.pass(2.0, 28, Some(204));
    clock.refuse(3.0, 3.0, 429, Some(0));
    clock.assert_rate(29.0 * MARGIN);
    clock.pass(3.0, 54, Some(204));
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

/// It rises with each attempt, and falls by the margin at least.
#[test]
fn a_rate_changes_by_steps() {
    let clock = Clock::new();
    clock.pass(0.0, 20, Some(204));
    clock.refuse(0.0, 0.5, 429, Some(0));
    assert_eq!(clock.pace.rate(), None, "a refusal alone is the call's own");
    clock.refuse(1.0, 1.0, 429, Some(0));
    let first = 21.0 * MARGIN;
    clock.assert_rate(first);
    clock.pass(2.0, 20, None);
    let risen = first * (1.0 + RISE / 20.0).powi(20);
    clock.assert_rate(risen);
    // Twenty-one in half a second is more.
    clock.refuse(1.5, 1.5, 429, Some(0));
    clock.assert_rate(risen * MARGIN);
    // Few answers lower it by the margin and no more, whatever was measured; enough do.
    clock.pass(2.0, 18, None);
    clock.refuse(100.0, 100.0, 429, Some(0));
    let slower = risen * MARGIN * (1.0 + RISE / 40.0).powi(18) * MARGIN;
    clock.assert_rate(slower);
    clock.pass(100.0, 2, None);
    clock.refuse(1_000.0, 1_000.0, 429, Some(0));
    assert_eq!(clock.pace.rate(), None, "far less than the highest is too little");
}

/// Refusals that do not say how long: a crowd of them is a limit, of one second's worth; a few among answers are none.
#[test]
fn a_crowd_of_refusals_pauses_everybody_and_a_few_pause_nobody() {
    let clock = Clock::new();
    clock.pass(0.0, 99, Some(204));
    for _ in 0..9 {
        clock.refuse(0.0, 0.5, 429, None);
    }
    assert!(clock.pace.state().pause.is_none(), "nine are no crowd");
    clock.pass(0.5, 1, Some(204));
    for _ in 0..2 {
        clock.refuse(0.0, 0.5, 429, Some(0));
    }
    assert!(clock.pace.state().pause.is_none(), "one that passes counts for two that are refused");
    assert_eq!(clock.pace.rate(), None);
    clock.refuse(0.0, 0.5, 429, None);
    assert_eq!(clock.paused_until(), 1.5);
    // A hundred and the one that was refused, in a second, though they came in half of one.
    clock.assert_rate(101.0 * MARGIN);
    // In the pause, they are the same crowd.
    clock.refuse(0.0, 1.0, 429, None);
    assert_eq!(clock.paused_until(), 1.5);
    clock.assert_rate(101.0 * MARGIN);
}

/// What a server does that took longer to refuse is measured as it was.
#[test]
fn a_crowd_after_more_than_a_second_counts_the_time_that_it_took() {
    let clock = Clock::new();
    clock.pass(0.0, 100, Some(204));
    for _ in 0..10 {
        clock.refuse(0.0, 2.0, 429, None);
    }
    clock.assert_rate(101.0 / 2.0 * MARGIN);
    assert_eq!(clock.paused_until(), 3.0);
}

/// Only a stock counts with a second: a later crowd is measured by the time that there was.
#[test]
fn a_crowd_between_two_refusals_counts_no_second() {
    let clock = Clock::new();
    clock.pass(0.0, 20, Some(204));
    clock.refuse(0.0, 0.4, 429, None);
    clock.refuse(0.4, 0.5, 429, None);
    let first = 21.0 / 0.5 * MARGIN;
    clock.assert_rate(first);
    clock.pass(0.5, 20, None);
    for _ in 0..10 {
        clock.refuse(0.4, 0.75, 429, None);
    }
    // Twenty-one in a quarter of a second are more than the rate, in a whole one they would be less.
    clock.assert_rate(first * (1.0 + RISE / 20.0).powi(20) * MARGIN);
    assert_eq!(clock.paused_until(), 1.75);
}

/// A rate that fell step by step, with few answers each, is given up, too; what is measured next begins there.
#[test]
fn what_is_measured_after_a_rate_was_given_up_begins_there() {
    let clock = Clock::new();
    clock.pass(0.0, 20, Some(204));
    clock.refuse(1.0, 1.0, 429, Some(1));
    clock.pass(2.0, 20, Some(204));
    clock.refuse(3.0, 3.0, 429, Some(1));
    let mut now = 4.0;
    while clock.pace.rate().is_some() {
        clock.pass(now, 1, Some(204));
        now += 2.0;
        clock.refuse(now, now, 429, Some(1));
    }
    assert_eq!(clock.pace.state().window.since, clock.at(now));
}

/// Neither a turn nor the end of a pause is waited for when it comes at the deadline.
#[test]
fn a_turn_at_the_deadline_is_too_late() {
    let clock = Clock::new();
    clock.pass(0.0, 20, Some(204));
    clock.refuse(1.0, 1.0, 429, Some(1));
    let turn = |now, deadline| {
        clock.pace.state().turn(clock.at(now), Some(clock.at(deadline)), PATIENCE).is_some()
    };
    assert!(!turn(1.5, 2.0), "the pause ends then");
    assert!(turn(1.5, 2.1));
    assert!(turn(2.0, 3.0), "the first turn");
    let next = (clock.pace.state().next - clock.start).as_secs_f64();
    assert!(!turn(2.0, next));
    assert!(turn(2.0, next + 0.001));
}

/// A pause whose length is not told: a second, and longer while nothing passes at all.
#[test]
fn a_pause_that_is_not_told_doubles_while_nothing_passes() {
    let clock = Clock::new();
    clock.pass(0.0, 1, Some(204));
    for _ in 0..9 {
        clock.refuse(0.0, 0.0, 429, None);
    }
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
    assert_eq!(clock.paused_until(), now, "something has passed");
    clock.refuse(now, now, 429, None);
    assert_eq!(clock.paused_until() - now, 1.0);
    // Where it is told, that counts.
    let later = now + 1.0;
    clock.refuse(later, later, 429, Some(7));
    assert_eq!(clock.paused_until() - later, 7.0);
}
