//! What a batch has put off: jobs that wait for their time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::f64::consts::LN_2;
use std::time::{Duration, Instant};

use crate::batch::job::Job;

/// At most so many jobs are put off or under way; while there are more, no more ids are pulled.
pub(crate) const MOST: usize = 10_000;

/// The pause before the second call for a token; it doubles from one to the next.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two calls for a token.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Jobs by the time from which on they may go, the earliest first; of two, the one that came first.
#[derive(Debug, Default)]
pub(crate) struct PutOff {
    heap: BinaryHeap<Reverse<Entry>>,
    count: u64,
}

#[derive(Debug)]
struct Entry {
    key: (Instant, u64),
    job: Job,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl PutOff {
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    pub(crate) fn push(&mut self, job: Job, at: Instant) {
        self.count += 1;
        self.heap.push(Reverse(Entry { key: (at, self.count), job }));
    }

    /// From when on the first may go.
    pub(crate) fn first_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.key.0)
    }

    /// Takes the first, if it may go.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Job> {
        self.first_at().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse(entry)| entry.job)
    }

    /// Takes all, the earliest first.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Job> + use<> {
        std::mem::take(&mut self.heap)
            .into_sorted_vec()
            .into_iter()
            .rev()
            .map(|Reverse(entry)| entry.job)
    }
}

/// How long to wait after so many calls for a token; `random`, 0 to 1, spreads them. The larger the share of all calls
/// that fail (`failing`, 0 to 1), the less do the failures for one token say about it, and the more slowly its pauses
/// grow: else the last of many tokens would take minutes where every other call fails.
pub(crate) fn pause(rounds: u32, failing: f64, random: f64) -> Duration {
    let telling = (1.0 - failing.clamp(0.0, 1.0)).powi(2);
    let doublings = f64::from(rounds.saturating_sub(1)) * telling;
    let pause = FIRST_PAUSE.mul_f64(two_to_the(doublings.min(16.0))).min(LONGEST_PAUSE);
    pause.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
}

/// 2 to the power of `x`, 0 to 16. The standard library's is that of libm, which a C program need not link.
fn two_to_the(x: f64) -> f64 {
    let whole = x as u8;
    let part = (x - f64::from(whole)) * LN_2;
    // The series of e to the power of `part`, which is below 0.7: the next term is less than a `f64` can tell.
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..=16 {
        term *= part / f64::from(n);
        sum += term;
    }
    sum * f64::from(1_u32 << whole)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::alone_in_failing(0.0, &[500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])]
    #[case::one_in_two(0.5, &[500, 594, 707, 840, 1_000, 1_189, 1_414, 1_681])]
    #[case::as_all_do(1.0, &[500; 8])]
    fn pauses_grow_with_what_is_said_of_the_token(#[case] failing: f64, #[case] expected: &[u64]) {
        let pauses = |random| (1..).map(move |rounds| pause(rounds, failing, random));
        for (pause, expected) in pauses(1.0).zip(expected) {
            assert!(pause.as_millis().abs_diff(u128::from(*expected)) <= 1, "{pause:?}");
        }
        for (half, whole) in pauses(0.0).zip(pauses(1.0)).take(100) {
            assert!((half * 2).abs_diff(whole) <= Duration::from_nanos(2), "{half:?} of {whole:?}");
        }
        assert!(pause(u32::MAX, failing, 1.0) <= LONGEST_PAUSE);
    }

    #[test]
    fn powers_of_two_are_those_of_libm() {
        for step in 0..=16_000 {
            let x = f64::from(step) / 1000.0;
            assert!((two_to_the(x) / x.exp2() - 1.0).abs() < 1e-14, "{x}");
        }
    }
}
