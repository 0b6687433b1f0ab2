//! Proof that a leaked token is dead: the server's word, given to the token's own value.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::call::call::Call;
use crate::call::io::{Permit, Throttle};
use crate::call::retry::RetryPolicy;
use crate::call::rules::TokenContext;
use crate::client::client::Client;
use crate::client::options::DeleteOptions;
use crate::http::credential::Credential;
use crate::http::network::{MAX_VALUE, NetworkIo};
use crate::input::api_token::ApiToken;
use crate::input::shown::printable;
use crate::input::token_id::TokenId;
use crate::input::trace::TraceParent;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::lost::Lost;
use crate::outcome::outcome::{Attempt, Outcome, Proof, ProofBasis, not_proven};
use crate::outcome::result::Error;
use crate::wait::wait::Cancels;

impl Client {
    /// Proves that a token is dead.
    ///
    /// Sends the DELETE for the id inside the value, with that value as the credential. A deleted token can no longer
    /// be used for authentication, so the answer must be 401. Then sends the same request with the client's own API
    /// token, as a control. The API must answer it with 404: this shows that the 401 is about the value. If the value
    /// is the client's own API token, there is no control. Then this client must have had the value accepted before
    /// (204), and the 401 must come from the API. [`Proof::basis`] says which of the two applies.
    ///
    /// Use this only for a token that is to be deleted: if it still exists, these requests delete it. The client's
    /// connections, limits, retries and cancel handle apply; its timeout covers all requests together.
    ///
    /// ```no_run
    /// use mpt_tokens::{ApiToken, Client};
    ///
    /// let client = Client::from_env()?;
    /// let leaked = ApiToken::new(std::fs::read_to_string("leaked.txt")?)?;
    /// client.delete_token(leaked.token_id().ok_or("no id in the value")?)?;
    /// assert!(client.prove_deleted(&leaked)?.is_proven());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `invalid_argument` if the value does not have the form `idt:TKN-XXXX-XXXX:<secret>`, or is longer than 4096
    /// bytes; `invalid_config` if the client is [`burn_only`](crate::ClientBuilder::burn_only). Any answer of the
    /// server becomes a [`Proof`].
    pub fn prove_deleted(&self, value: &ApiToken) -> Result<Proof, Error> {
        self.prove_deleted_with(value, &DeleteOptions::new())
    }

    /// Like [`Client::prove_deleted`], with its own trace, cancel handle, timeout and attempts. The other options are
    /// ignored.
    ///
    /// # Errors
    /// As for [`Client::prove_deleted`].
    pub fn prove_deleted_with(
        &self,
        value: &ApiToken,
        options: &DeleteOptions,
    ) -> Result<Proof, Error> {
        let client = self.with_options(options)?;
        client.ask_for_proof(value, Before::Nothing, options, None, client.timeout())
    }

    /// The proof of one token of a batch: whatever is wrong with its value, the token has a proof that says so.
    pub(crate) fn proof(
        &self,
        id: &str,
        value: &ApiToken,
        before: Before,
        options: &DeleteOptions,
        throttle: Option<&dyn Throttle>,
    ) -> Proof {
        let outcome = if value.token_id() == Some(id) {
            match self.ask_for_proof(value, before, options, throttle, self.timeout()) {
                Ok(proof) => return proof,
                Err(error) => Outcome::from(error),
            }
        } else {
            let what = format!("the value given for the token `{}` is not its own", printable(id));
            let message = not_proven(id, &what);
            Outcome::refused(Code::InvalidArgument, Some(id.to_owned()), message)
        };
        Proof::none(outcome)
    }

    /// `timeout`: for all requests of the proof together.
    pub(crate) fn ask_for_proof(
        &self,
        value: &ApiToken,
        before: Before,
        options: &DeleteOptions,
        throttle: Option<&dyn Throttle>,
        timeout: Duration,
    ) -> Result<Proof, Error> {
        if self.own_token().is_none() && !matches!(before, Before::Burnt(_)) {
            return Err(Error::of(self.has_no_token(value.token_id())));
        }
        let (id, value) = self.as_credential(value, "proven")?;
        let policy = RetryPolicy { timeout, ..self.defaults.policy.clone() };
        let questions =
            Questions { client: self, id: &id, value: &value, options, throttle, policy: &policy };
        let proof = catch_unwind(AssertUnwindSafe(|| questions.prove(before)));
        Ok(proof.unwrap_or_else(|_| Proof::none(Outcome::internal(Some(id.as_str().to_owned())))))
    }

    /// The id in a token's value, and the value as a credential. `what` cannot be done with another.
    pub(crate) fn as_credential(
        &self,
        value: &ApiToken,
        what: &str,
    ) -> Result<(TokenId, Arc<Credential>), Error> {
        let fail = |id: Option<&str>, message: String| {
            Error::refused(Code::InvalidArgument, id.map(str::to_owned), message)
        };
        let Some(id) = value.token_id() else {
            let message = format!(
                "the token value has no token id in it, so nothing can be {what}: expected the form \
                 `idt:TKN-XXXX-XXXX:<secret>`"
            );
            return Err(fail(None, message));
        };
        if value.expose().len() > MAX_VALUE {
            let message =
                format!("the value of the token `{id}` is longer than {MAX_VALUE} bytes: check it");
            return Err(fail(Some(id), message));
        }
        let id = TokenId::new(id).map_err(|invalid| fail(Some(id), invalid.to_string()))?;
        self.keep_secret(value);
        // In another form than the API's, it would be refused whether the token is dead or not.
        Ok((id, Arc::new(Credential::new(value.in_usual_form()))))
    }
}

/// What is known before a proof is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    /// The API has said, to the client's own API token, that the token is not there.
    Absent,
    /// The value was burnt: what its 401 is measured against.
    Burnt(ProofBasis),
}

/// The requests that a proof needs.
struct Questions<'a> {
    client: &'a Client,
    id: &'a TokenId,
    value: &'a Arc<Credential>,
    options: &'a DeleteOptions,
    throttle: Option<&'a dyn Throttle>,
    policy: &'a RetryPolicy,
}

impl Questions<'_> {
    fn prove(&self, before: Before) -> Proof {
        let client = self.client;
        let trace = self.options.trace_parent.unwrap_or_else(TraceParent::random);
        let policy = self.policy;
        let asked = Instant::now();
        let mut outcome = self.ask(self.value, true, trace, policy);
        let own = client.own_token().map(ApiToken::in_usual_form);
        let is_own = own.is_some_and(|own| own.expose() == self.value.token().expose());
        if is_own && outcome.kind() == OutcomeKind::Deleted {
            client.shared.accepted.store(true, Ordering::Relaxed);
        }
        if answered(&outcome) != Some(401) {
            return Proof::none(without_gone(what_else(self.id, outcome)));
        }
        let said = |what: &str| not_proven(self.id.as_str(), what);
        let from_api = outcome.attempts().last().is_some_and(|attempt| attempt.from_api);
        match before {
            Before::Absent => return proven(outcome, ProofBasis::Control),
            Before::Burnt(basis) if from_api => return proven(outcome, basis),
            Before::Burnt(_) => {
                let message = said(A_GATEWAYS);
                return Proof::none(without_gone(Outcome { message, ..outcome }));
            }
            Before::Nothing => {}
        }
        if is_own {
            let what = if !client.shared.accepted.load(Ordering::Relaxed) {
                "its value was answered 401, as any text would be: it was not accepted before, and there is no other \
                 API token to compare with"
            } else if !from_api {
                A_GATEWAYS
            } else {
                return proven(outcome, ProofBasis::AcceptedBefore);
            };
            return Proof::none(without_gone(Outcome { message: said(what), ..outcome }));
        }
        if client.is_own_token(self.id.as_str()) {
            // The control would delete the token in use, if this value is only a wrong spelling of its value.
            let what = "its value was answered 401, and the API token in use, which is for the same token, is another \
                        value: there is nothing to compare with";
            return Proof::none(without_gone(Outcome { message: said(what), ..outcome }));
        }
        let control = self.control(trace, asked + policy.timeout);
        outcome.elapsed = asked.elapsed();
        let last = control.attempts().last();
        match (control.kind(), last.and_then(Attempt::api_status)) {
            // Not after a lost answer, which may have been to the request that has deleted it.
            (OutcomeKind::NotDeleted, Some(404 | 410)) => proven(outcome, ProofBasis::Control),
            (OutcomeKind::Deleted, _) => {
                let what = "its value was answered 401 while the token was still there, so it may be cut off or \
                            mistyped; the same request with the API token in use has deleted the token";
                let (kind, code) = (OutcomeKind::Deleted, Code::Ok);
                Proof::none(Outcome {
                    message: said(what),
                    kind,
                    code,
                    retry_after: None,
                    ..outcome
                })
            }
            _ => {
                let what = format!(
                    "its value was answered 401, but the same request with the API token in use was not answered 404 \
                     by the API: {}",
                    control.message()
                );
                let outcome = without_gone(outcome);
                // What the control may have done, it did to this token.
                let kind = match control.kind() {
                    OutcomeKind::Gone | OutcomeKind::Unknown => OutcomeKind::Unknown,
                    _ => outcome.kind,
                };
                let retryable = control.retryable();
                Proof::none(Outcome { message: said(&what), kind, retryable, ..outcome })
            }
        }
    }

    fn ask(
        &self,
        credential: &Arc<Credential>,
        own: bool,
        trace: TraceParent,
        policy: &RetryPolicy,
    ) -> Outcome {
        let shared = &self.client.shared;
        let call = Call {
            id: self.id,
            known: TokenContext { own, burn: false, missing_ok: false },
            lost_before: Lost::No,
            attempts_before: 0,
            is_put_off: self.options.is_put_off,
            trace,
            policy,
            budget: &shared.budget,
            throttle: self.throttle,
            listener: self.client.listener.as_ref(),
        };
        call.run(&self.io(credential))
    }

    /// The same request with the client's own credential, as far as there is time left for it.
    fn control(&self, trace: TraceParent, deadline: Instant) -> Outcome {
        let shared = &self.client.shared;
        let refused = |code, what: &str| {
            Outcome::refused(code, Some(self.id.as_str().to_owned()), what.to_owned())
        };
        let Some(credential) = shared.network.credential() else {
            return self.client.has_no_token(Some(self.id.as_str()));
        };
        let io = self.io(credential);
        let entry = match self.throttle {
            Some(throttle) => throttle.enter(&io, deadline),
            None => Permit::Go,
        };
        let timeout = deadline.saturating_duration_since(Instant::now());
        match entry {
            Permit::Ended => refused(Code::Cancelled, "the call was cancelled"),
            Permit::Go if !timeout.is_zero() => {
                let policy = RetryPolicy { timeout, ..self.policy.clone() };
                self.ask(credential, false, trace, &policy)
            }
            Permit::Go | Permit::Late => refused(Code::Timeout, "a deadline passed"),
        }
    }

    fn io<'a>(&'a self, credential: &'a Arc<Credential>) -> NetworkIo<'a> {
        NetworkIo {
            network: &self.client.shared.network,
            credential,
            cancels: Cancels::new(self.client.cancel_handle(), self.options.cancel.as_ref()),
        }
    }
}

/// The status of the last answer. One that broke off is no answer, whatever its first line said.
fn answered(outcome: &Outcome) -> Option<u16> {
    outcome.attempts().last().filter(|attempt| attempt.failure.is_none())?.http_status
}

/// Why a 401 is no proof.
const A_GATEWAYS: &str = "its value was answered 401, and not in the API's form (a gateway's?)";

pub(crate) fn proven(outcome: Outcome, basis: ProofBasis) -> Proof {
    let id = outcome.id().unwrap_or_default();
    let and = match basis {
        ProofBasis::Control => ", and 404 to the same request with an API token that works",
        ProofBasis::AcceptedBefore => ", which it had accepted before",
        ProofBasis::LostAnswer => " after a request with it whose answer was lost",
    };
    let message = format!(
        "the token `{}` is proven dead: its own value was answered 401{and}",
        printable(id)
    );
    let outcome =
        Outcome { kind: OutcomeKind::Gone, code: Code::Ok, message, retry_after: None, ..outcome };
    Proof { proven: true, basis: Some(basis), outcome }
}

/// The report of a value that was not answered 401.
fn what_else(id: &TokenId, outcome: Outcome) -> Outcome {
    let still =
        matches!(outcome.attempts().last().and_then(Attempt::api_status), Some(403 | 404 | 410));
    let what = match outcome.kind() {
        OutcomeKind::Deleted => {
            "it was alive, and the request for proof has deleted it; ask for proof again".to_owned()
        }
        _ if still => format!("its value still authenticates; {}", outcome.message()),
        _ => outcome.message().to_owned(),
    };
    Outcome { message: not_proven(id.as_str(), &what), ..outcome }
}

/// What is not proven is not `gone` either: a value that never was one is answered 401, too.
fn without_gone(outcome: Outcome) -> Outcome {
    match outcome.kind {
        OutcomeKind::Gone => {
            Outcome { kind: OutcomeKind::Unknown, code: Code::Unauthorized, ..outcome }
        }
        _ => outcome,
    }
}
