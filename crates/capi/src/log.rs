//! `mpt_config_set_log`: what happens during calls, told to a function of the caller's.

use std::ffi::{CString, c_char, c_void};
use std::panic;
use std::ptr::null;
use std::sync::{Arc, Mutex, Once, Weak};

use mpt_core::{ClientBuilder, Code, Error, Event};

use crate::callbacks::{FreeCallback, UserData};
use crate::codes::{mpt_code, owned};
use crate::config::Config;
use crate::panic::guard;

/// MPT_LOG_ERROR and the levels after it, in the header.
const ERROR: i32 = 1;
const INFO: i32 = 3;
const DEBUG: i32 = 4;

/// MPT_EVENT_ATTEMPT and the events after it, in the header.
const ATTEMPT: i32 = 1;
const RETRY: i32 = 2;
const PANIC: i32 = 3;

/// What a log callback is told. `size` is its size in the running library: a later version may add members at the end.
/// The text lives until the callback returns.
#[repr(C)]
pub struct LogRecord {
    /// The size of the struct in the running library.
    pub size: u32,
    /// How important it is: MPT_LOG_ERROR, MPT_LOG_WARN, MPT_LOG_INFO or MPT_LOG_DEBUG.
    pub level: i32,
    /// What happened: MPT_EVENT_ATTEMPT, MPT_EVENT_RETRY or MPT_EVENT_PANIC. A later version may have others.
    pub event: i32,
    /// What an attempt means by itself; the outcome of its call may have another code. MPT_INTERNAL for a panic.
    pub code: mpt_code,
    /// The number of the attempt, from 1; 0 for a panic.
    pub attempt: u32,
    /// The HTTP status of the response to the attempt; 0 if there was none.
    pub http_status: i32,
    /// How long the call waits before its next attempt, in milliseconds; -1 if there is none.
    pub wait_ms: i64,
    /// The token id of the call; NULL for a panic.
    pub token_id: *const c_char,
    /// The trace id of the call; NULL for a panic.
    pub trace_id: *const c_char,
    /// All of it as one line for people, without secrets and safe for a terminal; never NULL.
    pub message: *const c_char,
}

/// Called for what happens during calls. `record` is borrowed: it is valid until the callback returns. `user_data` is the
/// pointer passed to mpt_config_set_log.
///
/// Threads: runs on the thread that makes the call, on several at once if they share a client. For a panic, it runs on the
/// thread that panicked, which may be one of the library's. It must return, as mpt_poll_callback must, and must not call
/// the library.
pub type LogCallback =
    Option<unsafe extern "C-unwind" fn(record: *const LogRecord, user_data: *mut c_void)>;

/// The function and its argument.
pub(crate) struct Log {
    level: i32,
    tell: unsafe extern "C-unwind" fn(*const LogRecord, *mut c_void),
    user_data: Arc<UserData>,
}

/// Every log that is in use: a panic is a bug of the library, and not of one client.
static LOGS: Mutex<Vec<Weak<Log>>> = Mutex::new(Vec::new());

impl Log {
    /// Tells it of the calls of a client that is made.
    pub(crate) fn hear(self: &Arc<Log>, builder: ClientBuilder) -> ClientBuilder {
        let log = Arc::clone(self);
        builder.on_event(move |event| log.event(event))
    }

    fn event(&self, event: &Event) {
        let Event::AttemptEnded(ended) = event else { return };
        let (level, what) = match ended.next_in {
            Some(_) => (INFO, RETRY),
            None => (DEBUG, ATTEMPT),
        };
        if level > self.level {
            return;
        }
        let [token_id, trace_id] = [&ended.token_id, &ended.trace_id].map(|text| owned(text));
        let wait = ended.next_in.and_then(|wait| i64::try_from(wait.as_millis()).ok());
        self.tell(
            LogRecord {
                size: 0,
                level,
                event: what,
                code: ended.code.number(),
                attempt: ended.attempt.number,
                http_status: ended.attempt.http_status.map_or(0, i32::from),
                wait_ms: wait.unwrap_or(-1),
                token_id: token_id.as_ptr(),
                trace_id: trace_id.as_ptr(),
                message: null(),
            },
            &owned(&event.to_string()),
        );
    }

    fn panicked(&self, message: &CString) {
        let record = LogRecord {
            size: 0,
            level: ERROR,
            event: PANIC,
            code: Code::Internal.number(),
            attempt: 0,
            http_status: 0,
            wait_ms: -1,
            token_id: null(),
            trace_id: null(),
            message: null(),
        };
        self.tell(record, message);
    }

    fn tell(&self, record: LogRecord, message: &CString) {
        let size = size_of::<LogRecord>() as u32;
        let record = LogRecord { size, message: message.as_ptr(), ..record };
        // SAFETY: the function may be called with what it was given with, by the caller's promise.
        unsafe { (self.tell)(&raw const record, self.user_data.pointer()) };
    }
}

/// From now on, the message of a panic goes to every log, and to standard error only if there is none.
fn hear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Held by this very thread, if it panicked there.
            let logs: Vec<Arc<Log>> = match LOGS.try_lock() {
                Ok(logs) => logs.iter().filter_map(Weak::upgrade).collect(),
                Err(_) => Vec::new(),
            };
            if logs.is_empty() {
                before(info);
                return;
            }
            let message = owned(&mpt_core::printable(&format!("a bug in the library: {info}")));
            for log in logs {
                log.panicked(&message);
            }
        }));
    });
}

/// Sets a function that is told what happens during calls: each attempt, each retry with the pause before it, and bugs.
/// While a config or client with such a function is there, the library prints nothing to standard error.
///
/// `level`: the least important level to be told: MPT_LOG_ERROR, MPT_LOG_WARN, MPT_LOG_INFO or MPT_LOG_DEBUG.
/// `log`: the function; NULL, the default, means none.
/// `user_data`: passed to the function each time.
/// `free_user_data`: as in mpt_config_set_poll_owning; may be NULL.
/// Returns: MPT_OK, or MPT_INVALID_ARGUMENT if `config` is NULL, or if `level` is none of these and `log` is not NULL;
/// `user_data` is then freed at once, and mpt_client_new reports it.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_log(
    config: *mut Config,
    level: i32,
    log: LogCallback,
    user_data: *mut c_void,
    free_user_data: FreeCallback,
) -> mpt_code {
    let user_data = UserData::new(user_data, free_user_data);
    // SAFETY: the caller's promise.
    let Some(config) = (unsafe { config.as_mut() }) else {
        return Code::InvalidArgument.number();
    };
    guard(Code::Internal.number(), || {
        if log.is_some() && !(ERROR..=DEBUG).contains(&level) {
            return config.refuse(Error::invalid_argument(format!(
                "the level of the log is {level}: expected {ERROR} to {DEBUG}, as MPT_LOG_ERROR is and the levels after it"
            )));
        }
        config.log = log.map(|tell| {
            hear_panics();
            let log = Arc::new(Log { level, tell, user_data });
            if let Ok(mut logs) = LOGS.lock() {
                logs.retain(|log| log.strong_count() > 0);
                logs.push(Arc::downgrade(&log));
            }
            log
        });
        Code::Ok.number()
    })
}
