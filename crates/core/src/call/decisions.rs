//! The decision table: what every history of answers means, a row a case.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::call::answer::Answer;
use crate::call::call::Call;
use crate::call::io::{AttemptOrder, CallIo};
use crate::call::retry::{RetryBudget, RetryPolicy};
use crate::call::rules::TokenContext;
use crate::input::token_id::TokenId;
use crate::input::trace::TraceParent;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::lost::Lost;
use crate::outcome::outcome::Outcome;
use crate::outcome::problem::ProblemDetails;

/// A network that answers as it is told, where waiting takes no time.
struct Script {
    answers: RefCell<std::vec::IntoIter<Answer>>,
    start: Instant,
    passed: Cell<Duration>,
    cancelled: Cell<bool>,
    /// Which pause is cancelled, counted from 1.
    cancel_pause: Option<u32>,
    pauses: RefCell<Vec<Duration>>,
    random: f64,
}

impl Script {
    fn new(history: &str, cancel_pause: Option<u32>, random: f64) -> Script {
        let answers: Vec<Answer> = history.split_whitespace().map(answer).collect();
        Script {
            answers: RefCell::new(answers.into_iter()),
            start: Instant::now(),
            passed: Cell::default(),
            cancelled: Cell::default(),
            cancel_pause,
            pauses: RefCell::default(),
            random,
        }
    }
}

impl CallIo for Script {
    fn now(&self) -> Instant {
        self.start + self.passed.get()
    }

    fn random(&self) -> f64 {
        self.random
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    fn pause(&self, duration: Duration) -> bool {
        self.pauses.borrow_mut().push(duration);
        if self.cancel_pause == u32::try_from(self.pauses.borrow().len()).ok() {
            self.cancelled.set(true);
            return false;
        }
        self.passed.set(self.passed.get() + duration);
        true
    }

    fn exchange(&self, order: &AttemptOrder<'_>) -> Answer {
        assert!(self.now() < order.deadline, "an attempt was started after the deadline");
        let answer =
            self.answers.borrow_mut().next().expect("one attempt more than the script has answers");
        if let Answer::Failed { code: Code::Timeout, .. } = answer {
            self.passed.set(order.deadline - self.start);
        }
        answer
    }
}

/// `404j`: in the API's form; `404m`: JSON, in another form; `404`: no JSON at all; `429+5`: with `Retry-After: 5`;
/// a word: a failure, `0` at its end when nothing was sent.
fn answer(word: &str) -> Answer {
    let failed = |code, sent, permanent| Answer::Failed {
        code,
        sent,
        permanent,
        status: None,
        detail: "as scripted".to_owned(),
    };
    match word {
        "resolve0" => failed(Code::ResolveFailed, false, false),
        "connect0" => failed(Code::ConnectFailed, false, false),
        "tls0" => failed(Code::TlsFailed, false, false),
        "cert0" => failed(Code::TlsFailed, false, true),
        "proxy0" => failed(Code::ProxyFailed, false, false),
        "denied0" => failed(Code::ProxyFailed, false, true),
        "timeout0" => failed(Code::Timeout, false, false),
        "cancel0" => failed(Code::Cancelled, false, true),
        "lost" => failed(Code::ConnectionLost, true, false),
        "timeout" => failed(Code::Timeout, true, false),
        "cancel" => failed(Code::Cancelled, true, true),
        "garbage" => failed(Code::UnexpectedResponse, true, false),
        status => {
            let (status, wait) = match status.split_once('+') {
                Some((status, seconds)) => {
                    (status, Some(Duration::from_secs(seconds.parse().unwrap())))
                }
                None => (status, None),
            };
            let digits = status.trim_end_matches(['j', 'm']);
            let body: &[u8] = match &status[digits.len()..] {
                "j" => br#"{"title":"as scripted"}"#,
                "m" => br#"{"message":"as scripted"}"#,
                _ => b"",
            };
            Answer::Status {
                status: digits.parse().unwrap(),
                from_api: status.ends_with('j'),
                problem: ProblemDetails::parse(body),
                retry_after: wait,
                request_id: None,
                headers: Vec::new(),
            }
        }
    }
}

fn run_with(history: &str, flags: &str, script: &Script, policy: &RetryPolicy) -> Outcome {
    let id = TokenId::new("TKN-1000-0001").unwrap();
    let budget = RetryBudget::new(RetryBudget::RESERVE);
    let outcome = Call {
        id: &id,
        known: TokenContext {
            own: flags.contains("own") || flags.contains("burn"),
            burn: flags.contains("burn"),
            missing_ok: flags.contains("missing"),
        },
        attempts_before: 0,
        is_put_off: false,
        lost_before: match flags {
            _ if flags.contains("before") => Lost::Before,
            _ if flags.contains("doubt") => Lost::InDoubt,
            _ => Lost::No,
        },
        trace: TraceParent::random(),
        policy,
        budget: &budget,
        throttle: None,
        listener: None,
    }
    .run(script);
    assert_eq!(script.answers.borrow().len(), 0, "the call ended before the script `{history}`");
    outcome
}

pub(super) fn run(history: &str, flags: &str) -> Outcome {
    run_with(history, flags, &Script::new(history, None, 0.5), &RetryPolicy::default())
}

#[rstest]
// One answer that settles the matter. What each status comes to, in each form, stands in docs/answers.md.
#[case("204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("204", "own", Code::Ok, OutcomeKind::Deleted)]
#[case("204", "missing", Code::Ok, OutcomeKind::Deleted)]
#[case("204", "before", Code::Ok, OutcomeKind::Deleted)]
#[case("400", "", Code::BadRequest, OutcomeKind::NotDeleted)]
#[case("400j", "", Code::BadRequest, OutcomeKind::NotDeleted)]
#[case("401", "", Code::Unauthorized, OutcomeKind::NotDeleted)]
#[case("401j", "", Code::Unauthorized, OutcomeKind::NotDeleted)]
#[case("401", "own", Code::Unauthorized, OutcomeKind::NotDeleted)]
#[case("401j", "own", Code::Unauthorized, OutcomeKind::NotDeleted)]
#[case("403", "", Code::Forbidden, OutcomeKind::NotDeleted)]
#[case("403j", "", Code::Forbidden, OutcomeKind::NotDeleted)]
#[case("404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("404j", "own", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("404j", "own missing", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("404j", "missing", Code::Ok, OutcomeKind::Gone)]
#[case("404", "", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
#[case("404m", "", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
#[case("404", "missing", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
#[case("404m", "missing", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
#[case("409", "", Code::Conflict, OutcomeKind::NotDeleted)]
#[case("409j", "", Code::Conflict, OutcomeKind::NotDeleted)]
#[case("410j", "", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
#[case("410j", "missing", Code::Ok, OutcomeKind::Gone)]
#[case("410m", "missing", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
#[case("307", "", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
#[case("308", "", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
// A server error that asking again cannot help.
#[case("501", "", Code::ServerError, OutcomeKind::Unknown)]
#[case("505", "", Code::ServerError, OutcomeKind::Unknown)]
#[case("511", "", Code::ServerError, OutcomeKind::Unknown)]
// Failures that nothing was sent before, and that asking again cannot help.
#[case("cert0", "", Code::TlsFailed, OutcomeKind::NotDeleted)]
#[case("denied0", "", Code::ProxyFailed, OutcomeKind::NotDeleted)]
#[case("cancel0", "", Code::Cancelled, OutcomeKind::NotDeleted)]
#[case("cancel", "", Code::Cancelled, OutcomeKind::Unknown)]
// An earlier call's answer was lost.
#[case("404j", "before", Code::Ok, OutcomeKind::Gone)]
#[case("410j", "before", Code::Ok, OutcomeKind::Gone)]
#[case("404", "before", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("404m", "before", Code::UnexpectedResponse, OutcomeKind::Unknown)]
// Whether it was asked for before cannot be read: nothing says that it is alive, and a 404 does not say that it was there.
#[case("204", "doubt", Code::Ok, OutcomeKind::Deleted)]
#[case("404j", "doubt", Code::NotFound, OutcomeKind::Unknown)]
#[case("404j", "doubt missing", Code::Ok, OutcomeKind::Gone)]
#[case("401j", "doubt own", Code::Unauthorized, OutcomeKind::Unknown)]
#[case("403", "doubt", Code::Forbidden, OutcomeKind::Unknown)]
#[case("connect0 connect0 connect0 connect0", "doubt", Code::ConnectFailed, OutcomeKind::Unknown)]
#[case("lost 404j", "doubt", Code::Ok, OutcomeKind::Gone)]
#[case("lost 401j", "doubt own", Code::Ok, OutcomeKind::Gone)]
#[case("429 404j", "doubt", Code::NotFound, OutcomeKind::Unknown)]
#[case("400j", "before", Code::BadRequest, OutcomeKind::Unknown)]
#[case("401j", "before", Code::Unauthorized, OutcomeKind::Unknown)]
#[case("401j", "before own", Code::Ok, OutcomeKind::Gone)]
#[case("401", "before own", Code::Unauthorized, OutcomeKind::Unknown)]
#[case("401m", "before own", Code::Unauthorized, OutcomeKind::Unknown)]
#[case("404j", "before own", Code::NotFound, OutcomeKind::Unknown)]
#[case("410j", "before own", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("404j", "before own missing", Code::NotFound, OutcomeKind::Unknown)]
#[case("403", "before", Code::Forbidden, OutcomeKind::Unknown)]
#[case("409", "before", Code::Conflict, OutcomeKind::Unknown)]
#[case("307", "before", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("cert0", "before", Code::TlsFailed, OutcomeKind::Unknown)]
#[case("cancel0", "before", Code::Cancelled, OutcomeKind::Unknown)]
// Attempts that were surely not carried out, then an answer.
#[case("resolve0 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("connect0 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("tls0 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("proxy0 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("timeout0 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("425 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("429 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("429+1 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("resolve0 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("connect0 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("tls0 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("proxy0 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("timeout0 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("connect0 401j", "own", Code::Unauthorized, OutcomeKind::NotDeleted)]
#[case("connect0 cancel0", "", Code::Cancelled, OutcomeKind::NotDeleted)]
#[case("connect0 cancel", "", Code::Cancelled, OutcomeKind::Unknown)]
// A refusal for now: the API's, or one that says when, is one. Another may have been passed on all the same.
#[case("429j 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("429+1 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("429j+1 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("425j 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("425+1 404j", "", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("429 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("429m 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("425 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("429 410j", "", Code::Ok, OutcomeKind::Gone)]
#[case("429 404j", "own", Code::NotFound, OutcomeKind::Unknown)]
#[case("429 404", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("425 404m", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("429j 404", "", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
#[case("429 429+1 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("429+1 429 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("429 connect0 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("429 401j", "own", Code::Ok, OutcomeKind::Gone)]
#[case("429 401", "own", Code::Unauthorized, OutcomeKind::Unknown)]
#[case("429j 401j", "own", Code::Unauthorized, OutcomeKind::NotDeleted)]
#[case("429 401j", "", Code::Unauthorized, OutcomeKind::NotDeleted)]
#[case("429 403", "", Code::Forbidden, OutcomeKind::NotDeleted)]
#[case("429 cancel0", "", Code::Cancelled, OutcomeKind::NotDeleted)]
#[case("429 404j", "missing", Code::Ok, OutcomeKind::Gone)]
// A lost answer, then one that settles the matter.
#[case("lost 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("timeout 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("garbage 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("500 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("503+2 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("200 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("302 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("408 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("499 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("520 204", "", Code::Ok, OutcomeKind::Deleted)]
#[case("lost 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("timeout 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("garbage 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("504j 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("303 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("408 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("408j 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("418 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("499 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("520 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("999 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("lost 410j", "", Code::Ok, OutcomeKind::Gone)]
#[case("lost 401j", "own", Code::Ok, OutcomeKind::Gone)]
#[case("502 401j", "own", Code::Ok, OutcomeKind::Gone)]
// A value that is burnt: no request was lost, so it was dead before, or never was one.
#[case("204", "burn", Code::Ok, OutcomeKind::Deleted)]
#[case("401j", "burn", Code::DeadValue, OutcomeKind::NotDeleted)]
#[case("connect0 401j", "burn", Code::DeadValue, OutcomeKind::NotDeleted)]
#[case("429j 401j", "burn", Code::DeadValue, OutcomeKind::NotDeleted)]
#[case("429 401j", "burn", Code::Ok, OutcomeKind::Gone)]
#[case("lost 401j", "burn", Code::Ok, OutcomeKind::Gone)]
#[case("401j", "before burn", Code::Ok, OutcomeKind::Gone)]
#[case("401j", "doubt burn", Code::DeadValue, OutcomeKind::Unknown)]
#[case("401", "burn", Code::Unauthorized, OutcomeKind::NotDeleted)]
#[case("lost 401m", "burn", Code::Unauthorized, OutcomeKind::Unknown)]
#[case("404j", "burn missing", Code::NotFound, OutcomeKind::NotDeleted)]
#[case("lost 404j", "burn", Code::NotFound, OutcomeKind::Unknown)]
#[case("403j", "burn", Code::Forbidden, OutcomeKind::NotDeleted)]
#[case("lost 403j", "burn", Code::Forbidden, OutcomeKind::Unknown)]
// A lost answer, then one that settles nothing: the token is not alive for that.
#[case("lost 400j", "", Code::BadRequest, OutcomeKind::Unknown)]
#[case("lost 401j", "", Code::Unauthorized, OutcomeKind::Unknown)]
#[case("lost 401", "own", Code::Unauthorized, OutcomeKind::Unknown)]
#[case("lost 404j", "own", Code::NotFound, OutcomeKind::Unknown)]
#[case("lost 403", "", Code::Forbidden, OutcomeKind::Unknown)]
#[case("lost 403", "own", Code::Forbidden, OutcomeKind::Unknown)]
#[case("lost 404", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("lost 404m", "missing", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("lost 409", "", Code::Conflict, OutcomeKind::Unknown)]
#[case("lost 308", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("lost 410", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("lost cert0", "", Code::TlsFailed, OutcomeKind::Unknown)]
#[case("lost denied0", "", Code::ProxyFailed, OutcomeKind::Unknown)]
#[case("lost cancel0", "", Code::Cancelled, OutcomeKind::Unknown)]
#[case("502 cancel0", "", Code::Cancelled, OutcomeKind::Unknown)]
#[case("429 lost 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("429 lost 403", "", Code::Forbidden, OutcomeKind::Unknown)]
#[case("lost 429 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("lost 429 403", "", Code::Forbidden, OutcomeKind::Unknown)]
#[case("lost connect0 404j", "", Code::Ok, OutcomeKind::Gone)]
#[case("connect0 connect0 lost 404j", "", Code::Ok, OutcomeKind::Gone)]
// All attempts used.
#[case("resolve0 resolve0 resolve0 resolve0", "", Code::ResolveFailed, OutcomeKind::NotDeleted)]
#[case("connect0 connect0 connect0 connect0", "", Code::ConnectFailed, OutcomeKind::NotDeleted)]
#[case("tls0 tls0 tls0 tls0", "", Code::TlsFailed, OutcomeKind::NotDeleted)]
#[case("proxy0 proxy0 proxy0 proxy0", "", Code::ProxyFailed, OutcomeKind::NotDeleted)]
#[case("408 408 408 408", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("425 425 425 425", "", Code::UnexpectedResponse, OutcomeKind::NotDeleted)]
#[case("429 429 429 429", "", Code::RateLimited, OutcomeKind::NotDeleted)]
#[case("429+1 429+1 429+1 429+1", "", Code::RateLimited, OutcomeKind::NotDeleted)]
#[case("429 429 429 connect0", "", Code::ConnectFailed, OutcomeKind::NotDeleted)]
#[case("lost 429 429 429", "", Code::RateLimited, OutcomeKind::Unknown)]
#[case("lost lost lost lost", "", Code::ConnectionLost, OutcomeKind::Unknown)]
#[case("lost connect0 connect0 connect0", "", Code::ConnectFailed, OutcomeKind::Unknown)]
#[case("garbage garbage garbage garbage", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("503 503 503 503", "", Code::ServerError, OutcomeKind::Unknown)]
#[case("503 503 503 429", "", Code::RateLimited, OutcomeKind::Unknown)]
#[case("200 200 200 200", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("302 302 302 302", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
#[case("302 302 302 403", "", Code::Forbidden, OutcomeKind::Unknown)]
#[case("429 429 429 200", "", Code::UnexpectedResponse, OutcomeKind::Unknown)]
// The deadline (60 s, 20 s an attempt): three timeouts use it up; a wait that would pass it is not begun.
#[case("timeout timeout timeout", "", Code::Timeout, OutcomeKind::Unknown)]
#[case("timeout0 timeout0 timeout0", "", Code::Timeout, OutcomeKind::NotDeleted)]
#[case("timeout0 timeout0 timeout", "", Code::Timeout, OutcomeKind::Unknown)]
#[case("timeout timeout0 timeout0", "", Code::Timeout, OutcomeKind::Unknown)]
#[case("429+60", "", Code::RateLimited, OutcomeKind::NotDeleted)]
#[case("429+86400", "", Code::RateLimited, OutcomeKind::NotDeleted)]
#[case("503+60", "", Code::ServerError, OutcomeKind::Unknown)]
#[case("429+30 429+30", "", Code::RateLimited, OutcomeKind::NotDeleted)]
#[case("lost 429+60", "", Code::RateLimited, OutcomeKind::Unknown)]
#[case("429+60", "before", Code::RateLimited, OutcomeKind::Unknown)]
fn the_decision_table(
    #[case] history: &str,
    #[case] flags: &str,
    #[case] code: Code,
    #[case] kind: OutcomeKind,
) {
    let outcome = run(history, flags);
    assert_eq!((outcome.code(), outcome.kind()), (code, kind), "{outcome:?}");
    assert_eq!(outcome.attempts().len(), history.split_whitespace().count());
    assert_eq!(outcome.is_success(), outcome.code() == Code::Ok);
    assert!(outcome.message().contains("TKN-1000-0001"), "{}", outcome.message());
    if kind == OutcomeKind::Unknown {
        let advice = match code {
            Code::NotFound | Code::DeadValue => "look for it in the Marketplace",
            _ => "run again to find out",
        };
        let end = format!("may be deleted: {advice}");
        assert!(outcome.message().ends_with(&end), "{}", outcome.message());
    }
}

/// A pause that is cancelled ends the call with what is known then.
#[rstest]
#[case("429", OutcomeKind::NotDeleted)]
#[case("connect0", OutcomeKind::NotDeleted)]
#[case("lost", OutcomeKind::Unknown)]
#[case("503", OutcomeKind::Unknown)]
fn cancelled_in_a_pause(#[case] history: &str, #[case] kind: OutcomeKind) {
    let script = Script::new(history, Some(1), 0.5);
    let outcome = run_with(history, "", &script, &RetryPolicy::default());
    assert_eq!((outcome.code(), outcome.kind()), (Code::Cancelled, kind));
}

#[test]
fn cancelled_before_anything_was_sent() {
    let script = Script::new("", None, 0.5);
    script.cancelled.set(true);
    let outcome = run_with("", "", &script, &RetryPolicy::default());
    assert_eq!((outcome.code(), outcome.kind()), (Code::Cancelled, OutcomeKind::NotDeleted));
    assert!(outcome.attempts().is_empty());
}

/// Full jitter: a random part of 200 ms, 400 ms, 800 ms; `Retry-After` is a lower bound.
#[rstest]
#[case("503 503 503 204", 1.0, &[200, 400, 800])]
#[case("503 503 503 204", 0.5, &[100, 200, 400])]
#[case("503 503 503 204", 0.0, &[0, 0, 0])]
#[case("503+1 503 503+2 204", 1.0, &[1000, 400, 2000])]
#[case("429+0 204", 1.0, &[200])]
fn pauses(#[case] history: &str, #[case] random: f64, #[case] expected: &[u64]) {
    let script = Script::new(history, None, random);
    let outcome = run_with(history, "", &script, &RetryPolicy::default());
    let pauses: Vec<u64> = script
        .pauses
        .borrow()
        .iter()
        .map(|pause| u64::try_from(pause.as_millis()).unwrap())
        .collect();
    assert_eq!(pauses, expected);
    let waited: Vec<Duration> =
        outcome.attempts()[1..].iter().map(|attempt| attempt.waited).collect();
    assert_eq!(waited, *script.pauses.borrow());
}

#[test]
fn the_backoff_has_a_cap() {
    let policy = RetryPolicy { attempts: 10, ..RetryPolicy::default() };
    let script = Script::new(&"503 ".repeat(10), None, 1.0);
    run_with("", "", &script, &policy);
    assert_eq!(*script.pauses.borrow().last().unwrap(), Duration::from_secs(10));
}

#[test]
fn a_wait_past_the_deadline_is_told_and_not_begun() {
    let outcome = run("429+61", "");
    assert_eq!(outcome.retry_after(), Some(Duration::from_secs(61)));
    assert!(
        outcome.message().contains("another attempt would pass the deadline"),
        "{}",
        outcome.message()
    );
}

#[test]
fn one_attempt_is_one_attempt() {
    let policy = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    let outcome = run_with("503", "", &Script::new("503", None, 0.5), &policy);
    assert_eq!(outcome.attempts().len(), 1);
}

#[test]
fn every_attempt_of_a_call_has_its_own_span_in_one_trace() {
    let trace = TraceParent::random();
    let (one, two) = (trace.attempt(), trace.attempt());
    assert_eq!(one[..36], two[..36]);
    assert_ne!(one, two);
    assert!(std::str::from_utf8(&one).unwrap().parse::<TraceParent>().is_ok());
}

#[test]
fn an_empty_budget_ends_a_call_early_and_answers_fill_it_again() {
    let budget = RetryBudget::new(RetryBudget::RESERVE);
    for _ in 0..RetryBudget::RESERVE {
        assert!(budget.take());
    }
    assert!(!budget.take());
    for _ in 0..RetryBudget::ANSWERS_A_RETRY {
        budget.give();
    }
    assert!(budget.take());
    assert!(!budget.take());
}
