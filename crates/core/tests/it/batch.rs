//! Many tokens at once, against the sandbox: every id pulled has one report, and every report is true.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use mpt_tokens::{
    ApiToken, BatchItem, BatchOptions, BatchSummary, Cancel, Client, ClientBuilder, Code, Outcome,
    OutcomeKind, Pull,
};
use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox, Status, numbered_id};
use rstest::rstest;

use crate::support;
use crate::support::raw::{NO_CONTENT, Server, http};

/// A bound far above what any step here takes.
const LONG: Duration = Duration::from_secs(30);

fn builder(sandbox: &Sandbox) -> ClientBuilder {
    Client::builder().base_url(sandbox.base_url()).api_token(sandbox.api_token())
}

fn client(sandbox: &Sandbox) -> Client {
    builder(sandbox).build().unwrap()
}

fn at(concurrency: usize) -> BatchOptions {
    BatchOptions::new().concurrency(concurrency)
}

fn by_id(outcomes: Vec<Outcome>) -> BTreeMap<String, Outcome> {
    let count = outcomes.len();
    let map: BTreeMap<_, _> =
        outcomes.into_iter().map(|outcome| (outcome.id().unwrap().to_owned(), outcome)).collect();
    assert_eq!(map.len(), count, "an id was reported twice");
    map
}

#[rstest]
fn every_token_of_a_list_is_deleted_once(#[values(1, 2, 8, 64, 256)] concurrency: usize) {
    let count = support::size(2_000);
    let sandbox = Sandbox::builder().numbered(count).start().unwrap();
    let ids = (1..=count).map(numbered_id);
    let batch = client(&sandbox).batch(ids, &at(concurrency)).unwrap();
    let outcomes = by_id(batch.collect());
    assert_eq!(outcomes.len() as u64, count);
    for (id, outcome) in outcomes {
        assert_eq!((outcome.kind(), outcome.code()), (OutcomeKind::Deleted, Code::Ok), "{id}");
        assert_eq!(sandbox.truth(&id).status, Status::Deleted, "{id}");
    }
    let stats = sandbox.stats();
    assert_eq!((stats.requests, stats.deleted), (count, count));
    assert!(stats.connections <= concurrency as u64, "{} connections", stats.connections);
}

#[rstest]
fn every_outcome_of_a_list_is_its_own(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::start().unwrap();
    let ids = [
        "TKN-ok-1",
        "TKN-answerlost-1",
        "TKN-404-1",
        "TKN-ok-1",
        "TKN-403-1",
        "TKN-answer502.403.always-1",
        "..",
        "",
        MAIN_TOKEN_ID,
        "TKN-404-1",
    ];
    let batch = client(&sandbox).batch(ids, &at(concurrency)).unwrap();
    let (outcomes, summary) = drain(batch);
    let expected = [
        ("", OutcomeKind::NotDeleted, Code::InvalidTokenId),
        ("..", OutcomeKind::NotDeleted, Code::InvalidTokenId),
        (MAIN_TOKEN_ID, OutcomeKind::NotDeleted, Code::OwnToken),
        ("TKN-403-1", OutcomeKind::NotDeleted, Code::Forbidden),
        ("TKN-404-1", OutcomeKind::NotDeleted, Code::NotFound),
        ("TKN-answer502.403.always-1", OutcomeKind::Unknown, Code::Forbidden),
        ("TKN-answerlost-1", OutcomeKind::Gone, Code::Ok),
        ("TKN-ok-1", OutcomeKind::Deleted, Code::Ok),
    ];
    let found: Vec<_> = outcomes
        .iter()
        .map(|(id, outcome)| (id.as_str(), outcome.kind(), outcome.code()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!((summary.deleted, summary.gone, summary.not_deleted, summary.unknown), (1, 1, 5, 1));
    assert_eq!((summary.total, summary.duplicates, summary.skipped), (8, 2, 0));
    assert_eq!(sandbox.truth("TKN-404-1").requests, 1, "a duplicate was asked again");
}

fn drain<I>(mut batch: mpt_tokens::Batch<I>) -> (BTreeMap<String, Outcome>, BatchSummary)
where
    I: Iterator,
    I::Item: Into<Pull>,
{
    let outcomes = by_id(batch.by_ref().collect());
    (outcomes, batch.summary())
}

#[rstest]
fn ids_are_pulled_as_needed(#[values(1, 4, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(1_000).start().unwrap();
    let pulled = Cell::new(0);
    let ids = (1..=1_000).map(|n| {
        pulled.set(n);
        numbered_id(n)
    });
    let mut batch = client(&sandbox).batch(ids, &at(concurrency)).unwrap();
    assert_eq!(pulled.get(), 0, "an id was pulled before a report was wanted");
    for returned in 1..=100 {
        batch.next().unwrap();
        let ahead = pulled.get() - returned;
        assert!(ahead <= 2 * concurrency as u64, "{ahead} ids ahead of the reports");
    }
    batch.stop();
    let at_stop = pulled.get();
    let rest = batch.by_ref().count() as u64;
    assert_eq!(pulled.get(), at_stop, "an id was pulled after the stop");
    assert_eq!(100 + rest, at_stop, "an id was pulled and not reported");
    assert_eq!(batch.summary().total, at_stop);
    drop(batch);
    let deleted = (1..=1_000)
        .filter(|n| sandbox.truth(&numbered_id(*n)).status == Status::Deleted)
        .count() as u64;
    assert!((100..=at_stop).contains(&deleted));
}

#[test]
fn a_callback_that_breaks_is_told_of_all_that_was_pulled() {
    let sandbox = Sandbox::builder().numbered(1_000).start().unwrap();
    let caller = std::thread::current().id();
    let pulled = Cell::new(0);
    let ids = (1..=1_000).map(|n| {
        pulled.set(n);
        numbered_id(n)
    });
    let mut told = Vec::new();
    let summary = client(&sandbox)
        .delete_tokens(ids, &at(8), |outcome| {
            assert_eq!(std::thread::current().id(), caller);
            told.push(outcome);
            if told.len() < 20 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
    assert_eq!(told.len() as u64, pulled.get());
    assert_eq!(summary.total, pulled.get());
    assert!(pulled.get() < 1_000);
    assert_eq!(summary.deleted, sandbox.stats().deleted);
    assert_eq!(summary.deleted + summary.skipped, summary.total);
    for outcome in told {
        let dead = sandbox.truth(outcome.id().unwrap()).status == Status::Deleted;
        assert_eq!(outcome.is_success(), dead, "{}", outcome.message());
    }
}

#[test]
fn dropping_a_batch_waits_for_what_is_under_way() {
    let sandbox =
        Sandbox::builder().numbered(100).delay(Duration::from_millis(100)).start().unwrap();
    let mut batch = client(&sandbox).batch((1..=100).map(numbered_id), &at(8)).unwrap();
    batch.next().unwrap();
    drop(batch);
    let stats = sandbox.stats();
    assert_eq!(stats.requests, stats.deleted);
    assert!(stats.requests < 100, "dropping did not stop");
}

#[rstest]
fn stopping_lets_the_calls_under_way_finish(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().delay(Duration::from_millis(100)).start().unwrap();
    let ids = (1..=100).map(|n| format!("TKN-ok-{n}"));
    // A handle that asks is heeded in another way than one that does not.
    let asks = Cancel::polling(Duration::from_millis(10), || false);
    let mut batch = client(&sandbox).batch(ids, &at(concurrency).cancel(&asks)).unwrap();
    assert_eq!(batch.next().unwrap().kind(), OutcomeKind::Deleted);
    batch.stop();
    for outcome in batch {
        let truth = sandbox.truth(outcome.id().unwrap());
        let (status, code) = (truth.status, outcome.code());
        let finished = (Status::Deleted, Code::Ok);
        assert!((status, code) == finished || (truth.requests, code) == (0, Code::Skipped));
    }
}

#[rstest]
fn the_own_token_goes_last(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(300).start().unwrap();
    let ids = std::iter::once(MAIN_TOKEN_ID.to_owned())
        .chain((1..=300).map(numbered_id))
        .chain([MAIN_TOKEN_ID.to_owned()]);
    let options = at(concurrency).allow_own_token(true);
    let mut batch = client(&sandbox).batch(ids, &options).unwrap();
    let outcomes: Vec<Outcome> = batch.by_ref().collect();
    assert!(outcomes.iter().all(Outcome::is_success));
    assert_eq!(outcomes.last().unwrap().id(), Some(MAIN_TOKEN_ID));
    assert_eq!((batch.summary().total, batch.summary().duplicates), (301, 1));
    assert_eq!(sandbox.truth(MAIN_TOKEN_ID).status, Status::Deleted);
}

/// What may be the own token in another spelling is told as well, and goes while the own one still works.
#[rstest]
fn the_own_token_in_two_spellings(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(30).start().unwrap();
    let other = MAIN_TOKEN_ID.to_lowercase();
    let ids: Vec<String> = [MAIN_TOKEN_ID.to_owned(), other.clone()]
        .into_iter()
        .chain((1..=30).map(numbered_id))
        .collect();
    let options = at(concurrency).allow_own_token(true);
    let planned = client(&sandbox).dry_run(&ids, &options).unwrap();
    let planned: Vec<_> = planned.map(|outcome| outcome.id().unwrap().to_owned()).collect();
    let outcomes: Vec<Outcome> = client(&sandbox).batch(&ids, &options).unwrap().collect();
    let told: Vec<_> = outcomes.iter().map(|outcome| outcome.id().unwrap()).collect();
    assert_eq!((planned.len(), told.len()), (32, 32));
    assert_eq!(planned[30..], [other.clone(), MAIN_TOKEN_ID.to_owned()]);
    assert_eq!(told[30..], [other.as_str(), MAIN_TOKEN_ID]);
    assert_eq!(outcomes[30].code(), Code::NotFound);
    assert_eq!(outcomes[31].kind(), OutcomeKind::Deleted);
}

#[test]
fn a_stopped_batch_leaves_the_own_token_alone() {
    let sandbox = Sandbox::builder().numbered(10).start().unwrap();
    let ids = std::iter::once(MAIN_TOKEN_ID.to_owned()).chain((1..=10).map(numbered_id));
    let batch = client(&sandbox).batch(ids, &at(1).allow_own_token(true)).unwrap();
    let mut outcomes = Vec::new();
    for outcome in batch.take(3) {
        outcomes.push(outcome);
    }
    assert_eq!(sandbox.truth(MAIN_TOKEN_ID).requests, 0);
    let ids = std::iter::once(MAIN_TOKEN_ID.to_owned()).chain((4..=10).map(numbered_id));
    let mut batch = client(&sandbox).batch(ids, &at(1).allow_own_token(true)).unwrap();
    batch.next().unwrap();
    batch.stop();
    let own = batch.find(|outcome| outcome.id() == Some(MAIN_TOKEN_ID)).unwrap();
    assert_eq!(own.code(), Code::Skipped);
}

#[rstest]
#[case::of_the_client(false, 1)]
#[case::of_the_client_many(false, 8)]
#[case::of_the_batch(true, 1)]
#[case::of_the_batch_many(true, 8)]
fn cancelling_reports_every_id_pulled(#[case] of_the_batch: bool, #[case] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(20).start().unwrap();
    let cancel = Cancel::new();
    let (client, options) = if of_the_batch {
        (client(&sandbox), at(concurrency).cancel(&cancel))
    } else {
        (builder(&sandbox).cancel(cancel.clone()).build().unwrap(), at(concurrency))
    };
    let pulled = Cell::new(0);
    let ids = (0..1_000).map(|n| {
        pulled.set(n + 1);
        format!("TKN-requestsilent.always-{n}")
    });
    let outcomes = std::thread::scope(|scope| {
        let sandbox = &sandbox;
        scope.spawn(move || {
            assert!(sandbox.wait_for_requests("TKN-requestsilent.always-0", 1, LONG));
            cancel.cancel();
        });
        by_id(client.batch(ids, &options).unwrap().collect())
    });
    assert_eq!(outcomes.len(), pulled.get());
    for (id, outcome) in &outcomes {
        let asked = sandbox.truth(id).requests > 0;
        match outcome.code() {
            Code::Cancelled if asked => assert_eq!(outcome.kind(), OutcomeKind::Unknown),
            Code::Cancelled | Code::Skipped => {
                assert!(!asked || outcome.kind() == OutcomeKind::Unknown)
            }
            other => panic!("{id}: {other}"),
        }
    }
    assert_eq!(outcomes["TKN-requestsilent.always-0"].kind(), OutcomeKind::Unknown);
}

/// A handle that asks must ask on the thread that called, whatever the workers do.
#[rstest]
fn a_cancel_handle_that_asks_is_asked_on_the_calling_thread(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(20).start().unwrap();
    let caller = std::thread::current().id();
    let (send, asked) = std::sync::mpsc::channel();
    let cancel = Cancel::polling(Duration::from_millis(10), move || {
        send.send(std::thread::current().id()).unwrap();
        true
    });
    let ids = (0..4).map(|n| format!("TKN-requestsilent.always-{n}"));
    let options = at(concurrency).cancel(&cancel);
    let outcomes: Vec<Outcome> = client(&sandbox).batch(ids, &options).unwrap().collect();
    assert!(outcomes.iter().any(|outcome| outcome.code() == Code::Cancelled));
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome.code(), Code::Cancelled | Code::Skipped))
    );
    let threads: HashSet<_> = asked.try_iter().collect();
    assert_eq!(threads, HashSet::from([caller]));
}

#[test]
fn an_id_asked_before_is_gone_when_it_is_missing_and_unknown_when_it_is_skipped() {
    let sandbox = Sandbox::start().unwrap();
    let before = |id: &str| {
        let mut item = BatchItem::from(id);
        item.after_lost_answer = true;
        item
    };
    let ids = [before("TKN-0000-0009"), before("TKN-ok-1"), before("TKN-403-1")];
    let (outcomes, _) = drain(client(&sandbox).batch(ids, &at(2)).unwrap());
    assert_eq!(outcomes["TKN-0000-0009"].kind(), OutcomeKind::Gone);
    assert_eq!(outcomes["TKN-ok-1"].kind(), OutcomeKind::Deleted);
    assert_eq!(outcomes["TKN-403-1"].kind(), OutcomeKind::Unknown);

    let ids = ["TKN-401-1"]
        .map(BatchItem::from)
        .into_iter()
        .chain((0..3).map(|n| before(&n.to_string())));
    let mut batch = client(&sandbox).batch(ids, &at(2)).unwrap();
    for outcome in batch.by_ref().filter(|outcome| outcome.code() == Code::Skipped) {
        assert_eq!(outcome.kind(), OutcomeKind::Unknown);
    }
}

#[rstest]
#[case(0)]
#[case(257)]
fn a_concurrency_out_of_range_is_refused(#[case] concurrency: usize) {
    let sandbox = Sandbox::start().unwrap();
    let error = client(&sandbox).batch(["a"], &at(concurrency)).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert_eq!(error.message(), format!("the concurrency is {concurrency}: expected 1 to 256"));
}

#[test]
fn nothing_comes_of_no_ids() {
    let sandbox = Sandbox::start().unwrap();
    let (outcomes, summary) = drain(client(&sandbox).batch(Vec::<String>::new(), &at(8)).unwrap());
    assert!(outcomes.is_empty());
    let mut none = BatchSummary::default();
    none.not_pulled = Some(0);
    assert_eq!(summary, none);
}

#[test]
fn options_of_a_batch_stand_before_those_of_its_client() {
    let sandbox = Sandbox::start().unwrap();
    let client = builder(&sandbox).missing_ok(true).build().unwrap();
    let options = at(2).missing_ok(false);
    let (outcomes, _) = drain(client.batch(["TKN-0000-0008"], &options).unwrap());
    assert_eq!(outcomes["TKN-0000-0008"].code(), Code::NotFound);
    let (outcomes, _) = drain(client.batch(["TKN-0000-0008"], &at(2)).unwrap());
    assert_eq!(outcomes["TKN-0000-0008"].kind(), OutcomeKind::Gone);
}

/// An iterator that has nothing yet must not hold back what is ready.
#[rstest]
fn reports_come_while_the_ids_are_still_to_come(#[values(1, 2, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(3).start().unwrap();
    let reported = Cell::new(0);
    let mut given = 0;
    let ids = std::iter::from_fn(|| match given {
        3 if reported.get() == 3 => None,
        given_before if given_before > reported.get() => Some(Pull::NotYet),
        _ => {
            given += 1;
            Some(Pull::from(numbered_id(given)))
        }
    });
    for outcome in client(&sandbox).batch(ids, &at(concurrency)).unwrap() {
        assert!(outcome.is_success());
        reported.set(reported.get() + 1);
    }
    assert_eq!(reported.get(), 3);
}

#[rstest]
fn a_list_of_leaked_values_is_deleted_and_proven(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(50).start().unwrap();
    let item = |id: String, value: Option<String>| {
        let mut item = BatchItem::from(id);
        item.value = value.map(|value| ApiToken::new(value).unwrap());
        item
    };
    let ids =
        (1..=50).map(numbered_id).map(|id| item(id.clone(), Some(sandbox.value_of(&id)))).chain([
            item("TKN-ok-1".to_owned(), None),
            item("TKN-ok-2".to_owned(), Some(sandbox.value_of("TKN-ok-3"))),
            item("TKN-403-1".to_owned(), Some(sandbox.value_of("TKN-403-1"))),
            item(MAIN_TOKEN_ID.to_owned(), None),
        ]);
    let options = at(concurrency).prove(true).allow_own_token(true);
    let (outcomes, summary) = drain(client(&sandbox).batch(ids, &options).unwrap());
    assert_eq!((summary.total, summary.deleted), (54, 53));
    for n in 1..=50 {
        assert!(outcomes[&numbered_id(n)].proof().unwrap().is_proven());
    }
    assert!(outcomes[MAIN_TOKEN_ID].proof().unwrap().is_proven(), "the own value is at hand");
    assert_eq!(outcomes["TKN-ok-1"].proof(), None);
    assert_eq!(outcomes["TKN-403-1"].proof(), None, "what is not deleted was proven");
    let other = outcomes["TKN-ok-2"].proof().unwrap();
    assert!(!other.is_proven());
    assert_eq!(
        other.to_string(),
        "it is not proven that the token `TKN-ok-2` is dead: the value given for the token `TKN-ok-2` is not its own"
    );
    assert_eq!(sandbox.truth("TKN-ok-3").status, Status::Active);
    assert!(outcomes.values().all(|outcome| !outcome.to_json().contains("sandbox-secret")));
}

/// A request for proof is a call, too: it does not leave while the server wants none.
#[test]
fn no_proof_is_asked_for_in_a_long_pause() {
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let server = Server::start(move |conn, _| {
        while let Some(head) = conn.request() {
            if head.contains("TKN-2-2") {
                conn.send(http("429 Too Many Requests", "Retry-After: 9000\r\n", "{}"));
            } else if wait.lock().unwrap().recv().is_ok() {
                conn.send(NO_CONTENT);
            } else {
                conn.send(http("401 Unauthorized", "", "{}"));
            }
        }
    });
    let mut leaked = BatchItem::from("TKN-1-1");
    leaked.value = Some(ApiToken::new("idt:TKN-1-1:leaked-leaked").unwrap());
    let client = support::builder(server.url()).build().unwrap();
    let mut batch = client.batch([leaked, BatchItem::from("TKN-2-2")], &at(2).prove(true)).unwrap();
    assert_eq!(batch.next().unwrap().code(), Code::RateLimited);
    go.send(()).unwrap();
    drop(go);
    let outcome = batch.next().unwrap();
    assert_eq!(outcome.kind(), OutcomeKind::Deleted);
    let proof = outcome.proof().unwrap();
    assert!(!proof.is_proven());
    assert!(proof.to_string().contains("the API wants no calls for "), "{proof}");
    assert_eq!(server.requests(), 2);
}
