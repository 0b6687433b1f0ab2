//! The sentences of reports: what happened, what is true of the token, what to do.

use std::fmt::Write as _;

use crate::call::answer::{Answer, End};
use crate::call::history::History;
use crate::input::shown::{printable, server_text};
use crate::input::token_id::TokenId;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::lost::Lost;

/// The sentence for a call that was made.
///
/// `burn`: the credential was the token's own value, which says more about what is alive.
pub(crate) fn of_call(
    id: &TokenId,
    burn: bool,
    code: Code,
    kind: OutcomeKind,
    history: &History,
    end: End,
) -> String {
    let id = &*printable(id.as_str());
    let (lost, attempts) = (history.lost, history.number());
    let last = history.last.as_ref().map(|(answer, _)| answer);
    match kind {
        OutcomeKind::Deleted => return ["the token `", id, "` is deleted"].concat(),
        OutcomeKind::Gone => return format!("the token `{id}` is gone: {}", why_gone(lost, last)),
        OutcomeKind::NotDeleted | OutcomeKind::Unknown => {}
    }
    let mut text = what_happened(code, last);
    if burn && code == Code::Unauthorized {
        text = "the answer was 401, and not in the API's form (a gateway's?)".to_owned();
    }
    match end {
        End::AttemptsUsed if attempts > 1 => {
            let _ = write!(text, ", after {attempts} attempts");
        }
        End::Deadline => text.push_str(", and another attempt would pass the deadline"),
        End::BudgetSpent => text.push_str(", and the retries of all calls together are spent"),
        End::AttemptsUsed | End::Final | End::Cancelled => {}
    }
    if kind == OutcomeKind::NotDeleted {
        let _ = match burn {
            true => write!(text, "; {}", of_value(id, code, last)),
            false => write!(text, "; the token `{id}` was not deleted{}", advice(code)),
        };
        return text;
    }
    if burn && authenticates(last) {
        text.push_str("; the value still authenticates");
    }
    match lost {
        Lost::Attempt(number) => {
            let _ = write!(text, "; the answer to attempt {number} was lost");
        }
        Lost::Perhaps(number) => {
            let _ = write!(text, "; attempt {number} was refused, perhaps not by the API");
        }
        Lost::Before => text.push_str("; the answer to an earlier call was lost"),
        Lost::InDoubt => text.push_str("; a damaged line of the journal may have been about it"),
        Lost::No => {}
    }
    // To ask for what is not there again tells no more.
    let advice = match code {
        Code::NotFound | Code::DeadValue => "look for it in the Marketplace",
        _ => "run again to find out",
    };
    let _ = write!(text, "; the token `{id}` may be deleted: {advice}");
    text
}

/// What is true of a value that was to be burnt and was not, and what to do.
fn of_value(id: &str, code: Code, last: Option<&Answer>) -> String {
    match code {
        Code::DeadValue => format!(
            "the value of the token `{id}` is dead already, or never was one (cut off or mistyped?), and nothing was \
             deleted"
        ),
        Code::Forbidden if authenticates(last) => format!(
            "the token `{id}` is alive: its value authenticates, and may not delete it: delete it with an API token \
             that may"
        ),
        Code::NotFound | Code::UnexpectedResponse if authenticates(last) => format!(
            "the value that names the token `{id}` is alive: it authenticates, but the API does not know a token of \
             that id: look for it in the Marketplace, and delete it there"
        ),
        Code::Unauthorized => {
            format!("the token `{id}` was not deleted, and may be alive: is the base URL right?")
        }
        Code::Forbidden | Code::BadRequest | Code::Conflict => format!(
            "the token `{id}` was not deleted, and may be alive: delete it with another API token"
        ),
        _ => format!("the token `{id}` was not deleted, and may be alive{}", advice(code)),
    }
}

/// Whether an answer is the API's to a credential that it knows.
fn authenticates(last: Option<&Answer>) -> bool {
    matches!(last, Some(Answer::Status { status: 403 | 404 | 410, from_api: true, .. }))
}

fn why_gone(lost: Lost, last: Option<&Answer>) -> String {
    let own = matches!(last, Some(Answer::Status { status: 401, .. }));
    let now = if own { "it no longer authenticates" } else { "the API does not know it any more" };
    match lost {
        Lost::No | Lost::InDoubt => "the API does not know it".to_owned(),
        Lost::Before => format!("the answer to an earlier call was lost, and {now}"),
        Lost::Attempt(number) => format!("the answer to attempt {number} was lost, and {now}"),
        Lost::Perhaps(number) => {
            format!("attempt {number} was refused, perhaps not by the API, and {now}")
        }
    }
}

fn what_happened(code: Code, last: Option<&Answer>) -> String {
    let mut text = match (code, last) {
        (Code::Cancelled, _) => return "the call was cancelled".to_owned(),
        (_, None) => code.meaning().to_owned(),
        (_, Some(Answer::Status { status, .. })) => match (code, status) {
            (Code::UnexpectedResponse, 404) => {
                "the answer was 404, and not in the API's form (a gateway's?): is the base URL right?".to_owned()
            }
            (Code::UnexpectedResponse, 300..=399) => {
                format!("the answer was a redirect ({status}), which is never followed: is the base URL right?")
            }
            (Code::UnexpectedResponse, 200..=299) => {
                format!("the answer was {status} instead of 204, which proves nothing: is the base URL right?")
            }
            (Code::UnexpectedResponse, _) => format!("the answer was {status}, which the API does not give"),
            _ => format!("the API answered {status} ({})", reason(code)),
        },
        (_, Some(Answer::Failed { detail, .. })) => {
            let what = match code {
                Code::ResolveFailed => "the host's name could not be resolved",
                Code::ConnectFailed => "no connection could be opened",
                Code::TlsFailed => "the TLS handshake failed",
                Code::ProxyFailed => "the proxy failed",
                Code::ConnectionLost => "the connection was lost",
                Code::Timeout => "a deadline passed",
                Code::UnexpectedResponse => "the answer was not HTTP",
                _ => code.meaning(),
            };
            if detail.is_empty() { what.to_owned() } else { format!("{what}: {}", server_text(detail)) }
        }
    };
    if let Some(Answer::Status { problem: Some(problem), .. }) = last
        && let Some(summary) = problem.summary()
    {
        let _ = write!(text, ": {}", server_text(&summary));
    }
    text
}

fn reason(code: Code) -> &'static str {
    match code {
        Code::BadRequest => "bad request",
        Code::Unauthorized => "the API token is not accepted",
        Code::DeadValue => "its value is not accepted",
        Code::Forbidden => "the API token may not do this",
        Code::NotFound => "not found",
        Code::Conflict => "conflict",
        Code::RateLimited => "too many requests",
        _ => "server error",
    }
}

fn advice(code: Code) -> &'static str {
    match code {
        Code::BadRequest => ": check the token id",
        Code::Unauthorized => ": check MPT_API_TOKEN",
        Code::Forbidden => ": use an API token of an account that may delete it",
        Code::NotFound => {
            ": somebody may have deleted it; check the token id, and whether the account may see it"
        }
        Code::RateLimited => ": run again later",
        Code::ResolveFailed | Code::ConnectFailed => ": check the base URL and the network",
        Code::ProxyFailed => ": check the proxy",
        _ => "",
    }
}
