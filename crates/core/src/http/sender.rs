//! Who an answer is from: the API, or something before it (a gateway, a proxy, another server).

use ureq::http::HeaderMap;
use ureq::http::header::{CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};

use crate::outcome::problem::Form;

/// Whether an error answer has the form in which the API answers, as its contract and its documentation show it:
/// problem details (RFC 9457) as JSON. A 401 may be a bare challenge instead (RFC 6750, section 3), which is what the
/// API's own framework sends.
///
/// The form is no proof of the sender, who may be anybody that TLS lets speak for the host; but what stands before an
/// API and answers in its place has a form of its own.
pub(crate) fn is_the_api(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    form: Option<Form>,
) -> bool {
    match form {
        Some(form) => only(headers, &CONTENT_TYPE).is_some_and(is_json) && form.is_the_apis(status),
        None => {
            status == 401
                && body.is_empty()
                && only(headers, &WWW_AUTHENTICATE).is_some_and(is_bearer)
        }
    }
}

/// The value of a field that has exactly one.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// `application/json`, or a type whose suffix says that it is JSON (RFC 6839, section 3.1); parameters may follow.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("application", "json")) => true,
        Some((kind, subtype)) => {
            !kind.is_empty() && subtype.strip_suffix("+json").is_some_and(|name| !name.is_empty())
        }
        None => false,
    }
}

/// A challenge of the scheme `Bearer`, with or without parameters.
fn is_bearer(challenge: &str) -> bool {
    let scheme = challenge.trim().split([' ', ',']).next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("bearer")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use ureq::http::HeaderValue;

    use super::*;
    use crate::outcome::problem::ProblemDetails;

    fn asked(status: u16, fields: &[(HeaderName, &str)], body: &str) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let form = ProblemDetails::read(body.as_bytes()).map(|(_, form)| form);
        is_the_api(status, &headers, body.as_bytes(), form)
    }

    #[rstest]
    #[case::json("application/json", true)]
    #[case::problem("application/problem+json", true)]
    #[case::charset("application/json; charset=utf-8", true)]
    #[case::spaces(" application/json ;charset=utf-8", true)]
    #[case::capitals("Application/Problem+JSON", true)]
    #[case::a_version("application/vnd.example.v1+json", true)]
    #[case::no_name("application/+json", false)]
    #[case::no_kind("/problem+json", false)]
    #[case::only_the_suffix("+json", false)]
    #[case::only_the_name("json", false)]
    #[case::another_end("application/json-seq", false)]
    #[case::another_kind("text/json", false)]
    #[case::text("text/plain", false)]
    #[case::html("text/html; a=application/json", false)]
    #[case::empty("", false)]
    fn media_types(#[case] media_type: &str, #[case] api: bool) {
        let body = r#"{"title":"Not Found"}"#;
        assert_eq!(asked(404, &[(CONTENT_TYPE, media_type)], body), api);
        assert!(!asked(404, &[], body), "without a media type");
        let twice = [(CONTENT_TYPE, media_type), (CONTENT_TYPE, media_type)];
        assert!(!asked(404, &twice, body), "with two of them");
    }

    const JSON: (HeaderName, &str) = (CONTENT_TYPE, "application/json");

    #[rstest]
    #[case::alone("Bearer", "", true)]
    #[case::lower("bearer", "", true)]
    #[case::reason(r#"Bearer error="invalid_token""#, "", true)]
    #[case::two(r#"Bearer, Basic realm="x""#, "", true)]
    #[case::basic(r#"Basic realm="x""#, "", false)]
    #[case::longer("BearerToken", "", false)]
    #[case::empty("", "", false)]
    #[case::page("Bearer", "<html></html>", false)]
    #[case::space("Bearer", " ", false)]
    #[case::message("Bearer", r#"{"message":"Unauthorized"}"#, false)]
    #[case::problem("Basic", r#"{"title":"Unauthorized","status":401}"#, true)]
    fn challenges(#[case] challenge: &str, #[case] body: &str, #[case] api: bool) {
        let fields = [JSON, (WWW_AUTHENTICATE, challenge)];
        assert_eq!(asked(401, &fields, body), api);
        if body.is_empty() {
            assert!(!asked(404, &fields, body), "a challenge says nothing with another status");
            let more = [fields[1].clone(), (WWW_AUTHENTICATE, "Negotiate")];
            assert!(!asked(401, &more, body), "with a challenge of another scheme beside it");
        }
    }

    #[test]
    fn a_401_without_anything() {
        assert!(!asked(401, &[], ""));
    }

    /// What the API sends, and what stands before an API and answers in its place.
    #[rstest]
    #[case::documented(
        r#"{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.5","title":"Not Found","status":404,"traceId":"00-1"}"#,
        true
    )]
    #[case::only_a_type(r#"{"type":"about:blank"}"#, true)]
    #[case::only_a_title(r#"{"title":"Not Found"}"#, true)]
    #[case::null_beside(r#"{"type":null,"title":"Not Found","status":null,"detail":null}"#, true)]
    #[case::wrong_type_beside(r#"{"type":7,"title":"Not Found"}"#, true)]
    #[case::message_beside(r#"{"title":"Not Found","message":"no Route"}"#, true)]
    #[case::another_status(r#"{"title":"Not Found","status":200}"#, false)]
    #[case::status_as_text(r#"{"title":"Not Found","status":"404"}"#, false)]
    #[case::status_with_a_fraction(r#"{"title":"Not Found","status":404.0}"#, false)]
    #[case::status_negative(r#"{"title":"Not Found","status":-404}"#, false)]
    #[case::status_too_large(r#"{"title":"Not Found","status":65940}"#, false)]
    #[case::nothing_but_the_status(r#"{"status":404}"#, false)]
    #[case::nothing("{}", false)]
    #[case::all_null(r#"{"type":null,"title":null,"status":null}"#, false)]
    #[case::wrong_types(r#"{"type":1,"title":["Not Found"]}"#, false)]
    #[case::blank(r#"{"type":"","title":" "}"#, false)]
    #[case::list(r#"[{"title":"Not Found"}]"#, false)]
    // Kong 3, no route; Azure API Management, no backend; AWS API Gateway; Google's; Spring Boot 2 and 3; Express;
    // Apigee; Tyk; Traefik's text.
    #[case::kong(r#"{"message":"no Route matched with those values","request_id":"3f2a"}"#, false)]
    #[case::azure(r#"{"statusCode":404,"message":"Resource not found"}"#, false)]
    #[case::aws(r#"{"message":"Missing Authentication Token"}"#, false)]
    #[case::google(r#"{"code":5,"message":"Method does not exist.","details":[]}"#, false)]
    #[case::spring(
        r#"{"timestamp":"2026-11-27T08:00:00.000+00:00","status":404,"error":"Not Found","path":"/public"}"#,
        false
    )]
    #[case::express(r#"{"error":{"code":404,"message":"Not Found"}}"#, false)]
    #[case::apigee(
        r#"{"fault":{"faultstring":"Unable to identify proxy","detail":{"errorcode":"messaging.adaptors.http.flow.ApplicationNotFound"}}}"#,
        false
    )]
    #[case::tyk(r#"{"error":"Not Found"}"#, false)]
    #[case::traefik(
        "404 page not found
",
        false
    )]
    #[case::html("<html><title>404</title></html>", false)]
    #[case::empty("", false)]
    fn bodies_of_a_404(#[case] body: &str, #[case] api: bool) {
        assert_eq!(asked(404, &[JSON], body), api);
    }
}
