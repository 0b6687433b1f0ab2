//! What a client is made from: every setting, its default, and what cannot be used.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::call::retry::{RetryBudget, RetryPolicy};
use crate::client::client::{Client, Shared, VERSION};
use crate::http::network::Network;
use crate::http::proxy::Proxy;
use crate::http::tls::CaBundle;
use crate::http::transport::resolve::Lookup;
use crate::input::api_token::ApiToken;
use crate::input::endpoint::{DEFAULT_BASE_URL, Endpoint};
use crate::input::environment::variable;
use crate::outcome::code::Code;
use crate::outcome::result::Error;
use crate::wait::cancel::Cancel;

/// The attempts that a call may be given.
const ATTEMPTS: std::ops::RangeInclusive<u32> = 1..=100;
/// The longest limit that a call may be given: a day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Sets a [`Client`] up. Every setter takes what it is given; [`ClientBuilder::build`] says what cannot be used.
#[derive(Clone, Default)]
#[must_use]
pub struct ClientBuilder {
    api_token: Option<zeroize::Zeroizing<String>>,
    base_url: Option<String>,
    user_agent: Option<String>,
    policy: RetryPolicy,
    retry_reserve: Option<u32>,
    allow_plain_http: bool,
    missing_ok: bool,
    allow_own_token: bool,
    ca: CaChoice,
    ca_only: bool,
    proxy: ProxyChoice,
    lookup: Lookup,
    cancel: Option<Cancel>,
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
}

impl ClientBuilder {
    /// Takes from the environment: `MPT_API_TOKEN`, `MPT_API_BASE_URL`, and the proxy as [`Proxy::from_env`] does.
    /// What is set on the builder afterwards stands instead.
    pub fn from_env() -> ClientBuilder {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        ClientBuilder {
            api_token: set("MPT_API_TOKEN").map(zeroize::Zeroizing::new),
            base_url: set("MPT_API_BASE_URL"),
            proxy: ProxyChoice::FromEnv,
            ..ClientBuilder::default()
        }
    }

    /// The API token to authenticate with. Required. A pasted `Bearer ` before it is dropped.
    pub fn api_token(mut self, value: impl Into<String>) -> Self {
        self.api_token = Some(zeroize::Zeroizing::new(value.into()));
        self
    }

    /// The base URL; by default [`DEFAULT_BASE_URL`].
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The total limit of a call: resolving, connecting, TLS, sending, waiting, reading and pausing, over all
    /// attempts. Up to a day; 60 seconds by default.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.policy.timeout = limit;
        self
    }

    /// The limit of one attempt, within the total one. Up to a day; 20 seconds by default.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.policy.attempt_timeout = limit;
        self
    }

    /// The limit of opening a connection: resolving, connecting, the proxy, TLS. Up to a day; 5 seconds by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.policy.connect_timeout = limit;
        self
    }

    /// How often a call is tried, 1 to 100; 4 by default.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.policy.attempts = attempts;
        self
    }

    /// The bounds of the pause before another attempt: a random part of `base` after the first attempt, of twice
    /// that after the second, and so on, never more than `cap`. 200 ms and 10 s by default.
    pub fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.policy.backoff_base = base;
        self.policy.backoff_cap = cap;
        self
    }

    /// How many retries all calls of the client together have in reserve, so that a dying server is not hammered; ten
    /// conclusive answers give one back. A call that finds none left fails at once with what it knows. A 429 with
    /// `Retry-After` costs nothing. 100 by default.
    pub fn retry_reserve(mut self, retries: u32) -> Self {
        self.retry_reserve = Some(retries);
        self
    }

    /// Whether a token that the API does not know is a success (`gone`) from the first attempt on. Off by default.
    pub fn missing_ok(mut self, yes: bool) -> Self {
        self.missing_ok = yes;
        self
    }

    /// Whether the token in use may be deleted. Off by default.
    pub fn allow_own_token(mut self, yes: bool) -> Self {
        self.allow_own_token = yes;
        self
    }

    /// Whether plain `http` may be spoken with a host that is not loopback: the API token then travels unencrypted.
    /// Off by default.
    pub fn allow_plain_http(mut self, yes: bool) -> Self {
        self.allow_plain_http = yes;
        self
    }

    /// The caller's own part of the `User-Agent` (RFC 9110, section 10.1.5), such as `my-job/1.0`; it goes before
    /// `mpt-tokens/<version>`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Certificate authorities to trust beside, or instead of, the platform's.
    pub fn ca_bundle(mut self, bundle: CaBundle) -> Self {
        self.ca = CaChoice::Bundle(bundle);
        self
    }

    /// A PEM file of certificate authorities to trust beside the platform's.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.ca = CaChoice::File(path.as_ref().to_owned());
        self
    }

    /// Whether the given certificate authorities are trusted instead of the platform's, not beside them. Off by
    /// default; a bundle made with [`CaBundle::only`] needs no more.
    pub fn ca_only(mut self, yes: bool) -> Self {
        self.ca_only = yes;
        self
    }

    /// The URL of an HTTP proxy, as [`Proxy::new`] takes it.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxyChoice::Url(url.into());
        self
    }

    /// The proxy of the environment, as [`Proxy::from_env`] finds it.
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = ProxyChoice::FromEnv;
        self
    }

    /// No proxy, whatever the environment says. The default of [`Client::builder`].
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::None;
        self
    }

    /// The handle that ends the calls of the client; by default a new one.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Sets how host names are looked up, instead of by the system: `look` is given a host and a port, and returns the
    /// addresses to try. For a host that is to be reached at another address, and for tests.
    ///
    /// It is called on a thread of its own, each time when a connection to a name is opened, and may be left behind when
    /// the call ends before it. It is not called for IP addresses, for `localhost`, or for what a proxy looks up.
    /// No address, an error or a panic gives `resolve_failed`.
    pub fn lookup(
        mut self,
        look: impl Fn(&str, u16) -> std::io::Result<Vec<std::net::SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.lookup = Lookup::new(look);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// `invalid_config` when the token, the base URL, the proxy, the CA file or the user agent cannot be used;
    /// `invalid_argument` when a number is out of its range. The message says which, what was expected and what
    /// was found, never the secret.
    pub fn build(self) -> Result<Client, Error> {
        self.try_build().map_err(|(code, message)| Error::refused(code, None, message))
    }

    fn try_build(self) -> Result<Client, (Code, String)> {
        let config = |message: String| (Code::InvalidConfig, message);
        self.check_limits().map_err(|message| (Code::InvalidArgument, message))?;
        let given = self.api_token.map_or_else(String::new, |token| token.to_string());
        let token = ApiToken::new(given).map_err(|error| config(error.to_string()))?;
        let base_url = self.base_url.as_deref().unwrap_or(DEFAULT_BASE_URL);
        let endpoint = Endpoint::new(base_url, self.allow_plain_http)
            .map_err(|error| config(error.to_string()))?;
        let proxy = match &self.proxy {
            ProxyChoice::None => None,
            ProxyChoice::Url(url) => {
                Some(Proxy::new(url).map_err(|error| config(error.to_string()))?)
            }
            ProxyChoice::FromEnv => Proxy::from_env(&endpoint)
                .map_err(|error| config(format!("{error} (from the environment)")))?,
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
            CaChoice::File(path) => {
                CaBundle::from_file(path).map_err(|error| config(error.to_string()))?
            }
        };
        let ca = if self.ca_only { ca.only() } else { ca };
        let user_agent = user_agent(self.user_agent.as_deref()).map_err(config)?;
        let proxy = proxy.map(Proxy::into_inner);
        let shared = Shared {
            network: Network::new(endpoint, token, user_agent, proxy, ca, self.lookup),
            policy: self.policy,
            budget: RetryBudget::new(self.retry_reserve.unwrap_or(RetryBudget::RESERVE)),
            missing_ok: self.missing_ok,
            allow_own_token: self.allow_own_token,
            accepted: AtomicBool::default(),
        };
        Ok(Client { shared: Arc::new(shared), cancel: self.cancel.unwrap_or_default() })
    }

    fn check_limits(&self) -> Result<(), String> {
        if !ATTEMPTS.contains(&self.policy.attempts) {
            return Err(format!("the attempts are {}: expected 1 to 100", self.policy.attempts));
        }
        let limits = [
            ("timeout", self.policy.timeout),
            ("attempt timeout", self.policy.attempt_timeout),
            ("connect timeout", self.policy.connect_timeout),
        ];
        for (name, limit) in limits {
            if limit.is_zero() || limit > LONGEST {
                return Err(format!(
                    "the {name} is {limit:?}: expected more than zero, and at most a day"
                ));
            }
        }
        if self.policy.backoff_base > LONGEST || self.policy.backoff_cap > LONGEST {
            return Err("the backoff is longer than a day: expected less".to_owned());
        }
        Ok(())
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
    /// A client to be set up. Reads nothing from the environment.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client set up by the environment: see [`ClientBuilder::from_env`].
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn from_env() -> Result<Client, Error> {
        ClientBuilder::from_env().build()
    }
}
