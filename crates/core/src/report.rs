//! What a call tells: the report, and its two faces, `Deletion` and `Error`.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::characters::printable;
use crate::code::{Code, Outcome};
use crate::problem::ProblemDetails;
use crate::prove::Proof;
use crate::retryable;

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
pub struct Report {
    pub(crate) id: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) code: Code,
    pub(crate) http_status: Option<u16>,
    pub(crate) attempts: Vec<Attempt>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proof: Option<Box<Proof>>,
    /// `unknown` for no other reason than that the journal has a damaged line that may have been about the token.
    #[serde(skip)]
    pub(crate) in_doubt: bool,
    /// The token was known to be dead, by a journal or by this batch: nothing but its proof was asked for.
    #[serde(skip)]
    pub(crate) known_dead: bool,
}

impl Report {
    /// A report of something refused before anything was sent.
    pub(crate) fn refused(code: Code, id: Option<String>, message: String) -> Report {
        Report {
            id,
            outcome: Outcome::NotDeleted,
            code,
            http_status: None,
            attempts: Vec::new(),
            problem: None,
            message,
            retryable: retryable::decide(Outcome::NotDeleted, code, None, true),
            from_journal: false,
            retry_after: None,
            trace_id: None,
            elapsed: Duration::ZERO,
            proof: None,
            in_doubt: false,
            known_dead: false,
        }
    }

    /// A report of what a journal knows: that the token is dead.
    pub(crate) fn replayed(id: String, gone: bool) -> Report {
        let outcome = if gone { Outcome::Gone } else { Outcome::Deleted };
        let message = format!("the token `{}` is {outcome}, as the journal knows", printable(&id));
        let report = Report::refused(Code::Ok, Some(id), message);
        Report { outcome, from_journal: true, known_dead: true, ..report }
    }

    /// A report of what this batch has told already, for the sake of a proof that comes after it.
    pub(crate) fn again(id: String, gone: bool) -> Report {
        let outcome = if gone { Outcome::Gone } else { Outcome::Deleted };
        let message = format!("the token `{}` is {outcome}, as was told before", printable(&id));
        let report = Report::refused(Code::Ok, Some(id), message);
        Report { outcome, known_dead: true, ..report }
    }

    /// A report of a bug here: nothing is known of the token.
    pub(crate) fn internal(id: Option<String>) -> Report {
        Report {
            outcome: Outcome::Unknown,
            retryable: true,
            message: "a bug in mpt-tokens stopped the call; the token may be deleted: run again to find out, \
                      and please report this"
                .to_owned(),
            ..Report::refused(Code::Internal, id, String::new())
        }
    }

    /// The token id; `None` when the failure has nothing to do with one token (a configuration that cannot be used).
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What is true of the token.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What happened.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The HTTP status of the last answer, when any attempt was answered.
    pub fn http_status(&self) -> Option<u16> {
        self.http_status
    }

    /// The attempts, in order. Empty when the call was refused before anything was tried.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The body of the last answer, where it was a JSON object.
    pub fn problem(&self) -> Option<&ProblemDetails> {
        self.problem.as_ref()
    }

    /// One sentence that says what happened, what is true of the token and, after a failure, what to do.
    /// May hold text of the server; control characters in it are escaped.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether nothing was asked for this, since a journal knows it: see
    /// [`BatchOptions::replay`](crate::BatchOptions::replay).
    pub fn from_journal(&self) -> bool {
        self.from_journal
    }

    /// Whether asking again later can change the result: what stands in the way passes by itself (a network, a limit, a
    /// server that is down), or nothing is known of the token. Not where it is dead, and not where somebody must do
    /// something first: give another id, another API token, another base URL.
    ///
    /// One `unknown` is not: where a journal is damaged, and the API does not know the token.
    ///
    /// So a result of a list is one of three: it is a success; it is to be asked again; or it is for a person.
    pub fn retryable(&self) -> bool {
        self.retryable
    }

    /// How long the server asked to wait before the next attempt, when it did and that wait was not spent.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The trace id that went out with every attempt; `None` when nothing was tried.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// The server's own `traceId`, from the problem details.
    pub fn server_trace_id(&self) -> Option<&str> {
        self.problem.as_ref().and_then(ProblemDetails::trace_id)
    }

    /// How long the whole call took, waits included.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// What the token's own value was answered, in a batch that asks for proof
    /// ([`BatchOptions::prove`](crate::BatchOptions::prove)).
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_deref()
    }

    /// Whether the credential is dead: `deleted` or `gone`.
    pub fn is_success(&self) -> bool {
        self.outcome.is_success()
    }

    /// The report as one line of JSON.
    pub fn to_json(&self) -> String {
        crate::json::line(self)
    }

    /// A success as `Deletion`, a failure as `Error`.
    pub fn into_result(self) -> Result<Deletion, Error> {
        if self.is_success() { Ok(Deletion(Box::new(self))) } else { Err(Error(Box::new(self))) }
    }
}

/// A success: the token is `deleted` or `gone`. Everything a [`Report`] tells is on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deletion(Box<Report>);

/// A failure: the token is `not_deleted`, or its fate is `unknown`. Everything a [`Report`] tells is on it.
///
/// One word wide. `Display` is [`Report::message`].
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Report>);

impl Error {
    /// An argument that cannot be used: for layers that take values from another language, which Rust's types would
    /// have kept out. The message says which, what was expected and what was found.
    pub fn invalid_argument(message: impl Into<String>) -> Error {
        Error(Box::new(Report::refused(Code::InvalidArgument, None, message.into())))
    }

    /// A bug: for layers that catch a panic before it reaches another language. Nothing is known of the token.
    pub fn internal() -> Error {
        Error(Box::new(Report::internal(None)))
    }

    /// Whether the token may have been deleted although this is a failure.
    pub fn is_unknown(&self) -> bool {
        self.outcome == Outcome::Unknown
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Deletion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

macro_rules! face_of_a_report {
    ($face:ident) => {
        impl $face {
            /// The report behind it.
            pub fn into_report(self) -> Report {
                *self.0
            }
        }

        impl Deref for $face {
            type Target = Report;

            fn deref(&self) -> &Report {
                &self.0
            }
        }

        impl From<$face> for Report {
            fn from(face: $face) -> Report {
                *face.0
            }
        }
    };
}

face_of_a_report!(Deletion);
face_of_a_report!(Error);

impl From<Result<Deletion, Error>> for Report {
    fn from(result: Result<Deletion, Error>) -> Report {
        result.map_or_else(Report::from, Report::from)
    }
}

/// Milliseconds with three decimals, so that a call of 80 microseconds is not shown as none.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e3)
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
