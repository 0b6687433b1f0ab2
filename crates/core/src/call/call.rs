//! One call: attempts, and what they say together. All meaning is decided here; no I/O happens here.

use std::time::{Duration, Instant};

use crate::call::answer::{Answer, End, Lost, attempt};
use crate::call::io::{AttemptOrder, CallIo, Permit, Throttle};
use crate::call::message;
use crate::call::retry::{RetryBudget, RetryPolicy};
use crate::call::rules::{Says, TokenContext, Verdict, judge, settle};
use crate::input::token_id::TokenId;
use crate::input::trace::TraceParent;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::outcome::{Attempt, Outcome};
use crate::outcome::retryable;

/// One call, as it was ordered.
pub(crate) struct Call<'a> {
    pub(crate) id: &'a TokenId,
    pub(crate) known: TokenContext,
    /// What an earlier run has left: `Lost::No`, `Lost::Before` or `Lost::InDoubt`.
    pub(crate) lost_before: Lost,
    pub(crate) trace: TraceParent,
    pub(crate) policy: &'a RetryPolicy,
    pub(crate) budget: &'a RetryBudget,
    pub(crate) throttle: Option<&'a dyn Throttle>,
}

impl Call<'_> {
    /// Makes attempts until one settles the matter, and reports.
    pub(crate) fn run(&self, io: &dyn CallIo) -> Outcome {
        let entered = match self.throttle {
            Some(throttle) => throttle.enter(io, None) == Permit::Go,
            None => true,
        };
        let start = io.now();
        let deadline = start + self.policy.timeout;
        let mut lost = self.lost_before;
        let mut attempts: Vec<Attempt> = Vec::with_capacity(1);
        let mut waited = Duration::ZERO;
        let mut last: Option<Answer> = None;

        let cancelled = Verdict { code: Code::Cancelled, says: Says::Refused, retry: false };
        if !entered || io.is_cancelled() {
            return self.outcome(&cancelled, lost, attempts, last, End::Final, start, io);
        }
        for number in 1.. {
            let begun = io.now();
            let answer = io.exchange(&AttemptOrder {
                id: self.id,
                traceparent: self.trace.attempt(),
                deadline: deadline.min(begun + self.policy.attempt_timeout),
                connect_deadline: deadline.min(begun + self.policy.connect_timeout),
            });
            let now = io.now();
            attempts.push(attempt(number, &answer, now - begun, waited));
            let verdict = judge(&answer);
            lost = lost.after(verdict.says, number);
            let retry_after = self.hear(&answer, begun, now);
            let throttled = verdict.code == Code::RateLimited && retry_after.is_some();
            last = Some(answer);

            let end = if !verdict.retry {
                if verdict.says != Says::Nothing {
                    self.budget.give();
                }
                End::Final
            } else if number >= self.policy.attempts {
                End::AttemptsUsed
            } else {
                let backoff = self.policy.backoff(number, io.random());
                let wait = retry_after.map_or(backoff, |least| least.max(backoff));
                if now + wait >= deadline {
                    End::Deadline
                } else if !throttled && !self.budget.take() {
                    // A server that says when to come back does not need the budget's protection.
                    End::BudgetSpent
                } else {
                    log::info!(
                        target: "mpt_tokens",
                        "token `{}`: attempt {number} ended with {}; the next one is in {wait:?}",
                        self.id.as_str().escape_debug(),
                        verdict.code
                    );
                    waited = wait;
                    let entry = match self.throttle {
                        _ if !io.pause(wait) => Permit::Ended,
                        Some(throttle) => throttle.enter(io, Some(deadline)),
                        None => Permit::Go,
                    };
                    match entry {
                        Permit::Go if io.now() < deadline => continue,
                        Permit::Go | Permit::Late => End::Deadline,
                        Permit::Ended => {
                            return self.outcome(
                                &cancelled,
                                lost,
                                attempts,
                                last,
                                End::Final,
                                start,
                                io,
                            );
                        }
                    }
                }
            };
            return self.outcome(&verdict, lost, attempts, last, end, start, io);
        }
        unreachable!("the loop over attempts ends by returning")
    }

    /// Tells the throttle, and returns how long the server wants to be left alone.
    fn hear(&self, answer: &Answer, begun: Instant, now: Instant) -> Option<Duration> {
        let (sent, status, retry_after) = match answer {
            Answer::Status { status, retry_after, .. } => (true, Some(*status), *retry_after),
            Answer::Failed { sent, .. } => (*sent, None, None),
        };
        if let Some(throttle) = self.throttle.filter(|_| sent) {
            throttle.answered(begun, now, status, retry_after);
        }
        retry_after
    }

    #[allow(clippy::too_many_arguments)]
    fn outcome(
        &self,
        verdict: &Verdict,
        lost: Lost,
        attempts: Vec<Attempt>,
        last: Option<Answer>,
        end: End,
        start: Instant,
        io: &dyn CallIo,
    ) -> Outcome {
        let (code, kind) = settle(verdict, lost, self.known);
        let http_status = attempts.iter().rev().find_map(|attempt| attempt.http_status);
        let message =
            message::of_call(self.id, code, kind, lost, last.as_ref(), end, attempts.len());
        let verdict = matches!(last, Some(Answer::Failed { permanent: true, .. }));
        let in_doubt = lost == Lost::InDoubt && kind == OutcomeKind::Unknown;
        // Whatever the doubt is about, asking cannot clear it up: then it counts what came last.
        let asked = if in_doubt { OutcomeKind::NotDeleted } else { kind };
        let retryable = retryable::decide(asked, code, http_status, verdict);
        let (problem, retry_after) = match last {
            Some(Answer::Status { problem, retry_after, .. }) => (problem, retry_after),
            _ => (None, None),
        };
        Outcome {
            id: Some(self.id.as_str().to_owned()),
            kind,
            code,
            http_status,
            attempts,
            problem,
            message,
            retryable,
            from_journal: false,
            retry_after: if code == Code::Ok { None } else { retry_after },
            trace_id: Some(self.trace.trace_id()),
            elapsed: io.now() - start,
            proof: None,
            in_doubt,
            known_dead: false,
        }
    }
}
