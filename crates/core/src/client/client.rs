//! The client: what a program makes once, and calls from any thread.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::call::call::Call;
use crate::call::retry::{RetryBudget, RetryPolicy};
use crate::call::rules::TokenContext;
use crate::client::options::DeleteOptions;
use crate::http::credential::Credential;
use crate::http::network::{Network, NetworkIo};
use crate::input::api_token::ApiToken;
use crate::input::characters::is_id_byte;
use crate::input::endpoint::Endpoint;
use crate::input::shown::printable;
use crate::input::token_id::{InvalidTokenId, TokenId};
use crate::input::token_value::{REDACTED, comparable};
use crate::input::trace::TraceParent;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::event::Listener;
use crate::outcome::lost::Lost;
use crate::outcome::outcome::Outcome;
use crate::outcome::result::{Deletion, Error};
use crate::wait::cancel::Cancel;
use crate::wait::process::Step;
use crate::wait::wait::Cancels;

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Deletes API tokens.
///
/// A client is immutable, `Send` and `Sync`, and cheap to clone. A clone shares the connections, the retry budget and
/// the cancel handle. Connections are pooled: as many idle ones are kept as calls ran at once. After a fork, the child
/// opens its own.
///
/// ```no_run
/// let client = mpt_tokens::Client::from_env()?;
/// let deletion = client.delete_token("TKN-1671-0642")?;
/// println!("{}", deletion.kind());
/// # Ok::<(), mpt_tokens::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) defaults: Arc<Defaults>,
    pub(crate) cancel: Cancel,
    pub(crate) listener: Option<Listener>,
}

/// What a call does unless its own options say otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) policy: RetryPolicy,
    pub(crate) missing_ok: bool,
    pub(crate) allow_own_token: bool,
}

pub(crate) struct Shared {
    pub(crate) network: Network,
    pub(crate) budget: RetryBudget,
    /// Whether a request with the API token in use was answered 204: it is a token's value, or was one.
    pub(crate) accepted: AtomicBool,
}

impl Client {
    /// Deletes one token.
    ///
    /// Blocks until the outcome is known, at most for the client's timeout. Failed attempts are repeated where that is
    /// safe and can help. Every failure says whether the token may have been deleted anyway.
    ///
    /// # Errors
    /// Any code except `ok` and `skipped`. The kind of an error is `not_deleted` or `unknown`.
    pub fn delete_token(&self, token_id: impl AsRef<str>) -> Result<Deletion, Error> {
        self.delete_token_with(token_id, &DeleteOptions::new())
    }

    /// Deletes one token, with options for this call.
    ///
    /// # Errors
    /// As [`Client::delete_token`].
    pub fn delete_token_with(
        &self,
        token_id: impl AsRef<str>,
        options: &DeleteOptions,
    ) -> Result<Deletion, Error> {
        self.outcome(token_id.as_ref(), options, None).into_result()
    }

    /// As [`Client::delete_token_with`], but returns the outcome, whichever it is.
    #[doc(hidden)]
    pub fn delete_token_outcome(&self, token_id: &str, options: &DeleteOptions) -> Outcome {
        self.outcome(token_id, options, None)
    }

    /// Returns a client that shares these connections and is cancelled by another handle: use it to cancel a single
    /// call.
    #[must_use]
    pub fn with_cancel(&self, cancel: Cancel) -> Client {
        Client { cancel, ..self.clone() }
    }

    /// Returns a client that shares these connections, the retry budget and the cancel handle, and whose calls have
    /// these options unless their own say otherwise: [`missing_ok`](DeleteOptions::missing_ok),
    /// [`allow_own_token`](DeleteOptions::allow_own_token), [`timeout`](DeleteOptions::timeout) and
    /// [`attempts`](DeleteOptions::attempts). The others are about single calls, and are ignored.
    ///
    /// # Errors
    /// `invalid_argument` if a limit is out of range.
    pub fn with_options(&self, options: &DeleteOptions) -> Result<Client, Error> {
        let policy = self.policy(options).map_err(Error::invalid_argument)?.into_owned();
        let defaults = Defaults {
            policy,
            missing_ok: options.missing_ok.unwrap_or(self.defaults.missing_ok),
            allow_own_token: options.allow_own_token.unwrap_or(self.defaults.allow_own_token),
        };
        Ok(Client { defaults: Arc::new(defaults), ..self.clone() })
    }

    /// The limits of a call with these options.
    pub(crate) fn policy(&self, options: &DeleteOptions) -> Result<Cow<'_, RetryPolicy>, String> {
        let policy = &self.defaults.policy;
        match (options.timeout, options.attempts) {
            (None, None) => Ok(Cow::Borrowed(policy)),
            (timeout, attempts) => policy.with(timeout, attempts).checked().map(Cow::Owned),
        }
    }

    /// A client whose events go elsewhere; none where none are heard.
    pub(crate) fn with_listener(self, listener: Listener) -> Client {
        let listener = self.listener.as_ref().map(|_| listener);
        Client { listener, ..self }
    }

    /// Returns the handle that cancels the calls of this client and its clones.
    pub fn cancel_handle(&self) -> &Cancel {
        &self.cancel
    }

    /// Returns where this client sends its requests.
    pub fn endpoint(&self) -> &Endpoint {
        self.shared.network.endpoint()
    }

    /// Returns the id of the token in use. `None` means that its value names no id.
    pub fn own_token_id(&self) -> Option<&str> {
        self.own_token()?.token_id()
    }

    /// Returns true if an id is, or may be, that of the token in use. Ids that differ only in case, in surrounding
    /// white space, in invisible characters or in ones that look alike count as the same, because a server may treat
    /// them so.
    pub fn is_own_token(&self, token_id: impl AsRef<str>) -> bool {
        let token_id = token_id.as_ref();
        self.own_token_id().is_some_and(|own| {
            own.eq_ignore_ascii_case(token_id)
                || (!token_id.bytes().all(is_id_byte) && comparable(own) == comparable(token_id))
        })
    }

    /// Makes sure that no text of this client shows this value from now on. Use it for values that are read long before
    /// they are used: a value that is given to a batch or a proof is hidden anyway. The client remembers the last two
    /// thousand values, or more.
    pub fn keep_secret(&self, value: &ApiToken) {
        let secrets = self.shared.network.secrets();
        secrets.keep(value);
        secrets.keep(&value.in_usual_form());
    }

    /// The total limit of a call.
    pub(crate) fn timeout(&self) -> Duration {
        self.defaults.policy.timeout
    }

    /// `None` where the client can only burn.
    pub(crate) fn own_token(&self) -> Option<&ApiToken> {
        self.shared.network.token()
    }

    /// Why this client cannot do what needs an API token of its own.
    pub(crate) fn has_no_token(&self, id: Option<&str>) -> Outcome {
        let message =
            "this client has no API token and can only burn values: create one with an API token";
        Outcome::refused(Code::InvalidConfig, id.map(str::to_owned), message.to_owned())
    }

    /// Returns the outcome of an id that is not text at all, such as a string of another language with half of a
    /// surrogate pair: `invalid_token_id`. `shown` is what to show in its place, with escapes.
    pub fn not_text(&self, shown: &str) -> Outcome {
        let invalid = InvalidTokenId::not_text(self.shared.network.secrets().redact(shown));
        Outcome::refused(
            Code::InvalidTokenId,
            Some(invalid.shown().to_owned()),
            invalid.to_string(),
        )
    }

    /// Checks an id as a call would, before anything is sent.
    pub(crate) fn check(
        &self,
        token_id: &str,
        options: &DeleteOptions,
        after_lost_answer: bool,
    ) -> Result<TokenId, Box<Outcome>> {
        let refuse = |shown: &str, message: &str| {
            let shown = Some(shown.to_owned());
            Err(Box::new(Outcome::refused(Code::InvalidTokenId, shown, message.to_owned())))
        };
        let id = match TokenId::new(token_id) {
            Err(invalid) if invalid.is_token_value() => {
                let secrets = self.shared.network.secrets();
                return refuse(
                    &secrets.redact(invalid.shown()),
                    &secrets.redact(&invalid.to_string()),
                );
            }
            _ if self.own_token().is_some_and(|own| own.is_inside(token_id)) => {
                return refuse(
                    REDACTED,
                    "the token id holds the API token in use: expected an id such as `TKN-1671-0642`",
                );
            }
            Err(invalid) => return refuse(invalid.shown(), &invalid.to_string()),
            Ok(id) => id,
        };
        let allowed = options.allow_own_token.unwrap_or(self.defaults.allow_own_token);
        if !allowed && self.is_own_token(id.as_str()) {
            let own = self.own_token_id().unwrap_or_default();
            let is = if own == id.as_str() { "is" } else { "may be" };
            let shown = printable(id.as_str());
            let message = format!(
                "the token `{shown}` {is} the one in use, and {}: allow the own token to be deleted if that is meant",
                if after_lost_answer {
                    "was not asked to be deleted again; the answer to an earlier call was lost, and it may be deleted"
                } else {
                    "was not deleted"
                }
            );
            let outcome = Outcome::refused(Code::OwnToken, Some(id.as_str().to_owned()), message);
            // An earlier request may have deleted it.
            let kind = if after_lost_answer { OutcomeKind::Unknown } else { outcome.kind };
            let retryable = kind == OutcomeKind::Unknown;
            return Err(Box::new(Outcome { kind, retryable, ..outcome }));
        }
        Ok(id)
    }

    /// Makes the call, and turns a panic into `internal`: a caller must learn what is true even of our bugs.
    pub(crate) fn outcome(
        &self,
        token_id: &str,
        options: &DeleteOptions,
        throttle: Option<&dyn crate::call::io::Throttle>,
    ) -> Outcome {
        let id = match self.check(token_id, options, options.lost_before.may_be_deleted()) {
            Ok(id) => id,
            Err(refused) => return *refused,
        };
        let Some(credential) = self.shared.network.credential() else {
            return after(options.lost_before, self.has_no_token(Some(id.as_str())));
        };
        let known = TokenContext {
            own: self.own_token_id() == Some(id.as_str()),
            burn: false,
            missing_ok: options.missing_ok.unwrap_or(self.defaults.missing_ok),
        };
        let outcome = self.carry_out(&id, credential, known, options, throttle);
        if outcome.kind() == OutcomeKind::Deleted && !self.shared.accepted.load(Ordering::Relaxed) {
            self.shared.accepted.store(true, Ordering::Relaxed);
        }
        outcome
    }

    /// Makes a call whose arguments were checked, with a credential.
    pub(crate) fn carry_out(
        &self,
        id: &TokenId,
        credential: &Arc<Credential>,
        known: TokenContext,
        options: &DeleteOptions,
        throttle: Option<&dyn crate::call::io::Throttle>,
    ) -> Outcome {
        let policy = match self.policy(options) {
            Ok(policy) => policy,
            Err(message) => {
                let id = Some(id.as_str().to_owned());
                let refused = Outcome::refused(Code::InvalidArgument, id, message);
                return after(options.lost_before, refused);
            }
        };
        // To the end of the first attempt.
        let _step = Step::begin();
        let reserve = options.has_own_reserve.then(|| RetryBudget::new(policy.attempts));
        let call = Call {
            id,
            known,
            lost_before: options.lost_before,
            attempts_before: options.attempts_before,
            is_put_off: options.is_put_off,
            trace: options.trace_parent.unwrap_or_else(TraceParent::random),
            policy: &policy,
            budget: reserve.as_ref().unwrap_or(&self.shared.budget),
            throttle,
            listener: self.listener.as_ref(),
        };
        let io = NetworkIo {
            network: &self.shared.network,
            credential,
            cancels: Cancels::new(&self.cancel, options.cancel.as_ref()),
        };
        catch_unwind(AssertUnwindSafe(|| call.run(&io)))
            .unwrap_or_else(|_| Outcome::internal(Some(id.as_str().to_owned())))
    }
}

/// What a refusal says of a token that an earlier request may have deleted.
fn after(lost: Lost, refused: Outcome) -> Outcome {
    match lost.may_be_deleted() {
        true => Outcome { kind: OutcomeKind::Unknown, retryable: true, ..refused },
        false => refused,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("network", &self.shared.network)
            .field("policy", &self.defaults.policy)
            .finish_non_exhaustive()
    }
}
