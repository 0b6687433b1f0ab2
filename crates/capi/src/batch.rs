//! Many tokens: with a callback, or taken one by one.

use std::ffi::{c_char, c_int, c_void};
use std::ops::ControlFlow;
use std::ptr::null_mut;

use mpt_core::{Code, Error, Journal};

use crate::client::Client;
use crate::codes::mpt_code;
use crate::config::file;
use crate::entry::return_handle;
use crate::outcome::Outcome;
use crate::panic::{guard, guarded};
use crate::pointers::{checked, free, handle, text};

/// How a batch is done. Begin with MPT_BATCH_OPTIONS_INIT, or with zeros and `size`: 0 in a member is its default, and
/// members that a later version adds will keep to that. A size that is too small, and a member that is set and that the
/// running library does not know, are refused with MPT_INVALID_ARGUMENT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BatchOptions {
    /// sizeof(mpt_batch_options).
    pub size: u32,
    /// How many calls may run at once, 1 to 256; 0 for 8. With 1 they run on the calling thread.
    pub concurrency: u32,
    /// Other than 0: a token that the API does not know is a success from the first attempt on. 0: as the client does.
    pub missing_ok: i32,
    /// Other than 0: the token in use may be deleted; it goes last then. 0: as the client does.
    pub allow_own_token: i32,
    /// The path of a write-ahead record, or NULL for none: what is about to be deleted is on disk before a request
    /// leaves. Where the file exists, the batch resumes: tokens known to be dead are neither asked nor reported again.
    /// It belongs to one base URL and one API token: another one's is refused with MPT_INVALID_CONFIG. A damaged line is
    /// skipped, and a token that it may have been about is MPT_OUTCOME_UNKNOWN where the API does not know it. One that can no
    /// longer be written stops the batch.
    pub journal: *const c_char,
}

/// Told about one token. The outcome is lent: it ends when the callback returns (mpt_outcome_clone keeps it).
/// `user_data` is what the caller gave.
///
/// Returns: 0 to go on; anything else to pull no more ids, as mpt_batch_stop.
/// Threads: it runs on the thread that called. It may use the library, and it must return: no longjmp, and a C++
/// exception that leaves it ends the program.
pub type OutcomeCallback =
    Option<unsafe extern "C-unwind" fn(outcome: *const Outcome, user_data: *mut c_void) -> c_int>;

/// A batch under way. Made by mpt_batch_new, ended by mpt_batch_free.
///
/// Threads: may be used by one thread at a time, not always the same.
pub struct Batch {
    /// `None` once it has ended.
    core: Option<mpt_core::Batch<std::vec::IntoIter<String>>>,
}

/// Deletes many tokens, and blocks until each of them is settled. Every id is tried once, also where it is there twice;
/// many calls run at once. A callback tells the outcomes in order of completion.
///
/// An answer of 401 stops the batch, and so do a server that wants no calls for more than ten minutes (or the timeout of
/// a call, where that is longer) and the callback: no more ids are pulled, what is under way finishes, and what was pulled
/// and not tried is told with MPT_SKIPPED; ids that were not pulled are not told.
///
/// `token_ids`: `count` addresses, each as in mpt_delete_token; none may change during the call. NULL where `count` is 0.
/// `options`: may be NULL, for all defaults.
/// `on_outcome`: may be NULL. Where the batch cannot start, it is told that by an outcome without a token id.
/// Returns: MPT_OK where every token is dead; else the code of the first one told that is not, or MPT_SKIPPED where all
/// told are dead and there are others. Nothing was sent where the batch cannot start: MPT_INVALID_ARGUMENT (`client`,
/// an id or `token_ids` is NULL or not UTF-8, or an option is out of its range), MPT_INVALID_CONFIG (the journal cannot
/// be used).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_delete_tokens(
    client: *const Client,
    token_ids: *const *const c_char,
    count: usize,
    options: *const BatchOptions,
    on_outcome: OutcomeCallback,
    user_data: *mut c_void,
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
            (client, self::ids(token_ids, count)?, self::options(options, client)?)
        };
        client.delete_tokens(ids.into_iter().map(String::from), &options, &mut tell)
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

/// The same without a callback, for languages that would rather ask than be called: the outcomes are taken with
/// mpt_batch_next. Nothing is sent before that.
///
/// `token_ids`, `options`: as in mpt_delete_tokens; both are copied.
/// `batch`: always written where it is not NULL: the new batch, to be given to mpt_batch_free, or NULL. It keeps what it
/// needs of the client, which may be ended before it; cancelling the client ends the calls of the batch.
/// `outcome`: may be NULL; else always written: NULL after MPT_OK, or an outcome that says why the batch cannot start,
/// to be given to mpt_outcome_free.
/// Returns: MPT_OK, or the code of a batch that cannot start.
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
    unsafe {
        return_handle(batch, outcome, || {
            let client = checked(client, "client")?.core();
            let ids: Vec<String> = ids(token_ids, count)?.into_iter().map(String::from).collect();
            let options = self::options(options, client)?;
            Ok(Batch { core: Some(client.batch(ids, &options)?) })
        })
    }
}

/// The next outcome, in order of completion; blocks until there is one. Meanwhile, and until the next call of this
/// function, other calls of the batch go on.
///
/// Returns: a new outcome, to be given to mpt_outcome_free. NULL when there are no more, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_next(batch: *mut Batch) -> *mut Outcome {
    // SAFETY: the caller's promise.
    let Some(batch) = (unsafe { batch.as_mut() }) else { return null_mut() };
    let next = guarded(|| {
        // Taken out while it runs: after a panic it is gone, and says so once, instead of ending as if all was told.
        let Some(mut core) = batch.core.take() else { return Ok(None) };
        let next = core.next();
        batch.core = next.is_some().then_some(core);
        Ok(next)
    });
    match next {
        Ok(None) => null_mut(),
        Ok(Some(outcome)) => handle(Outcome::from(outcome)),
        Err(error) => handle(Outcome::from(error.into_outcome())),
    }
}

/// Pulls no more ids. What is under way finishes, and what was pulled and not tried is told with MPT_SKIPPED: go on with
/// mpt_batch_next until it returns NULL. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_stop(batch: *mut Batch) {
    // SAFETY: the caller's promise.
    if let Some(Batch { core: Some(core) }) = unsafe { batch.as_ref() } {
        guard((), || core.stop());
    }
}

/// Ends a batch: pulls no more ids, and waits for the calls under way, whose outcomes are lost if they were not taken
/// (cancel the client first where that must be quick). NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_batch_free(batch: *mut Batch) {
    // SAFETY: the caller's promise.
    unsafe { free(batch) }
}

/// The ids, all of them checked before anything is sent.
///
/// # Safety
/// `ids` has `count` addresses of text that stays as it is while the result is used, or is null.
unsafe fn ids<'a>(ids: *const *const c_char, count: usize) -> Result<Vec<&'a str>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the caller's promise.
    unsafe { checked(ids, "list of token ids") }?;
    if count > isize::MAX as usize / size_of::<*const c_char>() {
        return Err(Error::invalid_argument(format!(
            "the count of token ids is {count}: expected how many there are"
        )));
    }
    // SAFETY: not null, and of that length by the caller's promise.
    let ids = unsafe { std::slice::from_raw_parts(ids, count) };
    let id = |(place, id): (usize, &*const c_char)| {
        // SAFETY: the caller's promise.
        unsafe { text(*id, &format!("token id number {}", place + 1)) }
    };
    ids.iter().enumerate().map(id).collect()
}

/// The options of a batch on this client.
///
/// # Safety
/// `options` is null, or has as many bytes as its first member says.
unsafe fn options(
    options: *const BatchOptions,
    client: &mpt_core::Client,
) -> Result<mpt_core::BatchOptions, Error> {
    let mut core = mpt_core::BatchOptions::new();
    // SAFETY: the caller's promise.
    let Some(given) = unsafe { sized(options) }? else { return Ok(core) };
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
    Ok(core)
}

/// A struct of a caller that may know fewer or more members than this library.
///
/// # Safety
/// As [`options`].
unsafe fn sized(options: *const BatchOptions) -> Result<Option<BatchOptions>, Error> {
    /// No version of the struct comes near this: a size beyond it was never written by the caller.
    const MOST: usize = 4096;
    const KNOWN: usize = size_of::<BatchOptions>();
    if options.is_null() {
        return Ok(None);
    }
    // SAFETY: the first member is there by the caller's promise, at an address that other languages may not align.
    let size = unsafe { options.cast::<u32>().read_unaligned() } as usize;
    if !(KNOWN..=MOST).contains(&size) {
        return Err(Error::invalid_argument(format!(
            "the size in the batch options is {size}: expected sizeof(mpt_batch_options), {KNOWN} or more"
        )));
    }
    // SAFETY: that many bytes are there by the caller's promise.
    let unknown =
        unsafe { std::slice::from_raw_parts(options.cast::<u8>().add(KNOWN), size - KNOWN) };
    if unknown.iter().any(|byte| *byte != 0) {
        return Err(Error::invalid_argument(
            "the batch options have a member set that this version of the library does not know: use a newer library",
        ));
    }
    // SAFETY: all known members are there, by the size.
    Ok(Some(unsafe { options.read_unaligned() }))
}
