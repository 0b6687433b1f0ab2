//! One request and its answer.

use crate::faults::fault_table;
use crate::record::Status;
pub(crate) use crate::reply::Answer;
use crate::reply::{
    Ask, HttpAnswer, Reply, html, json_body, no_content, not_found_problem, too_many_requests,
    unauthorized, with_body,
};
use crate::route::{Route, route};
use crate::server::Server;
use crate::state::{RecordedRequest, Stats, Truth, Verdict};
use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::{Method, Request};
use serde_json::{Value, json};

pub(crate) fn answer<B>(server: &Server, request: &Request<B>) -> Reply {
    if server.options.record > 0 {
        server.memory.record(recorded(request));
    }
    let headers = request.headers();
    match route(request.method(), request.uri()) {
        Route::Delete(id) => delete(server, &id, headers),
        Route::Token(id) => token(server, &id, headers).into(),
        Route::Tokens { limit, offset } => tokens(server, limit, offset).into(),
        Route::Stats => json_body(200, &stats(&server.memory.lock().stats)).into(),
        Route::Home => with_body(200, "text/plain; charset=utf-8", home(server)).into(),
        Route::Elsewhere => elsewhere(server, headers).into(),
        Route::Stray => stray(server, request).into(),
    }
}

fn delete(server: &Server, id: &[u8], headers: &HeaderMap) -> Reply {
    let mut reply: Reply = match server.memory.delete(id, headers) {
        Verdict::RateLimited(seconds) => too_many_requests(Some(seconds), headers).into(),
        Verdict::Unauthorized => unauthorized(headers).into(),
        Verdict::Play { step, deleted } => {
            let id = String::from_utf8_lossy(id);
            let ask = Ask { id, number: step.number, deleted, headers, port: server.port };
            (step.fault.reply)(&ask)
        }
    };
    reply.wait += server.options.delay;
    reply
}

/// One token, as it truly is. No credential is asked for: a person with curl must be able to look.
fn token(server: &Server, id: &[u8], headers: &HeaderMap) -> HttpAnswer {
    let truth = server.memory.truth(id);
    let id = String::from_utf8_lossy(id);
    match shown(&id, &truth) {
        Some(token) => json_body(200, &token),
        None => {
            let mut problem = not_found_problem(&id, headers);
            problem["requests"] = truth.requests.into();
            json_body(404, &problem)
        }
    }
}

fn tokens(server: &Server, limit: usize, offset: usize) -> HttpAnswer {
    let state = server.memory.lock();
    // Ids that were asked for in vain are no tokens.
    let tokens = state.tokens.iter().filter(|(_, record)| record.status != Status::Unknown);
    let total = tokens.clone().count();
    let page: Vec<Value> = tokens
        .skip(offset)
        .take(limit)
        .filter_map(|(id, _)| shown(&String::from_utf8_lossy(id), &state.truth(id)))
        .collect();
    drop(state);
    let pagination = json!({"limit": limit, "offset": offset, "total": total});
    json_body(200, &json!({"$meta": {"pagination": pagination}, "data": page}))
}

fn shown(id: &str, truth: &Truth) -> Option<Value> {
    let status = truth.status.name()?;
    let deleted_by = truth.deleted_by;
    Some(json!({"id": id, "status": status, "requests": truth.requests, "deletedBy": deleted_by}))
}

fn stats(stats: &Stats) -> Value {
    json!({
        "connections": stats.connections,
        "openConnections": stats.open_connections,
        "requests": stats.requests,
        "deleted": stats.deleted,
        "unauthorized": stats.unauthorized,
        "rateLimited": stats.rate_limited,
        "strays": stats.strays,
        "elsewhere": stats.elsewhere,
        "elsewhereWithCredential": stats.elsewhere_with_credential,
        "malformed": stats.malformed,
        "unanswered": stats.unanswered,
    })
}

fn elsewhere(server: &Server, headers: &HeaderMap) -> HttpAnswer {
    let mut state = server.memory.lock();
    state.stats.elsewhere += 1;
    state.stats.elsewhere_with_credential += u64::from(headers.contains_key(AUTHORIZATION));
    drop(state);
    no_content()
}

fn stray<B>(server: &Server, request: &Request<B>) -> HttpAnswer {
    let (method, target) = (request.method(), request.uri());
    server.memory.stray(format!("{method} {target}"));
    html(if method == Method::DELETE || method == Method::GET { 404 } else { 405 })
}

fn recorded<B>(request: &Request<B>) -> RecordedRequest {
    let headers = request.headers().iter();
    RecordedRequest {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
    }
}

fn home(server: &Server) -> String {
    let base = format!("http://127.0.0.1:{}", server.port);
    let value = server.options.value_of(crate::MAIN_TOKEN_ID);
    format!("{}\n{}", crate::guide(&base, &value), fault_table())
}
