//! What came of one attempt, and what earlier ones have left.

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
    let (sent, http_status, failure, from_api) = match answer {
        Answer::Status { status, from_api, .. } => (true, Some(*status), None, *from_api),
        Answer::Failed { code, sent, status, .. } => (*sent, *status, Some(*code), false),
    };
    Attempt { number, sent, http_status, failure, elapsed, waited, from_api }
}
