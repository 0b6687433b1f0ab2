//! Proof that a token is dead, by what its own value is answered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mpt_tokens::{
    ApiToken, BatchItem, BatchOptions, Cancel, Client, Code, OutcomeKind, Proof, ProofBasis,
};
use mpt_tokens_sandbox::{Sandbox, Status};
use rstest::rstest;

use crate::support::raw::{NO_CONTENT, Server, http, not_found};
use crate::support::{ID, SECRET, TOKEN, builder};

fn client(sandbox: &Sandbox) -> Client {
    client_with(sandbox, 4)
}

fn client_with(sandbox: &Sandbox, attempts: u32) -> Client {
    Client::builder()
        .attempts(attempts)
        .base_url(sandbox.base_url())
        .api_token(sandbox.api_token())
        .backoff(std::time::Duration::from_millis(1), std::time::Duration::from_millis(1))
        .build()
        .unwrap()
}

fn value(sandbox: &Sandbox, id: &str) -> ApiToken {
    ApiToken::new(sandbox.value_of(id)).unwrap()
}

#[test]
fn a_deleted_token_is_proven_dead_by_its_own_value() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).record(9).start().unwrap();
    let client = client(&sandbox);
    client.delete_token("TKN-1-1").unwrap();
    let value = value(&sandbox, "TKN-1-1");
    let proof = client.prove_deleted(&value).unwrap();
    assert!(proof.is_proven());
    assert_eq!(proof.token_id(), "TKN-1-1");
    assert_eq!((proof.outcome().kind(), proof.outcome().code()), (OutcomeKind::Gone, Code::Ok));
    assert_eq!(
        proof.to_string(),
        "the token `TKN-1-1` is proven dead: its own value was answered 401, and 404 to the same request with an API \
         token that works"
    );
    assert_eq!(proof.basis(), Some(ProofBasis::Control));
    let json: serde_json::Value = serde_json::from_str(&proof.to_json()).unwrap();
    assert_eq!((&json["proven"], &json["basis"]), (&true.into(), &"control".into()));
    assert_eq!(json["http_status"], 401);
    assert!(!proof.to_json().contains("sandbox-secret"));
    assert!(!format!("{proof:?}").contains("sandbox-secret"));

    let recorded = sandbox.recorded();
    assert_eq!(recorded.len(), 3);
    assert!(recorded.iter().all(|request| request.target == recorded[0].target));
    let own = format!("Bearer {}", sandbox.api_token());
    let with = |number: usize| recorded[number].header("authorization").unwrap();
    assert_eq!([with(0), with(1), with(2)], [&own, "Bearer idt:TKN-1-1:sandbox-secret", &own]);
    let trace = |number: usize| &recorded[number].header("traceparent").unwrap()[..35];
    assert_eq!(trace(1), trace(2));
    assert_eq!(sandbox.stats().connections, 1, "the proof opened a connection of its own");
}

#[test]
fn a_token_that_was_alive_is_dead_after_the_request_for_proof_and_proven_by_the_next() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    let client = client(&sandbox);
    let value = value(&sandbox, "TKN-1-1");
    let proof = client.prove_deleted(&value).unwrap();
    assert!(!proof.is_proven());
    assert_eq!(proof.outcome().kind(), OutcomeKind::Deleted);
    assert_eq!(
        proof.to_string(),
        "it is not proven that the token `TKN-1-1` is dead: it was alive, and the request for proof has deleted it; \
         ask for proof again"
    );
    assert_eq!(sandbox.truth("TKN-1-1").status, Status::Deleted);
    assert_eq!(client.prove_deleted(&value).unwrap().basis(), Some(ProofBasis::Control));
}

#[rstest]
#[case::lost_then_dead("TKN-answerlost-1", 2, true, OutcomeKind::Gone, Code::Ok)]
#[case::still_authenticates("TKN-404-1", 4, false, OutcomeKind::NotDeleted, Code::NotFound)]
#[case::refused("TKN-403-1", 4, false, OutcomeKind::NotDeleted, Code::Forbidden)]
#[case::a_page("TKN-200-1", 1, false, OutcomeKind::Unknown, Code::UnexpectedResponse)]
#[case::a_gateway("TKN-404html-1", 4, false, OutcomeKind::NotDeleted, Code::UnexpectedResponse)]
#[case::a_gateway_with_json(
    "TKN-404kong-1",
    4,
    false,
    OutcomeKind::NotDeleted,
    Code::UnexpectedResponse
)]
#[case::its_control_deletes("TKN-401-1", 4, false, OutcomeKind::Deleted, Code::Ok)]
#[case::down("TKN-503-1", 1, false, OutcomeKind::Unknown, Code::ServerError)]
fn whatever_else_is_answered_is_told(
    #[case] id: &str,
    #[case] attempts: u32,
    #[case] proven: bool,
    #[case] kind: OutcomeKind,
    #[case] code: Code,
) {
    let sandbox = Sandbox::start().unwrap();
    let proof = client_with(&sandbox, attempts).prove_deleted(&value(&sandbox, id)).unwrap();
    assert_eq!(proof.is_proven(), proven, "{proof}");
    assert_eq!((proof.outcome().kind(), proof.outcome().code()), (kind, code), "{proof}");
    assert_eq!(proof.to_string().contains("is proven dead"), proven);
    // What the API answers a credential with that it knows.
    let is_known = ["TKN-404-1", "TKN-403-1"].contains(&id);
    assert_eq!(proof.to_string().contains("its value still authenticates"), is_known, "{proof}");
}

#[rstest]
#[case::opaque("a-session-token-of-another-form")]
#[case::no_secret("idt:TKN-1-1:")]
#[case::jwt("eyJhbGciOiJIUzI1NiJ9.e30.c2VjcmV0")]
fn a_value_without_an_id_proves_nothing(#[case] text: &str) {
    let sandbox = Sandbox::start().unwrap();
    let error = client(&sandbox).prove_deleted(&ApiToken::new(text).unwrap()).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(!error.to_string().contains(text));
    assert_eq!(sandbox.stats().requests, 0);
}

#[test]
fn a_value_of_any_length_up_to_the_bound_fits() {
    let secret = "s".repeat(4096 - "idt:TKN-1-1:".len());
    let sandbox = Sandbox::builder().secret(&secret).tokens(["TKN-1-1"]).start().unwrap();
    let client = Client::builder().base_url(sandbox.base_url()).api_token("x").build().unwrap();
    let proof = client.prove_deleted(&value(&sandbox, "TKN-1-1")).unwrap();
    assert_eq!(proof.outcome().kind(), OutcomeKind::Deleted);
    let longer = ApiToken::new(format!("idt:TKN-1-1:{secret}s")).unwrap();
    let error = client.prove_deleted(&longer).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(!error.to_string().contains("sss"));
}

#[test]
fn a_cancelled_client_proves_nothing() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let proof =
        client(&sandbox).with_cancel(cancel).prove_deleted(&value(&sandbox, "TKN-1-1")).unwrap();
    assert!(!proof.is_proven());
    assert_eq!(proof.outcome().code(), Code::Cancelled);
    assert_eq!(sandbox.stats().requests, 0);
}

/// The value of [`ID`] in the tests below.
const VALUE: &str = "idt:TKN-1671-0642:leaked-leaked";

/// An answer that breaks off: no answer, whatever its first line says.
const CUT_OFF: &str =
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 9\r\n\r\nhalf";

fn answers(words: &[&str]) -> Vec<String> {
    let challenge = "WWW-Authenticate: Bearer\r\n";
    let json = "Content-Type: application/json\r\n";
    let answer = |word: &&str| match *word {
        "204" => NO_CONTENT.to_owned(),
        "404" => not_found(),
        "410" => http("410 Gone", json, r#"{"title":"Gone","status":410}"#),
        "404kong" => http("404 Not Found", json, r#"{"message":"no Route matched"}"#),
        "401" => http("401 Unauthorized", challenge, ""),
        "401problem" => http("401 Unauthorized", json, r#"{"title":"Unauthorized","status":401}"#),
        "401html" => http("401 Unauthorized", challenge, "<html>Log in</html>"),
        "401empty" => http("401 Unauthorized", "", ""),
        "401cut" => CUT_OFF.to_owned(),
        "403" => http("403 Forbidden", json, r#"{"title":"Forbidden"}"#),
        "lost" => String::new(),
        _ => panic!("{word}"),
    };
    words.iter().map(answer).collect()
}

/// A server that answers the value and any other credential in turn; what is left of the answers at the end is an error.
struct Told {
    server: Server,
    left: Arc<Mutex<[VecDeque<String>; 2]>>,
}

impl Told {
    fn new(value: &[&str], other: &[&str]) -> Told {
        let left = Arc::new(Mutex::new([value, other].map(|words| VecDeque::from(answers(words)))));
        let answers = Arc::clone(&left);
        let server = Server::start(move |conn, _| {
            while let Some(head) = conn.request() {
                let who = usize::from(!head.contains(VALUE));
                let answer = answers.lock().unwrap()[who].pop_front();
                let answer =
                    answer.unwrap_or_else(|| panic!("one request more than expected: {head}"));
                if answer.is_empty() {
                    return;
                }
                let is_cut_off = answer == CUT_OFF;
                conn.send(answer);
                if is_cut_off {
                    return;
                }
            }
        });
        Told { server, left }
    }

    fn prove(&self, client: &Client) -> Proof {
        let proof = client.prove_deleted(&ApiToken::new(VALUE).unwrap()).unwrap();
        let left = self.left.lock().unwrap();
        assert!(left.iter().all(VecDeque::is_empty), "not asked for: {left:?}");
        assert_eq!(proof.basis().is_some(), proof.is_proven());
        assert_eq!(
            proof.outcome().is_success() && !proof.is_proven(),
            proof.outcome().kind() == OutcomeKind::Deleted
        );
        assert!(!proof.to_json().contains("leaked-leaked") && !proof.to_json().contains(SECRET));
        proof
    }
}

/// With a control any 401 counts: the two requests differ in nothing but the credential.
#[rstest]
#[case::control(&["401"], &["404"], true, OutcomeKind::Gone, Code::Ok)]
#[case::a_gateways_401(&["401html"], &["404"], true, OutcomeKind::Gone, Code::Ok)]
#[case::an_empty_401(&["401empty"], &["404"], true, OutcomeKind::Gone, Code::Ok)]
#[case::gone_for_good(&["401"], &["410"], true, OutcomeKind::Gone, Code::Ok)]
#[case::lost_then_401(&["lost", "401"], &["404"], true, OutcomeKind::Gone, Code::Ok)]
#[case::no_credential_works(&["401"], &["401"], false, OutcomeKind::NotDeleted, Code::Unauthorized)]
#[case::gateways_401_for_all(&["401html"], &["401html"], false, OutcomeKind::NotDeleted, Code::Unauthorized)]
#[case::lost_then_401_for_all(&["lost", "401"], &["401"], false, OutcomeKind::Unknown, Code::Unauthorized)]
#[case::a_gateways_404(&["401"], &["404kong"], false, OutcomeKind::NotDeleted, Code::Unauthorized)]
#[case::may_not(&["401"], &["403"], false, OutcomeKind::NotDeleted, Code::Unauthorized)]
#[case::refused_while_it_was_there(&["401"], &["204"], false, OutcomeKind::Deleted, Code::Ok)]
#[case::perhaps_while_it_was_there(&["401"], &["lost", "404"], false, OutcomeKind::Unknown, Code::Unauthorized)]
// What was not answered 401 needs no control, and the 404 that its own value got does not make it gone.
#[case::still_authenticates(&["404"], &[], false, OutcomeKind::NotDeleted, Code::NotFound)]
#[case::cut_off(&["401cut"; 4], &[], false, OutcomeKind::Unknown, Code::ConnectionLost)]
#[case::lost_then_404(&["lost", "404"], &[], false, OutcomeKind::Unknown, Code::NotFound)]
#[case::lost_then_410(&["lost", "410"], &[], false, OutcomeKind::Unknown, Code::UnexpectedResponse)]
#[case::a_gateway(&["404kong"], &[], false, OutcomeKind::NotDeleted, Code::UnexpectedResponse)]
#[case::alive(&["204"], &[], false, OutcomeKind::Deleted, Code::Ok)]
fn a_proof_needs_a_control(
    #[case] value: &[&str],
    #[case] other: &[&str],
    #[case] proven: bool,
    #[case] kind: OutcomeKind,
    #[case] code: Code,
) {
    let told = Told::new(value, other);
    let proof = told.prove(&builder(told.server.url()).build().unwrap());
    assert_eq!(proof.basis(), proven.then_some(ProofBasis::Control), "{proof}");
    assert_eq!((proof.outcome().kind(), proof.outcome().code()), (kind, code), "{proof}");
}

/// With only the value at hand, it must have been accepted before, and the 401 must be the API's.
#[rstest]
#[case::accepted(&["204"], &["401"], true)]
#[case::accepted_and_a_problem(&["204"], &["401problem"], true)]
#[case::accepted_and_a_gateway(&["204"], &["401html"], false)]
#[case::accepted_and_nothing(&["204"], &["401empty"], false)]
#[case::never_accepted(&["401"], &["401"], false)]
#[case::never_for_sure(&["lost", "401"], &["401"], false)]
#[case::never_for_sure_either(&["lost", "404"], &["401"], false)]
fn without_a_control(#[case] before: &[&str], #[case] then: &[&str], #[case] proven: bool) {
    let told = Told::new(&[before, then].concat(), &[]);
    let client = builder(told.server.url()).api_token(VALUE).allow_own_token(true).build().unwrap();
    let _ = client.delete_token(ID);
    let proof = told.prove(&client);
    assert_eq!(proof.basis(), proven.then_some(ProofBasis::AcceptedBefore), "{proof}");
    let kind = if proven { OutcomeKind::Gone } else { OutcomeKind::NotDeleted };
    assert_eq!(proof.outcome().kind(), kind, "{proof}");
    if proven {
        let told = "its own value was answered 401, which it had accepted before";
        assert!(proof.to_string().ends_with(told), "{proof}");
    }
}

/// A request for proof that deletes the token shows as well that the value was one.
#[test]
fn a_value_that_deletes_its_own_token_was_accepted() {
    let told = Told::new(&["204", "401"], &[]);
    let client = builder(told.server.url()).api_token(VALUE).build().unwrap();
    let leaked = ApiToken::new(VALUE).unwrap();
    assert_eq!(client.prove_deleted(&leaked).unwrap().outcome().kind(), OutcomeKind::Deleted);
    assert_eq!(told.prove(&client).basis(), Some(ProofBasis::AcceptedBefore));
}

/// The control would be a request to delete the token in use: a spelling of its value that is wrong must not cause one.
#[test]
fn the_token_in_use_is_no_control_for_itself() {
    let told = Told::new(&["401"], &[]);
    let client =
        builder(told.server.url()).api_token(format!("idt:{ID}:another-secret")).build().unwrap();
    let proof = told.prove(&client);
    assert!(!proof.is_proven());
    assert_eq!(proof.outcome().kind(), OutcomeKind::NotDeleted);
    assert!(proof.to_string().contains("nothing to compare with"), "{proof}");
}

/// All requests of a proof together keep the timeout of a call.
#[test]
fn a_control_that_is_not_answered_in_time_is_none() {
    let server = Server::start(|conn, _| {
        while let Some(head) = conn.request() {
            if !head.contains(VALUE) {
                return conn.until_closed();
            }
            conn.send(http("401 Unauthorized", "WWW-Authenticate: Bearer\r\n", ""));
        }
    });
    let limit = Duration::from_millis(300);
    let client = builder(server.url()).api_token(TOKEN).timeout(limit).build().unwrap();
    let proof = client.prove_deleted(&ApiToken::new(VALUE).unwrap()).unwrap();
    assert!(!proof.is_proven());
    assert_eq!(proof.outcome().kind(), OutcomeKind::Unknown, "the control may have deleted it");
    assert!(proof.to_string().contains("a deadline passed"), "{proof}");
    assert_eq!(server.requests(), 2);
}

/// In a batch the API's 404 after the deletion is the control, and need not be asked for again.
#[rstest]
#[case::deleted(&["204", "404"], &["401html"], true)]
#[case::deleted_and_no_control(&["204", "401html"], &["401html"], false)]
#[case::gone(&["lost", "404"], &["401html"], true)]
#[case::gone_for_good(&["lost", "410"], &["401"], true)]
#[case::still_authenticates(&["204"], &["404"], false)]
fn a_batch_has_a_control_for_each(
    #[case] own: &[&str],
    #[case] value: &[&str],
    #[case] proven: bool,
    #[values(1, 8)] concurrency: usize,
) {
    let told = Told::new(value, own);
    let client = builder(told.server.url()).build().unwrap();
    let mut item = BatchItem::from(ID);
    item.value = Some(ApiToken::new(VALUE).unwrap());
    let options = BatchOptions::new().prove(true).concurrency(concurrency);
    let outcomes: Vec<_> = client.batch([item], &options).unwrap().collect();
    assert!(outcomes[0].is_success(), "{outcomes:?}");
    let proof = outcomes[0].proof().unwrap();
    assert_eq!(proof.basis(), proven.then_some(ProofBasis::Control), "{proof}");
    assert_eq!(told.server.requests(), own.len() + value.len());
}

/// The own token goes last: that its value was accepted is known from the ids before it.
#[rstest]
#[case::its_answer_was_lost(&["204", "lost", "401", "401"], true)]
#[case::it_was_deleted(&["403", "204", "401"], true)]
#[case::it_never_worked(&["403", "lost", "401", "401"], false)]
fn a_batch_that_deletes_its_own_token(#[case] answers: &[&str], #[case] proven: bool) {
    let told = Told::new(answers, &[]);
    let client = builder(told.server.url()).api_token(VALUE).allow_own_token(true).build().unwrap();
    let options = BatchOptions::new().prove(true).concurrency(1);
    let outcomes: Vec<_> = client.batch([ID, "TKN-1-1"], &options).unwrap().collect();
    let last = outcomes.last().unwrap();
    assert_eq!((last.id(), last.is_success()), (Some(ID), true), "{outcomes:?}");
    let proof = last.proof().unwrap();
    assert_eq!(proof.basis(), proven.then_some(ProofBasis::AcceptedBefore), "{proof}");
}

/// In a batch, too: each value that is given of an id is proven, and a value that comes twice only once.
#[rstest]
fn each_value_of_an_id_is_proven_once(
    #[values(1, 8)] concurrency: usize,
    #[values(0, 40)] gap: u64,
) {
    let numbered = |n: u64| mpt_tokens_sandbox::numbered_id(n);
    let sandbox = Sandbox::builder().numbered(60).record(99).start().unwrap();
    let id = numbered(1);
    let items = |text: String| {
        let mut item = BatchItem::from(id.as_str());
        item.value = Some(ApiToken::new(text).unwrap());
        item
    };
    let own = sandbox.value_of(&id);
    let older = format!("idt:{id}:an-0lder-s3cret");
    let others: Vec<_> = (2..2 + gap).map(|n| BatchItem::from(numbered(n))).collect();
    let list = [own.clone(), own.clone()].into_iter().map(items).chain(others);
    let list = list.chain([older.clone(), own, older].into_iter().map(items));
    let options = BatchOptions::new().concurrency(concurrency).prove(true);
    let mut batch = client(&sandbox).batch(list, &options).unwrap();
    let told: Vec<_> = batch
        .by_ref()
        .filter(|outcome| outcome.id() == Some(&id))
        .map(|outcome| {
            (outcome.kind(), outcome.attempts().len(), outcome.proof().map(Proof::is_proven))
        })
        .collect();
    let deleted = OutcomeKind::Deleted;
    assert_eq!(told, [(deleted, 1, Some(true)), (deleted, 0, Some(true))]);
    let summary = batch.summary();
    assert_eq!((summary.deleted, summary.duplicates, summary.without_value), (gap + 1, 4, gap));
    // The DELETE; one value, and the same with the API token; the other value, and the same with the API token.
    assert_eq!(sandbox.truth(&id).requests, 5);
}

/// The value of another token that happens to be named so proves nothing, and is told.
#[test]
fn a_further_value_that_is_not_proven_is_told() {
    let sandbox = Sandbox::builder().numbered(9).start().unwrap();
    let id = mpt_tokens_sandbox::numbered_id(1);
    let values = [sandbox.value_of(&id), format!("idt:{id}:an-0lder-s3cret")];
    let items = values.map(|text| {
        let mut item = BatchItem::from(id.as_str());
        item.value = Some(ApiToken::new(text).unwrap());
        item
    });
    // Without another API token there is nothing to compare an answer of 401 with.
    let client = Client::builder()
        .base_url(sandbox.base_url())
        .api_token(sandbox.value_of(&id))
        .build()
        .unwrap();
    let options = BatchOptions::new().prove(true).allow_own_token(true);
    let told: Vec<_> = client
        .batch(items, &options)
        .unwrap()
        .map(|outcome| (outcome.kind(), outcome.proof().map(Proof::is_proven)))
        .collect();
    let deleted = OutcomeKind::Deleted;
    assert_eq!(told, [(deleted, Some(true)), (deleted, Some(false))]);
}
