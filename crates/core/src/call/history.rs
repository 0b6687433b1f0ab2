//! What has happened in a call so far, and what to do next: decided here, done in [`Call::run`](super::call::Call::run).

use std::time::{Duration, Instant};

use crate::call::answer::{Answer, End, attempt};
use crate::call::io::Permit;
use crate::call::retry::RetryPolicy;
use crate::call::rules::{Says, Verdict, judge};
use crate::outcome::code::Code;
use crate::outcome::lost::Lost;
use crate::outcome::outcome::Attempt;

/// What has happened in a call so far.
pub(crate) struct History {
    pub(crate) attempts: Vec<Attempt>,
    /// How many attempts earlier calls for the token made.
    before: u32,
    /// Whether the answer to an attempt, or to an earlier call, was lost.
    pub(crate) lost: Lost,
    /// The last answer, and what it means by itself.
    pub(crate) last: Option<(Answer, Verdict)>,
    /// The pause before the next attempt.
    waited: Duration,
    /// Whether the next attempt may start. `None` before the first one, and since the last answer.
    permit: Option<Permit>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make an attempt.
    Attempt,
    /// Wait, and ask for a permit. With `from_budget`, take a retry from the budget first, or stop.
    Wait { pause: Duration, from_budget: bool },
    /// Make no more attempts.
    Stop(End),
}

impl History {
    pub(crate) fn new(lost: Lost, before: u32) -> History {
        History {
            attempts: Vec::with_capacity(1),
            before,
            lost,
            last: None,
            waited: Duration::ZERO,
            permit: None,
        }
    }

    /// Decides what to do next. `jitter` draws the share of the longest backoff to wait, 0 to 1, if there is one.
    pub(crate) fn next_step(
        &self,
        policy: &RetryPolicy,
        deadline: Instant,
        now: Instant,
        jitter: impl FnOnce() -> f64,
    ) -> Step {
        match (self.permit, &self.last) {
            (Some(Permit::Go), _) if now < deadline => Step::Attempt,
            (Some(Permit::Ended), _) => Step::Stop(End::Cancelled),
            (Some(Permit::Go | Permit::Late), _) => Step::Stop(End::Deadline),
            (None, None) => Step::Attempt,
            (None, Some((answer, verdict))) => {
                let number = self.number() - self.before;
                if !verdict.retry {
                    return Step::Stop(End::Final);
                }
                if number >= policy.attempts {
                    return Step::Stop(End::AttemptsUsed);
                }
                let backoff = policy.backoff(number, jitter());
                let pause = answer.retry_after().map_or(backoff, |least| least.max(backoff));
                if now + pause >= deadline {
                    Step::Stop(End::Deadline)
                } else {
                    // A server that says when to come back does not need the budget's protection.
                    let says_when =
                        verdict.code == Code::RateLimited && answer.retry_after().is_some();
                    Step::Wait { pause, from_budget: !says_when }
                }
            }
        }
    }

    /// Adds an attempt that took `elapsed`.
    pub(crate) fn answered(&mut self, answer: Answer, elapsed: Duration) {
        let number = self.number() + 1;
        let verdict = judge(&answer);
        self.attempts.push(attempt(number, &answer, elapsed, self.waited));
        self.lost = self.lost.after(verdict.says, number);
        self.last = Some((answer, verdict));
        self.permit = None;
    }

    /// Adds a pause, and whether an attempt may start after it.
    pub(crate) fn waited(&mut self, pause: Duration, permit: Permit) {
        self.waited = pause;
        self.permit = Some(permit);
    }

    /// Returns true if nothing has happened since the last answer.
    pub(crate) fn has_just_answered(&self) -> bool {
        self.permit.is_none() && self.last.is_some()
    }

    /// Returns true if the last answer is final and says whether the request was carried out.
    pub(crate) fn is_conclusive(&self) -> bool {
        self.last
            .as_ref()
            .is_some_and(|(_, verdict)| !verdict.retry && verdict.says != Says::Nothing)
    }

    /// Returns true if the token may be deleted: a request was sent, or an earlier one may have been.
    pub(crate) fn may_be_carried_out(&self) -> bool {
        self.lost != Lost::No || self.attempts.iter().any(|attempt| attempt.sent)
    }

    /// The number of the last attempt, earlier calls counted.
    pub(crate) fn number(&self) -> u32 {
        self.attempts.last().map_or(self.before, |attempt| attempt.number)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PASSED: Duration = Duration::from_secs(10);

    fn status(status: u16, retry_after: Option<u64>) -> Answer {
        let retry_after = retry_after.map(Duration::from_secs);
        Answer::Status {
            status,
            from_api: true,
            problem: None,
            retry_after,
            request_id: None,
            headers: Vec::new(),
        }
    }

    fn wait(millis: u64, from_budget: bool) -> Step {
        Step::Wait { pause: Duration::from_millis(millis), from_budget }
    }

    /// After one answer, 10 of the 60 seconds of a call, and half of the longest backoff.
    #[rstest]
    #[case::final_answer(status(204, None), 4, Step::Stop(End::Final))]
    #[case::backoff(status(503, None), 4, wait(100, true))]
    #[case::at_least(status(503, Some(7)), 4, wait(7_000, true))]
    #[case::backoff_is_longer(status(503, Some(0)), 4, wait(100, true))]
    #[case::limit_without_a_time(status(429, None), 4, wait(100, true))]
    #[case::limit_with_a_time(status(429, Some(7)), 4, wait(7_000, false))]
    #[case::last_attempt(status(503, None), 1, Step::Stop(End::AttemptsUsed))]
    #[case::before_the_deadline(status(503, Some(49)), 4, wait(49_000, true))]
    #[case::at_the_deadline(status(503, Some(50)), 4, Step::Stop(End::Deadline))]
    fn after_an_answer(#[case] answer: Answer, #[case] attempts: u32, #[case] expected: Step) {
        let policy = RetryPolicy { attempts, ..RetryPolicy::default() };
        let start = Instant::now();
        let mut history = History::new(Lost::No, 0);
        history.answered(answer, PASSED);
        let step = history.next_step(&policy, start + policy.timeout, start + PASSED, || 0.5);
        assert_eq!(step, expected);
    }

    #[rstest]
    #[case::go(Permit::Go, PASSED, Step::Attempt)]
    #[case::go_too_late(Permit::Go, Duration::from_secs(60), Step::Stop(End::Deadline))]
    #[case::late(Permit::Late, PASSED, Step::Stop(End::Deadline))]
    #[case::ended(Permit::Ended, PASSED, Step::Stop(End::Cancelled))]
    fn after_a_pause(#[case] permit: Permit, #[case] passed: Duration, #[case] expected: Step) {
        let policy = RetryPolicy::default();
        let start = Instant::now();
        let mut history = History::new(Lost::No, 0);
        history.answered(status(503, None), Duration::ZERO);
        history.waited(Duration::ZERO, permit);
        let step = history.next_step(&policy, start + policy.timeout, start + passed, || 0.5);
        assert_eq!(step, expected);
    }

    #[test]
    fn before_the_first_attempt() {
        let (policy, now) = (RetryPolicy::default(), Instant::now());
        let mut history = History::new(Lost::Before, 3);
        assert_eq!(history.next_step(&policy, now, now, || 0.5), Step::Attempt);
        history.waited(Duration::ZERO, Permit::Ended);
        assert_eq!(history.next_step(&policy, now, now, || 0.5), Step::Stop(End::Cancelled));
    }
}
