//! Proof that a leaked token is dead: the server's word, given to the token's own value.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;

use crate::call::{Call, Gate, Lost};
use crate::client::{Client, DeleteOptions};
use crate::code::{Code, Outcome};
use crate::credential::Credential;
use crate::exchange::{MAX_VALUE, RealWorld};
use crate::report::{Error, Report};
use crate::secret::ApiToken;
use crate::token_id::TokenId;
use crate::trace::TraceParent;
use crate::wait::Cancels;

/// What a token's own value was answered: proof that it is dead, or what else is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct Proof {
    proven: bool,
    #[serde(flatten)]
    report: Report,
}

impl Proof {
    /// The proof that a batch did not ask for, and why.
    pub(crate) fn not_asked_for(id: &str, why: &str) -> Proof {
        let message = not_proven(id, why);
        Proof {
            proven: false,
            report: Report::refused(Code::Skipped, Some(id.to_owned()), message),
        }
    }

    /// Whether the API answered 401 to the value: it can no longer be used for authentication.
    ///
    /// That is said of this very text. The value of a token that was one is dead then, and so is the token; a value
    /// that was cut off or mistyped never was one, and is answered the same: delete the token by its id first.
    pub fn is_proven(&self) -> bool {
        self.proven
    }

    /// The id of the token, from its value.
    pub fn token_id(&self) -> &str {
        self.report.id().unwrap_or_default()
    }

    /// What was asked and answered. When it is proven, the outcome is `gone`. `deleted` means that the value was
    /// alive, and that the request for proof itself has deleted it: ask again for proof.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The report as one line of JSON, with the member `proven`.
    pub fn to_json(&self) -> String {
        crate::json::line(self)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.report.message())
    }
}

impl Client {
    /// Asks for proof that a token is dead: sends the DELETE for the id inside its value, with that value as the
    /// credential. A deleted token can no longer be used for authentication, so the answer must be 401.
    ///
    /// Only for values that are to die: one that is still alive is deleted by this very request. The client's own API
    /// token is not used. Everything else of the client holds: its connections, limits, retries and cancel handle.
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
    /// `invalid_argument` when the value does not have the form `idt:TKN-XXXX-XXXX:<secret>`, or is longer than 4096
    /// bytes. Whatever the server answers is a [`Proof`].
    pub fn prove_deleted(&self, value: &ApiToken) -> Result<Proof, Error> {
        self.prove_deleted_with(value, &DeleteOptions::new())
    }

    /// As [`Client::prove_deleted`], with a trace and a cancel handle of its own; the other options mean nothing here.
    ///
    /// # Errors
    /// As [`Client::prove_deleted`].
    pub fn prove_deleted_with(
        &self,
        value: &ApiToken,
        options: &DeleteOptions,
    ) -> Result<Proof, Error> {
        self.ask_for_proof(value, options, None)
    }

    /// The proof of one token of a batch: whatever is wrong with its value, the token has a proof that says so.
    pub(crate) fn proof(
        &self,
        id: &str,
        value: &ApiToken,
        options: &DeleteOptions,
        gate: Option<&dyn Gate>,
    ) -> Proof {
        let report = if value.token_id() == Some(id) {
            match self.ask_for_proof(value, options, gate) {
                Ok(proof) => return proof,
                Err(error) => Report::from(error),
            }
        } else {
            let what = format!("the value given for the token `{id}` is not its own");
            let message = not_proven(id, &what);
            Report::refused(Code::InvalidArgument, Some(id.to_owned()), message)
        };
        Proof { proven: false, report }
    }

    fn ask_for_proof(
        &self,
        value: &ApiToken,
        options: &DeleteOptions,
        gate: Option<&dyn Gate>,
    ) -> Result<Proof, Error> {
        let fail = |id: Option<&str>, message: String| {
            Report::refused(Code::InvalidArgument, id.map(str::to_owned), message)
                .into_result()
                .expect_err("a refusal is no success")
        };
        let Some(id) = value.token_id() else {
            let message = "the token value has no token id in it, so nothing can be proven: expected the form \
                           `idt:TKN-XXXX-XXXX:<secret>`";
            return Err(fail(None, message.to_owned()));
        };
        if value.expose().len() > MAX_VALUE {
            let message =
                format!("the value of the token `{id}` is longer than {MAX_VALUE} bytes: check it");
            return Err(fail(Some(id), message));
        }
        let id = TokenId::new(id).map_err(|invalid| fail(Some(id), invalid.to_string()))?;
        let world = RealWorld {
            network: &self.shared.network,
            // In another form than the API's, it would be refused whether the token is dead or not.
            credential: &Arc::new(Credential::new(value.in_usual_form())),
            cancels: Cancels::new(self.cancel_handle(), options.cancel.as_ref()),
        };
        let call = Call {
            id: &id,
            own: true,
            missing_ok: false,
            lost_before: Lost::No,
            trace: options.trace_parent.unwrap_or_else(TraceParent::random),
            policy: &self.shared.policy,
            budget: &self.shared.budget,
            gate,
        };
        let report = catch_unwind(AssertUnwindSafe(|| call.run(&world)))
            .unwrap_or_else(|_| Report::internal(Some(id.as_str().to_owned())));
        Ok(judge(id.as_str(), report))
    }
}

fn not_proven(id: &str, what: &str) -> String {
    format!("it is not proven that the token `{id}` is dead: {what}")
}

fn judge(id: &str, report: Report) -> Proof {
    // An answer that broke off is no answer, whatever its first line said.
    let last = report.attempts().last().filter(|attempt| attempt.failure.is_none());
    let answered = last.and_then(|attempt| attempt.http_status);
    let said = |what: &str| not_proven(id, what);
    let message = match answered {
        Some(401) => {
            let message =
                format!("the token `{id}` is proven dead: the API answered 401 to its own value");
            let report = Report {
                outcome: Outcome::Gone,
                code: Code::Ok,
                message,
                retry_after: None,
                ..report
            };
            return Proof { proven: true, report };
        }
        Some(204) => {
            said("it was alive, and the request for proof has deleted it; ask for proof again")
        }
        Some(403 | 404) if report.code() != Code::UnexpectedResponse => {
            said(&format!("its value still authenticates; {}", report.message()))
        }
        _ => said(report.message()),
    };
    Proof { proven: false, report: Report { message, ..report } }
}
