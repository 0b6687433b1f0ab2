//! Deletes many tokens: outcomes go to a callback, or the caller takes them one by one.

use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::offset_of;
use std::ops::ControlFlow;
use std::ptr::{null, null_mut};
use std::time::Duration;

use mpt_core::{BatchItem, Code, Error, Journal};

use crate::client::Client;
use crate::codes::{mpt_code, owned};
use crate::config::file;
use crate::entry::return_handle;
use crate::outcome::Outcome;
use crate::panic::{guard, guarded};
use crate::pointers::{checked, free, handle, no_memory, token_id};
use crate::sized::{MOST, SizedStruct, sized};

/// MPT_PATIENCE_NONE of the header.
const MPT_PATIENCE_NONE: i64 = -1;

/// Options for a batch. Start from MPT_BATCH_OPTIONS_INIT, or from zeros with `size` set. A member that is 0 has its
/// default; this will also be true of members added in later versions. A later, larger struct is accepted, up to 64 KiB, if
/// the members that the running library does not know are zero. Fails with MPT_INVALID_ARGUMENT if one is set, or if
/// `size` is not that of a version of this struct.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BatchOptions {
    /// sizeof(mpt_batch_options).
    pub size: u32,
    /// The largest number of calls at once, 1 to 256; 0 means 8. With 1, calls run on the calling thread.
    pub concurrency: u32,
    /// Nonzero: a token that the API does not know is a success from the first attempt. 0: use the client's setting.
    pub missing_ok: i32,
    /// Nonzero: the token in use may be deleted; it is deleted last. 0: use the client's setting.
    pub allow_own_token: i32,
    /// The path of a journal (a write-ahead record; on Windows in UTF-8), or NULL for none. Each deletion is on disk before its request is
    /// sent. If the file exists, the batch resumes: tokens known to be dead are neither requested nor reported again. A
    /// journal belongs to one base URL and one API token; one that belongs to another is refused with
    /// MPT_INVALID_CONFIG. A damaged line is skipped. If it may have been about a token that the API does not know,
    /// that token's outcome is MPT_OUTCOME_UNKNOWN. If the journal can no longer be written, the batch stops.
    pub journal: *const c_char,
    /// How long the batch continues without a conclusive answer from the API, in milliseconds, at most 604,800,000 (one
    /// week). 0 means 600,000 (ten minutes). MPT_PATIENCE_NONE means not at all: each token is tried in one call, and
    /// reported as it is then. Any other negative value is refused.
    ///
    /// A token whose call came to nothing (no connection, a lost response, a server error, a rate limit) is put off and
    /// tried again while the API answers others; it is reported once it is settled. If calls fail one after another, no
    /// more ids are taken, and one call at a time, less and less often, finds out whether the API is back.
    pub patience_ms: i64,
    /// For mpt_delete_tokens: where to write the counts, and why the batch stopped; NULL for nowhere. Set its `size`
    /// first, as MPT_BATCH_SUMMARY_INIT does. mpt_batch_new refuses it: mpt_batch_counts asks the batch itself.
    pub summary: *mut BatchSummary,
}

/// The counts of a batch, and why it stopped. Written by mpt_batch_counts, and by mpt_delete_tokens before it returns,
/// unless the batch cannot start. Start from MPT_BATCH_SUMMARY_INIT: the library writes no more than `size` bytes, so
/// that later versions can have more members.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BatchSummary {
    /// sizeof(mpt_batch_summary), set by the caller.
    pub size: u32,
    /// MPT_OK if the batch came to the end of its list; otherwise the code that comes nearest to why it stopped:
    /// MPT_UNAUTHORIZED, MPT_RATE_LIMITED or MPT_SERVER_ERROR (the server asked for too long a pause), MPT_TIMEOUT (no
    /// conclusive answer), MPT_INVALID_CONFIG (the journal), MPT_CANCELLED, or MPT_SKIPPED (the callback asked).
    pub stopped_code: mpt_code,
    /// Outcomes that are MPT_OUTCOME_DELETED.
    pub deleted: u64,
    /// Outcomes that are MPT_OUTCOME_GONE.
    pub gone: u64,
    /// Outcomes that are MPT_OUTCOME_NOT_DELETED.
    pub not_deleted: u64,
    /// Outcomes that are MPT_OUTCOME_UNKNOWN.
    pub unknown: u64,
    /// Outcomes with MPT_SKIPPED: pulled from the list, but not tried. They also count as not deleted or unknown.
    pub skipped: u64,
    /// Ids that were not pulled from the list, because the batch stopped. They have no outcome.
    pub not_pulled: u64,
    /// Ids that the list contains more than once: only the first has an outcome.
    pub duplicates: u64,
    /// Ids that the journal lists as dead: they have no outcome.
    pub already_done: u64,
    /// All outcomes.
    pub total: u64,
    /// Why the batch stopped, in a word: "unauthorized", "paused", "no_answer", "journal", "asked" or "cancelled".
    /// Empty if it did not.
    pub stopped: [c_char; 32],
    /// The same as a sentence that also says what to do. Empty if it did not stop. Cut if it is longer.
    pub stopped_message: [c_char; 512],
    /// Outcomes with MPT_NOT_FOUND: the API does not know the token. They also count as not deleted.
    pub not_found: u64,
    /// Outcomes with MPT_DEAD_VALUE: values to burn that were dead already, or never were values. They also count as not
    /// deleted.
    pub dead_values: u64,
    /// Tokens that were put off at least once, because their first call settled nothing: see mpt_outcome_rounds.
    pub put_off: u64,
}

// The layout that the header says, too.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(
    size_of::<BatchOptions>() == 40
        && offset_of!(BatchOptions, journal) == 16
        && offset_of!(BatchOptions, patience_ms) == 24
        && offset_of!(BatchOptions, summary) == 32
        && size_of::<BatchSummary>() == 648
        && offset_of!(BatchSummary, stopped) == 80
        && offset_of!(BatchSummary, not_found) == 624
);

// SAFETY: as it is declared above.
unsafe impl SizedStruct for BatchOptions {
    const NAME: &'static str = "batch options";
    /// As it was before `patience_ms`, and before `summary`.
    const OLDER: &'static [usize] = &[
        offset_of!(BatchOptions, journal) + size_of::<*const c_char>(),
        offset_of!(BatchOptions, summary),
    ];
}

/// What a summary had at least: its members up to `stopped_message`.
const LEAST_SUMMARY: usize = offset_of!(BatchSummary, not_found);

/// Called once for each outcome. `outcome` is borrowed: it is valid until the callback returns; use mpt_outcome_clone
/// to keep it. `user_data` is the pointer that was passed with the callback.
///
/// Returns: 0 to continue; any other value to stop the batch, as mpt_batch_stop does.
/// Threads: runs on the thread that made the call. It may use the library. It must return: do not longjmp out of it. A
/// C++ exception that leaves it ends the program.
pub type OutcomeCallback =
    Option<unsafe extern "C-unwind" fn(outcome: *const Outcome, user_data: *mut c_void) -> c_int>;

/// A running batch. Created by mpt_batch_new, freed by mpt_batch_free.
///
/// Threads: used by one thread at a time, but not always the same one.
pub struct Batch {
    /// `None` after the end.
    core: Option<mpt_core::Batch<std::vec::IntoIter<BatchItem>>>,
    /// The counts at the last look.
    counts: mpt_core::BatchSummary,
    /// Why it stopped, as text for C.
    stopped: Option<StoppedText>,
}

struct StoppedText {
    why: mpt_core::Stopped,
    reason: CString,
    message: CString,
}

impl Batch {
    fn look(&mut self, core: &mpt_core::Batch<std::vec::IntoIter<BatchItem>>) {
        self.counts = core.summary();
        let why = core.stopped();
        if self.stopped.as_ref().map(|known| &known.why) != why.as_ref() {
            self.stopped = why.map(|why| StoppedText {
                reason: owned(why.reason()),
                message: owned(&why.to_string()),
                why,
            });
        }
    }
}

/// Deletes many tokens and blocks until each has an outcome. Each id is tried once, even if the list contains it twice.
/// Calls run concurrently. The callback receives the outcomes in order of completion.
///
/// The batch stops if two ids in a row get a 401 response (a 401 for one id alone is that id's), when the callback asks
/// for it, and when the server asks for a pause that is longer than `patience_ms` (and than the timeout of a call). It
/// then pulls no more ids, and calls under way finish. Ids that were pulled but not tried are reported with MPT_SKIPPED;
/// ids that were not pulled are not reported. `summary` in the options says how many these are, and why.
/// While the API does not answer, the batch waits for it, ten minutes by default: see `patience_ms`.
///
/// `token_ids`: `count` pointers, each as in mpt_delete_token; the text must not change during the call. May be NULL if
/// `count` is 0.
/// `count`: how many ids there are.
/// `options`: NULL means all defaults.
/// `on_outcome`: may be NULL; is called for each outcome. If the batch cannot start, it receives an outcome without a token id that says why.
/// Returns: MPT_OK if every token is dead; otherwise the code of the first outcome reported that is not a success, or
/// MPT_SKIPPED if all reported tokens are dead but some ids were not reported. If the batch cannot start, nothing was
/// sent, and the result is MPT_INVALID_ARGUMENT (`client`, `token_ids` or an id is NULL, an id is not UTF-8, or an
/// option is out of range) or MPT_INVALID_CONFIG (the journal cannot be used).
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_delete_tokens(
    client: *const Client,
    token_ids: *const *const c_char,
    count: usize,
    options: *const BatchOptions,
    on_outcome: OutcomeCallback,
    user_data: *mut c_void,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { run(client, token_ids, count, options, on_outcome, user_data, Kind::Delete) }
}

/// Burns many leaked values, each with itself as the credential, and proves that they are dead: mpt_burn for each of a
/// list, as mpt_delete_tokens does it.
///
/// A 401 response is about one value, so it never stops the batch. The same value twice is one; two values of one id are
/// two credentials, and both are burnt. A text that is not a value is reported with MPT_INVALID_ARGUMENT and without a
/// token id, and the others go on. A journal holds ids only, and needs a client that can only burn
/// (mpt_config_set_burn_only). `missing_ok` and `allow_own_token` have no meaning here.
///
/// `values`: `count` pointers, each as in mpt_burn; the text must not change during the call. The copies are wiped from
/// memory when their calls are done. May be NULL if `count` is 0.
/// `count`: how many values there are.
/// `options`: as in mpt_delete_tokens.
/// `on_outcome`: as in mpt_delete_tokens.
/// Returns: as mpt_delete_tokens.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_burn_tokens(
    client: *const Client,
    values: *const *const c_char,
    count: usize,
    options: *const BatchOptions,
    on_outcome: OutcomeCallback,
    user_data: *mut c_void,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { run(client, values, count, options, on_outcome, user_data, Kind::Burn) }
}

/// What a batch does with its texts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// They are ids.
    Delete,
    /// They are values.
    Burn,
}

impl Kind {
    fn item(self, text: &str) -> BatchItem {
        match self {
            Kind::Delete => BatchItem::from(text),
            Kind::Burn => BatchItem::of_value(text),
        }
    }
}

/// # Safety
/// As for mpt_delete_tokens.
unsafe fn run(
    client: *const Client,
    texts: *const *const c_char,
    count: usize,
    options: *const BatchOptions,
    on_outcome: OutcomeCallback,
    user_data: *mut c_void,
    kind: Kind,
) -> mpt_code {
    let mut first_failure = None;
    let mut tell = |outcome: mpt_core::Outcome| {
        if !outcome.is_success() {
            first_failure.get_or_insert(outcome.code());
        }
        let Some(on_outcome) = on_outcome else { return ControlFlow::Continue(()) };
        let outcome = Outcome::from(outcome);
        // SAFETY: the caller's promise: a function that may be called with what it was given with.
        match unsafe { on_outcome(&raw const outcome, user_data) } {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    };
    let done = guarded(|| {
        // SAFETY: the caller's promise.
        let (client, ids, options) = unsafe {
            let client = checked(client, "client")?.core();
            (client, self::ids(texts, count)?, self::options(options, client, kind)?)
        };
        // Pulled as they are given, so that a batch that stops has not copied the rest.
        let (options, summary) = options;
        let mut batch = client.batch(ids.into_iter().map(|text| kind.item(text)), &options)?;
        while let Some(outcome) = batch.next() {
            if tell(outcome).is_break() {
                batch.stop();
            }
        }
        if let Some(summary) = summary {
            // SAFETY: the caller's promise: a struct of the size that was checked.
            unsafe { write_summary(summary, &batch.summary(), batch.stopped().as_ref()) };
        }
        Ok(batch.summary())
    });
    match done {
        Ok(summary) => {
            let told = summary.total + summary.duplicates + summary.already_done;
            let rest = (told < count as u64).then_some(Code::Skipped);
            first_failure.or(rest).unwrap_or(Code::Ok).number()
        }
        Err(error) => {
            let code = error.code().number();
            // The batch has not started, or has ended: there is nothing left to stop.
            let _ = guard(ControlFlow::Continue(()), || tell(error.into_outcome()));
            code
        }
    }
}

/// Starts the same batch without a callback, for languages that cannot easily be called back. Take the outcomes with
/// mpt_batch_next; nothing is sent before its first call.
///
/// `token_ids`, `count`, `options`: as in mpt_delete_tokens; all are copied.
/// `batch`: written unless it is NULL: the new batch, to be freed with mpt_batch_free, or NULL on failure. The client
/// may be freed before the batch. Cancelling the client cancels the batch's calls.
/// `outcome`: may be NULL; otherwise always written: NULL on MPT_OK, or an outcome that says why the batch cannot
/// start, to be freed with mpt_outcome_free.
/// Returns: MPT_OK, or a code that says why the batch cannot start.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_new(
    client: *const Client,
    token_ids: *const *const c_char,
    count: usize,
    options: *const BatchOptions,
    batch: *mut *mut Batch,
    outcome: *mut *mut Outcome,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { begin(client, token_ids, count, options, batch, outcome, Kind::Delete) }
}

/// Starts the batch of mpt_burn_tokens without a callback. Take the outcomes with mpt_batch_next; nothing is sent before
/// its first call.
///
/// `values`: as in mpt_burn_tokens; they are copied, and each copy is wiped from memory when its calls are done, or when
/// the batch is freed.
/// `count`: how many values there are.
/// `options`: as in mpt_delete_tokens.
/// `batch`: as in mpt_batch_new.
/// `outcome`: as in mpt_batch_new.
/// Returns: MPT_OK, or a code that says why the batch cannot start.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_burn_batch_new(
    client: *const Client,
    values: *const *const c_char,
    count: usize,
    options: *const BatchOptions,
    batch: *mut *mut Batch,
    outcome: *mut *mut Outcome,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { begin(client, values, count, options, batch, outcome, Kind::Burn) }
}

/// # Safety
/// As for mpt_batch_new.
unsafe fn begin(
    client: *const Client,
    texts: *const *const c_char,
    count: usize,
    options: *const BatchOptions,
    batch: *mut *mut Batch,
    outcome: *mut *mut Outcome,
    kind: Kind,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe {
        return_handle(batch, outcome, || {
            let client = checked(client, "client")?.core();
            let given = ids(texts, count)?;
            let mut items: Vec<BatchItem> = Vec::new();
            items
                .try_reserve_exact(count)
                .map_err(|_| no_memory(count * size_of::<BatchItem>()))?;
            items.extend(given.into_iter().map(|text| kind.item(text)));
            let (options, summary) = self::options(options, client, kind)?;
            if summary.is_some() {
                return Err(Error::invalid_argument(
                    "the batch options have a summary, which is for mpt_delete_tokens: ask the batch by mpt_batch_counts",
                ));
            }
            let core = client.batch(items, &options)?;
            Ok(Batch { counts: core.summary(), core: Some(core), stopped: None })
        })
    }
}

/// Returns the next outcome in order of completion; blocks until there is one. Other calls of the batch continue in the
/// background, also between calls of this function.
///
/// Returns: a new outcome, to be freed with mpt_outcome_free. NULL when there are no more, or if `batch` is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_next(batch: *mut Batch) -> *mut Outcome {
    // SAFETY: the caller's promise.
    let Some(batch) = (unsafe { batch.as_mut() }) else { return null_mut() };
    let next = guarded(|| {
        // Taken out while it runs: after a panic it is gone, and the next call reports that once, instead of ending as
        // if every outcome had been reported.
        let Some(mut core) = batch.core.take() else { return Ok(None) };
        let next = core.next();
        batch.look(&core);
        batch.core = next.is_some().then_some(core);
        Ok(next)
    });
    match next {
        Ok(None) => null_mut(),
        Ok(Some(outcome)) => handle(Outcome::from(outcome)),
        Err(error) => handle(Outcome::from(error.into_outcome())),
    }
}

/// Stops a batch: it pulls no more ids, and calls under way finish. Ids that were pulled but not tried are reported with
/// MPT_SKIPPED. Keep calling mpt_batch_next until it returns NULL. Does nothing if `batch` is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_stop(batch: *mut Batch) {
    // SAFETY: the caller's promise.
    let Some(batch) = (unsafe { batch.as_mut() }) else { return };
    guard((), || {
        if let Some(core) = batch.core.take() {
            core.stop();
            batch.look(&core);
            batch.core = Some(core);
        }
    });
}

/// Returns why a batch stopped before the end of its list, in a word: "unauthorized" (two ids in a row got a 401: the
/// API token is not accepted), "paused" (the server asked for a longer pause than the batch waits), "no_answer" (no
/// answer was conclusive for as long as `patience_ms`), "journal" (it cannot be written), "asked" (mpt_batch_stop) or
/// "cancelled". Ask when mpt_batch_next has returned NULL: ids that were not pulled have no outcome, and this is what
/// says so.
///
/// Returns: text that belongs to the batch and is valid until the next call on it; NULL if it did not stop, or if `batch`
/// is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_stopped(batch: *const Batch) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { stopped_text(batch, |stopped| &stopped.reason) }
}

/// Returns the same as mpt_batch_stopped as a sentence that also says what to do, such as "the API answered 401 (the API
/// token is not accepted): check MPT_API_TOKEN".
///
/// Returns: text that belongs to the batch and is valid until the next call on it; NULL if it did not stop, or if `batch`
/// is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_stopped_message(batch: *const Batch) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { stopped_text(batch, |stopped| &stopped.message) }
}

/// Returns the code that comes nearest to why a batch stopped: see `stopped_code` of mpt_batch_summary. MPT_OK if it did
/// not stop, or if `batch` is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_stopped_code(batch: *const Batch) -> mpt_code {
    // SAFETY: the caller's promise.
    let stopped = unsafe { batch.as_ref() }.and_then(|batch| batch.stopped.as_ref());
    stopped.map_or(Code::Ok, |stopped| stopped.why.code()).number()
}

/// Returns how many ids were pulled and not tried, because the batch stopped: their outcomes have MPT_SKIPPED. 0 if
/// `batch` is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_skipped(batch: *const Batch) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { batch.as_ref() }.map_or(0, |batch| batch.counts.skipped)
}

/// Returns how many ids of the list were not pulled (so far): if the batch stopped, they have no outcome. 0 if `batch`
/// is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_not_pulled(batch: *const Batch) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { batch.as_ref() }.map_or(0, |batch| batch.counts.not_pulled.unwrap_or_default())
}

/// Writes what mpt_delete_tokens writes to `summary` of its options: the counts (so far), and why the batch stopped.
///
/// `summary`: written on MPT_OK. Set its `size` first, as MPT_BATCH_SUMMARY_INIT does.
/// Returns: MPT_OK, or MPT_INVALID_ARGUMENT if `batch` or `summary` is NULL, or if the size is not that of a version of
/// the struct.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_counts(
    batch: *const Batch,
    summary: *mut BatchSummary,
) -> mpt_code {
    let told = guarded(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let batch = checked(batch, "batch")?;
            checked(summary.cast_const(), "batch summary")?;
            check_summary(summary)?;
            write_summary(
                summary,
                &batch.counts,
                batch.stopped.as_ref().map(|stopped| &stopped.why),
            );
        }
        Ok(())
    });
    told.map_or_else(|error| error.code(), |()| Code::Ok).number()
}

/// # Safety
/// `batch` is null, or a batch.
unsafe fn stopped_text(
    batch: *const Batch,
    text: impl FnOnce(&StoppedText) -> &CString,
) -> *const c_char {
    // SAFETY: the caller's promise.
    let stopped = unsafe { batch.as_ref() }.and_then(|batch| batch.stopped.as_ref());
    stopped.map_or(null(), |stopped| text(stopped).as_ptr())
}

/// Stops a batch, waits for the calls under way, and frees it. Outcomes that were not taken are lost. To make this
/// quick, cancel the client first. Does nothing if `batch` is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_free(batch: *mut Batch) {
    // SAFETY: the caller's promise.
    unsafe { free(batch) }
}

/// Checks and returns all ids before anything is sent.
///
/// # Safety
/// `ids` is null, or points to `count` pointers to text that does not change while the result is used.
unsafe fn ids<'a>(ids: *const *const c_char, count: usize) -> Result<Vec<&'a str>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the caller's promise.
    unsafe { checked(ids, "list of token ids") }?;
    if count > isize::MAX as usize / size_of::<*const c_char>() {
        return Err(Error::invalid_argument(format!(
            "the count of token ids is {count}: expected the number of ids"
        )));
    }
    // SAFETY: not null, and of that length by the caller's promise.
    let ids = unsafe { std::slice::from_raw_parts(ids, count) };
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| no_memory(count * size_of::<&str>()))?;
    for (place, id) in ids.iter().enumerate() {
        // SAFETY: the caller's promise.
        list.push(unsafe { token_id(*id, &format!("token id number {}", place + 1)) }?);
    }
    Ok(list)
}

/// Returns the options of a batch on this client.
///
/// # Safety
/// `options` is null, or has as many bytes as its first member says.
unsafe fn options(
    options: *const BatchOptions,
    client: &mpt_core::Client,
    kind: Kind,
) -> Result<(mpt_core::BatchOptions, Option<*mut BatchSummary>), Error> {
    let mut core = mpt_core::BatchOptions::new().burn(kind == Kind::Burn);
    // SAFETY: the caller's promise.
    let Some(given) = unsafe { sized(options) }? else { return Ok((core, None)) };
    if !given.summary.is_null() {
        // SAFETY: the caller's promise.
        unsafe { check_summary(given.summary) }?;
    }
    if given.concurrency != 0 {
        core = core.concurrency(given.concurrency as usize);
    }
    if given.missing_ok != 0 {
        core = core.missing_ok(true);
    }
    if given.allow_own_token != 0 {
        core = core.allow_own_token(true);
    }
    if !given.journal.is_null() {
        // SAFETY: the caller's promise.
        let path = unsafe { file(given.journal, "path of the journal") }?;
        core = core.journal(Journal::open(path, client)?);
    }
    match given.patience_ms {
        0 => {}
        MPT_PATIENCE_NONE => core = core.patience(Duration::ZERO),
        limit => match u64::try_from(limit) {
            Ok(limit) => core = core.patience(Duration::from_millis(limit)),
            Err(_) => {
                return Err(Error::invalid_argument(format!(
                    "the patience is {limit} ms: expected milliseconds, 0 for the default, or MPT_PATIENCE_NONE"
                )));
            }
        },
    }
    Ok((core, (!given.summary.is_null()).then_some(given.summary)))
}

/// Whether the size of a summary is that of a version of the struct.
///
/// # Safety
/// The first member is at `summary`.
unsafe fn check_summary(summary: *const BatchSummary) -> Result<(), Error> {
    // SAFETY: the caller's promise, at an address that other languages may not align.
    let size = unsafe { summary.cast::<u32>().read_unaligned() } as usize;
    if size == LEAST_SUMMARY || (size_of::<BatchSummary>()..=MOST).contains(&size) {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "the size in the batch summary is {size}: expected sizeof(mpt_batch_summary), which is {} here, \
         {LEAST_SUMMARY} in an earlier version, and at most {MOST} in a later version",
        size_of::<BatchSummary>()
    )))
}

/// Writes the members but `size` that the caller knows, and no byte behind those that this version knows.
///
/// # Safety
/// `to` points to a summary of a size that was checked.
unsafe fn write_summary(
    to: *mut BatchSummary,
    counts: &mpt_core::BatchSummary,
    why: Option<&mpt_core::Stopped>,
) {
    let mut summary = BatchSummary {
        size: 0,
        stopped_code: why.map_or(Code::Ok, mpt_core::Stopped::code).number(),
        deleted: counts.deleted,
        gone: counts.gone,
        not_deleted: counts.not_deleted,
        unknown: counts.unknown,
        skipped: counts.skipped,
        not_pulled: counts.not_pulled.unwrap_or_default(),
        duplicates: counts.duplicates,
        already_done: counts.already_done,
        total: counts.total,
        stopped: fixed(why.map_or("", mpt_core::Stopped::reason)),
        stopped_message: fixed(&why.map(ToString::to_string).unwrap_or_default()),
        not_found: counts.not_found,
        dead_values: counts.dead_values,
        put_off: counts.put_off,
    };
    // SAFETY: the first member is there, at an address that other languages may not align, and says how many bytes are; no
    // more are read than a summary has. The two do not overlap.
    unsafe {
        summary.size = to.cast::<u32>().read_unaligned();
        std::ptr::copy_nonoverlapping(
            (&raw const summary).cast::<u8>(),
            to.cast::<u8>(),
            (summary.size as usize).min(size_of::<BatchSummary>()),
        );
    }
}

/// Text in a buffer, which it ends with a NUL: as many whole characters as fit.
fn fixed<const SIZE: usize>(text: &str) -> [c_char; SIZE] {
    let mut end = text.len().min(SIZE - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut buffer = [0; SIZE];
    for (to, byte) in buffer.iter_mut().zip(owned(&text[..end]).as_bytes()) {
        *to = c_char::from_ne_bytes([*byte]);
    }
    buffer
}
