//! `mpt_client`, and the deletion of one token.

use std::ffi::c_char;

use mpt_core::{ApiToken, Cancel, Error};

use crate::codes::mpt_code;
use crate::config::Config;
use crate::entry::{return_handle, return_outcome};
use crate::outcome::Outcome;
use crate::panic::guard;
use crate::pointers::{checked, free, handle, text};
use crate::poll::Poll;

/// Deletes tokens. Made by mpt_client_new or mpt_client_clone, ended by mpt_client_free.
///
/// It does not change and pools its connections: make one and keep it.
///
/// Threads: may be used by any number of threads at once, and in a child after fork, which opens connections of its
/// own; ended by one, when no other uses it.
pub struct Client {
    core: mpt_core::Client,
    poll: Option<Poll>,
}

impl Client {
    /// With a cancel of its own, that asks where there is somebody to ask.
    pub(crate) fn new(core: mpt_core::Client, poll: Option<Poll>) -> Client {
        let cancel = poll.map_or_else(Cancel::new, Poll::cancel);
        Client { core: core.with_cancel(cancel), poll }
    }

    fn of_config(config: &Config) -> Result<Client, Error> {
        match &config.refused {
            Some(error) => Err(error.clone()),
            None => Ok(Client::new(config.builder.clone().build()?, config.poll)),
        }
    }

    pub(crate) fn core(&self) -> &mpt_core::Client {
        &self.core
    }
}

/// Makes a client from a config, which is only read, and may be changed, used again and ended afterwards. No connection
/// is opened yet.
///
/// `client`: always written where it is not NULL: the new client, to be given to mpt_client_free, or NULL.
/// `outcome`: may be NULL; else always written: NULL after MPT_OK, or an outcome whose message says what cannot be
/// used, to be given to mpt_outcome_free.
/// Returns: MPT_OK; MPT_INVALID_CONFIG where the API token, the base URL, the proxy, the CA file or the user agent
/// cannot be used; MPT_INVALID_ARGUMENT where `config` or `client` is NULL, a number is out of its range, or a setter
/// was refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_client_new(
    config: *const Config,
    client: *mut *mut Client,
    outcome: *mut *mut Outcome,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { return_handle(client, outcome, || Client::of_config(checked(config, "config")?)) }
}

/// A second client with the connections and the settings of this one, and a cancel of its own: what one call needs to
/// be cancelled by itself. Cheap. Each of the two lives until it is given to mpt_client_free, in any order; cancelling
/// one does not cancel the other.
///
/// Returns: a new client, not cancelled. NULL for NULL, and after an internal failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_client_clone(client: *const Client) -> *mut Client {
    // SAFETY: the caller's promise.
    let Some(client) = (unsafe { client.as_ref() }) else { return std::ptr::null_mut() };
    guard(std::ptr::null_mut(), || handle(Client::new(client.core.clone(), client.poll)))
}

/// Ends every call under way on this client within 200 ms, whatever it waits for, and every later one at once: they
/// return MPT_CANCELLED, with the true outcome. It cannot be taken back. NULL is fine.
///
/// Threads: any, at any time, while the client lives. May be called from a signal handler: it sets a flag and writes to
/// a descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_client_cancel(client: *const Client) {
    // SAFETY: the caller's promise.
    if let Some(client) = unsafe { client.as_ref() } {
        guard((), || client.core.cancel_handle().cancel());
    }
}

/// Ends a client; its connections are closed with the last of its clones, and the API token is wiped from memory. No
/// call may be under way on it: cancel and wait for them first. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_client_free(client: *mut Client) {
    // SAFETY: the caller's promise.
    unsafe { free(client) }
}

/// Deletes one token, and blocks until the matter is settled: at the longest for the timeout of the config.
///
/// It is tried again where that is safe and can help. After a failure the outcome is MPT_OUTCOME_NOT_DELETED, or
/// MPT_OUTCOME_UNKNOWN where the token may have been deleted all the same; it is never wrong about that.
///
/// `token_id`: UTF-8, 1 to 256 bytes, such as "TKN-1671-0642"; must not change during the call.
/// `outcome`: may be NULL; else always written: an outcome, to be given to mpt_outcome_free.
/// Returns: MPT_OK where the token is dead (deleted or gone); every other code but MPT_SKIPPED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_delete_token(
    client: *const Client,
    token_id: *const c_char,
    outcome: *mut *mut Outcome,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe {
        return_outcome(outcome, || {
            let client = checked(client, "client")?;
            let token_id = text(token_id, "token id")?;
            Ok(Outcome::from(mpt_core::Outcome::from(client.core.delete_token(token_id))))
        })
    }
}

/// Asks for proof that a leaked token is dead: sends the DELETE for the id inside its value, with the value itself as the
/// credential. A deleted token can no longer be used for authentication, so that the answer must be 401. The same request
/// with the client's own API token must then be answered 404 by the API: so it is the value that the 401 is about. Where
/// the two are one, the value must have been accepted before by this client. Only for values whose token is to die: one
/// that is still there is deleted by these very requests. A value that was cut off or mistyped never was one, and is
/// answered 401, too: delete the token by its id first.
///
/// `token_value`: of the form "idt:TKN-XXXX-XXXX:<secret>"; copied, never shown, wiped from memory afterwards.
/// `outcome`: may be NULL; else always written: an outcome, to be given to mpt_outcome_free. mpt_outcome_is_proven tells
/// whether there is proof, mpt_outcome_proof_basis what it rests on; its JSON has the members "proven" and "basis".
/// Returns: MPT_OK where the token is dead: proven, or deleted by this very request, and then worth another call for
/// proof. MPT_INVALID_ARGUMENT where an argument is NULL or the value has another form; else as mpt_delete_token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_prove_deleted(
    client: *const Client,
    token_value: *const c_char,
    outcome: *mut *mut Outcome,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe {
        return_outcome(outcome, || {
            let client = checked(client, "client")?;
            let value = ApiToken::new(text(token_value, "token value")?)
                .map_err(|error| Error::invalid_argument(error.to_string()))?;
            Ok(Outcome::from(client.core.prove_deleted(&value)?))
        })
    }
}
