//! `mpt_config`: what a client is made from.

use std::ffi::{OsStr, c_char, c_int, c_void};
use std::path::Path;
use std::time::Duration;

use mpt_core::{Client as CoreClient, ClientBuilder, Code, Error};

use crate::codes::mpt_code;
use crate::panic::guard;
use crate::pointers::{bytes, free, handle, text};
use crate::poll::Poll;

/// How a client is to behave. Made by mpt_config_new or mpt_config_new_from_env, ended by mpt_config_free.
///
/// Threads: may be used by one thread at a time; different configs have nothing in common.
pub struct Config {
    pub(crate) builder: ClientBuilder,
    /// The first setter that could not do what it was asked, so that a caller who did not look is told by
    /// `mpt_client_new`, instead of being served with a default that was not meant (the real API, say).
    pub(crate) refused: Option<Error>,
    pub(crate) poll: Option<Poll>,
}

impl Config {
    fn new(builder: ClientBuilder) -> *mut Config {
        handle(Config { builder, refused: None, poll: None })
    }
}

/// Changes a config, and keeps why it could not be.
///
/// # Safety
/// `config` is null or a live handle that nobody else uses now.
unsafe fn set(
    config: *mut Config,
    change: impl FnOnce(ClientBuilder) -> Result<ClientBuilder, Error>,
) -> mpt_code {
    // SAFETY: the caller's promise.
    let Some(config) = (unsafe { config.as_mut() }) else {
        return Code::InvalidArgument.number();
    };
    guard(Code::Internal.number(), || match change(config.builder.clone()) {
        Ok(builder) => {
            config.builder = builder;
            Code::Ok.number()
        }
        Err(error) => {
            let code = error.code().number();
            config.refused.get_or_insert(error);
            code
        }
    })
}

/// A config with the defaults: no API token yet, which must be set; https://api.platform.softwareone.com; no proxy.
/// Reads nothing from the environment.
///
/// Returns: a new config; give it to mpt_config_free. NULL only after an internal failure.
#[unsafe(no_mangle)]
pub extern "C" fn mpt_config_new() -> *mut Config {
    guard(std::ptr::null_mut(), || Config::new(CoreClient::builder()))
}

/// A config from the environment: the API token from MPT_API_TOKEN, the base URL from MPT_API_BASE_URL, the proxy from
/// HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (or their lower-case names). What is not set, or empty, stays at its
/// default; what is set with a setter afterwards stands instead.
///
/// Returns: a new config; give it to mpt_config_free. NULL only after an internal failure.
/// Threads: no other thread may change the environment meanwhile.
#[unsafe(no_mangle)]
pub extern "C" fn mpt_config_new_from_env() -> *mut Config {
    guard(std::ptr::null_mut(), || Config::new(ClientBuilder::from_env()))
}

/// Ends a config; its copy of the API token is wiped from memory. The clients made from it live on. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_free(config: *mut Config) {
    // SAFETY: the caller's promise.
    unsafe { free(config) }
}

/// The API token that authenticates every call: required. A pasted "Bearer " before it is dropped. It is copied; the
/// library never shows it, and wipes its copies when config and clients end.
///
/// This and every other setter: text is copied, so that it need not live longer than the call. Returns MPT_OK;
/// MPT_INVALID_ARGUMENT where `config` is NULL, or where text is NULL or not UTF-8. A refusal is also kept:
/// mpt_client_new then returns it, so that the result of a setter need not be looked at. Whether a value can be used is
/// said by mpt_client_new too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_api_token(
    config: *mut Config,
    value: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.api_token(text(value, "API token")?))) }
}

/// Where the API is; by default https://api.platform.softwareone.com. A trailing "/", "/public" or "/public/v1" is
/// accepted; user info, a query and a fragment are not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_base_url(
    config: *mut Config,
    url: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.base_url(text(url, "base URL")?))) }
}

/// The limit of a whole call in milliseconds: resolving, connecting, TLS, sending, waiting, reading and pausing, over
/// all attempts. 1 to 86,400,000 (a day); 60,000 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_timeout_ms(
    config: *mut Config,
    milliseconds: u64,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.timeout(Duration::from_millis(milliseconds)))) }
}

/// The limit of one attempt in milliseconds, within that of the call. 1 to 86,400,000; 20,000 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_attempt_timeout_ms(
    config: *mut Config,
    milliseconds: u64,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe {
        set(config, |builder| Ok(builder.attempt_timeout(Duration::from_millis(milliseconds))))
    }
}

/// The limit of opening a connection in milliseconds: resolving, connecting, the proxy, TLS. 1 to 86,400,000; 5,000 by
/// default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_connect_timeout_ms(
    config: *mut Config,
    milliseconds: u64,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe {
        set(config, |builder| Ok(builder.connect_timeout(Duration::from_millis(milliseconds))))
    }
}

/// How often a call is tried, 1 to 100; 4 by default. Only what is safe and can help is tried again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_attempts(config: *mut Config, attempts: u32) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.attempts(attempts))) }
}

/// The bounds of the pause before another attempt, in milliseconds: a random part of `base` after the first attempt, of
/// twice that after the second, and so on, never more than `cap`. Each 0 to 86,400,000; 200 and 10,000 by default. A
/// server that asks for a longer pause gets it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_backoff_ms(
    config: *mut Config,
    base: u64,
    cap: u64,
) -> mpt_code {
    let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.backoff(base, cap))) }
}

/// Whether a token that the API does not know is a success (MPT_OUTCOME_GONE) from the first attempt on: 0 no (the
/// default), else yes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_missing_ok(config: *mut Config, yes: i32) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.missing_ok(yes != 0))) }
}

/// Whether the token in use may be deleted: 0 no (the default: such a call is refused before anything is sent), else
/// yes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_allow_own_token(config: *mut Config, yes: i32) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.allow_own_token(yes != 0))) }
}

/// Whether plain http may be spoken with a host that is not loopback, the API token travelling unencrypted: 0 no (the
/// default), else yes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_allow_plain_http(
    config: *mut Config,
    yes: i32,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.allow_plain_http(yes != 0))) }
}

/// The program's own part of the User-Agent, such as "my-job/1.0": up to 256 visible ASCII characters. It goes before
/// "mpt-tokens/<version>".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_user_agent(
    config: *mut Config,
    product: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.user_agent(text(product, "user agent")?))) }
}

/// A PEM file of certificate authorities to trust beside the platform's (a company's proxy, say). The path may be any
/// bytes; the file is read by mpt_client_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_ca_file(
    config: *mut Config,
    path: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.ca_file(file(path, "path of the CA file")?))) }
}

/// Whether only the authorities of mpt_config_set_ca_file are trusted, and not the platform's: 0 no (the default), else
/// yes. Without a CA file mpt_client_new then refuses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_ca_only(config: *mut Config, yes: i32) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.ca_only(yes != 0))) }
}

/// The URL of an HTTP proxy, such as "http://proxy.example:3128", or NULL for no proxy at all. By default none, or
/// that of the environment where the config was made from it. Stands instead of mpt_config_set_proxy_from_env.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_proxy(config: *mut Config, url: *const c_char) -> mpt_code {
    let change = |builder: ClientBuilder| {
        if url.is_null() {
            Ok(builder.no_proxy())
        } else {
            // SAFETY: the caller's promise.
            Ok(builder.proxy(unsafe { text(url, "proxy URL") }?))
        }
    };
    // SAFETY: the caller's promise.
    unsafe { set(config, change) }
}

/// The proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name when mpt_client_new is called; never for
/// loopback. mpt_config_new_from_env has done this already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_proxy_from_env(config: *mut Config) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.proxy_from_env())) }
}

/// Asked while a call, mpt_batch_next or mpt_batch_free waits, about every 50 ms and whenever a signal interrupts the
/// wait; `user_data` is what the caller gave. Other than 0: the client is cancelled, as by mpt_client_cancel.
///
/// Threads: it runs on the thread that called, inside the call. It must return (no longjmp, no C++ exception), and may
/// use nothing of the library but mpt_client_cancel, and the _free of objects that no call uses.
pub type PollCallback = Option<unsafe extern "C-unwind" fn(user_data: *mut c_void) -> c_int>;

/// A function to be asked whether to go on, for runtimes with one thread that must look for signals and interrupts
/// themselves; NULL, the default, for none. Programs that can call mpt_client_cancel from a thread or a signal handler
/// need none. It and `user_data` must live as long as the clients made from this config, their clones and batches.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_poll(
    config: *mut Config,
    poll: PollCallback,
    user_data: *mut c_void,
) -> mpt_code {
    // SAFETY: the caller's promise.
    let Some(config) = (unsafe { config.as_mut() }) else {
        return Code::InvalidArgument.number();
    };
    config.poll = poll.map(|ask| Poll::new(ask, user_data));
    Code::Ok.number()
}

/// A path from C: any bytes, as the system has it.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn file<'a>(path: *const c_char, what: &str) -> Result<&'a Path, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(path, what) }?;
    Ok(Path::new(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)))
}
