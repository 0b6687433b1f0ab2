//! Random sequences of answers over one connection: whatever a server sends, and however carelessly it says where an
//! answer ends, no token is reported as it is not. The server knows the truth.
//!
//! `MPT_TOKENS_SEQUENCES=100000` runs that many, and prints how many ran; `MPT_TOKENS_SEED=7` runs others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use mpt_tokens::{Client, Outcome, OutcomeKind};

use crate::support::pki::Authority;
use crate::support::raw::{Conn, NO_CONTENT, Server, not_found};
use crate::support::{HOST, builder_at, size};

/// How many run every day: a few seconds.
const EVERY_DAY: u64 = 2_000;
/// One sequence in so many is under TLS, which takes a handshake a connection.
const UNDER_TLS: usize = 8;
/// How many tokens a sequence deletes at most.
const TOKENS: usize = 6;

/// What truly became of a token.
#[derive(Clone, Debug, Default)]
struct Truth {
    deleted: bool,
    /// The answers to the requests for it, in short.
    answers: Vec<String>,
    /// Each of them was whole, well-formed, and said what is so.
    unclear: bool,
}

type Truths = Arc<Mutex<HashMap<String, Truth>>>;

/// An answer before it is framed.
struct Says {
    status: u16,
    media_type: &'static str,
    body: String,
    /// Whether it settles what the request did.
    clear: bool,
}

fn says(status: u16, clear: bool) -> Says {
    let body = format!(r#"{{"title":"as drawn","status":{status}}}"#);
    Says { status, media_type: "application/json", body, clear }
}

fn page(status: u16, clear: bool) -> Says {
    let body = "<html><body>a page of a gateway</body></html>".to_owned();
    Says { status, media_type: "text/html", body, clear }
}

fn gateway(status: u16) -> Says {
    let body = r#"{"message":"no Route matched with those values"}"#.to_owned();
    Says { status, media_type: "application/json", body, clear: false }
}

/// What the API, or a gateway before it, says to a request that it did, or did not, carry out.
fn draw_says(random: &mut Rng, deleted_now: bool, gone: bool) -> Says {
    let unclear = [500, 502, 503, 504, 520, 200, 202, 301, 302, 303, 402, 408, 418, 499, 599, 999];
    if random.u8(..) < 60 {
        let status = unclear[random.usize(..unclear.len())];
        return if random.bool() { says(status, false) } else { page(status, false) };
    }
    if deleted_now {
        return says(204, true);
    }
    if random.u8(..) < 30 {
        // The API is down: its gateway knows no route.
        return if random.bool() { gateway(404) } else { page(404, false) };
    }
    if gone && random.u8(..) < 160 {
        return says(404, true);
    }
    let refusals = [400, 401, 403, 405, 409, 415, 429, 431];
    let status = refusals[random.usize(..refusals.len())];
    // After a lost answer it settles nothing, and the lost one is marked.
    if random.bool() { says(status, true) } else { page(status, true) }
}

/// The bytes of an answer, and what is known of its end.
struct Framed {
    bytes: Vec<u8>,
    /// It is well-formed.
    well: bool,
    /// Its end is certain, so what comes behind it later is the next answer.
    certain: bool,
    /// It ends with the connection.
    closes: bool,
    kind: &'static str,
}

fn chunked(random: &mut Rng, body: &str, odd: bool) -> String {
    let mut text = String::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (chunk, left) = rest.split_at(random.usize(1..=rest.len()));
        let zeros = "0".repeat(if odd { random.usize(..40) } else { 0 });
        let extension = if odd && random.bool() { ";name=\"value, or more\"" } else { "" };
        text += &format!("{zeros}{:x}{extension}\r\n{chunk}\r\n", chunk.len());
        rest = left;
    }
    text += if odd && random.bool() { "00;x\r\nX-Trailer: y\r\n\r\n" } else { "0\r\n\r\n" };
    text
}

fn frame(random: &mut Rng, says: &Says) -> Framed {
    let Says { status, media_type, body, .. } = says;
    let without_body = matches!(status, 204 | 304);
    let interim = match random.u8(..12) {
        0 => "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n",
        1 => "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        _ => "",
    };
    let length = body.len();
    let typed = format!("Content-Type: {media_type}\r\n");
    let kind = random.u8(..20);
    let (kind, version, fields, body, well, certain, closes) = if without_body {
        let (kind, version, fields, certain) = match kind {
            0 => ("length 0", "HTTP/1.1", "Content-Length: 0\r\n", true),
            1 => ("length", "HTTP/1.1", "Content-Length: 27\r\n", false),
            2 => ("chunked", "HTTP/1.1", "Transfer-Encoding: chunked\r\n", false),
            3 => ("gzip", "HTTP/1.1", "Transfer-Encoding: gzip\r\nContent-Length: 0\r\n", false),
            4 => ("1.0", "HTTP/1.0", "Connection: keep-alive\r\n", false),
            5 => ("1.2", "HTTP/1.2", "", false),
            _ => ("plain", "HTTP/1.1", "", true),
        };
        (kind, version, fields.to_owned(), String::new(), true, certain, false)
    } else {
        let sized = format!("Content-Length: {length}\r\n");
        let chunks = "Transfer-Encoding: chunked\r\n";
        let plain = body.clone();
        match kind {
            0 => (
                "gzip+length",
                "HTTP/1.1",
                format!("Transfer-Encoding: gzip\r\n{sized}"),
                plain,
                true,
                false,
                false,
            ),
            1 => (
                "identity+length",
                "HTTP/1.1",
                format!("{sized}Transfer-Encoding: identity\r\n"),
                plain,
                true,
                false,
                false,
            ),
            2 => (
                "1.0+chunked+length",
                "HTTP/1.0",
                format!("Connection: keep-alive\r\n{chunks}{sized}"),
                plain,
                true,
                false,
                false,
            ),
            3 => (
                "1.0",
                "HTTP/1.0",
                format!("Connection: keep-alive\r\n{sized}"),
                plain,
                true,
                false,
                false,
            ),
            4 => ("1.2", "HTTP/1.2", sized, plain, true, false, false),
            5 => (
                "chunked+length",
                "HTTP/1.1",
                format!("Content-Length: 300\r\n{chunks}"),
                chunked(random, body, true),
                true,
                false,
                false,
            ),
            6 => (
                "chunked, gzip",
                "HTTP/1.1",
                "Transfer-Encoding: chunked, gzip\r\n".to_owned(),
                chunked(random, body, false),
                true,
                false,
                false,
            ),
            7 => ("lengths", "HTTP/1.1", format!("{sized}{sized}"), plain, true, false, false),
            8 => (
                "lengths differ",
                "HTTP/1.1",
                format!("{sized}Content-Length: 3\r\n"),
                plain,
                false,
                false,
                false,
            ),
            9 => (
                "length +",
                "HTTP/1.1",
                format!("Content-Length: +{length}\r\n"),
                plain,
                false,
                false,
                false,
            ),
            10 => (
                "folded",
                "HTTP/1.1",
                format!("Content-Length:\r\n {length}\r\n"),
                plain,
                false,
                false,
                false,
            ),
            11 => (
                "space",
                "HTTP/1.1",
                format!("Content-Length : {length}\r\n"),
                plain,
                false,
                false,
                false,
            ),
            12 => ("until close", "HTTP/1.1", String::new(), plain, true, false, true),
            13 => (
                "close",
                "HTTP/1.1",
                format!("Connection: close\r\n{sized}"),
                plain,
                true,
                false,
                true,
            ),
            14 => (
                "chunk +",
                "HTTP/1.1",
                chunks.to_owned(),
                format!("+{length:x}\r\n{plain}\r\n0\r\n\r\n"),
                false,
                false,
                false,
            ),
            15 | 16 => (
                "chunked",
                "HTTP/1.1",
                chunks.to_owned(),
                chunked(random, body, true),
                true,
                true,
                false,
            ),
            _ => ("length", "HTTP/1.1", sized, plain, true, true, false),
        }
    };
    let bytes = format!("{interim}{version} {status} As Drawn\r\n{typed}{fields}\r\n{body}");
    // A 3xx or 2xx with a body is not read to its end.
    let certain = certain && (without_body || *status >= 400) && *status != 408;
    Framed { bytes: bytes.into_bytes(), well, certain, closes, kind }
}

/// What becomes of the connection behind an answer.
enum Next {
    GoOn,
    Close,
    Reset,
}

/// Answers one request for a token.
fn answer(conn: &mut Conn<'_>, random: &mut Rng, id: &str, truths: &Truths) -> Next {
    let (says, note) = {
        let mut truths = truths.lock().unwrap();
        let truth = truths.entry(id.to_owned()).or_default();
        let gone = truth.deleted;
        let deleted_now = !gone && random.u8(..) < 150;
        truth.deleted |= deleted_now;
        let says = draw_says(random, deleted_now, gone);
        (
            says,
            format!(
                "{}{}",
                if deleted_now { "deleted, " } else { "" },
                if gone { "gone, " } else { "" }
            ),
        )
    };
    let framed = frame(random, &says);
    let lost = random.u8(..16);
    let cut = framed.bytes.len() - 1 - random.usize(..framed.bytes.len().min(40));
    let clear = says.clear && framed.well && lost > 3;
    {
        let mut truths = truths.lock().unwrap();
        let truth = truths.get_mut(id).unwrap();
        truth.unclear |= !clear;
        truth.answers.push(format!("{note}{} {} (lost: {lost})", says.status, framed.kind));
    }
    match lost {
        0 => return Next::Close,
        1 => return Next::Reset,
        2 => {
            conn.send(&framed.bytes[..cut]);
            return Next::Close;
        }
        3 => {
            conn.send("\x16\x03\x01 none of it HTTP\r\n\r\n");
            return Next::Close;
        }
        _ => {}
    }
    // What a careless server leaves behind looks like an answer to the next request.
    let fake = if random.bool() { NO_CONTENT.to_owned() } else { not_found() };
    let left = random.u8(..4);
    let mut bytes = framed.bytes;
    if left == 0 {
        bytes.extend(fake.as_bytes());
    }
    // What comes later behind a certain end, and crosses the next request, nobody can tell from an answer to it.
    let in_one_go = left == 0 && framed.certain;
    if !in_one_go && random.u8(..4) == 0 {
        let (first, second) = bytes.split_at(random.usize(..bytes.len()));
        conn.send(first);
        std::thread::yield_now();
        conn.send(second);
    } else {
        conn.send(&bytes);
    }
    if framed.closes {
        return Next::Close;
    }
    if framed.certain {
        // Where it is certain, what is left comes at once or not at all.
        return if left == 0 { Next::Close } else { Next::GoOn };
    }
    match left {
        1 => {
            conn.send(&fake);
        }
        // With the next request, which nobody must make on this connection.
        2 => {
            if let Some(next) = request(conn) {
                truths.lock().unwrap().entry(next).or_default().answers.push("taken".to_owned());
                conn.send(&fake);
            }
        }
        _ => {}
    }
    Next::Close
}

/// The token that the next request is for.
fn request(conn: &mut Conn<'_>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let bytes = conn.read_some();
        if bytes.is_empty() {
            return None;
        }
        head.extend(bytes);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.strip_prefix("DELETE ").unwrap().split(' ').next().unwrap();
    Some(path.rsplit('/').next().unwrap().to_owned())
}

fn serve(conn: &mut Conn<'_>, seed: u64, truths: &Truths) {
    let mut random = Rng::with_seed(seed);
    while let Some(id) = request(conn) {
        match answer(conn, &mut random, &id, truths) {
            Next::GoOn => {}
            Next::Close => return,
            Next::Reset => return conn.reset(),
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    sequences: usize,
    calls: usize,
    deleted: usize,
    gone: usize,
    not_deleted: usize,
    unknown: usize,
}

/// Checks one report against the truth.
fn check(outcome: &Outcome, truth: &Truth, tally: &mut Tally) -> Result<(), &'static str> {
    tally.calls += 1;
    let sent = outcome.attempts().iter().filter(|attempt| attempt.sent).count();
    match outcome.kind() {
        OutcomeKind::Deleted => {
            tally.deleted += 1;
            truth.deleted.then_some(()).ok_or("it was not deleted")
        }
        OutcomeKind::Gone => {
            tally.gone += 1;
            truth.deleted.then_some(()).ok_or("it is there")
        }
        OutcomeKind::NotDeleted => {
            tally.not_deleted += 1;
            (!truth.deleted).then_some(()).ok_or("it was deleted")
        }
        OutcomeKind::Unknown => {
            tally.unknown += 1;
            let seen = truth.answers.len() == sent;
            (!seen || truth.unclear).then_some(()).ok_or("every answer was clear")
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
#[expect(clippy::print_stdout, reason = "how many ran is asked for")]
fn no_sequence_of_answers_makes_a_report_false() {
    let sequences = number("MPT_TOKENS_SEQUENCES").unwrap_or_else(|| size(EVERY_DAY)) as usize;
    let seed = number("MPT_TOKENS_SEED").unwrap_or(1);
    let truths = Truths::default();
    let of = |tls: u64| {
        let truths = Arc::clone(&truths);
        move |conn: &mut Conn<'_>, number: usize| {
            serve(conn, seed.wrapping_mul(1 << 40) + tls + 2 * number as u64, &truths);
        }
    };
    let authority = Authority::new("sequences");
    let plain = Server::start(of(0));
    let tls = Server::start_tls(authority.issue(&[HOST]).server(), of(1));
    let mut random = Rng::with_seed(seed);
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for sequence in 0..sequences {
        let under_tls = sequence % UNDER_TLS == 0;
        let (url, server) = if under_tls { (tls.tls_url(), &tls) } else { (plain.url(), &plain) };
        let client: Client = builder_at(url, server.address())
            .ca_bundle(authority.bundle().only())
            .attempts(random.u32(1..=3))
            .build()
            .unwrap();
        for token in 0..random.usize(2..=TOKENS) {
            let id = format!("TKN-{sequence}-{token}");
            let outcome: Outcome = client.delete_token(&id).into();
            let truth = truths.lock().unwrap().remove(&id).unwrap_or_default();
            if let Err(why) = check(&outcome, &truth, &mut tally) {
                wrong.push(format!("{id}: {why}: {truth:?}, {:?}", outcome.attempts()));
            }
        }
        tally.sequences += 1;
    }
    println!("{tally:?}, {} false, seed {seed}", wrong.len());
    assert!(wrong.is_empty(), "{} false: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    assert!(tally.deleted > sequences / 4 && tally.not_deleted > sequences / 4, "{tally:?}");
}
