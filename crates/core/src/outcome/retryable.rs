//! Whether asking again later can change a result: the one table, by what happened.

use crate::outcome::code::{Code, OutcomeKind};

/// When asking again can change a result that is no success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// What stands in the way passes by itself.
    Yes,
    /// Somebody must do something first: asking again alone gives the same answer.
    No,
    /// Unless it is a verdict: a certificate that is not trusted, a proxy that forbids.
    UnlessVerdict,
    /// By the status of an answer that is not the API's.
    ByStatus,
}

/// The table.
const fn rule(code: Code) -> Rule {
    match code {
        // Success: there is nothing left to ask for.
        Code::Ok => Rule::No,
        // What was given must be another.
        Code::InvalidArgument | Code::InvalidTokenId | Code::InvalidConfig | Code::OwnToken => {
            Rule::No
        }
        // The API has judged the request (400), the credential (401), what it may do (403) or the id (404).
        Code::BadRequest | Code::Unauthorized | Code::Forbidden | Code::NotFound => Rule::No,
        // Dead is dead, and what never was a value does not become one.
        Code::DeadValue => Rule::No,
        // The token's state was in the way (RFC 9110, section 15.5.10), and states change.
        Code::Conflict => Rule::Yes,
        // The server asks for just that.
        Code::RateLimited | Code::ServerError => Rule::Yes,
        // Networks, names and servers come back.
        Code::ResolveFailed | Code::ConnectFailed | Code::ConnectionLost | Code::Timeout => {
            Rule::Yes
        }
        Code::TlsFailed | Code::ProxyFailed => Rule::UnlessVerdict,
        Code::UnexpectedResponse => Rule::ByStatus,
        // It was not tried to the end, or not at all.
        Code::Cancelled | Code::Skipped => Rule::Yes,
        // Nothing is known of the token.
        Code::Internal => Rule::Yes,
    }
}

/// Whether asking again later can change a result. `verdict`: what failed was judged, and did not just break.
pub(crate) const fn decide(
    kind: OutcomeKind,
    code: Code,
    status: Option<u16>,
    verdict: bool,
) -> bool {
    match kind {
        OutcomeKind::Deleted | OutcomeKind::Gone => return false,
        // Asking again is how to find out.
        OutcomeKind::Unknown => return true,
        OutcomeKind::NotDeleted => {}
    }
    match rule(code) {
        Rule::Yes => true,
        Rule::No => false,
        Rule::UnlessVerdict => !verdict,
        // Another server (421), locked (423), a request that came too late or too early (408, 425). Everything else says
        // that the API is not there: a redirect, a page.
        Rule::ByStatus => matches!(status, Some(408 | 421 | 423 | 425)),
    }
}

impl Code {
    /// Whether asking again later can change a result with this code that is `not_deleted`, in words. One that is
    /// `unknown` can always be asked again, and a success never needs to be: see
    /// [`Outcome::retryable`](crate::Outcome::retryable).
    pub const fn retryable_rule(self) -> &'static str {
        match rule(self) {
            Rule::Yes => "yes",
            Rule::No => "no",
            Rule::UnlessVerdict => "unless it is a verdict: a certificate, a refusal",
            Rule::ByStatus => "408, 421, 423, 425",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_is_never_asked_again_and_what_is_unknown_always_can_be() {
        for &code in Code::ALL {
            for verdict in [false, true] {
                assert!(!decide(OutcomeKind::Deleted, code, Some(204), verdict));
                assert!(!decide(OutcomeKind::Gone, code, Some(404), verdict));
                assert!(decide(OutcomeKind::Unknown, code, None, verdict));
            }
        }
    }

    #[test]
    fn what_is_not_deleted_goes_by_the_table() {
        let not_deleted =
            |code, status, verdict| decide(OutcomeKind::NotDeleted, code, status, verdict);
        let always: Vec<&str> = Code::ALL
            .iter()
            .filter(|code| not_deleted(**code, None, true))
            .map(|code| code.name())
            .collect();
        assert_eq!(
            always,
            [
                "conflict",
                "rate_limited",
                "server_error",
                "resolve_failed",
                "connect_failed",
                "connection_lost",
                "timeout",
                "cancelled",
                "skipped",
                "internal",
            ]
        );
        for code in [Code::TlsFailed, Code::ProxyFailed] {
            assert!(not_deleted(code, None, false) && !not_deleted(code, None, true));
        }
        let by_status = |status| not_deleted(Code::UnexpectedResponse, status, false);
        assert!(by_status(Some(408)) && by_status(Some(425)) && by_status(Some(423)));
        assert!(!by_status(Some(302)) && !by_status(Some(404)) && !by_status(None));
        assert!(!not_deleted(Code::Unauthorized, Some(401), false));
    }
}
