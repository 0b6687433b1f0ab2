//! Problem details (RFC 9457) as the API and the gateways before it spell them.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::input::redact::Secrets;

/// The body of an error answer (OpenAPI schema `ProblemDetails`, RFC 9457).
///
/// Every member is optional. A member of the wrong type counts as absent (RFC 9457, section 3.1). `details`,
/// `statusCode` and `message` are read as gateways' names for `detail`, `status` and `title`. All other members are
/// kept as extensions. The HTTP status decides what happened, never this body. Wherever the server echoes the API token
/// in use, or the value of another token, `<redacted>` replaces it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProblemDetails {
    type_uri: Option<String>,
    title: Option<String>,
    status: Option<i32>,
    detail: Option<String>,
    instance: Option<String>,
    extensions: Map<String, Value>,
}

/// What the members of a body say of its sender, before spellings are made one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// It has a `type` or a `title` that is text.
    named: bool,
    /// Its `status`; `None`, too, where that is no status at all.
    status: Option<u16>,
    /// It has no `status`, or a null.
    without_status: bool,
}

impl Form {
    fn of(members: &Map<String, Value>) -> Form {
        let text = |name| members.get(name).and_then(Value::as_str);
        let is_text = |name| text(name).is_some_and(|text| !text.trim().is_empty());
        let status = members.get("status").filter(|status| !status.is_null());
        Form {
            named: is_text("type") || is_text("title"),
            status: status.and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok()),
            without_status: status.is_none(),
        }
    }

    /// Whether this is how the API says that the status is this one: there is a `type` or a `title` that is text, and
    /// `status` is that or absent. What gateways send has neither, or is of another form altogether.
    pub(crate) fn is_the_apis(self, status: u16) -> bool {
        self.named && (self.without_status || self.status == Some(status))
    }
}

impl ProblemDetails {
    /// Reads a body. Returns `None` unless it is one JSON object that is at most 128 levels deep.
    pub fn parse(body: &[u8]) -> Option<ProblemDetails> {
        ProblemDetails::read(body).map(|(problem, _)| problem)
    }

    /// The same, and the form that it came in.
    pub(crate) fn read(body: &[u8]) -> Option<(ProblemDetails, Form)> {
        if body.is_empty() {
            return None;
        }
        // Broken UTF-8 and a byte order mark are a server's bad manners, not a reason to lose the rest.
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}');
        let Ok(Value::Object(mut members)) = serde_json::from_str(text) else {
            return None;
        };
        let form = Form::of(&members);
        let problem = ProblemDetails {
            type_uri: take_string(&mut members, &["type"]),
            title: take_string(&mut members, &["title", "message"]),
            status: take_status(&mut members),
            detail: take_string(&mut members, &["detail", "details"]),
            instance: take_string(&mut members, &["instance"]),
            extensions: members,
        };
        Some((problem, form))
    }

    /// Returns `type`: a URI that names the kind of problem.
    pub fn type_uri(&self) -> Option<&str> {
        self.type_uri.as_deref()
    }

    /// Returns `title`: the kind of problem in words (or a gateway's `message`).
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Returns `status`: the status according to the body (or a gateway's `statusCode`). It is only advisory.
    pub fn status(&self) -> Option<i32> {
        self.status
    }

    /// Returns `detail`: this occurrence in words (or a gateway's `details`).
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Returns `instance`: a URI that names this occurrence.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// Returns all other members, unchanged.
    pub fn extensions(&self) -> &Map<String, Value> {
        &self.extensions
    }

    /// Returns the server's `traceId`, for its support.
    pub fn trace_id(&self) -> Option<&str> {
        self.extensions.get("traceId").and_then(Value::as_str)
    }

    /// Returns the API's own error code, the fragment of `type`: `MPTCOM03-0078` in `…/errors/commerce#MPTCOM03-0078`.
    pub fn error_code(&self) -> Option<&str> {
        let (_, fragment) = self.type_uri()?.split_once('#')?;
        (!fragment.is_empty()).then_some(fragment)
    }

    /// Returns the messages in `errors`, whether it is an object (field to messages) or a list of objects.
    pub fn errors(&self) -> Vec<String> {
        match self.extensions.get("errors") {
            Some(Value::Object(fields)) => fields
                .iter()
                .flat_map(|(field, messages)| {
                    texts(messages).into_iter().map(move |text| format!("{field}: {text}"))
                })
                .collect(),
            Some(Value::Array(list)) => list.iter().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns what a person wants to read: `title: detail`, then the messages of `errors`.
    pub fn summary(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        for text in [self.title(), self.detail()].into_iter().flatten() {
            let text = text.trim().trim_end_matches('.');
            if !text.is_empty() && !parts.iter().any(|part| part == text) {
                parts.push(text.to_owned());
            }
        }
        parts.extend(self.errors());
        (!parts.is_empty()).then(|| parts.join(": "))
    }

    /// This problem with every secret taken out of every text.
    pub(crate) fn redacted(mut self, secrets: &Secrets) -> ProblemDetails {
        for text in [&mut self.type_uri, &mut self.title, &mut self.detail, &mut self.instance]
            .into_iter()
            .flatten()
        {
            *text = secrets.redact(text);
        }
        self.extensions = secrets.redact_members(std::mem::take(&mut self.extensions));
        self
    }
}

impl Serialize for ProblemDetails {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = self.extensions.clone();
        let known = [
            ("type", self.type_uri.clone().map(Value::from)),
            ("title", self.title.clone().map(Value::from)),
            ("status", self.status.map(Value::from)),
            ("detail", self.detail.clone().map(Value::from)),
            ("instance", self.instance.clone().map(Value::from)),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        }
        members.serialize(serializer)
    }
}

/// Takes the first of the spellings that is a string. A member of these names with another type is dropped.
fn take_string(members: &mut Map<String, Value>, spellings: &[&str]) -> Option<String> {
    let mut found = None;
    for (position, name) in spellings.iter().enumerate() {
        match members.get(*name) {
            Some(Value::String(_)) if found.is_none() => {
                if let Some(Value::String(text)) = members.remove(*name) {
                    found = Some(text);
                }
            }
            // A gateway spelling beside the standard one is an extension like any other.
            Some(_) if position == 0 => {
                members.remove(*name);
            }
            _ => {}
        }
    }
    found
}

fn take_status(members: &mut Map<String, Value>) -> Option<i32> {
    let standard = members.remove("status");
    let number = |value: &Value| value.as_i64().and_then(|n| i32::try_from(n).ok());
    if let Some(status) = standard.as_ref().and_then(number) {
        return Some(status);
    }
    let status = members.get("statusCode").and_then(number)?;
    members.remove("statusCode");
    Some(status)
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(members) => match members.get("message") {
            Some(Value::String(text)) => vec![text.clone()],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::input::api_token::ApiToken;

    fn parsed(body: &Value) -> ProblemDetails {
        ProblemDetails::parse(body.to_string().as_bytes()).unwrap()
    }

    /// The standard member is taken before a gateway's spelling of it, which stays where it is not needed; a standard
    /// member of a wrong type goes, and another's stays.
    #[rstest]
    #[case::standard(json!({"title": "a"}), Some("a"), json!({}))]
    #[case::gateway(json!({"message": "b"}), Some("b"), json!({}))]
    #[case::both(json!({"title": "a", "message": "b"}), Some("a"), json!({"message": "b"}))]
    #[case::wrong_standard(json!({"title": 7}), None, json!({}))]
    #[case::wrong_standard_beside(json!({"title": 7, "message": "b"}), Some("b"), json!({}))]
    #[case::wrong_gateway(json!({"message": 7}), None, json!({"message": 7}))]
    #[case::wrong_gateway_beside(json!({"title": "a", "message": 7}), Some("a"), json!({"message": 7}))]
    #[case::neither(json!({"other": "c"}), None, json!({"other": "c"}))]
    fn spellings(#[case] body: Value, #[case] title: Option<&str>, #[case] left: Value) {
        let problem = parsed(&body);
        assert_eq!(problem.title(), title);
        assert_eq!(Value::Object(problem.extensions().clone()), left);
    }

    #[rstest]
    #[case::standard(json!({"status": 404, "statusCode": 500}), Some(404), json!({"statusCode": 500}))]
    #[case::gateway(json!({"statusCode": 404}), Some(404), json!({}))]
    #[case::wrong_standard(json!({"status": "404", "statusCode": 500}), Some(500), json!({}))]
    #[case::neither(json!({"status": 1e40, "statusCode": "404"}), None, json!({"statusCode": "404"}))]
    fn statuses(#[case] body: Value, #[case] status: Option<i32>, #[case] left: Value) {
        let problem = parsed(&body);
        assert_eq!(problem.status(), status);
        assert_eq!(Value::Object(problem.extensions().clone()), left);
    }

    #[rstest]
    #[case::fields(json!({"id": ["one", "two"], "name": "three"}), &["id: one", "id: two", "name: three"])]
    #[case::objects(json!([{"message": "one", "id": "x"}, {"message": "two"}]), &["one", "two"])]
    #[case::texts(json!(["one", "two"]), &["one", "two"])]
    #[case::nested(json!({"id": [["one"], [{"message": "two"}]]}), &["id: one", "id: two"])]
    #[case::no_texts(json!([7, null, true, {"message": 7}, {"text": "no"}, []]), &[])]
    #[case::a_text(json!("one"), &[])]
    #[case::a_number(json!(1), &[])]
    fn messages_of_errors(#[case] errors: Value, #[case] expected: &[&str]) {
        assert_eq!(parsed(&json!({"errors": errors})).errors(), expected);
    }

    #[rstest]
    #[case(json!({"title": "Bad Request.", "detail": "Look.", "errors": {"id": ["none"]}}), Some("Bad Request: Look: id: none"))]
    #[case(json!({"title": "Bad Request", "detail": "Bad Request."}), Some("Bad Request"))]
    #[case(json!({"title": " . ", "detail": ""}), None)]
    #[case(json!({"errors": ["one"]}), Some("one"))]
    fn summaries(#[case] body: Value, #[case] expected: Option<&str>) {
        assert_eq!(parsed(&body).summary().as_deref(), expected);
    }

    #[rstest]
    #[case("https://example.test/errors#MPTCOM03-0078", Some("MPTCOM03-0078"))]
    #[case("https://example.test/errors#", None)]
    #[case("about:blank", None)]
    fn error_codes(#[case] type_uri: &str, #[case] code: Option<&str>) {
        assert_eq!(parsed(&json!({"type": type_uri})).error_code(), code);
    }

    /// Wherever a text may be, the secret is taken out of it, and nothing else changes.
    #[test]
    fn no_text_keeps_a_secret() {
        let secret = "sixteen-letters-and-more";
        let token = ApiToken::new(format!("idt:TKN-1671-0642:{secret}")).unwrap();
        let secrets = Secrets::new(Some(Arc::new(token)));
        let shown = |text: &str| {
            json!({
                "type": format!("about:{text}"), "title": text, "status": 400, "detail": format!("of {text}"),
                "instance": text, "list": [text, [text, 7, null]], "object": {(text): {"deep": text}}, (text): true,
                "number": 1.5, "nothing": null,
            })
        };
        let redacted = parsed(&shown(secret)).redacted(&secrets);
        assert_eq!(
            serde_json::to_value(&redacted).unwrap(),
            shown(crate::input::token_value::REDACTED)
        );
    }
}
