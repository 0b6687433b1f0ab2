//! Burning: a value deletes its own token, and a 401 to it proves that it is dead.

use std::collections::BTreeMap;
use std::time::Duration;

use mpt_tokens::{
    ApiToken, BatchItem, BatchOptions, Client, Code, DeleteOptions, Journal, Outcome, OutcomeKind,
    ProofBasis,
};
use mpt_tokens_sandbox::{Sandbox, Status, numbered_id};
use rstest::rstest;

use crate::support::raw::{NO_CONTENT, Server, http, not_found};
use crate::support::{builder, checked};

/// The value in the tests below.
const VALUE: &str = "idt:TKN-1671-0642:leaked-leaked";

fn client(base_url: impl Into<String>) -> Client {
    builder(base_url).burn_only(true).build().unwrap()
}

fn value(sandbox: &Sandbox, id: &str) -> ApiToken {
    ApiToken::new(sandbox.value_of(id)).unwrap()
}

fn leaked() -> ApiToken {
    ApiToken::new(VALUE).unwrap()
}

/// A server that gives these answers in turn, and expects each to be to the value.
fn server(words: &[&str]) -> Server {
    let challenge = "WWW-Authenticate: Bearer\r\n";
    let json = "Content-Type: application/json\r\n";
    let answer = |word: &&str| match *word {
        "204" => NO_CONTENT.to_owned(),
        "401" => http("401 Unauthorized", challenge, ""),
        "401html" => http("401 Unauthorized", "", "<html>Log in</html>"),
        "403" => http("403 Forbidden", json, r#"{"title":"Forbidden","status":403}"#),
        "403html" => http("403 Forbidden", "", "<html>Blocked</html>"),
        "404" => not_found(),
        "410" => http("410 Gone", json, r#"{"title":"Gone","status":410}"#),
        "429" => http("429 Too Many Requests", json, r#"{"title":"Too many","status":429}"#),
        "lost" => String::new(),
        _ => panic!("{word}"),
    };
    let answers: Vec<String> = words.iter().map(answer).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |conn, _| {
        while let Some(head) = conn.request() {
            assert!(head.starts_with("DELETE /public/v1/accounts/api-tokens/TKN-1671-0642 "));
            assert!(head.contains(VALUE), "another credential");
            let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            match answers.get(number).map(String::as_str) {
                None => panic!("one request more than expected"),
                Some("") => return,
                Some(answer) => drop(conn.send(answer)),
            }
        }
    })
}

fn burn(words: &[&str]) -> Outcome {
    let server = server(words);
    let outcome: Outcome = client(server.url()).burn(&leaked()).into();
    assert_eq!(server.requests(), words.len(), "{outcome:?}");
    for shown in [format!("{outcome:?}"), outcome.to_json(), outcome.message().to_owned()] {
        assert!(!shown.contains("leaked-leaked"), "{shown}");
    }
    checked(outcome)
}

#[test]
fn a_value_deletes_itself_and_is_proven_dead() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).record(9).start().unwrap();
    let burnt = client(sandbox.base_url()).burn(&value(&sandbox, "TKN-1-1")).unwrap();
    assert_eq!((burnt.kind(), burnt.id()), (OutcomeKind::Deleted, Some("TKN-1-1")));
    let proof = burnt.proof().unwrap();
    assert_eq!(proof.basis(), Some(ProofBasis::AcceptedBefore));
    assert_eq!(sandbox.truth("TKN-1-1").status, Status::Deleted);
    let recorded = sandbox.recorded();
    assert_eq!(recorded.len(), 2);
    for request in &recorded {
        let credential = request.header("authorization").unwrap();
        assert_eq!(credential, "Bearer idt:TKN-1-1:sandbox-secret");
    }
    let trace = |number: usize| &recorded[number].header("traceparent").unwrap()[..35];
    assert_eq!(trace(0), trace(1));
    assert_eq!(sandbox.stats().connections, 1);
}

/// Every way that a burn can end, and how far it is proven.
#[rstest]
#[case::deleted(&["204", "401"], OutcomeKind::Deleted, Code::Ok, Some(ProofBasis::AcceptedBefore))]
#[case::proof_after_a_lost_answer(&["204", "lost", "401"], OutcomeKind::Deleted, Code::Ok, Some(ProofBasis::AcceptedBefore))]
#[case::lost_then_dead(&["lost", "401"], OutcomeKind::Gone, Code::Ok, Some(ProofBasis::LostAnswer))]
#[case::limited_then_deleted(&["429", "204", "401"], OutcomeKind::Deleted, Code::Ok, Some(ProofBasis::AcceptedBefore))]
#[case::a_gateways_proof(&["204", "401html"], OutcomeKind::Deleted, Code::Ok, None)]
#[case::still_works(&["204", "404"], OutcomeKind::Deleted, Code::Ok, None)]
#[case::dead_already(&["401"], OutcomeKind::NotDeleted, Code::DeadValue, None)]
#[case::dead_already_after_a_limit(&["429", "401"], OutcomeKind::NotDeleted, Code::DeadValue, None)]
#[case::a_gateway(&["401html"], OutcomeKind::NotDeleted, Code::Unauthorized, None)]
#[case::lost_then_a_gateway(&["lost", "401html"], OutcomeKind::Unknown, Code::Unauthorized, None)]
#[case::may_not(&["403"], OutcomeKind::NotDeleted, Code::Forbidden, None)]
#[case::lost_then_may_not(&["lost", "403"], OutcomeKind::Unknown, Code::Forbidden, None)]
#[case::another_id(&["404"], OutcomeKind::NotDeleted, Code::NotFound, None)]
#[case::lost_then_another_id(&["lost", "404"], OutcomeKind::Unknown, Code::NotFound, None)]
#[case::gone_for_good(&["410"], OutcomeKind::NotDeleted, Code::UnexpectedResponse, None)]
fn a_burn_tells_what_is_true(
    #[case] answers: &[&str],
    #[case] kind: OutcomeKind,
    #[case] code: Code,
    #[case] basis: Option<ProofBasis>,
) {
    let outcome = burn(answers);
    assert_eq!((outcome.kind(), outcome.code()), (kind, code), "{outcome:?}");
    assert_eq!(outcome.proof().is_some(), kind.is_success());
    assert_eq!(outcome.proof().and_then(mpt_tokens::Proof::basis), basis, "{outcome:?}");
}

/// What is alive is said to be, and nothing that may be alive is said to be dead.
#[rstest]
#[case(&["401"], "is dead already, or never was one")]
#[case(&["401html"], "was not deleted, and may be alive")]
#[case(&["403"], "is alive: its value authenticates, and may not delete it")]
#[case(&["403html"], "was not deleted, and may be alive")]
#[case(&["404"], "is alive: it authenticates")]
#[case(&["410"], "is alive: it authenticates")]
#[case(&["lost", "403"], "the value still authenticates")]
#[case(&["lost", "404"], "the value still authenticates")]
fn a_burn_says_what_is_alive(#[case] answers: &[&str], #[case] said: &str) {
    let outcome = burn(answers);
    assert!(outcome.message().contains(said), "{}", outcome.message());
    let dead = answers == ["401"];
    assert_eq!(outcome.message().contains("dead"), dead, "{}", outcome.message());
    assert_eq!(outcome.retryable(), outcome.kind() == OutcomeKind::Unknown);
}

#[test]
fn an_earlier_burn_that_lost_its_answer_is_believed() {
    let server = server(&["401"]);
    let options = DeleteOptions::new().after_lost_answer(true);
    let burnt = client(server.url()).burn_with(&leaked(), &options).unwrap();
    assert_eq!(burnt.kind(), OutcomeKind::Gone);
    assert_eq!(burnt.proof().unwrap().basis(), Some(ProofBasis::LostAnswer));
}

/// Burning needs no API token, does not use the one there is, and may burn that, too.
#[test]
fn the_own_token_may_be_burnt() {
    let sandbox = Sandbox::start().unwrap();
    let own = sandbox.api_token();
    let client = builder(sandbox.base_url()).api_token(&own).build().unwrap();
    let burnt = client.burn(&ApiToken::new(own).unwrap()).unwrap();
    assert!(burnt.proof().unwrap().is_proven());
}

#[test]
fn a_client_that_can_only_burn_refuses_everything_else() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    // The token that it is given is dropped.
    let client = client(sandbox.base_url());
    assert_eq!(client.own_token_id(), None);
    let codes = [
        client.delete_token("TKN-1-1").unwrap_err().code(),
        client.prove_deleted(&value(&sandbox, "TKN-1-1")).unwrap_err().code(),
        client.batch(["TKN-1-1"], &BatchOptions::new()).unwrap_err().code(),
        client.dry_run(["TKN-1-1"], &BatchOptions::new()).unwrap_err().code(),
    ];
    assert_eq!(codes, [Code::InvalidConfig; 4]);
    assert_eq!(sandbox.stats().requests, 0);
    assert!(client.delete_token("TKN-1-1").unwrap_err().message().contains("can only burn"));
}

#[rstest]
#[case::opaque("a-session-token-of-another-form")]
#[case::no_secret("idt:TKN-1-1:")]
fn what_is_no_value_is_not_burnt(#[case] text: &str) {
    let sandbox = Sandbox::start().unwrap();
    let error = client(sandbox.base_url()).burn(&ApiToken::new(text).unwrap()).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(!error.to_string().contains(text));
    assert_eq!(sandbox.stats().requests, 0);
}

#[rstest]
fn a_batch_burns_each_value_with_itself(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().numbered(200).start().unwrap();
    let client = client(sandbox.base_url());
    let options = BatchOptions::new().concurrency(concurrency);
    // A value that is dead does not stop the batch, whatever comes before it.
    client.burn(&value(&sandbox, &numbered_id(1))).unwrap();
    let values = (1..=200).map(|n| value(&sandbox, &numbered_id(n)));
    let mut outcomes = BTreeMap::new();
    let summary = client
        .burn_tokens(values, &options, |outcome| {
            outcomes.insert(outcome.id().unwrap().to_owned(), outcome);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((summary.total, summary.deleted, summary.dead_values), (200, 199, 1));
    assert_eq!((summary.not_deleted, summary.without_value), (1, 0));
    for (id, outcome) in outcomes {
        match id == numbered_id(1) {
            true => assert_eq!(outcome.code(), Code::DeadValue),
            false => assert!(outcome.proof().unwrap().is_proven(), "{id}"),
        }
        assert_eq!(sandbox.truth(&id).status, Status::Deleted);
    }
    let connections = sandbox.stats().connections;
    assert!(connections <= concurrency as u64 + 1, "{connections} connections for 200 values");
}

/// Two values of one id are two credentials; the same value twice is one.
#[rstest]
fn every_value_of_an_id_is_burnt(
    #[values(1, 8)] concurrency: usize,
    #[values(true, false)] first: bool,
) {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    let good = sandbox.value_of("TKN-1-1");
    let cut = good[..good.len() - 1].to_owned();
    // Spelled otherwise it is the same value.
    let again = good.replace(':', "%3A");
    let values = if first { [good, again, cut] } else { [cut, good, again] };
    let values = values.map(|text| ApiToken::new(text).unwrap());
    let mut codes = Vec::new();
    let summary = client(sandbox.base_url())
        .burn_tokens(values, &BatchOptions::new().concurrency(concurrency), |outcome| {
            codes.push(outcome.code());
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    codes.sort_by_key(|code| code.number());
    assert_eq!(codes, [Code::Ok, Code::DeadValue]);
    assert_eq!((summary.total, summary.duplicates, summary.dead_values), (2, 1, 1));
    assert_eq!(sandbox.truth("TKN-1-1").status, Status::Deleted);
}

#[test]
fn what_a_batch_cannot_burn_is_refused_and_the_rest_goes_on() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    let mut of_another = BatchItem::from("TKN-1-2");
    of_another.value = Some(value(&sandbox, "TKN-1-1"));
    let items = [
        BatchItem::of_value("no value, with s3cret-s3cret in it"),
        BatchItem::of_value("s3cret-s3cret"),
        BatchItem::from("TKN-1-1"),
        of_another,
        BatchItem::of_value(sandbox.value_of("TKN-1-1")),
    ];
    let options = BatchOptions::new().burn(true).concurrency(1);
    let outcomes: Vec<_> = client(sandbox.base_url()).batch(items, &options).unwrap().collect();
    let codes: Vec<_> = outcomes.iter().map(Outcome::code).collect();
    assert_eq!(codes[..4], [Code::InvalidArgument; 4], "{outcomes:?}");
    assert!(outcomes[4].proof().unwrap().is_proven());
    assert_eq!(sandbox.stats().requests, 2);
    assert!(!format!("{outcomes:?}").contains("s3cret"));
}

#[test]
fn a_dry_run_burns_nothing() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    let items = [BatchItem::from(value(&sandbox, "TKN-1-1")), BatchItem::of_value("x")];
    let client = client(sandbox.base_url());
    let plan: Vec<_> = client.dry_run(items, &BatchOptions::new().burn(true)).unwrap().collect();
    assert!(plan[0].message().ends_with("/TKN-1-1 with the token's own value"), "{plan:?}");
    assert_eq!(plan[1].code(), Code::InvalidArgument);
    assert_eq!(sandbox.stats().requests, 0);
}

/// A journal of burning is of no API token, has only ids, and knows what is proven; a value that it says nothing of is
/// asked.
#[rstest]
fn a_journal_of_burning(#[values(1, 8)] concurrency: usize) {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1", "TKN-1-2"]).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let client = client(sandbox.base_url());
    let run = |ids: &[&str]| {
        let journal = Journal::open(&path, &client).unwrap();
        let options = BatchOptions::new().burn(true).concurrency(concurrency).journal(journal);
        let values: Vec<_> = ids.iter().map(|id| BatchItem::from(value(&sandbox, id))).collect();
        let mut batch = client.batch(values, &options).unwrap();
        let outcomes: Vec<Outcome> = batch.by_ref().collect();
        (outcomes, batch.summary())
    };
    let (outcomes, _) = run(&["TKN-1-1"]);
    assert!(outcomes[0].proof().unwrap().is_proven());
    let requests = sandbox.stats().requests;
    let (outcomes, summary) = run(&["TKN-1-1", "TKN-1-2"]);
    assert_eq!(outcomes.len(), 1);
    assert_eq!((summary.already_done, summary.deleted, summary.without_value), (1, 1, 0));
    assert_eq!(sandbox.stats().requests, requests + 2);

    // A lost answer proves the value, not the token: the next run asks each value again.
    let (outcomes, _) = run(&["TKN-answerlost-1"]);
    let basis = outcomes[0].proof().unwrap().basis();
    assert_eq!((outcomes[0].kind(), basis), (OutcomeKind::Gone, Some(ProofBasis::LostAnswer)));
    let (outcomes, _) = run(&["TKN-answerlost-1"]);
    assert!(outcomes[0].from_journal());
    assert_eq!(outcomes[0].proof().unwrap().basis(), Some(ProofBasis::LostAnswer));

    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("TKN-1-2") && !text.contains("sandbox-secret"), "{text}");
    let other = builder(sandbox.base_url()).build().unwrap();
    let why = Journal::open(&path, &other).unwrap_err().to_string();
    assert!(why.contains("is of a run with no API token"), "{why}");
    let own = folder.path().join("another");
    let journal = Journal::open(own, &other).unwrap();
    let options = BatchOptions::new().burn(true).journal(journal);
    let refused = other.batch([BatchItem::from(value(&sandbox, "TKN-1-1"))], &options).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidConfig);
}

/// Every fifth request meets a fault. The sandbox remembers what is true.
#[test]
fn a_thousand_values_are_burnt_and_proven_whatever_the_network_does() {
    let values = crate::support::size(1_000);
    let sandbox = Sandbox::builder().numbered(values).faults(1).fault_rate(0.2).start().unwrap();
    let client = builder(sandbox.base_url())
        .burn_only(true)
        .attempt_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    let given = (1..=values).map(|n| value(&sandbox, &numbered_id(n)));
    let options = BatchOptions::new().concurrency(64);
    let (mut proven, mut wrong) = (0, Vec::new());
    let summary = client
        .burn_tokens(given, &options, |outcome| {
            let truth = sandbox.truth(outcome.id().unwrap()).status;
            let is_proven = outcome.proof().is_some_and(mpt_tokens::Proof::is_proven);
            proven += u64::from(is_proven);
            if !is_proven || truth != Status::Deleted {
                wrong.push((truth, outcome));
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(wrong, []);
    assert_eq!((summary.total, summary.deleted + summary.gone, proven), (values, values, values));
    assert!(summary.gone > 0, "no answer was lost: {summary:?}");
}

/// A refusal says nothing of a token that an earlier request may have deleted.
#[test]
fn a_client_without_an_api_token_after_a_lost_answer() {
    let client = Client::builder().base_url("http://127.0.0.1:9").burn_only(true).build().unwrap();
    for (lost, kind) in [(false, OutcomeKind::NotDeleted), (true, OutcomeKind::Unknown)] {
        let options = DeleteOptions::new().after_lost_answer(lost);
        let error = client.delete_token_with("TKN-1000-0001", &options).unwrap_err();
        assert_eq!((error.code(), error.kind()), (Code::InvalidConfig, kind), "{error}");
    }
}
