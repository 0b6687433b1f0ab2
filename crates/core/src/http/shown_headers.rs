//! Which header fields of an answer are told to the caller: those that a support desk asks for.

use ureq::http::HeaderMap;

use crate::input::redact::Secrets;

/// Names under which servers and gateways return the id of a request, the best first.
const REQUEST_IDS: [&str; 16] = [
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "correlation-id",
    "apim-request-id",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "x-azure-ref",
    "x-amzn-requestid",
    "x-amzn-trace-id",
    "x-amz-cf-id",
    "x-cloud-trace-context",
    "x-kong-request-id",
    "x-trace-id",
    "traceresponse",
    "cf-ray",
];
/// What explains an answer that is not a success: who gave it, and which limit it is about. Not `Retry-After`, which the
/// outcome tells in seconds.
const OTHERS: [&str; 8] = [
    "server",
    "via",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-cache",
];
/// At most this many characters of a value.
const LONGEST: usize = 256;

/// Whether a field of an answer with this status is told. Of a success, the id of the request is enough.
pub(crate) fn is_told(name: &str, status: u16) -> bool {
    let is_one_of = |names: &[&str]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
    is_one_of(&REQUEST_IDS) || status != 204 && is_one_of(&OTHERS)
}

/// The fields that are told, each once: name in lower case, and value. Values of one name are joined (RFC 9110, section
/// 5.3). Without secrets, and at most 256 characters each.
pub(crate) fn told(fields: &HeaderMap, status: u16, secrets: &Secrets) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for name in fields.keys().filter(|name| is_told(name.as_str(), status)) {
        let values: Vec<_> = fields
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let value: String = secrets.redact(&values.join(", ")).chars().take(LONGEST).collect();
        told.push((name.as_str().to_owned(), value));
    }
    told
}

/// The id that the server gave the request.
pub(crate) fn request_id(told: &[(String, String)]) -> Option<String> {
    REQUEST_IDS.iter().find_map(|wanted| {
        told.iter()
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, id)| id.clone())
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::best_first(&[("cf-ray", "ray"), ("x-request-id", "id")], Some("id"))]
    #[case::empty(&[("x-request-id", ""), ("cf-ray", "ray")], Some("ray"))]
    #[case::none(&[("server", "nginx")], None)]
    fn ids(#[case] told: &[(&str, &str)], #[case] expected: Option<&str>) {
        let told: Vec<_> =
            told.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(request_id(&told).as_deref(), expected);
    }

    #[rstest]
    #[case("X-Request-Id", 204, true)]
    #[case("Server", 204, false)]
    #[case("Server", 502, true)]
    #[case("Set-Cookie", 502, false)]
    #[case("Date", 502, false)]
    fn names(#[case] name: &str, #[case] status: u16, #[case] expected: bool) {
        assert_eq!(is_told(name, status), expected);
    }
}
