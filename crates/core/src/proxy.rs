//! Which proxy a client goes through: one the caller gave, one from the environment, or none.

use std::fmt;

use ureq::ProxyProtocol;

use crate::endpoint::Endpoint;

/// An HTTP proxy, asked with `CONNECT`: it never sees the request or the API token.
///
/// User info in its URL is sent to it as `Proxy-Authorization: Basic`, and never shown.
#[derive(Clone)]
pub struct Proxy {
    inner: ureq::Proxy,
    from_env: bool,
    no_proxy: Vec<String>,
}

impl Proxy {
    /// Takes the URL of a proxy: `http://[user:password@]host[:port]`, or `https://…`.
    ///
    /// # Errors
    /// When it is not such a URL. The error never repeats user info.
    pub fn new(url: &str) -> Result<Proxy, InvalidProxy> {
        let url = url.trim();
        let inner = ureq::Proxy::new(url).map_err(|_| InvalidProxy("is not a URL"))?;
        // ureq takes a port that is none for the default one.
        let with_scheme = if url.contains("://") { url } else { &format!("http://{url}") };
        url::Url::parse(with_scheme).map_err(|_| InvalidProxy("is not a URL"))?;
        match inner.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => {
                Ok(Proxy { inner, from_env: false, no_proxy: Vec::new() })
            }
            _ => Err(InvalidProxy("is not an http or https proxy")),
        }
    }

    /// The proxy that the environment names for this base URL: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, else
    /// `ALL_PROXY`, each also in lower case; `NO_PROXY` names hosts to go to directly. Loopback is always gone to
    /// directly. `HTTP_PROXY` in upper case is not looked at inside a CGI program, where a client sets it.
    ///
    /// # Errors
    /// When the variable that counts is not the URL of an HTTP proxy.
    pub fn from_env(endpoint: &Endpoint) -> Result<Option<Proxy>, InvalidProxy> {
        Proxy::from_lookup(endpoint, |name| std::env::var(name).ok())
    }

    pub(crate) fn from_lookup(
        endpoint: &Endpoint,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Proxy>, InvalidProxy> {
        let set = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let names: &[&str] = match (endpoint.is_https(), set("REQUEST_METHOD").is_some()) {
            (true, _) => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            (false, false) => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
            (false, true) => &["http_proxy", "all_proxy", "ALL_PROXY"],
        };
        let Some(url) = names.iter().find_map(|name| set(name)) else {
            return Ok(None);
        };
        let no_proxy = set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default();
        let no_proxy = no_proxy
            .split(',')
            .map(|entry| entry.trim().to_owned())
            .filter(|e| !e.is_empty())
            .collect();
        Ok(Some(Proxy { from_env: true, no_proxy, ..Proxy::new(&url)? }))
    }

    /// What ureq is given: `None` when this endpoint is gone to directly.
    pub(crate) fn for_endpoint(&self, endpoint: &Endpoint) -> Option<ureq::Proxy> {
        let direct = self.from_env
            && (endpoint.is_loopback() || self.no_proxy.iter().any(|entry| names(entry, endpoint)));
        (!direct).then(|| self.inner.clone())
    }
}

/// Whether an entry of `NO_PROXY` names the endpoint's host: `*`, the host, a domain it is in, with or without a
/// leading dot and a port.
fn names(entry: &str, endpoint: &Endpoint) -> bool {
    let (host, port) = endpoint.host_and_port();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let mut entry = entry.to_ascii_lowercase();
    if entry == "*" {
        return true;
    }
    if let Some((name, wanted)) = entry.rsplit_once(':')
        && let Ok(wanted) = wanted.parse::<u16>()
        && (!name.contains(':') || name.ends_with(']'))
    {
        if wanted != port {
            return false;
        }
        entry = name.to_owned();
    }
    let entry =
        entry.trim_start_matches('*').trim_matches(|c| c == '[' || c == ']').trim_end_matches('.');
    let domain = entry.trim_start_matches('.');
    !domain.is_empty()
        && (host == domain || host.strip_suffix(domain).is_some_and(|front| front.ends_with('.')))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.inner.host(), self.inner.port())
    }
}

/// Why a text cannot be a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidProxy(&'static str);

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}: expected one such as `http://proxy.example:3128`", self.0)
    }
}

impl std::error::Error for InvalidProxy {}
