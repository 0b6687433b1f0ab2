//! One call: attempts, and what they say together. All meaning is decided here; no I/O happens here.

mod rules;

use std::time::{Duration, Instant};

use crate::code::{Code, Outcome};
use crate::message;
use crate::problem::ProblemDetails;
use crate::report::{Attempt, Report};
use crate::retry::{RetryBudget, RetryPolicy};
use crate::retryable;
use crate::token_id::TokenId;
use crate::trace::TraceParent;

pub(crate) use rules::Known;
use rules::{Says, Verdict, judge, settle};

/// What the world answered to one attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// A complete, well-formed HTTP answer.
    Status {
        status: u16,
        /// Whether it has the form in which the API answers, which what stands before the API does not use.
        from_api: bool,
        /// The body, where it was one JSON object.
        problem: Option<ProblemDetails>,
        retry_after: Option<Duration>,
    },
    /// No complete answer.
    Failed {
        code: Code,
        /// Whether any byte of the request was handed down.
        sent: bool,
        /// Whether asking again cannot help: a certificate that is not trusted stays so.
        hopeless: bool,
        /// The status, where a status line had come before the answer broke off.
        status: Option<u16>,
        /// The cause in words.
        detail: String,
    },
}

/// The limits and names of one attempt.
#[derive(Debug)]
pub(crate) struct AttemptOrder<'a> {
    pub(crate) id: &'a TokenId,
    pub(crate) traceparent: String,
    pub(crate) deadline: Instant,
    pub(crate) connect_deadline: Instant,
}

/// What a call needs of the world around it: the network, the clock, chance. Tests bring their own.
pub(crate) trait World {
    fn now(&self) -> Instant;
    fn random(&self) -> f64;
    fn is_cancelled(&self) -> bool;
    /// Waits; `false` when the wait was cancelled.
    fn pause(&self, duration: Duration) -> bool;
    fn exchange(&self, order: &AttemptOrder<'_>) -> Answer;
}

/// What calls that run side by side share: who may start when, and what the server said of its load.
pub(crate) trait Gate {
    /// Waits until an attempt may start; not at all when that is not before `deadline`.
    fn enter(&self, world: &dyn World, deadline: Option<Instant>) -> Entry;
    /// Hears what an attempt that was sent and began then was answered, if it was.
    fn answered(
        &self,
        begun: Instant,
        now: Instant,
        status: Option<u16>,
        retry_after: Option<Duration>,
    );
}

/// How a wait at a gate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Go,
    /// There is no turn before the deadline.
    Late,
    /// The wait was ended: by a cancel, or by the end of what calls it.
    Ended,
}

/// One call, as it was ordered.
pub(crate) struct Call<'a> {
    pub(crate) id: &'a TokenId,
    pub(crate) known: Known,
    /// What an earlier run has left: `Lost::No`, `Lost::Before` or `Lost::InDoubt`.
    pub(crate) lost_before: Lost,
    pub(crate) trace: TraceParent,
    pub(crate) policy: &'a RetryPolicy,
    pub(crate) budget: &'a RetryBudget,
    pub(crate) gate: Option<&'a dyn Gate>,
}

/// Which answer was lost first, so that a message can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    No,
    /// Nobody knows whether the token was asked for before: the record of that is damaged.
    InDoubt,
    /// None for sure, but this attempt was refused by what may have passed it on.
    Perhaps(u32),
    Before,
    Attempt(u32),
}

impl Lost {
    /// The same after one more answer.
    fn after(self, says: Says, number: u32) -> Lost {
        match (self, says) {
            (Lost::No | Lost::InDoubt | Lost::Perhaps(_), Says::Nothing) => Lost::Attempt(number),
            (Lost::No, Says::NotNow { sure: false }) => Lost::Perhaps(number),
            _ => self,
        }
    }
}

/// Why a call ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The answer is final by itself.
    Final,
    /// All attempts were used.
    AttemptsUsed,
    /// The wait would have passed the deadline.
    Deadline,
    /// The retries of all calls together are spent.
    BudgetSpent,
}

impl Call<'_> {
    /// Makes attempts until one settles the matter, and reports.
    pub(crate) fn run(&self, world: &dyn World) -> Report {
        let entered = match self.gate {
            Some(gate) => gate.enter(world, None) == Entry::Go,
            None => true,
        };
        let start = world.now();
        let deadline = start + self.policy.timeout;
        let mut lost = self.lost_before;
        let mut attempts: Vec<Attempt> = Vec::with_capacity(1);
        let mut waited = Duration::ZERO;
        let mut last: Option<Answer> = None;

        let cancelled = Verdict { code: Code::Cancelled, says: Says::Refused, retry: false };
        if !entered || world.is_cancelled() {
            return self.report(&cancelled, lost, attempts, last, End::Final, start, world);
        }
        for number in 1.. {
            let begun = world.now();
            let answer = world.exchange(&AttemptOrder {
                id: self.id,
                traceparent: self.trace.attempt(),
                deadline: deadline.min(begun + self.policy.attempt_timeout),
                connect_deadline: deadline.min(begun + self.policy.connect_timeout),
            });
            let now = world.now();
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
                let backoff = self.policy.backoff(number, world.random());
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
                    let entry = match self.gate {
                        _ if !world.pause(wait) => Entry::Ended,
                        Some(gate) => gate.enter(world, Some(deadline)),
                        None => Entry::Go,
                    };
                    match entry {
                        Entry::Go if world.now() < deadline => continue,
                        Entry::Go | Entry::Late => End::Deadline,
                        Entry::Ended => {
                            return self.report(
                                &cancelled,
                                lost,
                                attempts,
                                last,
                                End::Final,
                                start,
                                world,
                            );
                        }
                    }
                }
            };
            return self.report(&verdict, lost, attempts, last, end, start, world);
        }
        unreachable!("the loop over attempts ends by returning")
    }

    /// Tells the gate, and takes out how long the server wants to be left alone.
    fn hear(&self, answer: &Answer, begun: Instant, now: Instant) -> Option<Duration> {
        let (sent, status, retry_after) = match answer {
            Answer::Status { status, retry_after, .. } => (true, Some(*status), *retry_after),
            Answer::Failed { sent, .. } => (*sent, None, None),
        };
        if let Some(gate) = self.gate.filter(|_| sent) {
            gate.answered(begun, now, status, retry_after);
        }
        retry_after
    }

    #[allow(clippy::too_many_arguments)]
    fn report(
        &self,
        verdict: &Verdict,
        lost: Lost,
        attempts: Vec<Attempt>,
        last: Option<Answer>,
        end: End,
        start: Instant,
        world: &dyn World,
    ) -> Report {
        let (code, outcome) = settle(verdict, lost, self.known);
        let http_status = attempts.iter().rev().find_map(|attempt| attempt.http_status);
        let message =
            message::of_call(self.id, code, outcome, lost, last.as_ref(), end, attempts.len());
        let verdict = matches!(last, Some(Answer::Failed { hopeless: true, .. }));
        let in_doubt = lost == Lost::InDoubt && outcome == Outcome::Unknown;
        // Whatever the doubt is about, asking cannot clear it up: then it counts what came last.
        let asked = if in_doubt { Outcome::NotDeleted } else { outcome };
        let retryable = retryable::decide(asked, code, http_status, verdict);
        let (problem, retry_after) = match last {
            Some(Answer::Status { problem, retry_after, .. }) => (problem, retry_after),
            _ => (None, None),
        };
        Report {
            id: Some(self.id.as_str().to_owned()),
            outcome,
            code,
            http_status,
            attempts,
            problem,
            message,
            retryable,
            from_journal: false,
            retry_after: if code == Code::Ok { None } else { retry_after },
            trace_id: Some(self.trace.trace_id()),
            elapsed: world.now() - start,
            proof: None,
            in_doubt,
            known_dead: false,
        }
    }
}

fn attempt(number: u32, answer: &Answer, elapsed: Duration, waited: Duration) -> Attempt {
    let (sent, http_status, failure, from_api) = match answer {
        Answer::Status { status, from_api, .. } => (true, Some(*status), None, *from_api),
        Answer::Failed { code, sent, status, .. } => (*sent, *status, Some(*code), false),
    };
    Attempt { number, sent, http_status, failure, elapsed, waited, from_api }
}

#[cfg(test)]
mod answers;
#[cfg(test)]
mod decisions;
