//! A limit of requests a second.

use std::time::{Duration, Instant};

/// A bucket that holds one second's worth of requests and fills evenly.
#[derive(Debug)]
pub(crate) struct RateLimit {
    per_second: f64,
    left: f64,
    filled: Instant,
}

impl RateLimit {
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second.max(1));
        RateLimit { per_second, left: per_second, filled: now }
    }

    /// Takes one request's worth, or says in how many whole seconds to come back.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), u64> {
        let passed = now.saturating_duration_since(self.filled);
        self.left = (self.left + passed.as_secs_f64() * self.per_second).min(self.per_second);
        self.filled = now;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - self.left) / self.per_second);
        Err(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_second_of_requests_passes_at_once_and_the_next_evenly() {
        let start = Instant::now();
        let mut limit = RateLimit::new(100, start);
        assert_eq!((0..150).filter(|_| limit.take(start).is_ok()).count(), 100);
        assert_eq!(limit.take(start), Err(1));
        let later = start + Duration::from_millis(500);
        assert_eq!((0..150).filter(|_| limit.take(later).is_ok()).count(), 50);
        let much_later = start + Duration::from_secs(60);
        assert_eq!((0..150).filter(|_| limit.take(much_later).is_ok()).count(), 100);
    }
}
