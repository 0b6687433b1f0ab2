use std::cell::Cell;
use std::time::{Duration, Instant};

use super::{ENOUGH, MARGIN, PATIENCE, Permit, RISE, RateLimiter, Throttle, Turn};

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

/// As [`run`], with as many callers at once: how long it took, and how many refusals came.
fn crowd(
    callers: usize,
    rate: f64,
    latency: Duration,
    count: u32,
    wait: Duration,
) -> (Duration, u32) {
    let start = Instant::now();
    let pace = RateLimiter::new(start, PATIENCE);
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
    let pace = RateLimiter::new(start, PATIENCE);
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
    let pace = RateLimiter::new(start, PATIENCE);
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
                assert!(took < 2.0 * least + 1.0, "{told}: {took:.1} s instead of {least:.1} s");
            }
        }
    }
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
