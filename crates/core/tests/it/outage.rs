//! A batch and an API that is away for a while, or for good: what could still be known is not given up, nobody is
//! hammered meanwhile, and every outcome is true.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use mpt_tokens::{
    Batch, BatchHandle, BatchOptions, Cancel, Client, ClientBuilder, Code, Journal, Outcome,
    OutcomeKind, Pull, Stopped,
};
use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Outage, Sandbox, Status, numbered_id};
use rstest::rstest;

use crate::support;
use crate::support::raw::{Server, http};

/// A bound far above what any step here takes.
const LONG: Duration = Duration::from_secs(60);
/// Enough for a probing call or two: the first is made about a second after the beginning of an outage.
const SHORT: Duration = Duration::from_secs(2);
/// As the library documents it.
const RESERVE: usize = 100;

fn builder(sandbox: &Sandbox) -> ClientBuilder {
    Client::builder()
        .base_url(sandbox.base_url())
        .api_token(sandbox.api_token())
        .backoff(Duration::from_millis(1), Duration::from_millis(2))
        .attempts(2)
        .attempt_timeout(Duration::from_millis(200))
}

fn client(sandbox: &Sandbox) -> Client {
    builder(sandbox).build().unwrap()
}

fn at(concurrency: usize) -> BatchOptions {
    BatchOptions::new().concurrency(concurrency)
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < LONG, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn wait_for_outage(handle: &BatchHandle) {
    wait_until("the batch saw no outage", || handle.outage().is_some());
}

/// All outcomes by their ids, with `outage` from the hundredth on.
fn drain<I>(batch: &mut Batch<I>, sandbox: &Sandbox, outage: Outage) -> BTreeMap<String, Outcome>
where
    I: Iterator,
    I::Item: Into<Pull>,
{
    let mut outcomes = BTreeMap::new();
    for outcome in batch {
        let id = outcome.id().unwrap().to_owned();
        assert!(outcomes.insert(id, outcome).is_none(), "an id was reported twice");
        if outcomes.len() == 100 {
            sandbox.begin_outage(outage);
        }
    }
    outcomes
}

fn assert_true(outcome: &Outcome, sandbox: &Sandbox) {
    let dead = sandbox.truth(outcome.id().unwrap()).status == Status::Deleted;
    let is_true = match outcome.kind() {
        OutcomeKind::Deleted | OutcomeKind::Gone => dead,
        OutcomeKind::NotDeleted => !dead,
        OutcomeKind::Unknown => true,
    };
    assert!(is_true, "{}", outcome.to_json());
}

fn attempts<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> u64 {
    outcomes.into_iter().map(|outcome| outcome.attempts().len() as u64).sum()
}

#[rstest]
fn an_api_that_comes_back(
    #[values(1, 8)] concurrency: usize,
    #[values(Outage::Refused, Outage::Silent)] outage: Outage,
) {
    let sandbox = Sandbox::builder().numbered(300).start().unwrap();
    let ids = (1..=300).map(numbered_id);
    let mut batch = client(&sandbox).batch(ids, &at(concurrency)).unwrap();
    let handle = batch.handle();
    let outcomes = thread::scope(|scope| {
        scope.spawn(|| {
            wait_for_outage(&handle);
            if outage == Outage::Silent {
                // What was under way when the outage was noticed ends by itself.
                wait_until("a call does not end", || sandbox.stats().open_connections == 0);
                let before = sandbox.stats().unanswered;
                for probes in 1..=2 {
                    let came = |stats: &mpt_tokens_sandbox::Stats| {
                        assert!(stats.open_connections <= 1, "two probing calls at once");
                        stats.unanswered >= before + probes
                    };
                    assert!(sandbox.wait_for_stats(LONG, came), "no probing call came");
                    assert!(handle.outage().is_some() && handle.put_off() > 0);
                }
            }
            sandbox.end_outage();
        });
        drain(&mut batch, &sandbox, outage)
    });
    let (summary, stats) = (batch.summary(), sandbox.stats());
    assert_eq!((outcomes.len(), batch.stopped(), handle.outage()), (300, None, None));
    for (id, outcome) in &outcomes {
        assert!(outcome.is_success(), "{}", outcome.to_json());
        assert_eq!(sandbox.truth(id).status, Status::Deleted, "{id}");
    }
    assert_eq!((summary.total, summary.deleted + summary.gone), (300, 300));
    let several = outcomes.values().filter(|outcome| outcome.rounds() > 1).count() as u64;
    assert!(several >= 1 && several == summary.put_off, "{several} of {summary:?}");
    if outage == Outage::Silent {
        let asked = attempts(outcomes.values());
        assert_eq!(asked, stats.requests + stats.unanswered, "an attempt is not told");
    }
}

/// The journal finishes the job another day, on another machine: here, against another sandbox at the same address.
#[rstest]
fn an_api_that_is_gone_for_good(#[values(Outage::Refused, Outage::Silent)] outage: Outage) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let sandbox = Sandbox::builder().numbered(300).start().unwrap();
    let base_url = sandbox.base_url();
    let first = client(&sandbox);
    let journal = Journal::open(&path, &first).unwrap();
    // The token in use goes last: here, it is never tried.
    let all = || std::iter::once(MAIN_TOKEN_ID.to_owned()).chain((1..=300).map(numbered_id));
    let pulled = Cell::new(0);
    let ids = all().inspect(|_| pulled.set(pulled.get() + 1));
    let options = at(8).patience(SHORT).allow_own_token(true).journal(journal);
    let mut batch = first.batch(ids, &options).unwrap();
    let outcomes = drain(&mut batch, &sandbox, outage);
    assert_eq!(batch.stopped(), Some(Stopped::NoAnswer(SHORT)));
    let summary = batch.summary();
    assert_eq!((outcomes.len() as u64, summary.total), (pulled.get(), pulled.get()));
    assert!(pulled.get() < 300, "ids were pulled in an outage");
    for outcome in outcomes.values() {
        assert_true(outcome, &sandbox);
        assert_eq!(outcome.code() == Code::Skipped, outcome.attempts().is_empty());
    }
    let skipped = &outcomes[MAIN_TOKEN_ID];
    assert_eq!((skipped.kind(), skipped.code()), (OutcomeKind::NotDeleted, Code::Skipped));
    assert_eq!(
        skipped.message(),
        format!(
            "the batch was stopped, since the API gave no conclusive answer for 2 s, and the token \
             `{MAIN_TOKEN_ID}` was not tried: run again when it answers"
        )
    );
    drop(batch);
    drop((options, first));

    let port = sandbox.port();
    drop(sandbox);
    let sandbox = Sandbox::builder().port(port).numbered(300).start().unwrap();
    assert_eq!(sandbox.base_url(), base_url);
    let second = client(&sandbox);
    let journal = Journal::open(&path, &second).unwrap();
    let options = at(8).allow_own_token(true).journal(journal);
    let mut batch = second.batch(all(), &options).unwrap();
    assert!(batch.by_ref().all(|outcome| outcome.is_success()));
    let done = summary.deleted + summary.gone;
    assert_eq!((batch.summary().already_done, batch.summary().total), (done, 301 - done));
    for id in all() {
        let was_done = outcomes.get(&id).is_some_and(Outcome::is_success);
        let truth = sandbox.truth(&id);
        // The second sandbox knows nothing of the first: what was done there must not be asked for again.
        assert_eq!((truth.status == Status::Deleted, truth.requests == 0), (!was_done, was_done));
    }
}

/// The default patience is ten minutes: whoever does not end the wait at once does not end before the test is ended.
#[rstest]
fn a_wait_ends_when_it_is_told_to(
    #[values(1, 8)] concurrency: usize,
    #[values(Outage::Refused, Outage::Silent)] outage: Outage,
    #[values(Stopped::Cancelled, Stopped::Asked)] how: Stopped,
) {
    let sandbox = Sandbox::builder().numbered(300).start().unwrap();
    let cancel = Cancel::new();
    let pulled = Cell::new(0);
    let ids = (1..=300).map(|n| {
        pulled.set(n);
        numbered_id(n)
    });
    let options = at(concurrency).cancel(&cancel);
    let mut batch = client(&sandbox).batch(ids, &options).unwrap();
    let handle = batch.handle();
    let outcomes = thread::scope(|scope| {
        scope.spawn(|| {
            wait_for_outage(&handle);
            if how == Stopped::Cancelled { cancel.cancel() } else { handle.stop() }
        });
        drain(&mut batch, &sandbox, outage)
    });
    assert_eq!(batch.stopped(), Some(how));
    assert_eq!(outcomes.len() as u64, pulled.get(), "what was pulled is reported");
    assert!(pulled.get() < 300, "ids were pulled in an outage");
    outcomes.values().for_each(|outcome| assert_true(outcome, &sandbox));
    let put_off = outcomes.values().filter(|outcome| !outcome.is_success());
    for outcome in put_off {
        let codes = [Code::ConnectFailed, Code::ConnectionLost, Code::Timeout, Code::Cancelled];
        let is_tried = codes.contains(&outcome.code());
        assert!(is_tried || outcome.code() == Code::Skipped, "{}", outcome.to_json());
        // A call may be cancelled before its first attempt.
        if outcome.code() != Code::Cancelled {
            assert_eq!(is_tried, !outcome.attempts().is_empty(), "{}", outcome.to_json());
        }
    }
}

/// Requests are bounded by what finds an outage out, whatever the list and the concurrency are.
#[test]
fn a_server_that_answers_only_503_is_not_hammered() {
    const AT_ONCE: usize = 64;
    let server = Server::start(|conn, _| conn.answer_all(http("503 Service Unavailable", "", "")));
    let client = support::builder(server.url()).build().unwrap();
    let ids = (1..=10_000).map(numbered_id);
    let mut batch = client.batch(ids, &at(AT_ONCE).patience(SHORT)).unwrap();
    let outcomes: Vec<Outcome> = batch.by_ref().collect();
    assert_eq!(batch.stopped(), Some(Stopped::NoAnswer(SHORT)));
    let requests = server.requests();
    // The pauses are three quarters at least of 1 s, 2 s, 4 s: no more fit into the patience.
    let probes = 2;
    // Each has all the attempts that a call has by default.
    let probing = probes * 4;
    // Twice the concurrency in a row, what is under way then, and one call more for each retry of the reserve.
    let most = 2 * AT_ONCE + AT_ONCE + RESERVE + probing;
    assert!((2 * AT_ONCE..=most).contains(&requests), "{requests} requests");
    assert_eq!(attempts(&outcomes), requests as u64);
    assert!(outcomes.len() <= most, "{} ids were pulled in an outage", outcomes.len());
    for outcome in &outcomes {
        let expected = match outcome.attempts().len() {
            0 => (OutcomeKind::NotDeleted, Code::Skipped),
            _ => (OutcomeKind::Unknown, Code::ServerError),
        };
        assert_eq!((outcome.kind(), outcome.code()), expected, "{}", outcome.to_json());
    }
}

/// Tokens that each fail twice look like an outage once no retries are left in reserve. The probing calls see that it is
/// none, since they have retries of their own.
#[test]
fn tokens_that_each_fail_twice_are_all_deleted() {
    let sandbox = Sandbox::start().unwrap();
    let ids = (0..8).map(|n| format!("TKN-503.503-{n}"));
    let client = builder(&sandbox).attempts(3).retry_reserve(0).build().unwrap();
    let mut batch = client.batch(ids, &at(1).patience(LONG)).unwrap();
    let outcomes: Vec<Outcome> = batch.by_ref().collect();
    assert_eq!((batch.stopped(), outcomes.len()), (None, 8));
    for outcome in &outcomes {
        assert!(outcome.is_success(), "{}", outcome.to_json());
    }
}

/// Fewer than five failures in a row are no outage, and do not hold up the list, not even one call at a time.
#[rstest]
#[case::at_the_beginning(&[0])]
#[case::four_in_a_row(&[0, 0, 0, 0])]
#[case::here_and_there(&[3, 30, 90, 99])]
fn poison_does_not_keep_others_from_being_deleted(#[case] places: &[usize]) {
    let sandbox =
        Sandbox::builder().numbered(100).delay(Duration::from_millis(10)).start().unwrap();
    let mut ids: Vec<String> = (1..=100).map(numbered_id).collect();
    for (n, place) in places.iter().enumerate() {
        ids.insert(*place, format!("TKN-500.always-{n}"));
    }
    let patience = Duration::from_secs(3);
    let client = builder(&sandbox).attempt_timeout(LONG).build().unwrap();
    let mut batch = client.batch(&ids, &at(1).patience(patience)).unwrap();
    let outcomes: Vec<Outcome> = batch.by_ref().collect();
    assert_eq!((outcomes.len(), batch.summary().deleted), (ids.len(), 100));
    assert_eq!(batch.stopped(), Some(Stopped::NoAnswer(patience)));
    // Good tokens come first, since those that are put off are reported once there is no hope.
    let (good, poison) = outcomes.split_at(100);
    assert!(good.iter().all(|outcome| outcome.kind() == OutcomeKind::Deleted));
    for outcome in poison {
        assert_eq!((outcome.kind(), outcome.code()), (OutcomeKind::Unknown, Code::ServerError));
        assert!(outcome.rounds() > 1, "{}", outcome.to_json());
        assert_eq!(sandbox.truth(outcome.id().unwrap()).status, Status::Active);
    }
}

/// Each of two says what its own calls did: no token is deleted by both, and none by neither.
#[rstest]
fn two_batches_on_one_list(#[values(0.0, 0.3)] fault_rate: f64, #[values(false, true)] ok: bool) {
    let sandbox = Sandbox::builder().numbered(300).fault_rate(fault_rate).start().unwrap();
    let run = || {
        let options = at(8).missing_ok(ok);
        let mut batch = client(&sandbox).batch((1..=300).map(numbered_id), &options).unwrap();
        let outcomes: BTreeMap<String, Outcome> = batch
            .by_ref()
            .inspect(|outcome| {
                // What is not deleted by this call may be so by the other's.
                let id = outcome.id().unwrap();
                let is_dead = sandbox.truth(id).status == Status::Deleted;
                assert!(is_dead, "a settled token is alive: {}", outcome.to_json());
            })
            .map(|outcome| (outcome.id().unwrap().to_owned(), outcome))
            .collect();
        assert_eq!((batch.stopped(), batch.summary().total), (None, 300));
        outcomes
    };
    let (one, other) = thread::scope(|scope| {
        let one = scope.spawn(run);
        let other = run();
        (one.join().unwrap(), other)
    });
    for (id, one) in &one {
        let kinds = [one, &other[id]].map(Outcome::kind);
        let told: BTreeSet<&str> = kinds.iter().map(|kind| kind.name()).collect();
        assert_ne!(kinds, [OutcomeKind::Deleted; 2], "{id} was deleted twice");
        assert!(!told.contains("unknown"), "{id}: {told:?}");
        // One of the calls has deleted it, and its answer was 204 or was lost.
        assert!(told.contains("deleted") || told.contains("gone"), "{id}: {told:?}");
        assert!(!(ok && told.contains("not_deleted")), "{id}: {told:?}");
        for outcome in [one, &other[id]].iter().filter(|it| it.kind() == OutcomeKind::NotDeleted) {
            assert_eq!(outcome.code(), Code::NotFound, "{}", outcome.to_json());
        }
    }
}

/// Ids that come one after the other, and how often somebody looked how many are left: a batch does each time before it
/// waits.
struct Looked<'a>(&'a Cell<u64>, Box<dyn Iterator<Item = String>>);

impl Iterator for Looked<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.1.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.set(self.0.get() + 1);
        self.1.size_hint()
    }
}

/// After the end of patience it waits for what is under way, and does nothing else.
#[test]
fn a_batch_does_not_turn_in_circles_while_a_call_hangs() {
    let sandbox = Sandbox::start().unwrap();
    let looked = Cell::new(0);
    let hangs = "TKN-answersilent-0000".to_owned();
    let ids = std::iter::once(hangs).chain((0..1000).map(|n| format!("TKN-503.always-{n}")));
    let client = builder(&sandbox).attempts(1).attempt_timeout(2 * SHORT).build().unwrap();
    let mut batch = client.batch(Looked(&looked, Box::new(ids)), &at(2).patience(SHORT)).unwrap();
    let outcomes = batch.by_ref().count();
    assert_eq!(batch.stopped(), Some(Stopped::NoAnswer(SHORT)));
    assert!(looked.get() < 50 + 10 * outcomes as u64, "{} of {outcomes}", looked.get());
}
