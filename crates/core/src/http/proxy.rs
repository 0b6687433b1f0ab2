//! Which proxy a client goes through: one the caller gave, one from the environment, or none.

mod direct;
pub(crate) mod refusal;
mod settings;

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;

use ureq::ProxyProtocol;

use crate::http::proxy::settings::Settings;
use crate::input::endpoint::Endpoint;
use crate::input::environment::variable;
use crate::input::shown::printable;

/// An HTTP proxy. The library connects through it with `CONNECT`, so the proxy never sees the request or the API token.
///
/// User info in the URL is sent to the proxy as `Proxy-Authorization: Basic`, and is never shown.
#[derive(Clone)]
pub struct Proxy {
    inner: ureq::Proxy,
}

impl Proxy {
    /// Takes the URL of a proxy: `http://[user:password@]host[:port]`, or `https://…`.
    ///
    /// # Errors
    /// If the text is not such a URL. The error never repeats user info.
    pub fn new(url: &str) -> Result<Proxy, InvalidProxy> {
        let url = url.trim();
        let inner = ureq::Proxy::new(url).map_err(|_| InvalidProxy("is not a URL"))?;
        // ureq takes a port that is none for the default one.
        let with_scheme = if url.contains("://") { url } else { &format!("http://{url}") };
        url::Url::parse(with_scheme).map_err(|_| InvalidProxy("is not a URL"))?;
        match inner.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => Ok(Proxy { inner }),
            _ => Err(InvalidProxy("is not an http or https proxy")),
        }
    }

    /// Returns the proxy that the environment names for this base URL; `None` means a direct connection.
    ///
    /// Reads `HTTPS_PROXY` or `HTTP_PROXY`, depending on the scheme, and otherwise `ALL_PROXY`; each name also in lower
    /// case. `NO_PROXY` lists what needs no proxy: hosts, domains, addresses and networks (`10.0.0.0/8`), separated by
    /// commas, spaces or semicolons; `*` stands for everything. An entry that cannot be understood is logged once, as a
    /// warning. Loopback never goes through a proxy. Upper-case `HTTP_PROXY` is ignored in a CGI program, where a
    /// client can set it.
    ///
    /// On Windows, where no variable names a proxy, the one of the user's settings counts ("Internet Options"), with its
    /// exceptions. A script (PAC), automatic detection and a policy for the whole machine are not looked at: set a
    /// variable instead. Where only a script is set, that is logged once, as a warning.
    ///
    /// # Errors
    /// If the variable (or setting) that applies is not the URL of an HTTP proxy.
    pub fn from_env(endpoint: &Endpoint) -> Result<Option<Proxy>, InvalidProxy> {
        Proxy::from_lookup(endpoint, variable, Settings::of_user)
    }

    fn from_lookup(
        endpoint: &Endpoint,
        lookup: impl Fn(&str) -> Option<String>,
        settings: impl FnOnce() -> Option<Settings>,
    ) -> Result<Option<Proxy>, InvalidProxy> {
        let set = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let variables: &[&str] = match (endpoint.is_https(), set("REQUEST_METHOD").is_some()) {
            (true, _) => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            (false, false) => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
            (false, true) => &["http_proxy", "all_proxy", "ALL_PROXY"],
        };
        let is_direct = || {
            let no_proxy = set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default();
            endpoint.is_loopback() || direct::is_direct(&no_proxy, endpoint, warn_of)
        };
        let named = variables.iter().find_map(|name| set(name));
        let settings = if named.is_none() { settings() } else { None };
        let Some(url) = named.or_else(|| settings.as_ref()?.proxy(endpoint)) else {
            if settings.is_some_and(|settings| settings.has_script) && !is_direct() {
                warn_of_a_script();
            }
            return Ok(None);
        };
        // Before it is looked at: a proxy that is not gone through need not be one that could be.
        if is_direct() { Ok(None) } else { Proxy::new(&url).map(Some) }
    }

    /// What ureq is given.
    pub(crate) fn into_inner(self) -> ureq::Proxy {
        self.inner
    }
}

/// Names an entry of `NO_PROXY` that is not understood.
fn warn_of(entry: &str) {
    // A URL may have a password in it.
    let shown = printable(entry.rsplit('@').next().unwrap_or_default());
    warn_once(format!(
        "the entry `{shown}` of NO_PROXY is not understood and names nothing: expected a host, a domain, an address, \
         a network such as 10.0.0.0/8, or *"
    ));
}

/// Says that a script would have to tell which proxy it is.
fn warn_of_a_script() {
    warn_once(
        "the settings of Windows name a script for proxies (AutoConfigURL), which is not supported, so the connection \
         is direct: name the proxy in HTTPS_PROXY"
            .to_owned(),
    );
}

/// Warns once a process, since every client looks for its proxy.
fn warn_once(warning: String) {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    // Not waited for: in a forked child whoever holds it may be gone.
    if let Ok(mut told) = TOLD.try_lock()
        && !told.contains(&warning)
    {
        log::warn!(target: "mpt_tokens", "{warning}");
        told.push(warning);
    }
}

impl FromStr for Proxy {
    type Err = InvalidProxy;

    fn from_str(url: &str) -> Result<Proxy, InvalidProxy> {
        Proxy::new(url)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.inner.host(), self.inner.port())
    }
}

/// A text is not the URL of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidProxy(&'static str);

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}: expected one such as `http://proxy.example:3128`", self.0)
    }
}

impl std::error::Error for InvalidProxy {}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const API: &str = "https://api.example.test";

    /// What these variables say of this base URL: the proxy's host and port, or none.
    fn found(base_url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, InvalidProxy> {
        let endpoint = Endpoint::new(base_url, true).unwrap();
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let proxy = Proxy::from_lookup(&endpoint, lookup, || None)?;
        Ok(proxy.map(|proxy| format!("{}:{}", proxy.inner.host(), proxy.inner.port())))
    }

    #[rstest]
    #[case::nothing(API, &[], None)]
    #[case::https(API, &[("HTTPS_PROXY", "http://p:1")], Some("p:1"))]
    #[case::lower_case(API, &[("https_proxy", "http://p:1")], Some("p:1"))]
    #[case::lower_case_first(API, &[("HTTPS_PROXY", "http://q:2"), ("https_proxy", "http://p:1")], Some("p:1"))]
    #[case::all(API, &[("ALL_PROXY", "http://p:1")], Some("p:1"))]
    #[case::scheme_before_all(API, &[("ALL_PROXY", "http://q:2"), ("HTTPS_PROXY", "http://p:1")], Some("p:1"))]
    #[case::of_the_other_scheme(API, &[("HTTP_PROXY", "http://p:1")], None)]
    #[case::http("http://api.example.test", &[("HTTP_PROXY", "http://p:1")], Some("p:1"))]
    #[case::http_by_https("http://api.example.test", &[("HTTPS_PROXY", "http://p:1")], None)]
    #[case::cgi("http://api.example.test", &[("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")], None)]
    #[case::cgi_lower_case("http://api.example.test", &[("http_proxy", "http://p:1"), ("REQUEST_METHOD", "GET")], Some("p:1"))]
    #[case::empty(API, &[("HTTPS_PROXY", ""), ("ALL_PROXY", "http://p:1")], Some("p:1"))]
    #[case::blank(API, &[("HTTPS_PROXY", "  ")], None)]
    #[case::no_scheme(API, &[("HTTPS_PROXY", "p:1")], Some("p:1"))]
    #[case::default_port(API, &[("HTTPS_PROXY", "http://p")], Some("p:80"))]
    #[case::user_info(API, &[("HTTPS_PROXY", "http://u:s@p:1")], Some("p:1"))]
    fn the_variable_that_counts(
        #[case] base_url: &str,
        #[case] variables: &[(&str, &str)],
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(found(base_url, variables).unwrap().as_deref(), expected);
    }

    #[rstest]
    #[case::name("http://localhost:8080")]
    #[case::under_the_name("http://a.localhost:8080")]
    #[case::ipv4("http://127.0.0.1:8080")]
    #[case::ipv4_other("https://127.9.9.9")]
    #[case::ipv6("http://[::1]:8080")]
    fn loopback_never_goes_through_it(#[case] base_url: &str) {
        let all = [
            ("HTTP_PROXY", "http://p:1"),
            ("HTTPS_PROXY", "http://p:1"),
            ("ALL_PROXY", "http://p:1"),
        ];
        assert_eq!(found(base_url, &all).unwrap(), None);
        // Nor does it matter what stands there.
        assert_eq!(found(base_url, &[("ALL_PROXY", "socks5://p:1")]).unwrap(), None);
    }

    #[rstest]
    #[case::everything("*", true)]
    #[case::host("api.example.test", true)]
    #[case::case("API.Example.TEST", true)]
    #[case::trailing_dot("api.example.test.", true)]
    #[case::domain("example.test", true)]
    #[case::dotted_domain(".example.test", true)]
    #[case::wildcard("*.example.test", true)]
    #[case::top("test", true)]
    #[case::port("api.example.test:443", true)]
    #[case::domain_and_port(".example.test:443", true)]
    #[case::list("other.test, api.example.test ,third.test", true)]
    #[case::list_with_holes(",, ,api.example.test", true)]
    #[case::other_port("api.example.test:8443", false)]
    #[case::part_of_a_label("ple.test", false)]
    #[case::under_it("x.api.example.test", false)]
    #[case::other("other.test", false)]
    #[case::address("127.0.0.1", false)]
    #[case::dot(".", false)]
    #[case::nothing("", false)]
    #[case::commas(",,,", false)]
    fn hosts_gone_to_directly(
        #[case] list: &str,
        #[case] direct: bool,
        #[values("NO_PROXY", "no_proxy")] name: &str,
    ) {
        let variables = [("HTTPS_PROXY", "http://p:1"), (name, list)];
        assert_eq!(found(API, &variables).unwrap().is_none(), direct);
    }

    #[rstest]
    #[case::ipv4("https://10.1.2.3", "10.1.2.3", true)]
    #[case::ipv4_other("https://10.1.2.3", "10.1.2.4", false)]
    #[case::ipv4_port("https://10.1.2.3:8443", "10.1.2.3:8443", true)]
    #[case::ipv6("https://[fd00::1]", "fd00::1", true)]
    #[case::ipv6_brackets("https://[fd00::1]", "[fd00::1]", true)]
    #[case::ipv6_port("https://[fd00::1]:8443", "[fd00::1]:8443", true)]
    #[case::ipv6_other_port("https://[fd00::1]:8443", "[fd00::1]:443", false)]
    fn addresses_gone_to_directly(
        #[case] base_url: &str,
        #[case] list: &str,
        #[case] direct: bool,
    ) {
        let variables = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)];
        assert_eq!(found(base_url, &variables).unwrap().is_none(), direct);
    }

    #[rstest]
    #[case::socks("socks5://user:hunter22@p:1")]
    #[case::scheme("ftp://user:hunter22@p")]
    #[case::words("no proxy hunter22")]
    #[case::port("http://user:hunter22@p:99999")]
    #[case::not_unicode("http://user:hunter22@p\u{fffd}:1")]
    fn a_variable_that_is_no_proxy(#[case] url: &str) {
        let error = found(API, &[("HTTPS_PROXY", url)]).unwrap_err();
        assert!(!error.to_string().contains("hunter22"), "{error}");
    }
}
