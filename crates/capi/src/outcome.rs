//! `mpt_outcome`: what a call told.

use std::ffi::{CString, c_char};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use std::time::Duration;

use mpt_core::{Code, ProblemDetails, Proof};

use crate::codes::{mpt_code, owned};
use crate::panic::guard;
use crate::pointers::{free, handle};

/// All that is known after a call. Handed out by the call, ended by mpt_outcome_free.
///
/// The accessors take NULL. Text that they return belongs to the outcome and lives as long as it does; it is UTF-8, and
/// where the server sent a NUL character in it, U+FFFD stands there.
///
/// Threads: may be read by any number of threads at once; ended by one, when no other reads it.
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

/// Text for C, made when it is first asked for.
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

/// Reads a field; `none` where there is no outcome.
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

/// Reads text; null where there is no outcome or no such text.
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

/// Ends an outcome and its text. NULL is fine. One that a callback was lent must not be ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_free(outcome: *mut Outcome) {
    // SAFETY: the caller's promise.
    unsafe { free(outcome) }
}

/// A copy that lives by itself: what a callback needs to keep an outcome.
///
/// Returns: a new outcome; give it to mpt_outcome_free. NULL for NULL, and after an internal failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_clone(outcome: *const Outcome) -> *mut Outcome {
    // SAFETY: the caller's promise.
    let Some(outcome) = (unsafe { outcome.as_ref() }) else { return null_mut() };
    guard(null_mut(), || handle(Outcome::new(outcome.told.clone())))
}

/// What is true of the token: MPT_OUTCOME_DELETED, MPT_OUTCOME_GONE (both: it is dead), MPT_OUTCOME_NOT_DELETED or
/// MPT_OUTCOME_UNKNOWN. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_kind(outcome: *const Outcome) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| Some(told.kind().number())) }
}

/// What happened: the code that the call returned. MPT_INVALID_ARGUMENT for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_code(outcome: *const Outcome) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, Code::InvalidArgument.number(), |told| Some(told.code().number())) }
}

/// Whether mpt_prove_deleted has proof that the token is dead: 1 yes, 0 no. 0 for every other outcome, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_is_proven(outcome: *const Outcome) -> i32 {
    // SAFETY: the caller's promise.
    match unsafe { outcome.as_ref() }.map(|outcome| &outcome.told) {
        Some(Told::Proof(proof)) => i32::from(proof.is_proven()),
        _ => 0,
    }
}

/// What the proof of mpt_prove_deleted rests on: "control" where the same request with the client's own API token was
/// answered 404 by the API; "accepted_before" where the value itself had been accepted by this client, and the 401 is the
/// API's. NULL where nothing is proven, for every other outcome, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_proof_basis(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    let Some(outcome) = (unsafe { outcome.as_ref() }) else { return null() };
    guard(null(), || {
        let basis = match &outcome.told {
            Told::Proof(proof) => proof.basis(),
            Told::Call(_) => None,
        };
        let text = outcome.basis.get_or_init(|| basis.map(|basis| owned(basis.name())));
        text.as_ref().map_or(null(), |text| text.as_ptr())
    })
}

/// The whole outcome as one line of JSON, as docs/outcome.schema.json describes it: also each attempt, and every member
/// of the problem details. "null" for NULL; never NULL itself.
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

/// One sentence for a person: what happened, what is true of the token and, after a failure, what to do. It has no
/// control characters, so that it can go to a terminal as it is. "" for NULL; never NULL itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_message(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    let message = unsafe { text(outcome, |o| &o.message, |told| Some(told.message())) };
    if message.is_null() { c"".as_ptr() } else { message }
}

/// The token id of the call, as it was given. NULL where the failure has nothing to do with one token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_token_id(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.id, mpt_core::Outcome::id) }
}

/// The HTTP status of the last answer, 100 to 999; 0 where no attempt was answered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_http_status(outcome: *const Outcome) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| told.http_status().map(i32::from)) }
}

/// How many attempts were made; 0 where the call was refused before anything was tried.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_attempts(outcome: *const Outcome) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| u32::try_from(told.attempts().len()).ok()) }
}

/// The title of the problem details, as the server wrote it; NULL where there is none. It may have any characters,
/// control characters too: to show it to a person, use mpt_outcome_message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_title(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.title, |told| told.problem().and_then(ProblemDetails::title)) }
}

/// The detail of the problem details, likewise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_detail(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.detail, |told| told.problem().and_then(ProblemDetails::detail)) }
}

/// Whether asking again later can change the result: 1 yes (what stands in the way passes by itself, or nothing is known
/// of the token), 0 no (the token is dead, or somebody must do something first). 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_retryable(outcome: *const Outcome) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| Some(i32::from(told.retryable()))) }
}

/// How long the server asked to wait before the next attempt, in milliseconds, where that wait was not spent; -1 where
/// it did not ask.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_retry_after_ms(outcome: *const Outcome) -> i64 {
    let whole = |wait: Duration| i64::try_from(wait.as_nanos().div_ceil(1_000_000)).ok();
    // SAFETY: the caller's promise.
    unsafe { field(outcome, -1, |told| told.retry_after().and_then(whole)) }
}

/// The trace id that went out with every attempt (W3C Trace Context): 32 hexadecimal digits. NULL where nothing was
/// tried.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_trace_id(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.trace_id, mpt_core::Outcome::trace_id) }
}

/// The server's own traceId, to give to its support; NULL where it gave none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_server_trace_id(outcome: *const Outcome) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text(outcome, |o| &o.server_trace_id, mpt_core::Outcome::server_trace_id) }
}

/// How long the whole call took, pauses included, in microseconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_outcome_elapsed_us(outcome: *const Outcome) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { field(outcome, 0, |told| u64::try_from(told.elapsed().as_micros()).ok()) }
}
