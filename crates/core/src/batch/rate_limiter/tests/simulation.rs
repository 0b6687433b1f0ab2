//! Callers and servers in simulated time, so that an hour takes none. A caller does as `Call::run` does: it waits for
//! its turn, asks, backs off after what can be asked again, up to four times, and takes the next id.

use std::time::{Duration, Instant};

use rstest::rstest;

use crate::batch::options::PATIENCE;
use crate::batch::rate_limiter::{RateLimiter, Turn};
use crate::call::io::Throttle;
use crate::call::retry::RetryPolicy;

/// What limits a server, whatever else goes wrong.
#[derive(Clone, Copy, Debug)]
enum Limit {
    None,
    /// So many requests a second, with a stock of one second's worth (a token bucket).
    Bucket(f64),
    /// So many requests in each second of the clock.
    Window(f64),
}

/// Shares of the answers that are not the API's, at random.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    refused: f64,
    down: f64,
    lost: f64,
}

#[derive(Clone, Copy, Debug)]
struct Server {
    limit: Limit,
    faults: Faults,
    latency: Duration,
    /// What its refusals say.
    retry_after: Option<Duration>,
}

/// What came of a list.
#[derive(Clone, Copy, Debug)]
struct Run {
    took: f64,
    requests: u32,
    /// Answers 429.
    refused: u32,
    /// Calls that ended without an answer about the token.
    unsettled: u32,
}

#[derive(Clone, Copy)]
enum Step {
    /// Asks for a turn, for attempt `number` of a call that ends at a deadline.
    Enter {
        number: u32,
        deadline: Option<Instant>,
    },
    /// Its turn has come, unless a pause began meanwhile.
    Turn {
        number: u32,
        deadline: Option<Instant>,
    },
    Answer {
        begun: Instant,
        number: u32,
        deadline: Instant,
    },
}

const NEW: Step = Step::Enter { number: 1, deadline: None };

impl Server {
    /// Settles `ids` tokens, with so many callers at once. `paced`: whether they heed a shared pace at all.
    fn run(self, callers: usize, ids: u32, paced: bool) -> Run {
        let start = Instant::now();
        let pace = RateLimiter::new(start, PATIENCE);
        let policy = RetryPolicy::default();
        let mut random = fastrand::Rng::with_seed(7);
        let mut steps = vec![(start, NEW); callers];
        let (mut stock, mut filled) = (0.0, None);
        let mut settled = 0;
        let mut run = Run { took: 0.0, requests: 0, refused: 0, unsettled: 0 };
        loop {
            let next = (0..callers).min_by_key(|caller| steps[*caller].0).expect("a caller");
            let (now, step) = steps[next];
            let go = |at: Instant, number, deadline: Option<Instant>| {
                let deadline = deadline.unwrap_or(at + policy.timeout);
                (at + self.latency, Step::Answer { begun: at, number, deadline })
            };
            steps[next] = match step {
                Step::Enter { number, deadline } | Step::Turn { number, deadline } if !paced => {
                    go(now, number, deadline)
                }
                Step::Turn { number, deadline } if !pace.state().is_paused(now) => {
                    go(now, number, deadline)
                }
                Step::Enter { number, deadline } | Step::Turn { number, deadline } => {
                    match pace.state().turn(now, deadline, PATIENCE) {
                        Some(Turn::Go) => go(now, number, deadline),
                        Some(Turn::At(slot)) => (slot, Step::Turn { number, deadline }),
                        Some(Turn::After(end)) => (end, Step::Enter { number, deadline }),
                        None => {
                            run.unsettled += 1;
                            (now, NEW)
                        }
                    }
                }
                Step::Answer { begun, number, deadline } => {
                    let elapsed = (now - start).as_secs_f64();
                    let has_stock = match self.limit {
                        Limit::None => true,
                        Limit::Bucket(rate) => {
                            let before = filled.replace(elapsed).unwrap_or(f64::NEG_INFINITY);
                            stock = (stock + (elapsed - before) * rate).min(rate);
                            stock >= 1.0
                        }
                        Limit::Window(rate) => {
                            if filled.replace(elapsed.floor()) != filled {
                                stock = rate;
                            }
                            stock >= 1.0
                        }
                    };
                    let dice = random.f64();
                    let Faults { refused, down, lost } = self.faults;
                    let status = if !has_stock || dice < refused {
                        Some(429)
                    } else if dice < refused + down {
                        Some(503)
                    } else if dice < refused + down + lost {
                        None
                    } else {
                        Some(204)
                    };
                    stock -= f64::from(u8::from(has_stock));
                    let told = self.retry_after.filter(|_| matches!(status, Some(429 | 503)));
                    run.requests += 1;
                    run.refused += u32::from(status == Some(429));
                    pace.answered(begun, now, status, told);
                    let backoff =
                        policy.backoff(number, random.f64()).max(told.unwrap_or_default());
                    if status == Some(204) {
                        settled += 1;
                        if settled == ids {
                            return Run { took: elapsed, ..run };
                        }
                        (now, NEW)
                    } else if number < policy.attempts && now + backoff < deadline {
                        (
                            now + backoff,
                            Step::Enter { number: number + 1, deadline: Some(deadline) },
                        )
                    } else {
                        run.unsettled += 1;
                        (now, NEW)
                    }
                }
            };
        }
    }
}

const LATENCY: Duration = Duration::from_millis(20);

/// Refusals that follow no rate: no list takes twice as long as it would without a pace. What a refused call waits for
/// by itself counts for both. Where half is refused, everybody may pause for a second before that is known.
#[rstest]
fn refusals_that_follow_no_rate_slow_no_list_to_half(
    #[values(
        (0.01, 0.0, 0.0),
        (0.05, 0.0, 0.0),
        (0.2, 0.0, 0.0),
        (0.5, 0.0, 0.0),
        (0.05, 0.05, 0.05),
        (0.1, 0.1, 0.1),
        (0.3, 0.2, 0.2),
        (0.02, 0.4, 0.0),
        (0.02, 0.0, 0.4)
    )]
    (refused, down, lost): (f64, f64, f64),
    #[values(None, Some(Duration::ZERO))] retry_after: Option<Duration>,
    #[values(1, 8, 64)] callers: usize,
    #[values(100, 1_000, 5_000)] ids: u32,
) {
    let faults = Faults { refused, down, lost };
    let server = Server { limit: Limit::None, faults, latency: LATENCY, retry_after };
    let (run, least) = (server.run(callers, ids, true), server.run(callers, ids, false).took);
    let mistaken = if refused < 0.5 { 0.0 } else { 1.0 };
    assert!(run.took < 2.0 * least + mistaken, "{:.2} of {least:.1} s: {run:?}", run.took / least);
}

/// A limit, be it told how long to wait or not: it is met rarely, it costs no call its answer, and no list takes twice
/// what its rate needs.
#[rstest]
fn a_limit_is_met_rarely_and_used(
    #[values(Limit::Bucket, Limit::Window)] limit: fn(f64) -> Limit,
    #[values(50.0, 200.0)] rate: f64,
    #[values(None, Some(0), Some(1))] retry_after: Option<u64>,
    #[values(8, 64)] callers: u32,
    #[values(1_000, 5_000)] ids: u32,
) {
    let retry_after = retry_after.map(Duration::from_secs);
    let (limit, faults) = (limit(rate), Faults::default());
    let server = Server { limit, faults, latency: LATENCY, retry_after };
    let run = server.run(callers as usize, ids, true);
    let least = f64::from(ids) / rate;
    assert!(run.took < 1.6 * least, "{:.2} of {least:.1} s: {run:?}", run.took / least);
    // Those that were under way when it was met first, and then one in a hundred.
    assert!(run.refused < callers + 30 + ids / 100, "{run:?}");
    assert_eq!(run.unsettled, 0, "{run:?}");
}
