//! Why a proxy opened no tunnel, in words.

use ureq::http::HeaderMap;
use ureq::http::header::PROXY_AUTHENTICATE;

/// How many schemes are told.
const SCHEMES: usize = 5;

/// The sentence for an answer to `CONNECT` that is no success. `given`: credentials were sent with it.
pub(crate) fn describe(status: u16, fields: &HeaderMap, given: bool) -> String {
    if status != 407 {
        return format!("it answered {status}");
    }
    let schemes = schemes(fields);
    let offered = match schemes.as_slice() {
        [] => "says not which kind".to_owned(),
        schemes => format!("offers {}", schemes.join(", ")),
    };
    let knows_basic =
        schemes.is_empty() || schemes.iter().any(|it| it.eq_ignore_ascii_case("Basic"));
    let advice = match (knows_basic, given) {
        (false, _) => "this client can only do Basic: go through another proxy",
        (true, false) => {
            "give them in the proxy's URL, as in http://user:password@proxy.example:3128"
        }
        (true, true) => "those in the proxy's URL are not accepted",
    };
    format!("it answered 407: it wants credentials and {offered}; {advice}")
}

/// The schemes of the challenges (RFC 9110, section 11.3), such as `Basic`. It is the proxy's text: only names are
/// taken.
fn schemes(fields: &HeaderMap) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    let is_name = |word: &str| {
        (1..=20).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    for value in fields.get_all(PROXY_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()) {
        // What is in quotes may hold commas, and is no scheme.
        let bare: String = value.split('"').step_by(2).collect::<Vec<_>>().join("_");
        for part in bare.split(',') {
            let Some(first) = part.split_whitespace().next().filter(|word| is_name(word)) else {
                continue;
            };
            let known = schemes.iter().any(|known| known.eq_ignore_ascii_case(first));
            if !known && schemes.len() < SCHEMES {
                schemes.push(first.to_owned());
            }
        }
    }
    schemes
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::prose::assert_prose;

    #[rstest]
    #[case::basic(&["Basic realm=\"a, Digest b\""], "Basic")]
    #[case::several(&["Negotiate, NTLM, Basic realm=x"], "Negotiate, NTLM, Basic")]
    #[case::in_several_fields(&["Negotiate", "Basic realm=\"x\""], "Negotiate, Basic")]
    #[case::with_parameters(&["Digest realm=\"x\", qop=\"auth, auth-int\", nonce=abc, Basic"], "Digest, Basic")]
    #[case::with_a_token(&["Negotiate YII=, Basic"], "Negotiate, Basic")]
    #[case::twice(&["basic, Basic"], "basic")]
    #[case::none(&[], "")]
    #[case::nonsense(&["<b>, \u{1b}[2J, a=b"], "")]
    fn the_schemes_are_told(#[case] values: &[&str], #[case] expected: &str) {
        let mut fields = HeaderMap::new();
        for value in values {
            if let Ok(value) = value.parse() {
                fields.append(PROXY_AUTHENTICATE, value);
            }
        }
        assert_eq!(schemes(&fields).join(", "), expected);
        for given in [false, true] {
            assert_prose(&describe(407, &fields, given).replace("http://user:password@", ""));
        }
    }

    #[test]
    fn what_is_to_be_done_depends_on_what_was_given() {
        let mut fields = HeaderMap::new();
        fields.append(PROXY_AUTHENTICATE, "Basic".parse().unwrap());
        assert!(describe(407, &fields, false).contains("offers Basic; give them in"));
        assert!(describe(407, &fields, true).contains("are not accepted"));
        fields.insert(PROXY_AUTHENTICATE, "NTLM".parse().unwrap());
        assert!(describe(407, &fields, true).contains("only do Basic"));
        assert_eq!(describe(403, &fields, true), "it answered 403");
    }
}
