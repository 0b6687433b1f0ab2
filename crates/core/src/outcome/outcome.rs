//! What a call tells: the outcome, and what it is made of.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::input::shown::printable;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::lost::Lost;
use crate::outcome::problem::ProblemDetails;
use crate::outcome::{json, retryable};

/// One attempt of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Whether the request, or a part of it, may have left: observed where bytes are handed down, not guessed.
    pub sent: bool,
    /// The status of the answer, when there was one.
    pub http_status: Option<u16>,
    /// What happened, when there was no answer.
    pub failure: Option<Code>,
    /// How long the attempt took.
    #[serde(rename = "elapsed_ms", serialize_with = "as_millis")]
    pub elapsed: Duration,
    /// How long was waited before the attempt.
    #[serde(rename = "waited_ms", serialize_with = "as_millis")]
    pub waited: Duration,
    /// The id that the server or a gateway gave the request, from `X-Request-Id` and header fields like it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The header fields of the answer that a support desk asks for, each once: name in lower case, and value. Ids of
    /// the request; of an answer that is not a 204 also `Server`, `Via`, `X-Cache`
    /// and those about rate limits. Without secrets, and at most 256 characters each.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    pub headers: Vec<(String, String)>,
    /// Whether the answer has the form in which the API answers.
    #[serde(skip)]
    pub(crate) from_api: bool,
}

impl Attempt {
    /// The status, where the answer came whole and in the API's form.
    pub(crate) fn api_status(&self) -> Option<u16> {
        self.http_status.filter(|_| self.from_api && self.failure.is_none())
    }
}

/// All that is known after a call about one token. Serializes to the JSON of `docs/outcome.schema.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub(crate) id: Option<String>,
    #[serde(rename = "outcome")]
    pub(crate) kind: OutcomeKind,
    pub(crate) code: Code,
    pub(crate) http_status: Option<u16>,
    pub(crate) attempts: Vec<Attempt>,
    /// How often the token was called for: more than once where a batch puts it off.
    pub(crate) rounds: u32,
    pub(crate) problem: Option<ProblemDetails>,
    pub(crate) message: String,
    pub(crate) retryable: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) from_journal: bool,
    #[serde(serialize_with = "as_seconds")]
    pub(crate) retry_after: Option<Duration>,
    pub(crate) trace_id: Option<String>,
    #[serde(rename = "elapsed_ms", serialize_with = "as_millis")]
    pub(crate) elapsed: Duration,
    /// When this became known.
    #[serde(serialize_with = "as_time")]
    pub(crate) at: SystemTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proof: Option<Box<Proof>>,
    /// What the attempts have left in doubt.
    #[serde(skip)]
    pub(crate) lost: Lost,
    /// The token was known to be dead, by a journal or by this batch: nothing but its proof was asked for.
    #[serde(skip)]
    pub(crate) known_dead: bool,
    /// The position of the id in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<u64>,
}

impl Outcome {
    /// A report of something refused before anything was sent. Whatever brought the message, it is fit for a terminal.
    pub(crate) fn refused(code: Code, id: Option<String>, message: String) -> Outcome {
        let message = match printable(&message) {
            Cow::Borrowed(_) => message,
            Cow::Owned(escaped) => escaped,
        };
        Outcome {
            id,
            kind: OutcomeKind::NotDeleted,
            code,
            http_status: None,
            attempts: Vec::new(),
            problem: None,
            message,
            retryable: retryable::decide(OutcomeKind::NotDeleted, code, None, true),
            from_journal: false,
            retry_after: None,
            trace_id: None,
            elapsed: Duration::ZERO,
            proof: None,
            lost: Lost::No,
            rounds: 0,
            at: now(),
            known_dead: false,
            index: None,
        }
    }

    /// A report of what a journal knows: that the token is dead.
    pub(crate) fn replayed(id: String, gone: bool) -> Outcome {
        let kind = if gone { OutcomeKind::Gone } else { OutcomeKind::Deleted };
        let message = format!("the token `{}` is {kind}, as the journal knows", printable(&id));
        let outcome = Outcome::refused(Code::Ok, Some(id), message);
        Outcome { kind, from_journal: true, known_dead: true, ..outcome }
    }

    /// A report of what this batch has told already, for the sake of a proof that comes after it.
    pub(crate) fn again(id: String, gone: bool) -> Outcome {
        let kind = if gone { OutcomeKind::Gone } else { OutcomeKind::Deleted };
        let message = format!("the token `{}` is {kind}, as was told before", printable(&id));
        let outcome = Outcome::refused(Code::Ok, Some(id), message);
        Outcome { kind, known_dead: true, ..outcome }
    }

    /// A report of a bug here: nothing is known of the token.
    pub(crate) fn internal(id: Option<String>) -> Outcome {
        Outcome {
            kind: OutcomeKind::Unknown,
            retryable: true,
            message: "a bug in mpt-tokens stopped the call; the token may be deleted: run again to find out, \
                      and please report this"
                .to_owned(),
            ..Outcome::refused(Code::Internal, id, String::new())
        }
    }

    /// Returns the token id. `None` means that the failure is not about one token, such as an invalid configuration.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the position of the id in the list, from 0, in a batch that is asked for it
    /// ([`BatchOptions::index`](crate::BatchOptions::index)).
    pub fn index(&self) -> Option<u64> {
        self.index
    }

    /// Returns what is true of the token.
    pub fn kind(&self) -> OutcomeKind {
        self.kind
    }

    /// Returns what happened.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Returns the HTTP status of the last answer. `None` means that no attempt was answered.
    pub fn http_status(&self) -> Option<u16> {
        self.http_status
    }

    /// Returns the attempts, in order. There are none if the call was refused before anything was tried.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// How many calls were made for the token: more than 1 where a batch has put it off and called again, since nothing
    /// conclusive came; 0 where none was made. [`Outcome::attempts`] has the attempts of all.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Returns true if it is `unknown` for no other reason than that the journal has a damaged line, which may have
    /// been about the token.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.lost == Lost::InDoubt && self.kind == OutcomeKind::Unknown
    }

    /// Returns the body of the last answer, if it was a JSON object.
    pub fn problem(&self) -> Option<&ProblemDetails> {
        self.problem.as_ref()
    }

    /// Returns one sentence that says what happened, what is true of the token and, after a failure, what to do.
    /// One line, fit for a terminal: it may hold ids, paths and text of the server, in which every character that
    /// [`is_unprintable`](crate::is_unprintable) is escaped.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns true if nothing was sent, because a journal knows the outcome: see
    /// [`BatchOptions::replay`](crate::BatchOptions::replay).
    pub fn from_journal(&self) -> bool {
        self.from_journal
    }

    /// Returns true if trying again later can change the outcome: the obstacle passes by itself (a network, a limit, a
    /// server that is down), or it is not known whether the token is dead. False if the token is dead, or if somebody
    /// must first do something: give another id, another API token or another base URL.
    ///
    /// One `unknown` is not retryable: if a journal is damaged and the API does not know the token.
    ///
    /// So each outcome of a list is one of three: a success, to be tried again, or for a person to look at.
    pub fn retryable(&self) -> bool {
        self.retryable
    }

    /// Returns how long the server asked to wait before the next attempt. `None` means that it did not ask, or that the
    /// call has waited.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns the trace id that was sent with every attempt. `None` means that nothing was tried.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// Returns the server's own `traceId`, from the problem details.
    pub fn server_trace_id(&self) -> Option<&str> {
        self.problem.as_ref().and_then(ProblemDetails::trace_id)
    }

    /// Returns how long the whole call took, including waits.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// When this became known: when the last answer came, or a call was given up. By the machine's clock; `at` in JSON,
    /// in UTC (RFC 3339).
    pub fn settled_at(&self) -> SystemTime {
        self.at
    }

    /// What the token's own value was answered, in a batch that asks for proof
    /// ([`BatchOptions::prove`](crate::BatchOptions::prove)).
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_deref()
    }

    /// Returns true if the credential is dead: `deleted` or `gone`.
    pub fn is_success(&self) -> bool {
        self.kind.is_success()
    }

    /// Returns the outcome as one line of JSON.
    pub fn to_json(&self) -> String {
        json::line(self)
    }
}

/// The time now; 1970 where the system has no clock that can be read: that must not cost the outcome.
fn now() -> SystemTime {
    std::panic::catch_unwind(SystemTime::now).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Milliseconds with three decimals, so that a call of 80 microseconds is not shown as none.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e3)
}

fn as_map<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// RFC 3339, in UTC, to the millisecond.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn as_time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}

#[allow(clippy::ref_option)]
fn as_seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_f64((duration.as_secs_f64() * 1e3).round() / 1e3),
        None => serializer.serialize_none(),
    }
}

/// What a 401 to a token's own value is measured against: without that, it may be a gateway's word, or that of the API
/// about a value that was mistyped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProofBasis {
    /// The same request with the client's own API token was answered 404 by the API: the two differ in nothing but the
    /// credential.
    Control,
    /// The value itself was accepted before by this client (204), and the 401 is the API's.
    AcceptedBefore,
    /// [`Client::burn`](crate::Client::burn) only: the answer to an earlier request with the value was lost, and the
    /// API then answered the same request 401. The value does not authenticate, and a request that would have deleted
    /// the token was sent while it may still have done so. A text that never was a token's value would be answered in
    /// the same way.
    LostAnswer,
}

impl ProofBasis {
    /// The name used in every language and in JSON: `control`, `accepted_before` or `lost_answer`.
    pub const fn name(self) -> &'static str {
        match self {
            ProofBasis::Control => "control",
            ProofBasis::AcceptedBefore => "accepted_before",
            ProofBasis::LostAnswer => "lost_answer",
        }
    }
}

impl fmt::Display for ProofBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How the API answered a token's own value: proof that the token is dead, or what else is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct Proof {
    pub(crate) proven: bool,
    pub(crate) basis: Option<ProofBasis>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

impl Proof {
    /// The proof that a batch did not ask for, and why.
    pub(crate) fn not_asked_for(id: &str, why: &str) -> Proof {
        let message = not_proven(id, why);
        Proof::none(Outcome::refused(Code::Skipped, Some(id.to_owned()), message))
    }

    pub(crate) fn none(mut outcome: Outcome) -> Proof {
        // A value may have been judged otherwise than the answer to it.
        outcome.retryable = match outcome.kind {
            OutcomeKind::Unknown => true,
            OutcomeKind::Deleted | OutcomeKind::Gone => false,
            OutcomeKind::NotDeleted => outcome.retryable,
        };
        Proof { proven: false, basis: None, outcome }
    }

    /// Returns true if the token is proven dead: its value was answered 401, and there is a [`ProofBasis`] to compare
    /// that with. The token can no longer be used for authentication.
    pub fn is_proven(&self) -> bool {
        self.proven
    }

    /// Returns true if the proof is one of the token, whichever value it is asked with. After a lost answer it is one of
    /// the value alone.
    pub(crate) fn is_of_the_token(&self) -> bool {
        self.proven && self.basis != Some(ProofBasis::LostAnswer)
    }

    /// Returns what the proof rests on. `None` means that there is no proof.
    pub fn basis(&self) -> Option<ProofBasis> {
        self.basis
    }

    /// Returns the id of the token, from its value.
    pub fn token_id(&self) -> &str {
        self.outcome.id().unwrap_or_default()
    }

    /// Returns the outcome of the request with the value. With a proof it is `gone`. `deleted` means that the token was
    /// still alive and that the request for proof deleted it: ask for proof again.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns the outcome as one line of JSON, with the members `proven` and `basis`.
    pub fn to_json(&self) -> String {
        json::line(self)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.outcome.message())
    }
}

pub(crate) fn not_proven(id: &str, what: &str) -> String {
    format!("it is not proven that the token `{}` is dead: {what}", printable(id))
}
