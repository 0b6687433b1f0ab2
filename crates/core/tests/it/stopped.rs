//! Why a batch stops: a 401 for one id is that id's own, one for two in a row is the API token's, and what was not tried
//! is counted.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mpt_tokens::{
    BatchOptions, BatchSummary, Cancel, Client, Code, Journal, Outcome, OutcomeKind, Pull, Stopped,
};
use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox, Status, numbered_id};
use rstest::rstest;

use crate::support;
use crate::support::raw::{NO_CONTENT, Server, http, not_found};

const OTHER_TOKEN: &str = "idt:TKN-9000-9001:abcdefghijklmnopqrst";

fn client(sandbox: &Sandbox) -> Client {
    client_with(sandbox, &sandbox.api_token())
}

fn client_with(sandbox: &Sandbox, api_token: &str) -> Client {
    Client::builder().base_url(sandbox.base_url()).api_token(api_token).build().unwrap()
}

fn at(concurrency: usize) -> BatchOptions {
    BatchOptions::new().concurrency(concurrency)
}

fn run(
    client: &Client,
    ids: &[String],
    options: &BatchOptions,
) -> (Vec<Outcome>, BatchSummary, Option<Stopped>) {
    let mut batch = client.batch(ids, options).unwrap();
    let outcomes = batch.by_ref().collect();
    (outcomes, batch.summary(), batch.stopped())
}

fn with_code(outcomes: &[Outcome], code: Code) -> Vec<&str> {
    outcomes.iter().filter(|it| it.code() == code).map(|it| it.id().unwrap()).collect()
}

#[rstest]
fn a_401_for_one_token_is_that_tokens_own(#[values(1, 2, 8, 64)] concurrency: usize) {
    let others = crate::support::size(2_000) - 1;
    let sandbox = Sandbox::builder().numbered(others).start().unwrap();
    let mut ids: Vec<String> = (1..=others).map(numbered_id).collect();
    ids.insert(ids.len() / 4, "TKN-401.always-1".to_owned());
    let (outcomes, summary, stopped) = run(&client(&sandbox), &ids, &at(concurrency));
    assert_eq!(with_code(&outcomes, Code::Unauthorized), ["TKN-401.always-1"]);
    assert_eq!((summary.total, summary.deleted, summary.skipped), (others + 1, others, 0));
    assert_eq!((summary.not_pulled, summary.stopped, stopped), (Some(0), None, None));
    assert_eq!((sandbox.stats().deleted, sandbox.stats().requests), (others, others + 1));
}

/// Every other token gets a 401, and so does the last one: each has another id after it that the API answers well, or
/// none.
#[test]
fn answers_that_alternate_stop_nothing() {
    let sandbox = Sandbox::builder().numbered(100).start().unwrap();
    let ids: Vec<String> =
        (1..=100).flat_map(|n| [numbered_id(n), format!("TKN-401.always-{n}")]).collect();
    let (outcomes, summary, stopped) = run(&client(&sandbox), &ids, &at(1));
    assert_eq!(with_code(&outcomes, Code::Unauthorized).len(), 100);
    assert_eq!((summary.total, summary.deleted, stopped), (200, 100, None));
}

#[rstest]
fn an_api_token_that_is_not_accepted_stops_a_batch(#[values(1, 2, 8, 64)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(1_000).start().unwrap();
    let ids: Vec<String> = (1..=1_000).map(numbered_id).collect();
    let client = client_with(&sandbox, OTHER_TOKEN);
    let (outcomes, summary, stopped) = run(&client, &ids, &at(concurrency));
    assert_eq!(stopped, Some(Stopped::Unauthorized));
    assert_eq!(summary.stopped, Some("unauthorized"));
    let refused = with_code(&outcomes, Code::Unauthorized).len();
    // Those under way at the first 401, which begin sixteen at once at most, and one more.
    assert!((2..=concurrency.min(16) + 1).contains(&refused), "{refused}");
    assert_eq!(sandbox.stats().requests, refused as u64);
    assert_eq!(summary.skipped, summary.total - refused as u64);
    assert_eq!(summary.not_pulled, Some(1_000 - summary.total));
    assert!(summary.not_pulled > Some(900));
    for skipped in outcomes.iter().filter(|it| it.code() == Code::Skipped) {
        assert_eq!((skipped.kind(), skipped.attempts().len()), (OutcomeKind::NotDeleted, 0));
        assert!(skipped.message().contains("401"), "{}", skipped.message());
        assert_eq!(sandbox.truth(skipped.id().unwrap()).requests, 0);
    }
}

/// There is no other id to ask with: nobody knows whether it is the API token's, and nothing is left untried.
#[test]
fn a_401_for_the_only_token_stops_nothing() {
    let sandbox = Sandbox::builder().numbered(1).start().unwrap();
    let client = client_with(&sandbox, OTHER_TOKEN);
    let (outcomes, summary, stopped) = run(&client, &[numbered_id(1)], &at(8));
    assert_eq!(with_code(&outcomes, Code::Unauthorized), [numbered_id(1)]);
    assert_eq!((summary.total, summary.not_pulled, stopped), (1, Some(0), None));
}

/// The API token dies on the way: one more id is asked for, and what says nothing of the API token settles nothing.
#[rstest]
#[case::at_once(&[], 2)]
#[case::after_a_lost_answer(&["500"], 3)]
#[case::after_a_bad_request(&["400"], 3)]
#[case::after_a_gateways_404(&["404"], 3)]
#[case::after_an_answer_of_the_api(&["404api"], 4)]
#[case::after_a_refusal(&["403"], 4)]
fn another_id_is_asked_for(#[case] between: &'static [&'static str], #[case] more: usize) {
    const GOOD: usize = 20;
    let requests = AtomicUsize::new(0);
    let server = Server::start(move |conn, _| {
        while conn.request().is_some() {
            let number = requests.fetch_add(1, Ordering::SeqCst);
            let answer = match number.checked_sub(GOOD) {
                None => NO_CONTENT.to_owned(),
                Some(0) => http("401 Unauthorized", "", ""),
                Some(since) => match between.get(since - 1) {
                    None => http("401 Unauthorized", "", ""),
                    Some(&"404api") => not_found(),
                    Some(&"404") => http("404 Not Found", "", "<html>"),
                    Some(&"403") => http("403 Forbidden", "", ""),
                    Some(&"400") => http("400 Bad Request", "", ""),
                    Some(_) => http("500 Internal Server Error", "", ""),
                },
            };
            conn.send(answer);
        }
    });
    let client = support::once(server.url());
    let ids: Vec<String> = (1..=100).map(numbered_id).collect();
    let options = at(1).patience(std::time::Duration::ZERO);
    let (outcomes, summary, stopped) = run(&client, &ids, &options);
    assert_eq!(stopped, Some(Stopped::Unauthorized));
    assert_eq!((outcomes.len(), server.requests()), (GOOD + more, GOOD + more));
    assert_eq!(summary.not_pulled, Some((100 - GOOD - more) as u64));
}

/// While the API token is in doubt, one call at a time begins, whatever the concurrency.
#[test]
fn one_other_id_is_asked_for_at_a_time() {
    let under_way = AtomicUsize::new(0);
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let server = Server::start(move |conn, _| {
        while let Some(head) = conn.request() {
            seen.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            let first = head.contains(&numbered_id(1));
            under_way.fetch_sub(1, Ordering::SeqCst);
            // A bad request says nothing of the API token.
            conn.send(http(if first { "401 Unauthorized" } else { "400 Bad Request" }, "", ""));
        }
    });
    let first_is_told = Cell::new(false);
    let mut numbers = 1..=200;
    let ids = std::iter::from_fn(|| match numbers.start() {
        2 if !first_is_told.get() => Some(Pull::NotYet),
        _ => numbers.next().map(|number| Pull::from(numbered_id(number))),
    });
    let mut batch = support::once(server.url()).batch(ids, &at(8)).unwrap();
    for outcome in batch.by_ref() {
        first_is_told.set(first_is_told.get() || outcome.code() == Code::Unauthorized);
    }
    assert_eq!((batch.summary().total, batch.stopped()), (200, None));
    assert_eq!((server.requests(), most.load(Ordering::SeqCst)), (200, 1));
}

/// It goes last, and a 401 after it is no news. In another spelling it may be another token.
#[rstest]
fn the_own_token_is_an_other_id_too(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(3).start().unwrap();
    let ids = [MAIN_TOKEN_ID.to_owned(), "TKN-401.always-1".to_owned()];
    let options = at(concurrency).allow_own_token(true);
    let (outcomes, summary, stopped) = run(&client(&sandbox), &ids, &options);
    assert_eq!(with_code(&outcomes, Code::Unauthorized), ["TKN-401.always-1"]);
    assert_eq!((summary.total, summary.deleted, stopped), (2, 1, None));
    assert_eq!(sandbox.truth(MAIN_TOKEN_ID).status, Status::Deleted);
}

#[test]
fn a_401_after_the_own_token_was_deleted_is_expected() {
    // This server takes both spellings for the same token.
    let server = Server::start(|conn, _| {
        conn.request();
        conn.send(NO_CONTENT);
        while conn.request().is_some() {
            conn.send(http("401 Unauthorized", "WWW-Authenticate: Bearer\r\n", ""));
        }
    });
    let client = Client::builder()
        .base_url(server.url())
        .api_token("idt:TKN-1-9:not-a-real-one")
        .build()
        .unwrap();
    let ids = ["TKN-1-9", "tkn-1-9", "Tkn-1-9"].map(str::to_owned);
    let (outcomes, _, stopped) = run(&client, &ids, &at(1).allow_own_token(true));
    assert_eq!(outcomes[0].kind(), OutcomeKind::Deleted);
    assert_eq!((outcomes.len(), server.requests(), stopped), (3, 3, None));
}

/// What was refused, and what was not tried, is tried by the next run.
#[test]
fn a_journal_resumes_after_a_stop() {
    let sandbox = Sandbox::builder().numbered(100).start().unwrap();
    let ids: Vec<String> = (1..=100).map(numbered_id).collect();
    let folder = tempfile::tempdir().unwrap();
    let journaled = |secret: &str| {
        let client = client_with(&sandbox, secret);
        let journal = Journal::open(folder.path().join("run.journal"), &client).unwrap();
        run(&client, &ids, &at(8).journal(journal))
    };
    // The same token id, so that the journal is its own, with a secret that is not accepted.
    let (_, summary, stopped) = journaled(&format!("idt:{MAIN_TOKEN_ID}:abcdefghijklmnopqrst"));
    assert_eq!((summary.deleted, stopped), (0, Some(Stopped::Unauthorized)));
    let (_, summary, stopped) = journaled(&sandbox.api_token());
    assert_eq!((summary.deleted, summary.already_done, stopped), (100, 0, None));
}

#[test]
fn each_reason_has_its_word_and_its_code() {
    let sandbox = Sandbox::builder().numbered(100).start().unwrap();
    let ids: Vec<String> = (1..=100).map(numbered_id).collect();
    let told = |stopped: Option<Stopped>| {
        let stopped = stopped.unwrap();
        (stopped.reason(), stopped.code(), stopped.to_string())
    };

    let mut batch = client(&sandbox).batch(&ids, &at(1)).unwrap();
    assert_eq!((batch.stopped(), batch.summary().not_pulled), (None, Some(100)));
    batch.next().unwrap();
    assert_eq!(batch.summary().not_pulled, Some(99));
    batch.stop();
    assert!(batch.by_ref().next().is_none());
    let asked = ("asked", Code::Skipped, "the batch was stopped".to_owned());
    assert_eq!((told(batch.stopped()), batch.summary().stopped), (asked, Some("asked")));
    assert_eq!((batch.summary().total, batch.summary().not_pulled), (1, Some(99)));

    let cancel = Cancel::new();
    cancel.cancel();
    let (outcomes, summary, stopped) = run(&client(&sandbox), &ids, &at(8).cancel(&cancel));
    let cancelled = ("cancelled", Code::Cancelled, "the batch was cancelled".to_owned());
    assert_eq!((told(stopped), outcomes.len(), summary.not_pulled), (cancelled, 0, Some(100)));

    let waits = ["TKN-429~9000-1".to_owned(), "TKN-ok-1".to_owned()];
    let (_, summary, stopped) = run(&client(&sandbox), &waits, &at(1));
    let (reason, code, message) = told(stopped);
    assert_eq!((reason, code, summary.skipped), ("paused", Code::RateLimited, 1));
    assert!(message.starts_with("the API wants no calls for "), "{message}");
    assert!(message.ends_with(" (it answered 429): run again then"), "{message}");
}

/// A list that does not know its length leaves no count, and one that has come to its end does.
#[test]
fn what_was_not_pulled_is_counted_where_the_list_knows_its_length() {
    let sandbox = Sandbox::builder().numbered(100).start().unwrap();
    let client = client(&sandbox);
    let pulled = Cell::new(0);
    let ids = (1..=100).map(numbered_id).filter(|_| {
        pulled.set(pulled.get() + 1);
        true
    });
    let mut batch = client.batch(ids, &at(1)).unwrap();
    batch.next().unwrap();
    assert_eq!(batch.summary().not_pulled, None);
    batch.by_ref().for_each(drop);
    assert_eq!((batch.summary().not_pulled, pulled.get()), (Some(0), 100));

    let summary = client
        .delete_tokens((1..=100).map(numbered_id), &at(1), |_| ControlFlow::Break(()))
        .unwrap();
    assert_eq!((summary.total, summary.not_pulled, summary.stopped), (1, Some(99), Some("asked")));
}

/// What had come to its end did not stop, whatever is asked of it afterwards.
#[test]
fn a_stop_after_the_end_is_no_news() {
    let sandbox = Sandbox::builder().numbered(10).start().unwrap();
    let client = client(&sandbox);
    let mut batch = client.batch((1..=10).map(numbered_id), &at(8)).unwrap();
    batch.by_ref().for_each(drop);
    batch.stop();
    client.cancel_handle().cancel();
    assert_eq!((batch.stopped(), batch.summary().stopped), (None, None));
}
