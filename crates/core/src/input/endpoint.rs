//! The base URL of the API, and the one URL made from it.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use url::{Host, Url};

use crate::input::shown::printable;
use crate::input::token_id::TokenId;

/// Where the Marketplace API is unless told otherwise.
pub const DEFAULT_BASE_URL: &str = "https://api.platform.softwareone.com";

/// The path of the collection, below the base URL (OpenAPI path `/public/v1/accounts/api-tokens/{id}`).
const COLLECTION: &str = "/public/v1/accounts/api-tokens/";

/// The end of that path, which no prefix has.
const COLLECTION_OF_ACCOUNTS: &str = "/accounts/api-tokens/";

/// So that the head of a request, which it is a part of, is handed down at once.
const LONGEST: usize = 2048;

/// A checked base URL.
///
/// `http` or `https`, no user info, no query, no fragment. A trailing `/` and a pasted `/public`, `/public/v1` or
/// `/public/v1/accounts/api-tokens` are dropped; any other path is kept as a prefix, except one with
/// `/accounts/api-tokens` in it. Plain `http` is for loopback only, unless allowed. ASCII, and at
/// most 2048 bytes: a host of other letters is given in its ASCII form (`xn--…`, RFC 5890), so that no letter can look
/// like another one. A host has letters, digits, `.`, `-` and `_`, or is an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// With a stand-in for a host in Punycode: see [`parse`].
    url: Url,
    host: String,
    collection: String,
}

impl Endpoint {
    /// Checks a base URL.
    ///
    /// # Errors
    /// The error says what was expected. It never repeats user info.
    pub fn new(base_url: &str, allow_plain_http: bool) -> Result<Endpoint, InvalidBaseUrl> {
        let fail = |why: &'static str, url: Option<&Url>| {
            Err(InvalidBaseUrl { why, shown: url.map_or_else(String::new, shown) })
        };
        let text = base_url.trim();
        if text.is_empty() {
            return fail("is empty", None);
        }
        if text.len() > LONGEST {
            return fail("is longer than 2048 bytes", None);
        }
        if !text.is_ascii() {
            return fail("has characters that are not ASCII", None);
        }
        // A control character or a space would be dropped or encoded by the parser; the caller meant something else.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return fail("has a space or a control character", None);
        }
        let given = host_in(text);
        if given.clone().is_some_and(|given| !is_plain(&text[given])) {
            return fail("has a host with characters that no host name has", None);
        }
        let Some(url) = parse(text, given.clone()) else {
            return fail("is not a URL", None);
        };
        if !matches!(url.scheme(), "http" | "https") {
            return fail("is not http or https", Some(&url));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return fail("has user info", Some(&url));
        }
        if url.query().is_some() {
            return fail("has a query", Some(&url));
        }
        if url.fragment().is_some() {
            return fail("has a fragment", Some(&url));
        }
        if url.host().is_none() {
            return fail("has no host", Some(&url));
        }
        if url.scheme() == "http" && !allow_plain_http && !is_loopback(&url) {
            return fail("would send the API token unencrypted", Some(&url));
        }
        let mut prefix = url.path().trim_end_matches('/');
        for pasted in ["/public/v1/accounts/api-tokens", "/public/v1", "/public"] {
            if let Some(rest) = prefix.strip_suffix(pasted) {
                prefix = rest.trim_end_matches('/');
                break;
            }
        }
        // What comes behind it would be another resource's path.
        if format!("{prefix}/").contains(COLLECTION_OF_ACCOUNTS) {
            return fail("has the path of the API tokens in it", Some(&url));
        }
        let host = match given.map(|given| text[given].to_ascii_lowercase()) {
            Some(host) if host.contains(PUNYCODE) => host,
            _ => url.host_str().unwrap_or_default().to_owned(),
        };
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let collection = format!("{}://{host}{port}{prefix}{COLLECTION}", url.scheme());
        Ok(Endpoint { url, host, collection })
    }

    /// The URL that a DELETE for this token goes to.
    pub fn token_url(&self, id: &TokenId) -> String {
        format!("{}{}", self.collection, id.segment())
    }

    /// The base URL as it is used: no trailing `/`, no pasted `/public/v1`.
    pub fn base_url(&self) -> &str {
        self.collection.strip_suffix(COLLECTION).unwrap_or(&self.collection)
    }

    /// What `Host` says, and the path of the collection.
    pub(crate) fn authority_and_path(&self) -> (&str, &str) {
        let rest = self.collection.split_once("://").map_or("", |(_, rest)| rest);
        rest.split_at(rest.find('/').unwrap_or(rest.len()))
    }

    /// Whether the host is this machine: `localhost` or a name under it, `127.0.0.0/8` or `::1`.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// The host without the brackets of an IPv6 address, and the port.
    pub(crate) fn host_and_port(&self) -> (String, u16) {
        (
            self.host.trim_matches(['[', ']']).to_owned(),
            self.url.port_or_known_default().unwrap_or(443),
        )
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Endpoint::new(DEFAULT_BASE_URL, false).expect("the default base URL is a good one")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.base_url())
    }
}

/// What a label in Punycode begins with (RFC 5890).
const PUNYCODE: &str = "xn--";

/// Where the host stands in a URL of a kind that has one for the parser, as the parser sees it (URL standard, section
/// 4.4): behind any number of either slash and the last `@`, up to a port.
fn host_in(text: &str) -> Option<Range<usize>> {
    let colon = text.find(':')?;
    let has_host = ["http", "https", "ws", "wss", "ftp", "file"];
    if !has_host.iter().any(|scheme| text[..colon].eq_ignore_ascii_case(scheme)) {
        return None;
    }
    let rest = text[colon + 1..].trim_start_matches(['/', '\\']);
    let begin = text.len() - rest.len();
    let authority = &rest[..rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len())];
    let at = authority.rfind('@').map_or(0, |at| at + 1);
    let host = &authority[at..];
    let end = match host.starts_with('[') {
        true => host.find(']').map(|end| end + 1),
        false => host.find(':'),
    };
    Some(begin + at..begin + at + end.unwrap_or(host.len()))
}

/// Whether a host has only letters, digits, `.`, `-` and `_` (RFC 1123, and the `_` that people use), or is an IPv6
/// address in brackets.
fn is_plain(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|address| {
            address.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c))
        }),
        None => host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)),
    }
}

/// Parses a URL whose host is plain. The parser hands labels in Punycode over to whichever Unicode tables a program was
/// built with, and those may stop the program or change their mind from version to version; it gets a stand-in instead.
fn parse(text: &str, host: Option<Range<usize>>) -> Option<Url> {
    let mut text = text.to_owned();
    if let Some(host) = host {
        let stand_in = text[host.clone()].to_ascii_lowercase().replace(PUNYCODE, "xn-0");
        text.replace_range(host, &stand_in);
    }
    Url::parse(&text).ok()
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_loopback_name(name),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether a name means this machine (RFC 6761, section 6.3), whatever a name server says of it.
pub(crate) fn is_loopback_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The URL without what may be a secret: user info, query and fragment.
fn shown(url: &Url) -> String {
    match url.host_str() {
        Some(_) if matches!(url.scheme(), "http" | "https") => {
            format!("{}{}", origin(url), url.path())
        }
        Some(host) => format!("{}://{host}", url.scheme()),
        None => format!("{}:", url.scheme()),
    }
}

impl FromStr for Endpoint {
    type Err = InvalidBaseUrl;

    /// Checks a base URL. Plain `http` is accepted only for loopback.
    fn from_str(base_url: &str) -> Result<Endpoint, InvalidBaseUrl> {
        Endpoint::new(base_url, false)
    }
}

/// Why a text cannot be the base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidBaseUrl {
    why: &'static str,
    shown: String,
}

impl fmt::Display for InvalidBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the base URL ")?;
        if !self.shown.is_empty() {
            write!(f, "`{}` ", printable(&self.shown))?;
        }
        write!(f, "{}: expected one such as `{DEFAULT_BASE_URL}`", self.why)
    }
}

impl std::error::Error for InvalidBaseUrl {}
