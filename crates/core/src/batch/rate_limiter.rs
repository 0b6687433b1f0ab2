//! What the calls of a batch share about the server's load: one pause, and a pace once a limit was met.
//!
//! A batch starts unpaced. The first time that it meets a limit (429), it learns the rate that the server lets through
//! from what it let through so far, and from then on starts calls evenly at that rate. The rate rises slowly with
//! every attempt and falls with every further 429: so a limit is met rarely, and a limit that was lifted is noticed.
//!
//! A 429 need not come from a limit of a rate, and then slowing down does not help. So a rate that has fallen by three
//! tenths is given up, and the next one is learned from twice as many answers: what such a server costs is a few
//! slower moments, and no list comes to a standstill. And a 429 that does not say how long to wait is first of all the
//! matter of the call that was refused, which backs off: everybody waits only where far more is refused than let through.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::call::io::{CallIo, Permit, Throttle};

/// How long everybody waits where much is refused and no 429 says how long: most limits count by the second.
const UNTOLD: Duration = Duration::from_secs(1);
/// How long it gets, doubling, while nothing else is answered.
const UNTOLD_MOST: Duration = Duration::from_secs(30);
/// Fewer answers than this say little about a rate.
const ENOUGH: u64 = 20;
/// A rate that falls below this part of its highest is given up.
const FLOOR: f64 = 0.7;
/// The part of a learned rate that is used.
const MARGIN: f64 = 0.95;
/// A rate counts as learned from at most this many seconds' worth of answers.
const REMEMBERED: f64 = 5.0;
/// A rate doubles within ten times as many answers as it was learned from.
const RISE: f64 = std::f64::consts::LN_2 / 10.0;

/// A pause that the server asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// The time that is left of it.
    pub left: Duration,
    /// The status that asked for it: 429 or 503.
    pub http_status: u16,
}

/// The throttle of a batch: how many calls are started, and when.
#[derive(Debug)]
pub(crate) struct RateLimiter {
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
    /// Calls that begin from then on know of the last refusal that was an event of its own.
    heeded_from: Option<Instant>,
    /// From how many answers the next rate is learned. Half as many refusals are a crowd.
    enough: u64,
    /// The refusals, less twice what passed, and no more than a crowd: where less than two thirds are refused at
    /// random, they do not add up.
    refusals: u64,
    /// What passed since the last pause whose length no server told, and that length.
    passed_since_pause: u64,
    untold: Duration,
}

/// What came since the start, or since the last time that a limit was met and a rate could be told from it.
#[derive(Debug)]
struct Window {
    since: Instant,
    passed: u64,
    /// How much of the time was a pause that a 503 asked for: no part of a rate.
    down: Duration,
    /// Whether what passed may have come from a stock: no limit was met when it began.
    from_stock: bool,
}

impl Window {
    fn new(since: Instant) -> Window {
        Window { since, passed: 0, down: Duration::ZERO, from_stock: false }
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

impl RateLimiter {
    pub(crate) fn new(now: Instant, patience: Duration) -> RateLimiter {
        RateLimiter {
            patience,
            strict: AtomicBool::new(false),
            passed: AtomicU64::new(0),
            state: Mutex::new(State {
                pause: None,
                rate: None,
                next: now,
                window: Window { from_stock: true, ..Window::new(now) },
                heeded_from: None,
                enough: ENOUGH,
                refusals: 0,
                passed_since_pause: 0,
                untold: Duration::ZERO,
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
    ) -> Permit {
        if !self.strict.load(Ordering::Acquire) {
            return Permit::Go;
        }
        loop {
            let start = now();
            let turn = self.state().turn(start, deadline, self.patience);
            let (until, go) = match turn {
                Some(Turn::Go) => return Permit::Go,
                Some(Turn::At(slot)) => (slot, true),
                Some(Turn::After(end)) => (end, false),
                None => return Permit::Late,
            };
            if !pause(until.saturating_duration_since(start)) {
                return Permit::Ended;
            }
            // A pause that began meanwhile is for those who had their turn already, too.
            if go && !self.state().is_paused(now()) {
                return Permit::Go;
            }
        }
    }

    /// A refusal for load.
    fn refused(&self, begun: Instant, now: Instant, status: u16, retry_after: Option<Duration>) {
        let mut state = self.state();
        // The first time, all that passed did so without the lock.
        let unlocked = self.passed.swap(0, Ordering::Relaxed);
        state.passed(unlocked);
        let pause = match status {
            // `Retry-After: 0` tells no more of a limit than none.
            429 => state.limited(begun, now, retry_after.filter(|told| !told.is_zero())),
            _ => retry_after,
        };
        if let Some(pause) = pause {
            state.pause(now, status, pause);
        }
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

    /// Everybody waits.
    fn pause(&mut self, now: Instant, status: u16, pause: Duration) {
        let end = now + pause;
        if status == 503 {
            let paused_until = self.pause.map_or(now, |(until, _)| until.max(now));
            self.window.down += end.saturating_duration_since(paused_until);
        }
        if self.pause.is_none_or(|(until, _)| until < end) {
            self.pause = Some((end, status));
        }
    }

    /// A limit, perhaps: how long everybody is to wait, if at all.
    fn limited(
        &mut self,
        begun: Instant,
        now: Instant,
        told: Option<Duration>,
    ) -> Option<Duration> {
        let crowd_size = self.enough / 2;
        self.refusals = (self.refusals + 1).min(crowd_size);
        let crowd = told.is_none() && self.refusals == crowd_size;
        // The refusals of calls that were under way together, or had their turns already, are one event, however short
        // the pause is; but that they are a crowd shows only later.
        let paused = self.is_paused(now);
        let again = paused || self.heeded_from.is_some_and(|from| begun < from);
        if again && (paused || !crowd) {
            return told;
        }
        if told.is_some() || self.heeded_from.is_some() {
            self.learn(now, told, crowd);
        }
        self.heeded_from = Some(self.next.max(now));
        if !crowd {
            return told;
        }
        self.untold = match self.passed_since_pause {
            0 => (self.untold * 2).clamp(UNTOLD, UNTOLD_MOST),
            _ => UNTOLD,
        };
        self.passed_since_pause = 0;
        Some(self.untold)
    }

    fn passed(&mut self, count: u64) {
        self.window.passed += count;
        self.passed_since_pause += count;
        self.refusals = self.refusals.saturating_sub(2 * count);
    }

    /// Notes an attempt that the server took on.
    fn pass(&mut self) {
        self.passed(1);
        if let Some(rate) = &mut self.rate {
            rate.per_second *= 1.0 + RISE / rate.learned_from;
            if rate.highest > 0.0 {
                rate.highest = rate.highest.max(rate.per_second);
            }
        }
    }

    /// A limit was met: which rate does the server let through, if it is one of a rate?
    #[allow(clippy::cast_precision_loss)]
    fn learn(&mut self, now: Instant, told: Option<Duration>, crowd: bool) {
        let window = &self.window;
        let time = now.saturating_duration_since(window.since).saturating_sub(window.down);
        // A stock counts with the time that fills it again. Later, the limit was met at both ends of the time.
        let time = match told {
            Some(told) if window.from_stock => time + told,
            None if window.from_stock && crowd => time.max(UNTOLD),
            _ => time,
        };
        let measured = (window.passed + 1) as f64 / time.as_secs_f64().max(0.001);
        let tells = window.passed >= self.enough;
        let is_enough = window.passed >= ENOUGH;
        let passed = window.passed as f64;
        let (per_second, highest, learned_from) = match self.rate {
            None if !tells => {
                // What the stock let through would count for more than it is.
                if window.from_stock {
                    self.window = Window::new(now);
                }
                return;
            }
            None if window.from_stock => (measured * MARGIN, 0.0, passed),
            None => (measured * MARGIN, measured * MARGIN, passed),
            Some(Rate { per_second, highest, learned_from }) if is_enough => {
                let lower = measured.min(per_second) * MARGIN;
                (lower, highest.max(lower), learned_from + passed)
            }
            Some(Rate { per_second, highest, learned_from }) => {
                (per_second * MARGIN, highest, learned_from)
            }
        };
        if per_second < highest * FLOOR {
            self.rate = None;
            self.enough = self.enough.saturating_mul(2);
        } else {
            let learned_from = learned_from.min(per_second * REMEMBERED).max(1.0);
            self.rate = Some(Rate { per_second, highest, learned_from });
        }
        if is_enough || self.rate.is_none() {
            self.window = Window::new(now);
        }
    }
}

impl Throttle for RateLimiter {
    fn enter(&self, io: &dyn CallIo, deadline: Instant) -> Permit {
        self.wait(Some(deadline), || io.now(), |left| io.pause(left))
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
mod tests;
