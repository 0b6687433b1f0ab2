//! One call: attempts, and what they say together. All meaning is decided here; no I/O happens here.

use std::time::{Duration, Instant, SystemTime};

use crate::call::answer::{Answer, Brief, End};
use crate::call::history::{History, Step};
use crate::call::io::{AttemptOrder, CallIo, Permit, Throttle};
use crate::call::message;
use crate::call::retry::{RetryBudget, RetryPolicy};
use crate::call::rules::{Says, TokenContext, Verdict, settle};
use crate::input::shown::printable;
use crate::input::token_id::TokenId;
use crate::input::trace::TraceParent;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::event::{AttemptEnded, Event, Listener};
use crate::outcome::lost::Lost;
use crate::outcome::outcome::Outcome;
use crate::outcome::retryable;

/// One call, as it was ordered.
pub(crate) struct Call<'a> {
    pub(crate) id: &'a TokenId,
    pub(crate) known: TokenContext,
    /// What earlier calls for the token have left in doubt.
    pub(crate) lost_before: Lost,
    /// How many attempts they made.
    pub(crate) attempts_before: u32,
    /// Whether the caller makes another call later, where this one comes to nothing.
    pub(crate) is_put_off: bool,
    pub(crate) trace: TraceParent,
    pub(crate) policy: &'a RetryPolicy,
    pub(crate) budget: &'a RetryBudget,
    pub(crate) throttle: Option<&'a dyn Throttle>,
    pub(crate) listener: Option<&'a Listener>,
}

impl Call<'_> {
    /// Makes attempts until one settles the matter, and tells the outcome. What to do next is decided by
    /// [`History::next_step`].
    pub(crate) fn run(&self, io: &dyn CallIo) -> Outcome {
        let start = io.now();
        let deadline = start + self.policy.timeout;
        let mut history = History::new(self.lost_before, self.attempts_before);
        if io.is_cancelled() {
            history.waited(Duration::ZERO, Permit::Ended);
        }
        let mut now = start;
        let end = loop {
            match history.next_step(self.policy, deadline, now, || io.random()) {
                Step::Attempt => now = self.attempt(&mut history, now, deadline, io),
                Step::Wait { pause, from_budget } => {
                    let has_retry = !from_budget || self.budget.take();
                    if !has_retry && (self.is_put_off || !history.may_be_carried_out()) {
                        self.tell(&history, None);
                        break End::BudgetSpent;
                    }
                    // What may have been carried out is asked again all the same, only more slowly: giving it up would
                    // leave unknown what can still be known.
                    let pause = match has_retry {
                        true => pause,
                        false => pause.max(self.policy.backoff_cap.min((deadline - now) / 2)),
                    };
                    self.log(&history, pause);
                    self.tell(&history, Some(pause));
                    history.waited(pause, self.wait(pause, deadline, io));
                    now = io.now();
                }
                Step::Stop(end) => {
                    if history.has_just_answered() {
                        self.tell(&history, None);
                    }
                    break end;
                }
            }
        };
        self.outcome(history, end, now - start)
    }

    /// Makes an attempt that begins now, and returns when it was over.
    fn attempt(
        &self,
        history: &mut History,
        begun: Instant,
        deadline: Instant,
        io: &dyn CallIo,
    ) -> Instant {
        let number = history.number() + 1;
        let answer = io.exchange(&AttemptOrder {
            id: self.id,
            traceparent: self.trace.attempt(),
            begun,
            deadline: deadline.min(begun + self.policy.attempt_timeout),
            connect_deadline: deadline.min(begun + self.policy.connect_timeout),
        });
        let now = io.now();
        log::debug!(
            target: "mpt_tokens",
            token_id = self.id.as_str(),
            attempt = number,
            http_status = answer.http_status(),
            trace_id = self.trace.trace_id().as_str();
            "DELETE {}: {}", printable(self.id.as_str()), Brief(&answer)
        );
        self.tell_throttle(&answer, begun, now);
        history.answered(answer, now - begun);
        if history.is_conclusive() {
            self.budget.give();
        }
        now
    }

    /// Tells the calls beside this one how an attempt that was sent was answered.
    fn tell_throttle(&self, answer: &Answer, begun: Instant, now: Instant) {
        let (sent, status) = match answer {
            Answer::Status { status, .. } => (true, Some(*status)),
            Answer::Failed { sent, .. } => (*sent, None),
        };
        if let Some(throttle) = self.throttle.filter(|_| sent) {
            throttle.answered(begun, now, status, answer.retry_after());
        }
    }

    /// Waits for as long as this call must, and then for as long as the calls beside it must.
    fn wait(&self, pause: Duration, deadline: Instant, io: &dyn CallIo) -> Permit {
        if !io.pause(pause) {
            return Permit::Ended;
        }
        self.throttle.map_or(Permit::Go, |throttle| throttle.enter(io, deadline))
    }

    fn log(&self, history: &History, pause: Duration) {
        if let Some((answer, verdict)) = &history.last {
            log::info!(
                target: "mpt_tokens",
                token_id = self.id.as_str(),
                attempt = history.number(),
                http_status = answer.http_status(),
                trace_id = self.trace.trace_id().as_str();
                "token `{}`: attempt {} ended with {}; the next one is in {pause:?}",
                printable(self.id.as_str()),
                history.number(),
                verdict.code
            );
        }
    }

    /// Tells the listener of the last attempt.
    fn tell(&self, history: &History, next_in: Option<Duration>) {
        if let (Some(listener), Some(attempt), Some((_, verdict))) =
            (self.listener, history.attempts.last(), &history.last)
        {
            listener.tell(&Event::AttemptEnded(AttemptEnded {
                token_id: self.id.as_str().to_owned(),
                trace_id: self.trace.trace_id(),
                attempt: attempt.clone(),
                code: verdict.code,
                next_in,
            }));
        }
    }

    fn outcome(&self, history: History, end: End, elapsed: Duration) -> Outcome {
        let cancelled = Verdict { code: Code::Cancelled, says: Says::Refused, retry: false };
        let verdict = match &history.last {
            Some((_, verdict)) if end != End::Cancelled => verdict,
            _ => &cancelled,
        };
        let (code, kind) = settle(verdict, history.lost, self.known);
        let message = message::of_call(self.id, self.known.burn, code, kind, &history, end);
        let History { attempts, lost, last, .. } = history;
        let http_status = attempts.iter().rev().find_map(|attempt| attempt.http_status);
        let permanent = matches!(last, Some((Answer::Failed { permanent: true, .. }, _)));
        let in_doubt = lost == Lost::InDoubt && kind == OutcomeKind::Unknown;
        // Whatever the doubt is about, asking cannot clear it up: then it counts what came last.
        let asked = if in_doubt { OutcomeKind::NotDeleted } else { kind };
        let retryable = retryable::decide(asked, code, http_status, permanent);
        let (problem, retry_after) = match last {
            Some((Answer::Status { problem, retry_after, .. }, _)) => (problem, retry_after),
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
            elapsed,
            proof: None,
            lost,
            rounds: 1,
            at: SystemTime::now(),
            known_dead: false,
            index: None,
        }
    }
}
