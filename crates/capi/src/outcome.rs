//! `mpt_outcome`: the result of a call.

use std::ffi::{CString, c_char};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use mpt_core::{Code, ProblemDetails, Proof};

use crate::codes::{mpt_code, owned};
use crate::panic::guard;
use crate::pointers::{free, handle};

/// The result of a call. Returned by the call, freed by mpt_outcome_free.
///
/// The accessors accept NULL. The text they return belongs to the outcome and lives as long as it does. It is UTF-8; if
/// the server sent a NUL character, U+FFFD replaces it.
///
/// Threads: any number of threads may read it at once. Free it when no other thread reads it.
pub struct Outcome {
    told: Told,
    id: Text,
    title: Text,
    detail: Text,
    message: Text,
    trace_id: Text,
    server_trace_id: Text,
    basis: Text,
    json: Text,
}

#[derive(Clone)]
enum Told {
    Call(mpt_core::Outcome),
    Proof(Proof),
}

/// Text for C, made on first use.
type Text = OnceLock<Option<CString>>;

impl Outcome {
    fn new(told: Told) -> Outcome {
        Outcome {
            told,
            id: Text::new(),
            title: Text::new(),
            detail: Text::new(),
            message: Text::new(),
            trace_id: Text::new(),
            server_trace_id: Text::new(),
            basis: Text::new(),
            json: Text::new(),
        }
    }

    pub(crate) fn core(&self) -> &mpt_core::Outcome {
        match &self.told {
            Told::Call(outcome) => outcome,
            Told::Proof(proof) => proof.outcome(),
        }
    }

    fn proof(&self) -> Option<&Proof> {
        match &self.told {
            Told::Call(outcome) => outcome.proof(),
            Told::Proof(proof) => Some(proof),
        }
    }
}

impl From<mpt_core::Outcome> for Outcome {
    fn from(outcome: mpt_core::Outcome) -> Outcome {
        Outcome::new(Told::Call(outcome))
    }
}

impl From<Proof> for Outcome {
    fn from(proof: Proof) -> Outcome {
        Outcome::new(Told::Proof(proof))
    }
}

/// Reads a field; `none` if there is no outcome.
///
/// # Safety
/// `outcome` is null or a live handle.
unsafe fn field<T>(
    outcome: *const Outcome,
    none: T,
    get: impl FnOnce(&mpt_core::Outcome) -> Option<T>,
) -> T
where
    T: Copy,
{
    // SAFETY: the caller's promise.
    let outcome = unsafe { outcome.as_ref() };
    guard(none, || outcome.and_then(|outcome| get(outcome.core())).unwrap_or(none))
}

/// Reads text; null if there is no outcome or no such text.
///
/// # Safety
/// `outcome` is null or a live handle.
unsafe fn text(
    outcome: *const Outcome,
    place: fn(&Outcome) -> &Text,
    get: impl FnOnce(&mpt_core::Outcome) -> Option<&str>,
) -> *const c_char {
    // SAFETY: the caller's promise.
    let Some(outcome) = (unsafe { outcome.as_ref() }) else { return null() };
    guard(null(), || {
        let text = place(outcome).get_or_init(|| get(outcome.core()).map(owned));
        text.as_ref().map_or(null(), |text| text.as_ptr())
    })
}

/// Frees an outcome and its text. Do not call it on an outcome that a callback received. Does nothing if `outcome` is
/// NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_free(outcome: *mut Outcome) {
    // SAFETY: the caller's promise.
    unsafe { free(outcome) }
}

/// Copies an outcome: use it to keep one that a callback received.
///
/// Returns: a new outcome, to be freed with mpt_outcome_free. NULL if `outcome` is NULL, or after an internal error.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_clone(outcome: *const Outcome) -> *mut Outcome {
    // SAFETY: the caller's promise.
    let Some(outcome) = (unsafe { outcome.as_ref() }) else { return null_mut() };
    guard(null_mut(), || handle(Outcome::new(outcome.told.clone())))
}

/// Returns what is true of the token: MPT_OUTCOME_DELETED, MPT_OUTCOME_GONE (in both cases it is dead),
/// MPT_OUTCOME_NOT_DELETED or MPT_OUTCOME_UNKNOWN. Returns 0 for NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_kind(outcome: *const Outcome) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| Some(told.kind().number())) }
}

/// Returns what happened: the code that the call returned. Returns MPT_INVALID_ARGUMENT for NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_code(outcome: *const Outcome) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, Code::InvalidArgument.number(), |told| Some(told.code().number())) }
}

/// Returns 1 if the token is proven dead: by mpt_prove_deleted, or by burning. Returns 0 if not, for outcomes of other
/// functions, and for NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_is_proven(outcome: *const Outcome) -> i32 {
    // SAFETY: the caller's promise.
    let outcome = unsafe { outcome.as_ref() };
    i32::from(outcome.and_then(Outcome::proof).is_some_and(Proof::is_proven))
}

/// Returns what the proof of mpt_prove_deleted, or of burning, rests on. "control" means that the API answered the same
/// request with 404 when the client's own API token was used. "accepted_before" means that this client had seen the API
/// accept the value, and that the API itself now answered 401. "lost_answer" means that the response to an earlier
/// request with a value that was burnt was lost, and that the API itself now answered 401. Returns NULL if nothing is
/// proven, for outcomes of other functions, and for NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_proof_basis(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    let Some(outcome) = (unsafe { outcome.as_ref() }) else { return null() };
    guard(null(), || {
        let basis = outcome.proof().and_then(Proof::basis);
        let text = outcome.basis.get_or_init(|| basis.map(|basis| owned(basis.name())));
        text.as_ref().map_or(null(), |text| text.as_ptr())
    })
}

/// Returns the whole outcome as one line of JSON; docs/outcome.schema.json describes it. It includes each attempt and
/// every member of the problem details. Returns "null" for NULL; never NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_json(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    let Some(outcome) = (unsafe { outcome.as_ref() }) else { return c"null".as_ptr() };
    guard(c"null".as_ptr(), || {
        let text = outcome.json.get_or_init(|| {
            Some(owned(&match &outcome.told {
                Told::Call(outcome) => outcome.to_json(),
                Told::Proof(proof) => proof.to_json(),
            }))
        });
        text.as_ref().map_or(c"null".as_ptr(), |text| text.as_ptr())
    })
}

/// Returns one sentence for people: what happened, what is true of the token and, after a failure, what to do. It has
/// no control characters, so it is safe to print to a terminal. Returns "" for NULL; never NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_message(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    let message = unsafe { text(outcome, |o| &o.message, |told| Some(told.message())) };
    if message.is_null() { c"".as_ptr() } else { message }
}

/// Returns the token id as it was passed to the call; one that was refused is cut after 64 characters. Returns NULL if
/// the failure is not about one token.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_token_id(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.id, mpt_core::Outcome::id) }
}

/// Returns the HTTP status of the last response, 100 to 999. Returns 0 if there was no response.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_http_status(outcome: *const Outcome) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| told.http_status().map(i32::from)) }
}

/// Returns the number of attempts. Returns 0 if the call failed before the first attempt.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_attempts(outcome: *const Outcome) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| u32::try_from(told.attempts().len()).ok()) }
}

/// Returns the number of calls made for the token. More than 1 if a batch put the token off and tried it again, because
/// nothing conclusive came of the calls before: mpt_outcome_attempts counts the attempts of all of them. Returns 0 if no
/// call was made, and for NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_rounds(outcome: *const Outcome) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| Some(told.rounds())) }
}

/// Returns the title of the problem details as the server sent it, or NULL if there is none. It may contain any
/// characters, including control characters: to show text to people, use mpt_outcome_message.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_title(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.title, |told| told.problem().and_then(ProblemDetails::title)) }
}

/// Returns the detail of the problem details as the server sent it, or NULL if there is none. It may contain any
/// characters, as the title may.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_detail(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.detail, |told| told.problem().and_then(ProblemDetails::detail)) }
}

/// Returns 1 if trying again later can change the result: the obstacle is temporary, or nothing is known about the
/// token. Returns 0 if it cannot: the token is dead, or somebody must fix something first. Returns 0 for NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_retryable(outcome: *const Outcome) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| Some(i32::from(told.retryable()))) }
}

/// Returns how long the server asked to wait before the next attempt, in milliseconds, if the call did not wait that
/// long. Returns -1 otherwise.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_retry_after_ms(outcome: *const Outcome) -> i64 {
    let whole = |wait: Duration| i64::try_from(wait.as_nanos().div_ceil(1_000_000)).ok();
    // SAFETY: the caller's promise.
    unsafe { field(outcome, -1, |told| told.retry_after().and_then(whole)) }
}

/// Returns the trace id that was sent with every attempt (W3C Trace Context): 32 hexadecimal digits. Returns NULL if
/// there was no attempt.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_trace_id(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.trace_id, mpt_core::Outcome::trace_id) }
}

/// Returns the server's own traceId, for its support. Returns NULL if the server sent none.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_server_trace_id(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.server_trace_id, mpt_core::Outcome::server_trace_id) }
}

/// Returns how long the whole call took, including pauses, in microseconds. Returns 0 for NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_elapsed_us(outcome: *const Outcome) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| u64::try_from(told.elapsed().as_micros()).ok()) }
}

/// Returns when this became known, by the machine's clock, in milliseconds since 1970-01-01 00:00:00 UTC: when the last
/// response came, or when the call was given up. Returns 0 for NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_settled_at_ms(outcome: *const Outcome) -> i64 {
    let since_1970 = |at: SystemTime| match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).ok(),
        Err(before) => i64::try_from(before.duration().as_millis()).ok().map(|before| -before),
    };
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| since_1970(told.settled_at())) }
}
