//! What a request asks for, decided by its method and its target exactly as they came.

use hyper::{Method, Uri};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The collection that the Marketplace keeps its tokens in.
pub(crate) const COLLECTION: &str = "/public/v1/accounts/api-tokens";
/// Where redirects lead.
pub(crate) const ELSEWHERE: &str = "/sandbox/elsewhere/";

#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Route<'a> {
    /// `DELETE` of one token, by its percent-decoded id.
    Delete(Cow<'a, [u8]>),
    /// A look at one token.
    Token(Cow<'a, [u8]>),
    /// A look at a page of tokens.
    Tokens { limit: usize, offset: usize },
    /// The totals.
    Stats,
    /// The page that says what this is.
    Home,
    /// Where a client comes that followed a redirect.
    Elsewhere,
    /// Nothing that a client of this API should ask for.
    Stray,
}

pub(crate) fn route<'a>(method: &Method, uri: &'a Uri) -> Route<'a> {
    let path = uri.path();
    if path.starts_with(ELSEWHERE) {
        return Route::Elsewhere;
    }
    if let Some(rest) = path.strip_prefix(COLLECTION) {
        return match (method, rest.strip_prefix('/'), uri.query()) {
            (&Method::DELETE, Some(segment), None) => {
                id(segment).map_or(Route::Stray, Route::Delete)
            }
            (&Method::GET, Some(segment), None) => id(segment).map_or(Route::Stray, Route::Token),
            (&Method::GET, None, query) if rest.is_empty() => page(query),
            _ => Route::Stray,
        };
    }
    match (method, path) {
        (&Method::GET, "/sandbox/stats") => Route::Stats,
        (&Method::GET, "/") => Route::Home,
        _ => Route::Stray,
    }
}

/// The id in one path segment; none for what RFC 3986 calls a dot segment, written plainly or
/// percent-encoded, since that names another resource.
fn id(segment: &str) -> Option<Cow<'_, [u8]>> {
    if segment.is_empty() || segment.contains('/') {
        return None;
    }
    let id: Cow<'_, [u8]> = percent_decode_str(segment).into();
    (!matches!(&*id, b"." | b"..")).then_some(id)
}

/// `limit` (100 unless given, 1,000 at most) and `offset`; anything else in the query is ignored.
fn page(query: Option<&str>) -> Route<'static> {
    let (mut limit, mut offset) = (100, 0);
    for pair in query.unwrap_or_default().split('&') {
        match pair.split_once('=') {
            Some(("limit", number)) => limit = number.parse().unwrap_or(limit).min(1_000),
            Some(("offset", number)) => offset = number.parse().unwrap_or(offset),
            _ => {}
        }
    }
    Route::Tokens { limit, offset }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use rstest::rstest;

    fn of(method: Method, target: &str) -> String {
        let uri = target.parse().expect("a target");
        match route(&method, &uri) {
            Route::Delete(id) => format!("delete {}", String::from_utf8_lossy(&id)),
            Route::Token(id) => format!("token {}", String::from_utf8_lossy(&id)),
            other => format!("{other:?}"),
        }
    }

    #[rstest]
    #[case("/public/v1/accounts/api-tokens/TKN-1671-0642", "delete TKN-1671-0642")]
    #[case("/public/v1/accounts/api-tokens/a%2Fb", "delete a/b")]
    #[case("/public/v1/accounts/api-tokens/%252e%252e", "delete %2e%2e")]
    #[case("/public/v1/accounts/api-tokens/x%3Fy%3D1", "delete x?y=1")]
    #[case("/public/v1/accounts/api-tokens/%C3%BCn%C3%AF", "delete ünï")]
    #[case("http://127.0.0.1/public/v1/accounts/api-tokens/a", "delete a")]
    #[case("/public/v1/accounts/api-tokens", "Stray")]
    #[case("/public/v1/accounts/api-tokens/", "Stray")]
    #[case("/public/v1/accounts/api-tokens/.", "Stray")]
    #[case("/public/v1/accounts/api-tokens/..", "Stray")]
    #[case("/public/v1/accounts/api-tokens/%2e%2E", "Stray")]
    #[case("/public/v1/accounts/api-tokens/a/b", "Stray")]
    #[case("/public/v1/accounts/api-tokens/a?x=1", "Stray")]
    #[case("/public/v1/accounts/api-tokens-a", "Stray")]
    #[case("/public/v1/accounts", "Stray")]
    #[case("/", "Stray")]
    fn deletes(#[case] target: &str, #[case] route: &str) {
        assert_eq!(of(Method::DELETE, target), route);
    }

    #[rstest]
    #[case("/public/v1/accounts/api-tokens/TKN-1671-0642", "token TKN-1671-0642")]
    #[case("/public/v1/accounts/api-tokens", "Tokens { limit: 100, offset: 0 }")]
    #[case(
        "/public/v1/accounts/api-tokens?limit=5000&offset=20",
        "Tokens { limit: 1000, offset: 20 }"
    )]
    #[case("/sandbox/stats", "Stats")]
    #[case("/", "Home")]
    #[case("/sandbox/elsewhere/x", "Elsewhere")]
    #[case("/favicon.ico", "Stray")]
    fn looks(#[case] target: &str, #[case] route: &str) {
        assert_eq!(of(Method::GET, target), route);
    }

    proptest::proptest! {
        #[test]
        fn any_id_written_as_one_segment_is_that_id(id in "\\PC{1,40}") {
            proptest::prop_assume!(id != "." && id != "..");
            let segment = utf8_percent_encode(&id, NON_ALPHANUMERIC);
            assert_eq!(of(Method::DELETE, &format!("{COLLECTION}/{segment}")), format!("delete {id}"));
        }
    }
}
