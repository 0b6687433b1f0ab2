//! Properties of what is parsed and made, for any input.

use mpt_tokens::{Endpoint, ProblemDetails, TokenId, TraceParent};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What the documentation of [`TokenId`] says is refused, but for the spellings of a value.
fn is_refused(id: &str) -> bool {
    let is_value = id
        .to_ascii_lowercase()
        .split_once("idt:tkn-")
        .and_then(|(_, rest)| rest.split_once(':'))
        .is_some_and(|(digits, secret)| {
            let digit = |c: char| c.is_ascii_alphanumeric() || c == '-';
            !digits.is_empty() && digits.chars().all(digit) && !secret.trim().is_empty()
        });
    let plain: String = id.trim().chars().filter(|c| !c.is_whitespace()).collect();
    matches!(&*plain, "." | "..")
        || id.is_empty()
        || id.len() > 256
        || id.chars().any(|c| c.is_control() || "/\\%;".contains(c))
        || is_value
}

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[./%;?#:a-zA-Z0-9 -]{0,20}",
        "[.,?#:a-zA-Z0-9 -]{0,20}",
        "(idt:)?TKN-[0-9]{4}-[0-9]{4}(:[a-z]{0,3})?",
        "[.%2eE]{1,6}",
        "[a-z\u{e9}]{250,260}",
    ]
}

/// Texts that a parser of URLs takes apart, with what has stopped one before: Punycode that decodes to nothing or to
/// much, escapes, brackets, labels of any length.
fn any_base_url() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(https?|HTTP|ftp|wss?|file|x)?:?[/\\\\]{0,3}([a-z]{0,3}(:[a-z]{0,2})?@)?.{0,20}(:[0-9]{0,6})?[/?#]?.{0,5}",
        "https?://(xn--|XN--|Xn--)?[a-zA-Z0-9.{}%\\[\\]:^|`~!$&'()*+,;=_-]{0,30}(\\.xn--[a-z0-9-]{0,10})?",
        "https?://(xn--[a-zA-Z0-9-]{0,20}\\.?){1,3}",
        "https?://[0-9a-fx.]{1,20}",
        "https?://\\[[0-9a-f:.%]{0,20}\\]?",
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "errors",
        "traceId",
        "details",
        "statusCode",
        "message",
        "other",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Eighths: numbers that every way of writing them keeps.
        any::<i32>().prop_map(|n| json!(f64::from(n) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..8)
                .prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

fn any_traceparent() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,4})?",
        "(00|01|ff)-[0-9a-fA-F]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}",
        "00-0{32}-[0-9a-f]{16}-01",
        "00-[0-9a-f]{32}-0{16}-01",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// It is taken or refused at once, whatever it is; and what is taken is a URL for every later step.
    #[test]
    fn a_base_url_never_panics_and_is_used_as_it_was_taken(text in any_base_url()) {
        if let Ok(endpoint) = Endpoint::new(&text, true) {
            let url = endpoint.token_url(&TokenId::new("TKN-1-1").unwrap());
            let taken = ureq::http::Uri::try_from(&url);
            prop_assert!(taken.is_ok(), "{url}");
            prop_assert!(taken.unwrap().host().is_some_and(|host| !host.is_empty()), "{url}");
            let again = Endpoint::new(endpoint.base_url(), true);
            prop_assert_eq!(again.as_ref().map(Endpoint::base_url), Ok(endpoint.base_url()));
        }
    }

    #[test]
    fn an_id_is_one_segment_or_refused(id in any_id()) {
        let result = TokenId::new(id.clone());
        prop_assert!(result.is_err() || !is_refused(&id), "{id:?}");
        // What else is refused is not plain ASCII, or may be a value.
        let is_plain = id.is_ascii() && !id.to_ascii_uppercase().contains("TKN-") && !id.contains("idt");
        prop_assert!(result.is_ok() || is_refused(&id) || !is_plain, "{id:?}");
        let Ok(token_id) = result else { return Ok(()) };
        let segment = token_id.segment();
        prop_assert_eq!(percent_decode_str(&segment).decode_utf8().unwrap(), id.as_str());
        prop_assert_eq!(token_id.as_str(), id);
        prop_assert!(segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{}", segment);
        prop_assert!(segment != "." && segment != ".." && !segment.is_empty());
    }

    #[test]
    fn the_url_ends_in_the_segment(id in any_id(), prefix in "(/[a-z]{1,5}){0,2}") {
        let Ok(id) = TokenId::new(id) else { return Ok(()) };
        let endpoint = mpt_tokens::Endpoint::new(&format!("https://h.example{prefix}"), false).unwrap();
        let url = url::Url::parse(&endpoint.token_url(&id)).unwrap();
        let path = format!("{prefix}/public/v1/accounts/api-tokens/{}", id.segment());
        prop_assert_eq!(url.path(), path);
        prop_assert_eq!((url.query(), url.fragment(), url.host_str()), (None, None, Some("h.example")));
    }

    #[test]
    fn any_bytes_are_a_problem_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ProblemDetails::parse(&bytes);
    }

    /// Members of the right type are shown, others are dropped; what else there is stays.
    #[test]
    fn any_json_is_a_problem_or_none(value in any_json()) {
        let problem = ProblemDetails::parse(value.to_string().as_bytes());
        let Value::Object(members) = &value else {
            prop_assert_eq!(problem, None);
            return Ok(());
        };
        let problem = problem.unwrap();
        let text = |names: &[&str]| names.iter().find_map(|name| members.get(*name).and_then(Value::as_str));
        prop_assert_eq!(problem.type_uri(), text(&["type"]));
        prop_assert_eq!(problem.title(), text(&["title", "message"]));
        prop_assert_eq!(problem.detail(), text(&["detail", "details"]));
        prop_assert_eq!(problem.instance(), text(&["instance"]));
        prop_assert_eq!(problem.extensions().get("errors"), members.get("errors"));
        prop_assert_eq!(problem.extensions().get("other"), members.get("other"));
        prop_assert_eq!(problem.trace_id(), text(&["traceId"]));
        let _ = (problem.errors(), problem.summary(), problem.error_code());
        // What is written is a problem again, and the same.
        let again = serde_json::to_vec(&problem).unwrap();
        prop_assert_eq!(ProblemDetails::parse(&again), Some(problem));
    }

    #[test]
    fn any_text_is_a_traceparent_or_none(text in any_traceparent()) {
        let Ok(parent) = text.parse::<TraceParent>() else { return Ok(()) };
        let trace_id = parent.trace_id();
        prop_assert_eq!(trace_id.as_str(), text.trim().split('-').nth(1).unwrap());
        prop_assert!(trace_id != "0".repeat(32) && !text.trim().starts_with("ff"));
    }
}
