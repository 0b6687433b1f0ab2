//! How many tokens a run gets done a second: of late, and of those alone that were asked for in this run.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far it looks back.
const WINDOW: Duration = Duration::from_secs(15);
/// How far apart what it remembers is.
const STEP: Duration = Duration::from_millis(250);

/// A count that grows, and when it was what.
#[derive(Debug)]
pub(crate) struct Rate {
    seen: VecDeque<(Instant, u64)>,
    last: u64,
}

impl Rate {
    pub(crate) fn new(now: Instant) -> Rate {
        Rate { seen: VecDeque::from([(now, 0)]), last: 0 }
    }

    /// Notes the count.
    pub(crate) fn note(&mut self, now: Instant, count: u64) {
        self.last = count;
        if self.seen.back().is_none_or(|(then, _)| now.duration_since(*then) >= STEP) {
            self.seen.push_back((now, count));
        }
        // One that is older is kept, to look back to.
        while self.seen.get(1).is_some_and(|(then, _)| now.duration_since(*then) >= WINDOW) {
            self.seen.pop_front();
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "no list is that long")]
    pub(crate) fn per_second(&self, now: Instant) -> f64 {
        let Some((then, count)) = self.seen.front() else { return 0.0 };
        let passed = now.duration_since(*then).as_secs_f64();
        if passed > 0.0 { (self.last - count) as f64 / passed } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_of_late_counts() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut rate = Rate::new(start);
        assert!(rate.per_second(start) <= 0.0);
        for second in 1..=60 {
            rate.note(at(second), second * 100);
        }
        assert!((rate.per_second(at(60)) - 100.0).abs() < 1.0);
        for second in 61..=100 {
            rate.note(at(second), 6_000 + (second - 60) * 10);
        }
        assert!((rate.per_second(at(100)) - 10.0).abs() < 1.0);
        // Nothing comes any more.
        assert!(rate.per_second(at(115)) < 6.0);
        assert!(rate.seen.len() < 100);
    }
}
