//! What came of one attempt, and what earlier ones have left.

use std::fmt;
use std::time::Duration;

use crate::outcome::code::Code;
use crate::outcome::outcome::Attempt;
use crate::outcome::problem::ProblemDetails;

/// What came of one attempt.
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
        /// The id that the server gave the request.
        request_id: Option<String>,
        /// The header fields that are told.
        headers: Vec<(String, String)>,
    },
    /// No complete answer.
    Failed {
        code: Code,
        /// Whether any byte of the request was handed down.
        sent: bool,
        /// Whether asking again cannot help: a certificate that is not trusted stays so.
        permanent: bool,
        /// The status, where a status line had come before the answer broke off.
        status: Option<u16>,
        /// The cause in words.
        detail: String,
    },
}

impl Answer {
    /// The status, where a status line came.
    pub(crate) fn http_status(&self) -> Option<u16> {
        match self {
            Answer::Status { status, .. } => Some(*status),
            Answer::Failed { status, .. } => *status,
        }
    }

    /// How long the server wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Answer::Status { retry_after, .. } => *retry_after,
            Answer::Failed { .. } => None,
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
    /// The call was cancelled before an attempt.
    Cancelled,
    /// The retries of all calls together are spent.
    BudgetSpent,
}

pub(crate) fn attempt(
    number: u32,
    answer: &Answer,
    elapsed: Duration,
    waited: Duration,
) -> Attempt {
    let attempt = Attempt {
        number,
        sent: true,
        http_status: None,
        failure: None,
        elapsed,
        waited,
        request_id: None,
        headers: Vec::new(),
        from_api: false,
    };
    match answer {
        Answer::Status { status, from_api, request_id, headers, .. } => Attempt {
            http_status: Some(*status),
            from_api: *from_api,
            request_id: request_id.clone(),
            headers: headers.clone(),
            ..attempt
        },
        Answer::Failed { code, sent, status, .. } => {
            Attempt { sent: *sent, http_status: *status, failure: Some(*code), ..attempt }
        }
    }
}

/// An answer in a few words, for the log: no server text.
pub(crate) struct Brief<'a>(pub(crate) &'a Answer);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Answer::Status { status, .. } => write!(f, "{status}"),
            Answer::Failed { code, sent, .. } => {
                write!(f, "{code} ({})", if *sent { "sent" } else { "not sent" })
            }
        }
    }
}
