//! `mpt_config`: the settings of a client.

use std::ffi::{c_char, c_int, c_void};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mpt_core::{Client as CoreClient, ClientBuilder, Code, Error};

use crate::callbacks::{FreeCallback, Poll, UserData};
use crate::codes::mpt_code;
use crate::log::Log;
use crate::panic::guard;
use crate::pointers::{bytes, free, handle, text};

/// The settings of a client. Created by mpt_config_new or mpt_config_new_from_env, freed by mpt_config_free.
///
/// Threads: used by one thread at a time; configs are independent of each other.
pub struct Config {
    pub(crate) builder: ClientBuilder,
    /// The error of the first setter that failed. `mpt_client_new` returns it, so a caller who ignored it does not
    /// silently get a default instead (the real API, for example).
    pub(crate) refused: Option<Error>,
    pub(crate) poll: Option<Poll>,
    pub(crate) log: Option<Arc<Log>>,
}

impl Config {
    fn new(builder: ClientBuilder) -> *mut Config {
        handle(Config { builder, refused: None, poll: None, log: None })
    }

    /// Keeps the error of a setter for mpt_client_new.
    pub(crate) fn refuse(&mut self, error: Error) -> mpt_code {
        let code = error.code().number();
        self.refused.get_or_insert(error);
        code
    }
}

/// Changes a config, or keeps the error.
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
        Err(error) => config.refuse(error),
    })
}

/// Creates a config with the defaults: no API token yet (it must be set), the base URL
/// https://api.platform.softwareone.com, and no proxy. Reads nothing from the environment.
///
/// Returns: a new config, to be freed with mpt_config_free. NULL only after an internal error.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn mpt_config_new() -> *mut Config {
    guard(std::ptr::null_mut(), || Config::new(CoreClient::builder()))
}

/// Creates a config from the environment: the API token from MPT_API_TOKEN, the base URL from MPT_API_BASE_URL, and the
/// proxy from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (or their lower-case names). Variables that are unset or
/// empty leave the default in place. Setters override the environment.
///
/// Returns: a new config, to be freed with mpt_config_free. NULL only after an internal error.
/// Threads: no other thread may change the environment during the call.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn mpt_config_new_from_env() -> *mut Config {
    guard(std::ptr::null_mut(), || Config::new(ClientBuilder::from_env()))
}

/// Frees a config and wipes its copy of the API token from memory. Clients created from it are not affected. Does
/// nothing if `config` is NULL.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_free(config: *mut Config) {
    // SAFETY: the caller's promise.
    unsafe { free(config) }
}

/// Sets the API token that authenticates every call. Required, unless mpt_config_set_burn_only is set. A leading "Bearer " is removed. The token is copied and
/// never shown; the copies are wiped from memory when the config and its clients are freed.
///
/// All setters copy the text they are given. They return MPT_OK, or MPT_INVALID_ARGUMENT if `config` is NULL, or if
/// text is NULL, not UTF-8 or longer than 64 KiB. The config keeps the first error and mpt_client_new returns it, so a program need not
/// check each setter. Values themselves are checked by mpt_client_new.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_api_token(
    config: *mut Config,
    value: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.api_token(text(value, "API token")?))) }
}

/// Sets the base URL of the API; https://api.platform.softwareone.com by default. It may end in "/", "/public" or
/// "/public/v1"; it must not have user information, a query or a fragment.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_base_url(
    config: *mut Config,
    url: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.base_url(text(url, "base URL")?))) }
}

/// Sets the time limit of a whole call in milliseconds: name resolution, connecting, TLS, sending, waiting, reading and
/// pauses, over all attempts. 1 to 86,400,000 (one day); 60,000 by default.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_timeout_ms(
    config: *mut Config,
    milliseconds: u64,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.timeout(Duration::from_millis(milliseconds)))) }
}

/// Sets the time limit of one attempt in milliseconds; the limit of the whole call still applies. 1 to 86,400,000;
/// 20,000 by default.
/// Since: 0.1.0
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

/// Sets the time limit for opening a connection in milliseconds: name resolution, connecting, the proxy, TLS. 1 to
/// 86,400,000; 5,000 by default.
/// Since: 0.1.0
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

/// Sets the largest number of attempts in a call, 1 to 100; 4 by default. Only what is safe to repeat, and can help, is
/// tried again.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_attempts(config: *mut Config, attempts: u32) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.attempts(attempts))) }
}

/// Sets the bounds of the pause between attempts, in milliseconds. The pause is random: at most `base` after the first
/// attempt, twice that after the second, and so on, but never more than `cap`. Each is 0 to 86,400,000; 200 and 10,000
/// by default. If the server asks for a longer pause, the client waits that long.
/// Since: 0.1.0
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

/// Sets whether a token that the API does not know is a success (MPT_OUTCOME_GONE) from the first attempt: 0 for no
/// (the default), any other value for yes.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_missing_ok(config: *mut Config, yes: i32) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.missing_ok(yes != 0))) }
}

/// Sets whether the token in use may be deleted: 0 for no (the default: such a call fails before anything is sent), any
/// other value for yes.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_allow_own_token(config: *mut Config, yes: i32) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.allow_own_token(yes != 0))) }
}

/// Sets whether the client can only burn: it has no API token then, and one that was set, or that the environment has, is
/// dropped. Each value that it burns authenticates itself. Every other call is refused with MPT_INVALID_CONFIG. 0 by
/// default.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_burn_only(config: *mut Config, yes: i32) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.burn_only(yes != 0))) }
}

/// Sets whether plain HTTP is allowed to hosts other than loopback, which sends the API token unencrypted: 0 for no
/// (the default), any other value for yes.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_allow_plain_http(
    config: *mut Config,
    yes: i32,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.allow_plain_http(yes != 0))) }
}

/// Sets the program's part of the User-Agent, such as "my-job/1.0": up to 256 visible ASCII characters. It is sent
/// before "mpt-tokens/<version>".
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_user_agent(
    config: *mut Config,
    product: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.user_agent(text(product, "user agent")?))) }
}

/// Sets a PEM file of certificate authorities to trust in addition to the platform's, for example those of a company
/// proxy. The path may contain any bytes; on Windows it is UTF-8. mpt_client_new reads the file.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_ca_file(
    config: *mut Config,
    path: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.ca_file(file(path, "path of the CA file")?))) }
}

/// Sets certificate authorities to trust in addition to the platform's, in place of mpt_config_set_ca_file.
///
/// `pem`: one or more certificates in PEM, at most 1 MiB. It is copied; mpt_client_new reads it.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_ca_pem(
    config: *mut Config,
    pem: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.ca_pem(crate::pointers::pem(pem, "CA bundle")?))) }
}

/// Sets the client's own certificate, for servers and proxies that ask for one. Both are copied; mpt_client_new reads
/// them.
///
/// `chain_pem`: the certificate, followed by those that signed it, in PEM.
/// `key_pem`: its private key in PEM, not encrypted: RSA, ECDSA or Ed25519.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_client_certificate(
    config: *mut Config,
    chain_pem: *const c_char,
    key_pem: *const c_char,
) -> mpt_code {
    let change = |builder: ClientBuilder| {
        // SAFETY: the caller's promise.
        let (chain, key) = unsafe {
            (
                text(chain_pem, "client certificate")?,
                text(key_pem, "key of the client certificate")?,
            )
        };
        Ok(builder.client_certificate(chain, key))
    };
    // SAFETY: the caller's promise.
    unsafe { set(config, change) }
}

/// Sets the addresses of a host, in place of those that a look-up would find. They are not used for IP addresses, for
/// "localhost", or for names that a proxy looks up.
///
/// `host`: the name, as in the base URL.
/// `addresses`: one or more IP addresses with commas between them, such as "192.0.2.1,2001:db8::1".
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_resolve(
    config: *mut Config,
    host: *const c_char,
    addresses: *const c_char,
) -> mpt_code {
    let change = |builder: ClientBuilder| {
        // SAFETY: the caller's promise.
        let (host, addresses) = unsafe { (text(host, "host")?, text(addresses, "addresses")?) };
        let addresses: Result<Vec<IpAddr>, Error> = addresses.split(',').map(address).collect();
        Ok(builder.resolve(host, addresses?))
    };
    // SAFETY: the caller's promise.
    unsafe { set(config, change) }
}

/// Sets the address of this machine to connect from. Hosts are then reached at addresses of the same kind only, IPv4 or
/// IPv6. By default, the system chooses.
///
/// `local`: the IP address, such as "192.0.2.7".
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_bind_address(
    config: *mut Config,
    local: *const c_char,
) -> mpt_code {
    let change = |builder: ClientBuilder| {
        // SAFETY: the caller's promise.
        let local = unsafe { text(local, "address") }?;
        Ok(builder.bind_address(address(local)?))
    };
    // SAFETY: the caller's promise.
    unsafe { set(config, change) }
}

/// Sets a Unix socket to connect to, in place of the host of the base URL: for tests, and for a proxy on this machine.
/// mpt_client_new refuses it together with a proxy or with mpt_config_set_bind_address.
///
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_unix_socket(
    config: *mut Config,
    path: *const c_char,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.unix_socket(file(path, "path of the socket")?))) }
}

fn address(text: &str) -> Result<IpAddr, Error> {
    text.trim().parse().map_err(|_| {
        Error::invalid_argument(format!(
            "`{}` is not an IP address: expected one such as 192.0.2.1 or 2001:db8::1",
            mpt_core::printable(text)
        ))
    })
}

/// Sets whether to trust only the authorities from mpt_config_set_ca_file or mpt_config_set_ca_pem, and not the platform's: 0 for no (the
/// default), any other value for yes. If yes, mpt_client_new fails without such authorities.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_ca_only(config: *mut Config, yes: i32) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.ca_only(yes != 0))) }
}

/// Sets the URL of an HTTP proxy, such as "http://proxy.example:3128"; NULL means no proxy. By default there is none,
/// unless the config was created from the environment. Replaces the setting of mpt_config_set_proxy_from_env.
/// Since: 0.1.0
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

/// Takes the proxy from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY when mpt_client_new is called. Loopback is
/// never proxied. mpt_config_new_from_env does this already.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_proxy_from_env(config: *mut Config) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { set(config, |builder| Ok(builder.proxy_from_env())) }
}

/// Called about every 50 ms while a call, mpt_batch_next or mpt_batch_free waits, and whenever a signal interrupts the
/// wait. `user_data` is the pointer passed to mpt_config_set_poll. A nonzero result cancels the client, as
/// mpt_client_cancel does.
///
/// Threads: runs on the thread that made the call, inside that call. It must return: a longjmp out of it is undefined,
/// and a C++ exception that leaves it ends the program. In C++17, `noexcept` is therefore part of this type. The only library functions it may call are mpt_client_cancel, and the _free functions of objects that no call uses.
pub type PollCallback = Option<unsafe extern "C-unwind" fn(user_data: *mut c_void) -> c_int>;

/// Sets a function that is polled during calls and decides whether to continue. It is for single-threaded runtimes that
/// must check for signals and interrupts themselves. Programs that can call mpt_client_cancel from a thread or a signal
/// handler do not need it. The function and `user_data` must live as long as the clients created from this config,
/// their clones and their batches; mpt_config_set_poll_owning says when that is over.
///
/// `poll`: the function; NULL, the default, means none.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_poll(
    config: *mut Config,
    poll: PollCallback,
    user_data: *mut c_void,
) -> mpt_code {
    // SAFETY: the caller's promise.
    unsafe { mpt_config_set_poll_owning(config, poll, user_data, None) }
}

/// Sets a function that is polled during calls, as mpt_config_set_poll does, and takes ownership of `user_data`.
///
/// `poll`: the function; NULL, the default, means none.
/// `free_user_data`: called once with `user_data` when this config, the clients created from it, their clones and their
/// batches are freed or use another function, and at once if this setter fails; NULL means that nothing is to be freed.
/// Since: 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpt_config_set_poll_owning(
    config: *mut Config,
    poll: PollCallback,
    user_data: *mut c_void,
    free_user_data: FreeCallback,
) -> mpt_code {
    let user_data = UserData::new(user_data, free_user_data);
    // SAFETY: the caller's promise.
    let Some(config) = (unsafe { config.as_mut() }) else {
        return Code::InvalidArgument.number();
    };
    config.poll = poll.map(|ask| Poll::new(ask, user_data));
    Code::Ok.number()
}

/// Reads a path from C.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn file<'a>(path: *const c_char, what: &str) -> Result<&'a Path, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(path, what) }?;
    self::path(bytes, what)
}

/// Any bytes, as the system has it.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn path<'a>(bytes: &'a [u8], _what: &str) -> Result<&'a Path, Error> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    Ok(Path::new(OsStr::from_bytes(bytes)))
}

/// UTF-8, where the system's paths are not bytes.
#[cfg(not(unix))]
fn path<'a>(bytes: &'a [u8], what: &str) -> Result<&'a Path, Error> {
    crate::pointers::utf8(bytes, what).map(Path::new)
}
