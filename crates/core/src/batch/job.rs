//! One id of a batch: what is to be done about it, over as many calls as it takes.

use std::time::Instant;

use crate::input::api_token::ApiToken;
use crate::input::trace::TraceParent;
use crate::outcome::code::Code;
use crate::outcome::lost::Lost;
use crate::outcome::outcome::{Attempt, Outcome, Proof};

/// Of more attempts than this for one token, half are kept from the first ones and half from the last.
const MOST_ATTEMPTS: usize = 64;

/// One id to be tried.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    /// Its position in the list.
    pub(crate) index: Option<u64>,
    /// What the list and the journal say of earlier runs.
    pub(crate) lost_before: Lost,
    pub(crate) missing_ok: Option<bool>,
    /// What is told of a token that is known to be dead, of which only proof is wanted.
    pub(crate) known_dead: Option<Box<Outcome>>,
    /// The token's own value, when proof is wanted.
    pub(crate) value: Option<ApiToken>,
    /// More values of it, which are proven too.
    pub(crate) other_values: Vec<ApiToken>,
    /// The place of its intent in the journal, which must be on disk before the request leaves.
    pub(crate) intent: Option<u64>,
    /// All attempts for a token are of one trace.
    pub(crate) trace: TraceParent,
    /// It is the one call that finds out whether an outage is over.
    pub(crate) probe: bool,
    /// What came of it so far, where it was put off.
    pub(crate) earlier: Option<Box<Earlier>>,
}

/// What came of the calls before.
#[derive(Debug)]
pub(crate) struct Earlier {
    pub(crate) outcome: Outcome,
    pub(crate) begun: Instant,
}

impl Job {
    /// What the calls before have left in doubt.
    pub(crate) fn lost(&self) -> Lost {
        self.earlier.as_ref().map_or(self.lost_before, |earlier| earlier.outcome.lost)
    }

    /// How many attempts the calls before made.
    pub(crate) fn attempts(&self) -> u32 {
        let last = self.earlier.as_ref().and_then(|earlier| earlier.outcome.attempts.last());
        last.map_or(0, |attempt| attempt.number)
    }

    /// An outcome of the last call, with what is told of the calls before.
    pub(crate) fn told(&self, outcome: Outcome) -> Outcome {
        let Some(earlier) = &self.earlier else { return outcome };
        let before = &earlier.outcome;
        Outcome {
            attempts: joined(&before.attempts, outcome.attempts),
            rounds: before.rounds + outcome.rounds,
            http_status: outcome.http_status.or(before.http_status),
            trace_id: outcome.trace_id.or_else(|| before.trace_id.clone()),
            elapsed: earlier.begun.elapsed(),
            ..outcome
        }
    }
}

fn joined(before: &[Attempt], attempts: Vec<Attempt>) -> Vec<Attempt> {
    let mut all = before.to_vec();
    all.extend(attempts);
    if all.len() > MOST_ATTEMPTS {
        let half = MOST_ATTEMPTS / 2;
        all.drain(half..all.len() - half);
    }
    all
}

/// What came of a job.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) job: Job,
    pub(crate) outcome: Outcome,
}

/// Returns true if the call came to nothing that settles the matter, so that it is made again.
pub(crate) fn is_inconclusive(outcome: &Outcome) -> bool {
    let of_the_way = matches!(
        outcome.code(),
        Code::RateLimited
            | Code::ServerError
            | Code::UnexpectedResponse
            | Code::ResolveFailed
            | Code::ConnectFailed
            | Code::TlsFailed
            | Code::ProxyFailed
            | Code::ConnectionLost
            | Code::Timeout
    );
    of_the_way && outcome.retryable()
}

/// The same of the proof that was asked for with it.
pub(crate) fn is_unproven_yet(outcome: &Outcome) -> bool {
    let proof = outcome.proof().filter(|proof| !proof.is_proven());
    proof.map(Proof::outcome).is_some_and(is_inconclusive)
}

/// Returns true if the API has spoken about the token, whatever it said.
pub(crate) fn is_conclusive(outcome: &Outcome) -> bool {
    let by_the_api = matches!(
        outcome.code(),
        Code::Ok
            | Code::BadRequest
            | Code::Unauthorized
            | Code::Forbidden
            | Code::NotFound
            | Code::Conflict
            | Code::DeadValue
            | Code::UnexpectedResponse
    );
    by_the_api && !is_inconclusive(outcome) && !outcome.attempts().is_empty()
}
