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

use crate::call::io::{CallIo, Permit, Throttle};

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

impl Throttle for RateLimiter {
    fn enter(&self, io: &dyn CallIo, deadline: Option<Instant>) -> Permit {
        match deadline {
            // A call of a batch is started by a worker that has waited for its turn already.
            None => Permit::Go,
            Some(_) => self.wait(deadline, || io.now(), |left| io.pause(left)),
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
mod tests;
