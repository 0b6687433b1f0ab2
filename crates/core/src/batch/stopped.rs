//! Why a batch tries no more ids, and what it reports of those that it did not try.

use std::fmt;
use std::time::Duration;

use crate::batch::job::Job;
use crate::batch::rate_limiter::Pause;
use crate::input::shown::printable;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::lost::Lost;
use crate::outcome::outcome::{Outcome, Proof};

/// Why a batch stopped trying ids. As text, it also says what to do, if there is something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// [`Batch::stop`](crate::Batch::stop) was called.
    Asked,
    /// It was cancelled.
    Cancelled,
    /// The API answered 401 for two ids, and accepted the API token for none in between: it does not accept it. A 401
    /// for one id alone stops nothing.
    Unauthorized,
    /// The server asked for a longer pause than the batch waits.
    Paused(Pause),
    /// No answer was conclusive for as long as [`BatchOptions::patience`](crate::BatchOptions::patience).
    NoAnswer(Duration),
    /// The journal cannot be written; the text says why.
    Journal(String),
}

impl Stopped {
    /// Returns the word for it, the same in every language: `asked`, `cancelled`, `unauthorized`, `paused`, `no_answer`
    /// or `journal`.
    pub const fn reason(&self) -> &'static str {
        match self {
            Stopped::Asked => "asked",
            Stopped::Cancelled => "cancelled",
            Stopped::Unauthorized => "unauthorized",
            Stopped::Paused(_) => "paused",
            Stopped::NoAnswer(_) => "no_answer",
            Stopped::Journal(_) => "journal",
        }
    }

    /// Returns the code that comes nearest: `skipped` if it was asked to stop, `cancelled`, `unauthorized`,
    /// `rate_limited` or `server_error` for a pause, `timeout` if there was no answer, `invalid_config` for a journal.
    pub const fn code(&self) -> Code {
        match self {
            Stopped::Asked => Code::Skipped,
            Stopped::Cancelled => Code::Cancelled,
            Stopped::Unauthorized => Code::Unauthorized,
            Stopped::Paused(Pause { http_status: 500..=599, .. }) => Code::ServerError,
            Stopped::Paused(_) => Code::RateLimited,
            Stopped::NoAnswer(_) => Code::Timeout,
            Stopped::Journal(_) => Code::InvalidConfig,
        }
    }

    /// Whether the caller wanted it.
    pub(crate) const fn is_wanted(&self) -> bool {
        matches!(self, Stopped::Asked | Stopped::Cancelled)
    }

    /// What happened.
    pub(crate) fn cause(&self) -> String {
        match self {
            Stopped::Asked => "the batch was stopped".to_owned(),
            Stopped::Cancelled => "the batch was cancelled".to_owned(),
            Stopped::Unauthorized => {
                "the API answered 401 (the API token is not accepted)".to_owned()
            }
            Stopped::Paused(pause) => wants_no_calls(pause),
            Stopped::NoAnswer(patience) => {
                let seconds = patience.as_secs_f64();
                format!("the API gave no conclusive answer for {seconds} s")
            }
            Stopped::Journal(why) => why.clone(),
        }
    }

    /// What to do.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Stopped::Unauthorized => ": check MPT_API_TOKEN",
            Stopped::Paused(_) => ": run again then",
            Stopped::NoAnswer(_) => ": run again when it answers",
            Stopped::Asked | Stopped::Cancelled | Stopped::Journal(_) => "",
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.cause(), self.advice())
    }
}

pub(crate) fn wants_no_calls(pause: &Pause) -> String {
    let seconds = pause.left.as_secs_f64().ceil();
    format!("the API wants no calls for {seconds} s (it answered {})", pause.http_status)
}

/// The outcome of an id that is not tried any more: what came of it so far, or that it was pulled and never tried.
pub(crate) fn given_up(job: &Job, why: &Stopped) -> Outcome {
    if let Some(dead) = &job.known_dead {
        let proof = dead.proof.clone();
        let proof = proof.unwrap_or_else(|| Box::new(Proof::not_asked_for(&job.id, &why.cause())));
        return Outcome { proof: Some(proof), ..(**dead).clone() };
    }
    if let Some(earlier) = &job.earlier {
        return earlier.outcome.clone();
    }
    let advice = why.advice();
    let because = match why {
        Stopped::Asked | Stopped::Cancelled => why.cause(),
        _ => format!("the batch was stopped, since {}", why.cause()),
    };
    let id = &job.id;
    let shown = printable(id);
    if job.lost_before.may_be_deleted() {
        let why = match job.lost_before {
            Lost::InDoubt => "a damaged line of the journal may have been about it",
            _ => "the answer to an earlier call was lost",
        };
        let message = format!(
            "{because}, and the token `{shown}` was not tried; {why}, and the token may be deleted: run again to find out"
        );
        let outcome = Outcome::refused(Code::Skipped, Some(id.clone()), message);
        let lost = job.lost_before;
        return Outcome { kind: OutcomeKind::Unknown, lost, retryable: true, ..outcome };
    }
    let message = format!("{because}, and the token `{shown}` was not tried{advice}");
    Outcome::refused(Code::Skipped, Some(id.clone()), message)
}
