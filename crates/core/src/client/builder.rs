//! What a client is made from: every setting, its default, and what cannot be used.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::call::retry::{RetryBudget, RetryPolicy};
use crate::client::client::{Client, Defaults, Shared, VERSION};
use crate::http::network::Network;
use crate::http::proxy::Proxy;
use crate::http::tls::{CaBundle, Identity};
use crate::http::transport::resolve::Lookup;
use crate::http::transport::route::Route;
use crate::input::api_token::ApiToken;
use crate::input::endpoint::{DEFAULT_BASE_URL, Endpoint};
use crate::input::environment::variable;
use crate::outcome::code::Code;
use crate::outcome::event::{Event, Listener};
use crate::outcome::result::Error;
use crate::wait::cancel::Cancel;
use crate::wait::sys;

/// Sets up a [`Client`]. Setters check nothing: [`ClientBuilder::build`] reports what cannot be used.
#[derive(Clone, Default)]
#[must_use]
pub struct ClientBuilder {
    api_token: Option<zeroize::Zeroizing<String>>,
    base_url: Option<String>,
    user_agent: Option<String>,
    policy: RetryPolicy,
    retry_reserve: Option<u32>,
    allow_plain_http: bool,
    burn_only: bool,
    missing_ok: bool,
    allow_own_token: bool,
    ca: CaChoice,
    ca_only: bool,
    proxy: ProxyChoice,
    route: Route,
    hosts: Vec<(String, Vec<IpAddr>)>,
    /// A chain of certificates, and its key.
    identity: Option<[zeroize::Zeroizing<Vec<u8>>; 2]>,
    cancel: Option<Cancel>,
    listener: Option<Listener>,
}

#[derive(Clone, Default)]
enum ProxyChoice {
    #[default]
    None,
    FromEnv,
    Url(String),
}

#[derive(Clone, Default)]
enum CaChoice {
    #[default]
    Platform,
    Bundle(CaBundle),
    File(std::path::PathBuf),
    Pem(Vec<u8>),
}

/// Where a proxy was found that nobody gave.
const PROXY_FROM: &str =
    if cfg!(windows) { "the environment, or the settings of Windows" } else { "the environment" };

impl ClientBuilder {
    /// The numbers of attempts that a call may have: 1 to 100.
    pub const ATTEMPTS: RangeInclusive<u32> = RetryPolicy::ATTEMPTS;
    /// The longest time limit: a day.
    pub const LONGEST: Duration = RetryPolicy::LONGEST;

    /// Creates a builder from the environment: `MPT_API_TOKEN`, `MPT_API_BASE_URL`, and the proxy that
    /// [`Proxy::from_env`] finds. Later setters override these.
    pub fn from_env() -> ClientBuilder {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        ClientBuilder {
            api_token: set("MPT_API_TOKEN").map(zeroize::Zeroizing::new),
            base_url: set("MPT_API_BASE_URL"),
            proxy: ProxyChoice::FromEnv,
            ..ClientBuilder::default()
        }
    }

    /// Sets the API token to authenticate with. Required, unless the client is [`burn_only`](Self::burn_only). A
    /// leading `Bearer ` is removed.
    pub fn api_token(mut self, value: impl Into<String>) -> Self {
        self.api_token = Some(zeroize::Zeroizing::new(value.into()));
        self
    }

    /// If true, the client has no API token: one that was given, or that the environment has, is dropped. Such a client
    /// can only burn ([`Client::burn`], [`BatchOptions::burn`](crate::BatchOptions::burn)): each value authenticates
    /// itself. Every other call is refused with `invalid_config`. The default is false.
    pub fn burn_only(mut self, yes: bool) -> Self {
        self.burn_only = yes;
        self
    }

    /// Sets the base URL. The default is [`DEFAULT_BASE_URL`].
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sets the time limit of a whole call: resolving, connecting, TLS, sending, waiting, reading and pausing, over all
    /// attempts. More than zero, and at most [`ClientBuilder::LONGEST`]. The default is 60 seconds.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.policy.timeout = limit;
        self
    }

    /// Sets the time limit of one attempt, within that of the call. The limits are those of [`ClientBuilder::timeout`];
    /// the default is 20 seconds.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.policy.attempt_timeout = limit;
        self
    }

    /// Sets the time limit for opening a connection: resolving, connecting, the proxy and TLS together. At most a day.
    /// The default is 5 seconds.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.policy.connect_timeout = limit;
        self
    }

    /// Sets how many attempts a call may make, from 1 to 100. The default is 4.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.policy.attempts = attempts;
        self
    }

    /// Sets the bounds of the pause between attempts. It is a random part of `base` after the first attempt, of twice
    /// `base` after the second, and so on, and never longer than `cap`, which is not shorter than `base`. The defaults
    /// are 200 ms and 10 s.
    pub fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.policy.backoff_base = base;
        self.policy.backoff_cap = cap;
        self
    }

    /// Sets how many retries all calls of the client share, so that a failing server is not flooded. Ten conclusive
    /// answers give one back. A call that finds none left fails at once with what it knows. A retry after a 429 with
    /// `Retry-After` is free. The default is 100.
    pub fn retry_reserve(mut self, retries: u32) -> Self {
        self.retry_reserve = Some(retries);
        self
    }

    /// If true, a token that the API does not know is a success (`gone`), even on the first attempt. The default is
    /// false.
    pub fn missing_ok(mut self, yes: bool) -> Self {
        self.missing_ok = yes;
        self
    }

    /// If true, the token in use may be deleted. The default is false.
    pub fn allow_own_token(mut self, yes: bool) -> Self {
        self.allow_own_token = yes;
        self
    }

    /// If true, plain `http` is allowed to hosts other than loopback: the API token is then sent unencrypted. The
    /// default is false.
    pub fn allow_plain_http(mut self, yes: bool) -> Self {
        self.allow_plain_http = yes;
        self
    }

    /// Sets the caller's part of the `User-Agent` (RFC 9110, section 10.1.5), such as `my-job/1.0`. It is sent before
    /// `mpt-tokens/<version>`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Sets certificate authorities to trust in addition to the platform's, or instead of them.
    pub fn ca_bundle(mut self, bundle: CaBundle) -> Self {
        self.ca = CaChoice::Bundle(bundle);
        self
    }

    /// Sets a PEM file of certificate authorities to trust in addition to the platform's.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.ca = CaChoice::File(path.as_ref().to_owned());
        self
    }

    /// Sets certificate authorities to trust in addition to the platform's, in PEM: as [`CaBundle::from_pem`], but what
    /// cannot be used is reported by [`ClientBuilder::build`].
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = CaChoice::Pem(pem.into());
        self
    }

    /// Sets the client's own certificate, for servers and proxies that ask for one: the certificate, followed by those
    /// that signed it, and its private key, both in PEM. The key is not encrypted, and RSA, ECDSA or Ed25519.
    pub fn client_certificate(
        mut self,
        chain_pem: impl Into<Vec<u8>>,
        key_pem: impl Into<Vec<u8>>,
    ) -> Self {
        self.identity = Some([chain_pem.into().into(), key_pem.into().into()]);
        self
    }

    /// If true, the given certificate authorities are trusted instead of the platform's, not in addition. The default
    /// is false. A bundle made with [`CaBundle::only`] does not need it.
    pub fn ca_only(mut self, yes: bool) -> Self {
        self.ca_only = yes;
        self
    }

    /// Sets the URL of an HTTP proxy, as in [`Proxy::new`].
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxyChoice::Url(url.into());
        self
    }

    /// Uses the proxy that the environment names: see [`Proxy::from_env`].
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = ProxyChoice::FromEnv;
        self
    }

    /// Uses no proxy, whatever the environment says. This is the default of [`Client::builder`].
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::None;
        self
    }

    /// Sets the handle that cancels the client's calls. The default is a new one.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Sets a function that is told what happens during calls, such as the end of each attempt, before the pause that
    /// may follow: for logs, metrics and traces.
    ///
    /// It runs on the thread that makes the call; for a list, on the thread that asks for outcomes, when it asks, and
    /// before the outcome that it belongs to is returned. A call waits for it: it must be quick. If it panics, the
    /// panic is logged, and the call goes on.
    pub fn on_event(mut self, hear: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Some(Listener::new(hear));
        self
    }

    /// Sets a function that looks up host names, in place of the system's: `look` gets a host and a port, and returns
    /// the addresses to try. Use it to reach a host at another address, and in tests.
    ///
    /// It runs on its own thread whenever a connection to a name is opened, and may still run when the call has ended.
    /// It is not used for IP addresses, for `localhost`, or for names that a proxy looks up. If it returns no address
    /// or an error, or panics, the code is `resolve_failed`.
    pub fn lookup(
        mut self,
        look: impl Fn(&str, u16) -> std::io::Result<Vec<std::net::SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.route.lookup = Lookup::new(look);
        self
    }

    /// Sets the addresses of a host, in place of those that a look-up would find. The last ones given for a host count.
    /// Like a look-up, they are not used for IP addresses, for `localhost`, or for names that a proxy looks up.
    pub fn resolve(
        mut self,
        host: impl Into<String>,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        self.hosts.push((host.into(), addresses.into_iter().collect()));
        self
    }

    /// Sets the address of this machine to connect from. Hosts are then reached at addresses of the same kind only,
    /// IPv4 or IPv6. By default, the system chooses.
    pub fn bind_address(mut self, address: IpAddr) -> Self {
        self.route.local = Some(address);
        self
    }

    /// Sets a Unix socket to connect to, in place of the host of the base URL: for tests, and for a proxy on this
    /// machine. It cannot be used together with a proxy or with [`ClientBuilder::bind_address`], and not on Windows.
    pub fn unix_socket(mut self, path: impl AsRef<Path>) -> Self {
        self.route.socket = Some(path.as_ref().into());
        self
    }

    /// Creates the client.
    ///
    /// # Errors
    /// `invalid_config` if the API token, the base URL, the proxy, the CA file or the user agent cannot be used.
    /// `invalid_argument` if a number is out of range. The message says which one, what was expected and what was
    /// found, but never the secret.
    pub fn build(self) -> Result<Client, Error> {
        self.try_build().map_err(|(code, message)| Error::refused(code, None, message))
    }

    fn try_build(self) -> Result<Client, (Code, String)> {
        let config = |message: String| (Code::InvalidConfig, message);
        let policy = self.policy.checked().map_err(|message| (Code::InvalidArgument, message))?;
        let token = if self.burn_only {
            None
        } else {
            let given = self.api_token.map_or_else(String::new, |token| token.to_string());
            Some(ApiToken::new(given).map_err(|error| config(error.to_string()))?)
        };
        let base_url = self.base_url.as_deref().unwrap_or(DEFAULT_BASE_URL);
        let endpoint = Endpoint::new(base_url, self.allow_plain_http)
            .map_err(|error| config(error.to_string()))?;
        let proxy = match &self.proxy {
            ProxyChoice::None => None,
            ProxyChoice::Url(url) => {
                Some(Proxy::new(url).map_err(|error| config(error.to_string()))?)
            }
            ProxyChoice::FromEnv => Proxy::from_env(&endpoint)
                .map_err(|error| config(format!("{error} (from {PROXY_FROM})")))?,
        };
        let ca = match self.ca {
            CaChoice::Platform if self.ca_only => {
                return Err(config(
                    "only given certificate authorities are to be trusted, and none is given: give a CA file"
                        .to_owned(),
                ));
            }
            CaChoice::Platform => CaBundle::default(),
            CaChoice::Bundle(bundle) => bundle,
            CaChoice::Pem(pem) => {
                CaBundle::from_pem(&pem).map_err(|error| config(error.to_string()))?
            }
            CaChoice::File(path) => {
                CaBundle::from_file(path).map_err(|error| config(error.to_string()))?
            }
        };
        let ca = if self.ca_only { ca.only() } else { ca };
        let user_agent = user_agent(self.user_agent.as_deref()).map_err(config)?;
        let identity = match &self.identity {
            Some([chain, key]) => Some(Identity::from_pem(chain, key).map_err(config)?),
            None => None,
        };
        if self.route.socket.is_some() && !sys::UNIX_SOCKETS {
            return Err(config("Unix sockets are not supported on Windows".to_owned()));
        }
        if self.route.socket.is_some() && (proxy.is_some() || self.route.local.is_some()) {
            let other = if proxy.is_some() { "a proxy" } else { "an address to connect from" };
            return Err(config(format!(
                "a Unix socket and {other} are both given: expected one of them"
            )));
        }
        let proxy = proxy.map(Proxy::into_inner);
        let mut route = self.route;
        route.lookup = route.lookup.with_hosts(self.hosts);
        let shared = Shared {
            network: Network::new(endpoint, token, user_agent, proxy, ca, identity, route),
            budget: RetryBudget::new(self.retry_reserve.unwrap_or(RetryBudget::RESERVE)),
            accepted: AtomicBool::default(),
        };
        let cancel = self.cancel.unwrap_or_default();
        let (missing_ok, allow_own_token) = (self.missing_ok, self.allow_own_token);
        let defaults = Arc::new(Defaults { policy, missing_ok, allow_own_token });
        Ok(Client { shared: Arc::new(shared), defaults, cancel, listener: self.listener })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("policy", &self.policy).finish_non_exhaustive()
    }
}

fn user_agent(own: Option<&str>) -> Result<String, String> {
    let ours = format!("mpt-tokens/{VERSION}");
    match own.map(str::trim).filter(|own| !own.is_empty()) {
        None => Ok(ours),
        Some(own) if own.len() <= 256 && own.chars().all(|c| c == ' ' || c.is_ascii_graphic()) => {
            Ok(format!("{own} {ours}"))
        }
        Some(_) => {
            Err("the user agent is not one line of at most 256 visible ASCII characters: expected one such as `my-job/1.0`"
                .to_owned())
        }
    }
}

impl Client {
    /// Creates a builder. Reads nothing from the environment.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Creates a client from the environment: see [`ClientBuilder::from_env`].
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn from_env() -> Result<Client, Error> {
        ClientBuilder::from_env().build()
    }
}
