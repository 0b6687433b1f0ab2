//! Burning: a leaked value is deleted with itself as the credential, and proven dead by a 401 to that value.

use std::time::Instant;

use crate::call::io::Throttle;
use crate::call::rules::TokenContext;
use crate::client::client::Client;
use crate::client::options::DeleteOptions;
use crate::client::prove::{Before, proven};
use crate::input::api_token::ApiToken;
use crate::input::trace::TraceParent;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::outcome::{Outcome, Proof, ProofBasis, not_proven};
use crate::outcome::result::{Deletion, Error};

impl Client {
    /// Burns a leaked value: deletes its token with the value itself as the credential, then proves that it is dead.
    ///
    /// The API token of the client is not used, so a client that is
    /// [`burn_only`](crate::ClientBuilder::burn_only) will do. The client's own API token may be burnt, too.
    ///
    /// A success has an [`Outcome::proof`]: the API answered the value with 401 after it had accepted it
    /// ([`ProofBasis::AcceptedBefore`]), or after a request whose answer was lost ([`ProofBasis::LostAnswer`]). Check
    /// [`Proof::is_proven`]: a token can be deleted without a proof, for example if the network fails in between.
    ///
    /// ```no_run
    /// use mpt_tokens::{ApiToken, Client, Code};
    ///
    /// let client = Client::builder().burn_only(true).build()?;
    /// let leaked = ApiToken::new(std::fs::read_to_string("leaked.txt")?)?;
    /// match client.burn(&leaked) {
    ///     Ok(burnt) => assert!(burnt.proof().is_some_and(|proof| proof.is_proven())),
    ///     Err(error) if error.code() == Code::DeadValue => println!("dead already, or never a value: {error}"),
    ///     Err(error) => println!("it may be alive: {error}"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `dead_value` if the API's first word on the value is a 401: it is dead already, or never was a token's value.
    /// `forbidden` (403) and `not_found` (404) from the API itself mean that the value is alive: it authenticates.
    /// `invalid_argument` if the value does not have the form `idt:TKN-XXXX-XXXX:<secret>`, or is longer than 4096
    /// bytes. Otherwise as for [`Client::delete_token`].
    pub fn burn(&self, value: &ApiToken) -> Result<Deletion, Error> {
        self.burn_with(value, &DeleteOptions::new())
    }

    /// Like [`Client::burn`], with options for this call. `missing_ok` and `allow_own_token` have no meaning here.
    ///
    /// # Errors
    /// As for [`Client::burn`].
    pub fn burn_with(&self, value: &ApiToken, options: &DeleteOptions) -> Result<Deletion, Error> {
        let begun = Instant::now();
        let trace = options.trace_parent.unwrap_or_else(TraceParent::random);
        let options = options.clone().trace_parent(trace);
        let mut outcome = self.burn_unproven(value, &options, None);
        if outcome.is_success() {
            let limit = options.timeout.unwrap_or(self.timeout());
            let left = limit.saturating_sub(begun.elapsed());
            let proof = match outcome.kind() {
                OutcomeKind::Gone => proof_in(&outcome),
                _ if left.is_zero() => {
                    let id = outcome.id().unwrap_or_default();
                    Proof::not_asked_for(id, "a deadline passed")
                }
                _ => {
                    let before = burnt(outcome.kind());
                    self.ask_for_proof(value, before, &options, None, left)
                        .unwrap_or_else(|error| Proof::none(error.into_outcome()))
                }
            };
            outcome.proof = Some(Box::new(proof));
            outcome.elapsed = begun.elapsed();
        }
        outcome.into_result()
    }

    /// Deletes the token of a value with that value, and proves nothing yet.
    pub(crate) fn burn_unproven(
        &self,
        value: &ApiToken,
        options: &DeleteOptions,
        throttle: Option<&dyn Throttle>,
    ) -> Outcome {
        let (id, credential) = match self.as_credential(value, "burnt") {
            Ok(both) => both,
            Err(refused) => return refused.into_outcome(),
        };
        let known = TokenContext { own: true, burn: true, missing_ok: false };
        self.carry_out(&id, &credential, known, options, throttle)
    }

    /// Checks what a batch is to burn, before anything is sent.
    pub(crate) fn check_burnable(
        &self,
        id: &str,
        value: Option<&ApiToken>,
    ) -> Result<(), Box<Outcome>> {
        let refuse = |message: String| {
            let id = (!id.is_empty()).then(|| id.to_owned());
            Box::new(Outcome::refused(Code::InvalidArgument, id, message))
        };
        let Some(value) = value else {
            let message = "what is to be burnt is not a token value: expected the form `idt:TKN-XXXX-XXXX:<secret>`";
            return Err(refuse(message.to_owned()));
        };
        if value.token_id().is_some_and(|own| own != id) {
            return Err(refuse(
                "the value that is to be burnt is that of another token".to_owned(),
            ));
        }
        self.as_credential(value, "burnt").map_err(|error| Box::new(error.into_outcome()))?;
        Ok(())
    }
}

/// What the 401 to a value that was burnt is measured against.
pub(crate) fn burnt(kind: OutcomeKind) -> Before {
    Before::Burnt(match kind {
        OutcomeKind::Deleted => ProofBasis::AcceptedBefore,
        _ => ProofBasis::LostAnswer,
    })
}

/// The proof that lies in the outcome of burning itself: it is `gone`, since the API answered the value with 401.
pub(crate) fn proof_in(outcome: &Outcome) -> Proof {
    let last = outcome.attempts().last().filter(|attempt| attempt.api_status() == Some(401));
    match last {
        Some(last) => {
            let (elapsed, attempts) = (last.elapsed, vec![last.clone()]);
            proven(Outcome { elapsed, attempts, ..outcome.clone() }, ProofBasis::LostAnswer)
        }
        None => {
            let id = outcome.id().unwrap_or_default();
            Proof::none(Outcome {
                message: not_proven(id, "its value was not asked"),
                ..outcome.clone()
            })
        }
    }
}
