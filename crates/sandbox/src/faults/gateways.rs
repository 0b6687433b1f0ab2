//! Answers in the API's place: gateways, as their makers document them. Each has a form of its own, which is not that of
//! problem details.

use super::statuses::redirect;
use super::{Fault, deletes, keeps};
use crate::reply::{Ask, HttpAnswer, html, json_body, with_body};
use hyper::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    keeps("401html", "401 with HTML", |_| html(401).into()),
    keeps("401empty", "401 with neither a body nor a challenge", |_| with_body(401, "", "").into()),
    keeps("401kong", "401 with Kong's JSON, and a challenge", |_| {
        challenged(json_body(401, &json!({"message": "Unauthorized"}))).into()
    }),
    keeps("404html", "404 with HTML", |_| html(404).into()),
    keeps("404empty", "404 without a body", |_| with_body(404, "", "").into()),
    keeps("404kong", "404 with Kong's JSON: no route", |_| {
        json_body(404, &json!({"message": "no Route matched with those values"})).into()
    }),
    keeps("404azure", "404 with Azure API Management's JSON: no such operation", |_| {
        json_body(404, &json!({"statusCode": 404, "message": "Resource not found"})).into()
    }),
    keeps("404spring", "404 with Spring's JSON: no such path", |ask| {
        json_body(404, &spring(404, ask)).into()
    }),
    keeps("404notype", "404, ProblemDetails without a content type", |ask| {
        let mut answer = json_body(404, &ask.problem(404, "Not there."));
        answer.headers_mut().remove(CONTENT_TYPE);
        answer.into()
    }),
    keeps("410html", "410 with HTML", |_| html(410).into()),
    deletes("answer302", "302 to another path of another host name", |ask| redirect(302, ask)),
    deletes("answer303", "303 to another path of another host name", |ask| redirect(303, ask)),
    deletes("answer408", "408 with HTML", |_| html(408).into()),
    keeps("429html", "429 with HTML, without `Retry-After`", |_| html(429).into()),
    deletes("answer429", "429 with HTML, without `Retry-After`", |_| html(429).into()),
    keeps("499", "499 without a body, nginx's status when a client leaves", |_| {
        with_body(499, "", "").into()
    }),
    deletes("answer499", "499 without a body, nginx's status when a client leaves", |_| {
        with_body(499, "", "").into()
    }),
    keeps("520", "520 with HTML, Cloudflare's status for an unknown answer", |_| html(520).into()),
    deletes("answer520", "520 with HTML, Cloudflare's status for an unknown answer", |_| {
        html(520).into()
    }),
];

pub(super) fn challenged(mut answer: HttpAnswer) -> HttpAnswer {
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

fn spring(status: u16, ask: &Ask<'_>) -> Value {
    json!({
        "timestamp": "2026-11-27T08:00:00.000+00:00",
        "status": status,
        "error": "Not Found",
        "path": format!("/public/v1/accounts/api-tokens/{}", ask.id),
    })
}
