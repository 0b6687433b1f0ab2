//! Answers with another status than the contract's for the token.

use super::gateways::challenged;
use super::{Fault, deletes, keeps};
use crate::dates::{asctime, imf_fixdate, rfc850};
use crate::reply::{
    Ask, HttpAnswer, Reply, html, json_body, too_many_requests, unauthorized, with_body,
};
use crate::route::ELSEWHERE;
use hyper::header::{DATE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use std::time::{Duration, SystemTime};

const SECONDS: &str = "seconds of `Retry-After`";
/// How far the server's clock is ahead where `Retry-After` is a date: a client that measures the date
/// against its own clock waits an hour too long.
const SKEW: Duration = Duration::from_secs(3_600);

pub(super) const FAULTS: &[Fault] = &[
    keeps("200", "200 with an HTML login page", |_| html(200).into()),
    deletes("answer200", "200 with an HTML login page", |_| html(200).into()),
    keeps("202", "202 with JSON", |_| json_body(202, &json!({"status": "Queued"})).into()),
    deletes("answer202", "202 with JSON", |_| json_body(202, &json!({"status": "Queued"})).into()),
    keeps("301", "301 to another path of another host name", |ask| redirect(301, ask)),
    keeps("302", "302 to another path of another host name", |ask| redirect(302, ask)),
    keeps("303", "303 to another path of another host name", |ask| redirect(303, ask)),
    keeps("307", "307 to another path of another host name", |ask| redirect(307, ask)),
    keeps("308", "308 to another path of another host name", |ask| redirect(308, ask)),
    keeps("307path", "307 to another path of the same host", |ask| to(307, elsewhere(ask)).into()),
    keeps("400", "400, ProblemDetails with `errors` as an object", |ask| {
        let mut body = ask.problem(400, "One or more validation errors occurred.");
        body["errors"] = json!({"id": ["The token id is not valid."]});
        json_body(400, &body).into()
    }),
    keeps("401", "401, ProblemDetails", |ask| unauthorized(ask.headers).into()),
    keeps("401bearer", "401 without a body, only a challenge", |_| {
        challenged(with_body(401, "", "")).into()
    }),
    keeps("403", "403, ProblemDetails", |ask| plain(403, ask)),
    keeps("403html", "403 with HTML, as from a gateway", |_| html(403).into()),
    keeps("404", "404, ProblemDetails, although the token exists", |ask| plain(404, ask)),
    keeps(
        "404problemjson",
        "404 as `application/problem+json`, although the token exists",
        |ask| {
            let problem = ask.problem(404, "As the scenario says.").to_string();
            with_body(404, "application/problem+json; charset=utf-8", problem).into()
        },
    ),
    keeps("404array", "404 with a JSON array", |_| json_body(404, &json!(["not found"])).into()),
    keeps("404string", "404 with a JSON string", |_| json_body(404, &json!("not found")).into()),
    keeps("408", "408, ProblemDetails", |ask| plain(408, ask)),
    keeps("409", "409, ProblemDetails", |ask| plain(409, ask)),
    keeps("410", "410, ProblemDetails, although the token exists", |ask| plain(410, ask)),
    keeps("415", "415, ProblemDetails", |ask| plain(415, ask)),
    keeps("418", "418, ProblemDetails", |ask| plain(418, ask)),
    keeps("425", "425, ProblemDetails", |ask| plain(425, ask)),
    keeps("429", "429, ProblemDetails", |ask| too_many_requests(ask.number, ask.headers).into())
        .number(SECONDS, None),
    keeps("429date", "429; `Retry-After` is a date, by a clock an hour ahead", |ask| {
        retry_at(ask, imf_fixdate)
    })
    .number(SECONDS, Some(1)),
    keeps("429rfc850", "429; such a date, in the old form of RFC 850", |ask| retry_at(ask, rfc850))
        .number(SECONDS, Some(1)),
    keeps("429asctime", "429; such a date, in the old form of `asctime`", |ask| {
        retry_at(ask, asctime)
    })
    .number(SECONDS, Some(1)),
    keeps("429junk", "429 with a meaningless `Retry-After`", |ask| {
        let answer = too_many_requests(None, ask.headers);
        header(answer, RETRY_AFTER, "soon").into()
    }),
    keeps("500", "500, ProblemDetails", |ask| plain(500, ask)),
    deletes("answer500", "500, ProblemDetails", |ask| plain(500, ask)),
    keeps("501", "501 with HTML", |_| html(501).into()),
    keeps("502", "502 with HTML", |_| html(502).into()),
    deletes("answer502", "502 with HTML", |_| html(502).into()),
    keeps("503", "503 with HTML", unavailable).number(SECONDS, None),
    deletes("answer503", "503 with HTML", unavailable).number(SECONDS, None),
    keeps("504", "504 with HTML", |_| html(504).into()),
    deletes("answer504", "504 with HTML", |_| html(504).into()),
];

fn plain(status: u16, ask: &Ask<'_>) -> Reply {
    let detail = format!("The sandbox answers {status} to this token's scenario.");
    json_body(status, &ask.problem(status, &detail)).into()
}

fn unavailable(ask: &Ask<'_>) -> Reply {
    let mut answer = html(503);
    if let Some(seconds) = ask.number {
        answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    answer.into()
}

fn retry_at(ask: &Ask<'_>, form: fn(SystemTime) -> String) -> Reply {
    let date = SystemTime::now() + SKEW;
    let retry = date + Duration::from_secs(ask.number());
    let answer = header(too_many_requests(None, ask.headers), DATE, &imf_fixdate(date));
    header(answer, RETRY_AFTER, &form(retry)).into()
}

pub(super) fn redirect(status: u16, ask: &Ask<'_>) -> Reply {
    to(status, format!("http://localhost:{}{}", ask.port, elsewhere(ask))).into()
}

fn to(status: u16, location: String) -> HttpAnswer {
    header(html(status), LOCATION, &location)
}

fn elsewhere(ask: &Ask<'_>) -> String {
    format!("{ELSEWHERE}{}", utf8_percent_encode(&ask.id, NON_ALPHANUMERIC))
}

fn header(mut answer: HttpAnswer, name: HeaderName, value: &str) -> HttpAnswer {
    answer.headers_mut().insert(name, HeaderValue::from_str(value).expect("a header value"));
    answer
}
