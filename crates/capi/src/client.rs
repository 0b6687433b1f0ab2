//! `mpt_client`, and the deletion of one token.

use std::ffi::c_char;
use std::mem::offset_of;
use std::time::Duration;

use mpt_core::{ApiToken, Cancel, Error, InvalidTraceParent, TraceParent};

use crate::callbacks::Poll;
use crate::codes::mpt_code;
use crate::config::Config;
use crate::entry::{return_handle, return_outcome};
use crate::outcome::Outcome;
use crate::panic::guard;
use crate::pointers::{self, checked, free, handle, text};
use crate::sized::{SizedStruct, sized};

/// Deletes tokens. Created by mpt_client_new or mpt_client_clone, freed by mpt_client_free.
///
/// A client is immutable and pools its connections: create one and keep it.
///
/// Threads: any number of threads may use it at once. It may also be used in a child process after fork, where it opens
/// its own connections. Free it when no other thread uses it.
pub struct Client {
    core: mpt_core::Client,
    poll: Option<Poll>,
}

impl Client {
    /// Gives the client its own cancel handle, which polls if there is a poll callback.
    pub(crate) fn new(core: mpt_core::Client, poll: Option<Poll>) -> Client {
        let cancel = poll.clone().map_or_else(Cancel::new, Poll::cancel);
        Client { core: core.with_cancel(cancel), poll }
    }

    fn of_config(config: &Config) -> Result<Client, Error> {
        match &config.refused {
            Some(error) => Err(error.clone()),
            None => {
                let builder = config.builder.clone();
                let builder = match &config.log {
                    Some(log) => log.hear(builder),
                    None => builder,
                };
                Ok(Client::new(builder.build()?, config.poll.clone()))
            }
        }
    }

    pub(crate) fn core(&self) -> &mpt_core::Client {
        &self.core
    }
}

/// Creates a client from a config. The config is only read; it may be changed, reused or freed afterwards. No
/// connection is opened yet.
///
/// `client`: written unless it is NULL: the new client, to be freed with mpt_client_free, or NULL on failure.
/// `outcome`: may be NULL; otherwise always written: NULL on MPT_OK, or an outcome whose message says what cannot be
/// used, to be freed with mpt_outcome_free.
/// Returns: MPT_OK; MPT_INVALID_CONFIG if the API token, the base URL, the proxy, the CA file or the user agent cannot
/// be used; MPT_INVALID_ARGUMENT if `config` or `client` is NULL, a number is out of range, or a setter failed.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_client_new(
    config: *const Config,
    client: *mut *mut Client,
    outcome: *mut *mut Outcome,
) -> mpt_code {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    crate::forks::watch();
    // SAFETY: the caller's promise.
    unsafe { return_handle(client, outcome, || Client::of_config(checked(config, "config")?)) }
}

/// Creates a second client that shares this one's connections and settings but has its own cancel flag: use it to
/// cancel a single call. This is cheap. Free both with mpt_client_free, in any order; cancelling one does not cancel
/// the other.
///
/// Returns: a new client that is not cancelled. NULL if `client` is NULL, or after an internal error.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_client_clone(client: *const Client) -> *mut Client {
    // SAFETY: the caller's promise.
    let Some(client) = (unsafe { client.as_ref() }) else { return std::ptr::null_mut() };
    guard(std::ptr::null_mut(), || handle(Client::new(client.core.clone(), client.poll.clone())))
}

/// Cancels every call under way on this client within 200 ms, whatever it is waiting for, and every later call at once.
/// They return MPT_CANCELLED, with an accurate outcome. This cannot be undone. Does nothing if `client` is NULL.
///
/// Threads: any thread, at any time before the client is freed. Safe in a signal handler: it only sets a flag and
/// writes to a file descriptor.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_client_cancel(client: *const Client) {
    // SAFETY: the caller's promise.
    if let Some(client) = unsafe { client.as_ref() } {
        guard((), || client.core.cancel_handle().cancel());
    }
}

/// Frees a client. When the last of its clones is freed, its connections are closed and the API token is wiped from
/// memory. No call may be under way: cancel calls and wait for them first. Does nothing if `client` is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_client_free(client: *mut Client) {
    // SAFETY: the caller's promise.
    unsafe { free(client) }
}

/// Deletes one token and blocks until its outcome is known, at most for the timeout in the config.
///
/// Failed attempts are repeated where that is safe and can help. If the call fails, the outcome is
/// MPT_OUTCOME_NOT_DELETED, or MPT_OUTCOME_UNKNOWN if the token may have been deleted anyway. MPT_OUTCOME_NOT_DELETED
/// is reported only when it is certain.
///
/// `token_id`: UTF-8, 1 to 256 bytes, such as "TKN-1671-0642"; must not change during the call.
/// `outcome`: may be NULL; otherwise always written: an outcome, to be freed with mpt_outcome_free.
/// Returns: MPT_OK if the token is dead (deleted or gone); otherwise any code except MPT_SKIPPED.
/// Since: 0.1.0
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
            let token_id = pointers::token_id(token_id, "token id")?;
            let options = mpt_core::DeleteOptions::new();
            Ok(Outcome::from(client.core.delete_token_outcome(token_id, &options)))
        })
    }
}

/// Options for a single call. Start from MPT_DELETE_OPTIONS_INIT, or from zeros with `size` set. A member that is 0 has
/// its default; this will also be true of members added in later versions. A later, larger struct is accepted, up to 64
/// KiB, if the members that the running library does not know are zero. Fails with MPT_INVALID_ARGUMENT if one is set, or
/// if `size` is not that of a version of this struct.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DeleteOptions {
    /// sizeof(mpt_delete_options).
    pub size: u32,
    /// Nonzero: a token that the API does not know is a success from the first attempt. 0: use the client's setting.
    pub missing_ok: i32,
    /// Nonzero: the token in use may be deleted. 0: use the client's setting.
    pub allow_own_token: i32,
    /// Nonzero: an earlier run asked to delete this token and did not learn the answer, for example because it crashed. A
    /// 404 then means MPT_OUTCOME_GONE, and a failure is MPT_OUTCOME_UNKNOWN, unless the id is invalid.
    pub after_lost_answer: i32,
    /// The time limit of this call in milliseconds, at most 86,400,000 (one day). 0: use the client's setting.
    pub timeout_ms: u64,
    /// A `traceparent` (W3C Trace Context) that makes the call part of the caller's trace, such as
    /// "00-9e02a91b64ac56904703a3a69ea9101d-56be90a29d0b0b25-01". NULL: the call has its own trace.
    pub trace_parent: *const c_char,
}

// The layout that the header says, too.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(
    size_of::<DeleteOptions>() == 32
        && offset_of!(DeleteOptions, timeout_ms) == 16
        && offset_of!(DeleteOptions, trace_parent) == 24
);

// SAFETY: as it is declared above.
unsafe impl SizedStruct for DeleteOptions {
    const NAME: &'static str = "delete options";
    const OLDER: &'static [usize] = &[];
}

/// Deletes one token, as mpt_delete_token does, with options for this call.
///
/// `token_id`: as in mpt_delete_token.
/// `options`: NULL means all defaults.
/// `outcome`: may be NULL; otherwise always written: an outcome, to be freed with mpt_outcome_free.
/// Returns: as mpt_delete_token. MPT_INVALID_ARGUMENT if an option is out of range; nothing was sent then.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_delete_token_with(
    client: *const Client,
    token_id: *const c_char,
    options: *const DeleteOptions,
    outcome: *mut *mut Outcome,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe {
        return_outcome(outcome, || {
            let client = checked(client, "client")?;
            let token_id = pointers::token_id(token_id, "token id")?;
            let options = delete_options(options)?;
            Ok(Outcome::from(client.core.delete_token_outcome(token_id, &options)))
        })
    }
}

/// # Safety
/// `options` is null, or has as many bytes as its first member says.
unsafe fn delete_options(options: *const DeleteOptions) -> Result<mpt_core::DeleteOptions, Error> {
    let mut core = mpt_core::DeleteOptions::new();
    // SAFETY: the caller's promise.
    let Some(given) = unsafe { sized(options) }? else { return Ok(core) };
    if given.missing_ok != 0 {
        core = core.missing_ok(true);
    }
    if given.allow_own_token != 0 {
        core = core.allow_own_token(true);
    }
    if given.after_lost_answer != 0 {
        core = core.after_lost_answer(true);
    }
    if given.timeout_ms != 0 {
        core = core.timeout(Duration::from_millis(given.timeout_ms));
    }
    if !given.trace_parent.is_null() {
        // SAFETY: the caller's promise.
        let parent: TraceParent = unsafe { text(given.trace_parent, "trace parent") }?
            .parse()
            .map_err(|error: InvalidTraceParent| Error::invalid_argument(error.to_string()))?;
        core = core.trace_parent(parent);
    }
    Ok(core)
}

/// Checks whether a leaked token is provably dead. Sends a DELETE for the id inside the token value, with the value
/// itself as the credential. A deleted token no longer authenticates, so the API must respond 401. The same request
/// with the client's own API token must then get a 404 from the API, which shows that the 401 was about the value. If
/// the value is the client's own API token, this client must have seen the API accept it before. Use this only for
/// tokens that are to be deleted: these requests delete a token that still exists. A value that was truncated or
/// mistyped also gets a 401, so delete the token by its id first.
///
/// `token_value`: has the form "idt:TKN-XXXX-XXXX:<secret>". It is copied, never shown, and wiped from memory
/// afterwards.
/// `outcome`: may be NULL; otherwise always written: an outcome, to be freed with mpt_outcome_free.
/// mpt_outcome_is_proven says whether there is proof, and mpt_outcome_proof_basis what the proof rests on; the JSON has
/// the members "proven" and "basis".
/// Returns: MPT_OK if the token is dead: either proven dead, or deleted by this very request, in which case a second
/// call can prove it. MPT_INVALID_ARGUMENT if an argument is NULL or the value has another form; otherwise as
/// mpt_delete_token.
/// Since: 0.1.0
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

/// Burns a leaked value: deletes its token with the value itself as the credential, then proves that it is dead. The API
/// must respond 401 to the value after it had accepted it, or after a request whose response was lost. The client's own
/// API token is not used: mpt_config_set_burn_only makes a client without one. That token may be burnt, too.
///
/// `token_value`: has the form "idt:TKN-XXXX-XXXX:<secret>". It is copied, never shown, and wiped from memory
/// afterwards.
/// `outcome`: may be NULL; otherwise always written: an outcome, to be freed with mpt_outcome_free.
/// mpt_outcome_is_proven says whether there is proof: a token can be deleted without one, for example if the network
/// fails in between. mpt_outcome_proof_basis says what the proof rests on.
/// Returns: MPT_OK if the token is dead (deleted or gone). MPT_DEAD_VALUE if the API's first word on the value was a 401:
/// it was dead already, or never was a value. MPT_FORBIDDEN and MPT_NOT_FOUND in the API's own form mean that the value is
/// alive. MPT_INVALID_ARGUMENT if an argument is NULL or the value has another form; otherwise as mpt_delete_token.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_burn(
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
            Ok(Outcome::from(mpt_core::Outcome::from(client.core.burn(&value))))
        })
    }
}
