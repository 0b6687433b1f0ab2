//! One call: attempts, and what they say together. All meaning is decided here; no I/O happens here.

use std::time::{Duration, Instant};

use crate::code::{Code, Outcome};
use crate::message;
use crate::problem::ProblemDetails;
use crate::report::{Attempt, Report};
use crate::retry::{RetryBudget, RetryPolicy};
use crate::token_id::TokenId;
use crate::trace::TraceParent;

/// What the world answered to one attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// A complete, well-formed HTTP answer.
    Status {
        status: u16,
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
    /// Hears what an attempt that began then was answered.
    fn answered(&self, begun: Instant, now: Instant, status: u16, retry_after: Option<Duration>);
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
    /// The id is that of the token in use, and deleting it was allowed: a 401 after a lost answer proves it gone.
    pub(crate) own: bool,
    pub(crate) missing_ok: bool,
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
    Before,
    Attempt(u32),
}

/// What one answer means by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) code: Code,
    /// The request may have been carried out although the answer does not say so.
    pub(crate) lost: bool,
    pub(crate) retry: bool,
}

/// The decision table for one answer.
pub(crate) fn judge(answer: &Answer) -> Verdict {
    let verdict = |code, lost, retry| Verdict { code, lost, retry };
    match answer {
        Answer::Failed { code, sent, hopeless, .. } => {
            verdict(*code, *sent, !hopeless && *code != Code::Cancelled)
        }
        Answer::Status { status, problem, .. } => match status {
            204 => verdict(Code::Ok, false, false),
            400 => verdict(Code::BadRequest, false, false),
            401 => verdict(Code::Unauthorized, false, false),
            403 => verdict(Code::Forbidden, false, false),
            // Without a JSON object it is a gateway's word, or that of a server that is not the API at all.
            404 if problem.is_some() => verdict(Code::NotFound, false, false),
            409 => verdict(Code::Conflict, false, false),
            429 => verdict(Code::RateLimited, false, true),
            // The request was not carried out (RFC 9110, section 15.5.9; RFC 8470, section 5.2).
            408 | 425 => verdict(Code::UnexpectedResponse, false, true),
            500 | 502 | 503 | 504 => verdict(Code::ServerError, true, true),
            501 | 505..=599 => verdict(Code::ServerError, true, false),
            // A login page, a gateway: it proves nothing, either way.
            200..=299 => verdict(Code::UnexpectedResponse, true, true),
            300..=499 => verdict(Code::UnexpectedResponse, false, false),
            _ => verdict(Code::UnexpectedResponse, true, true),
        },
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

        if !entered || world.is_cancelled() {
            return self.report(Code::Cancelled, lost, attempts, last, End::Final, start, world);
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
            if verdict.lost && matches!(lost, Lost::No | Lost::InDoubt) {
                lost = Lost::Attempt(number);
            }
            let retry_after = self.hear(&answer, begun, now);
            let throttled = verdict.code == Code::RateLimited && retry_after.is_some();
            last = Some(answer);

            let end = if !verdict.retry {
                if !verdict.lost {
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
                                Code::Cancelled,
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
            return self.report(verdict.code, lost, attempts, last, end, start, world);
        }
        unreachable!("the loop over attempts ends by returning")
    }

    /// Tells the gate, and takes out how long the server wants to be left alone.
    fn hear(&self, answer: &Answer, begun: Instant, now: Instant) -> Option<Duration> {
        let Answer::Status { status, retry_after, .. } = answer else {
            return None;
        };
        if let Some(gate) = self.gate {
            gate.answered(begun, now, *status, *retry_after);
        }
        *retry_after
    }

    #[allow(clippy::too_many_arguments)]
    fn report(
        &self,
        code: Code,
        lost: Lost,
        attempts: Vec<Attempt>,
        last: Option<Answer>,
        end: End,
        start: Instant,
        world: &dyn World,
    ) -> Report {
        let (code, outcome) = self.settle(code, lost);
        let http_status = attempts.iter().rev().find_map(|attempt| attempt.http_status);
        let message =
            message::of_call(self.id, code, outcome, lost, last.as_ref(), end, attempts.len());
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
            retry_after: if code == Code::Ok { None } else { retry_after },
            trace_id: Some(self.trace.trace_id()),
            elapsed: world.now() - start,
            proof: None,
            in_doubt: lost == Lost::InDoubt && outcome == Outcome::Unknown,
        }
    }

    /// What the last answer and the lost ones before it say together.
    fn settle(&self, code: Code, lost: Lost) -> (Code, Outcome) {
        let was_lost = lost != Lost::No;
        match code {
            Code::Ok => (Code::Ok, Outcome::Deleted),
            Code::NotFound if self.missing_ok => (Code::Ok, Outcome::Gone),
            // It may have been deleted by us, and it may never have been there: nothing says which.
            Code::NotFound if lost == Lost::InDoubt => (code, Outcome::Unknown),
            Code::NotFound if was_lost => (Code::Ok, Outcome::Gone),
            // Our own credential does not work any more: that it did when the lost request left is taken for granted,
            // as `missing_ok` takes it for granted that a token was there.
            Code::Unauthorized if was_lost && lost != Lost::InDoubt && self.own => {
                (Code::Ok, Outcome::Gone)
            }
            // Nothing else that comes after a lost answer says that the token is alive.
            _ if was_lost => (code, Outcome::Unknown),
            _ => (code, Outcome::NotDeleted),
        }
    }
}

fn attempt(number: u32, answer: &Answer, elapsed: Duration, waited: Duration) -> Attempt {
    let (sent, http_status, failure) = match answer {
        Answer::Status { status, .. } => (true, Some(*status), None),
        Answer::Failed { code, sent, status, .. } => (*sent, *status, Some(*code)),
    };
    Attempt { number, sent, http_status, failure, elapsed, waited }
}

#[cfg(test)]
mod decisions;
