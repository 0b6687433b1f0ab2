//! The rules: what one answer says, and what the answers of a call say together. DESIGN.md has the reasons, and the
//! table in docs/answers.md is checked against this file.

use crate::call::answer::Answer;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::lost::Lost;

/// What one answer means by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) code: Code,
    pub(crate) says: Says,
    /// Whether to ask again.
    pub(crate) retry: bool,
}

/// What an answer says of the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// It was carried out.
    Deleted,
    /// It was not carried out.
    Refused,
    /// It was not carried out, come again; `sure` where the API itself says so, or whoever says it says when.
    NotNow { sure: bool },
    /// There is no such token: the word of the API, or of something before it.
    Absent { from_api: bool },
    /// The credential is not one: the word of the API, or of something before it.
    Unauthenticated { from_api: bool },
    /// Nothing: it may have been carried out.
    Nothing,
}

/// The decision table for one answer. Every status that is not named says nothing that can be relied on.
pub(crate) fn judge(answer: &Answer) -> Verdict {
    let verdict = |code, says, retry| Verdict { code, says, retry };
    let (status, from_api, says_when) = match answer {
        Answer::Failed { code, sent, permanent, .. } => {
            let says = if *sent { Says::Nothing } else { Says::Refused };
            return verdict(*code, says, !permanent && *code != Code::Cancelled);
        }
        Answer::Status { status, from_api, retry_after, .. } => {
            (*status, *from_api, retry_after.is_some())
        }
    };
    let not_now = Says::NotNow { sure: from_api || says_when };
    match status {
        204 => verdict(Code::Ok, Says::Deleted, false),
        400 => verdict(Code::BadRequest, Says::Refused, false),
        401 => verdict(Code::Unauthorized, Says::Unauthenticated { from_api }, false),
        403 => verdict(Code::Forbidden, Says::Refused, false),
        404 if from_api => verdict(Code::NotFound, Says::Absent { from_api }, false),
        404 | 410 => verdict(Code::UnexpectedResponse, Says::Absent { from_api }, false),
        409 => verdict(Code::Conflict, Says::Refused, false),
        425 => verdict(Code::UnexpectedResponse, not_now, true),
        429 => verdict(Code::RateLimited, not_now, true),
        // By their definitions the request was not carried out, whoever says so.
        307 | 308 | 405 | 407 | 411..=415 | 417 | 421..=424 | 426 | 428 | 431 | 451 => {
            verdict(Code::UnexpectedResponse, Says::Refused, false)
        }
        // Asking again is of no use, by their definitions.
        501 | 505 | 506 | 508 | 510 | 511 => verdict(Code::ServerError, Says::Nothing, false),
        500..=599 => verdict(Code::ServerError, Says::Nothing, true),
        _ => verdict(Code::UnexpectedResponse, Says::Nothing, true),
    }
}

/// What is known of the token when a call is made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokenContext {
    /// The id is that of the credential in use: what says that the credential is none says that the token is gone,
    /// and an answer that takes the credential for one does not, whatever else it says.
    pub(crate) own: bool,
    /// The id is in the credential's own value, and that value is to be burnt: nothing else is asked of it. `own` is
    /// true then, too.
    pub(crate) burn: bool,
    /// The caller takes a token that is not there for a success.
    pub(crate) missing_ok: bool,
}

/// What the last answer and those before it say together.
pub(crate) fn settle(last: &Verdict, lost: Lost, known: TokenContext) -> (Code, OutcomeKind) {
    let was_lost = matches!(lost, Lost::InDoubt | Lost::Before | Lost::Attempt(_));
    // What says that the token is not there says that we deleted it, where we asked for that before, or may have.
    let asked = matches!(lost, Lost::Perhaps(_) | Lost::Before | Lost::Attempt(_));
    let gone = match last.says {
        Says::Deleted => return (Code::Ok, OutcomeKind::Deleted),
        Says::Absent { from_api } => from_api && !known.own && (asked || known.missing_ok),
        // That the credential worked when the lost request left is taken for granted, as `missing_ok` takes it for
        // granted that a token was there.
        Says::Unauthenticated { from_api } => from_api && known.own && asked,
        Says::Refused | Says::NotNow { .. } | Says::Nothing => false,
    };
    let may_tell_the_end = match last.says {
        Says::Absent { .. } => true,
        Says::Unauthenticated { .. } => known.own,
        _ => false,
    };
    let code = match last.says {
        // The value is not one, or not any more, and no request of ours has to do with that.
        Says::Unauthenticated { from_api: true } if known.burn => Code::DeadValue,
        _ => last.code,
    };
    match code {
        _ if gone => (Code::Ok, OutcomeKind::Gone),
        // Nothing else that comes after a lost answer says that the token is alive.
        code if was_lost || (asked && may_tell_the_end) => (code, OutcomeKind::Unknown),
        code => (code, OutcomeKind::NotDeleted),
    }
}

impl Lost {
    /// The same after one more answer.
    pub(crate) fn after(self, says: Says, number: u32) -> Lost {
        match (self, says) {
            (Lost::No | Lost::InDoubt | Lost::Perhaps(_), Says::Nothing) => Lost::Attempt(number),
            (Lost::No, Says::NotNow { sure: false }) => Lost::Perhaps(number),
            _ => self,
        }
    }
}
