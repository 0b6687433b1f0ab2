//! How often and when to ask again.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The limits of one call. All in one place, so that the defaults are documented once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetryPolicy {
    /// Attempts in all, at least 1.
    pub(crate) attempts: u32,
    /// The total limit of a call: resolving, connecting, TLS, sending, waiting, reading, pausing.
    pub(crate) timeout: Duration,
    /// The limit of one attempt.
    pub(crate) attempt_timeout: Duration,
    /// The limit of resolving, connecting, the proxy and TLS together.
    pub(crate) connect_timeout: Duration,
    /// The upper bound of the first pause; it doubles from attempt to attempt.
    pub(crate) backoff_base: Duration,
    /// The upper bound of any pause of our own.
    pub(crate) backoff_cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            attempts: 4,
            timeout: Duration::from_secs(60),
            attempt_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            backoff_base: Duration::from_millis(200),
            backoff_cap: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// How many attempts a call may have.
    pub(crate) const ATTEMPTS: RangeInclusive<u32> = 1..=100;
    /// The longest time limit: a day.
    pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// The policy with other limits for one call.
    pub(crate) fn with(&self, timeout: Option<Duration>, attempts: Option<u32>) -> RetryPolicy {
        RetryPolicy {
            timeout: timeout.unwrap_or(self.timeout),
            attempts: attempts.unwrap_or(self.attempts),
            ..self.clone()
        }
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// A sentence that names the limit, and says what was found and what was expected.
    pub(crate) fn checked(self) -> Result<RetryPolicy, String> {
        if !RetryPolicy::ATTEMPTS.contains(&self.attempts) {
            return Err(format!("the attempts are {}: expected 1 to 100", self.attempts));
        }
        let limits = [
            ("timeout", self.timeout),
            ("attempt timeout", self.attempt_timeout),
            ("connect timeout", self.connect_timeout),
        ];
        for (name, limit) in limits {
            if limit.is_zero() || limit > RetryPolicy::LONGEST {
                return Err(format!(
                    "the {name} is {limit:?}: expected more than zero, and at most a day"
                ));
            }
        }
        if self.backoff_base > RetryPolicy::LONGEST || self.backoff_cap > RetryPolicy::LONGEST {
            return Err("the backoff is longer than a day: expected less".to_owned());
        }
        if self.backoff_base > self.backoff_cap {
            return Err(format!(
                "the base of the backoff, {:?}, is longer than its cap, {:?}: expected the shorter one first",
                self.backoff_base, self.backoff_cap
            ));
        }
        Ok(self)
    }

    /// The pause after attempt `number`: full jitter, a fair share (`random`, 0 to 1) of an exponential bound.
    pub(crate) fn backoff(&self, number: u32, random: f64) -> Duration {
        let doublings = number.saturating_sub(1).min(31);
        let bound = self.backoff_base.saturating_mul(1 << doublings).min(self.backoff_cap);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }
}

/// What all calls of a client may spend on retries together, so that a dying server is not hammered: a reserve, and
/// one retry more for every [`RetryBudget::ANSWERS_A_RETRY`] conclusive answers, up to the reserve.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    /// In parts of a retry.
    full: u32,
    left: AtomicU32,
}

impl RetryBudget {
    /// Retries in reserve unless told otherwise.
    pub(crate) const RESERVE: u32 = 100;
    /// The largest reserve, as good as none.
    pub(crate) const LARGEST: u32 = 100_000_000;
    /// Conclusive answers that give back one retry.
    pub(crate) const ANSWERS_A_RETRY: u32 = 10;

    pub(crate) fn new(reserve: u32) -> RetryBudget {
        let full = reserve.min(RetryBudget::LARGEST) * RetryBudget::ANSWERS_A_RETRY;
        RetryBudget { full, left: AtomicU32::new(full) }
    }

    /// Takes one retry; `false` when there is none left.
    pub(crate) fn take(&self) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(RetryBudget::ANSWERS_A_RETRY)
            })
            .is_ok()
    }

    /// Gives a part of a retry back, for a conclusive answer.
    pub(crate) fn give(&self) {
        // Full is the usual state: a load then, and no write that other threads' caches would see.
        if self.left.load(Ordering::Relaxed) < self.full {
            let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left < self.full).then_some(left + 1)
            });
        }
    }
}
