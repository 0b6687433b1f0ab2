//! Proof that a token is dead, by what its own value is answered.

use mpt_tokens::{ApiToken, Cancel, Client, Code, Outcome};
use mpt_tokens_sandbox::{Sandbox, Status};
use rstest::rstest;

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
    assert_eq!((proof.report().outcome(), proof.report().code()), (Outcome::Gone, Code::Ok));
    assert_eq!(
        proof.to_string(),
        "the token `TKN-1-1` is proven dead: the API answered 401 to its own value"
    );
    let json: serde_json::Value = serde_json::from_str(&proof.to_json()).unwrap();
    assert_eq!(json["proven"], true);
    assert_eq!(json["http_status"], 401);
    assert!(!proof.to_json().contains("sandbox-secret"));
    assert!(!format!("{proof:?}").contains("sandbox-secret"));

    let recorded = sandbox.recorded();
    assert_eq!(recorded.len(), 2);
    assert_eq!(recorded[0].target, recorded[1].target);
    assert_eq!(recorded[1].header("authorization"), Some("Bearer idt:TKN-1-1:sandbox-secret"));
    assert_eq!(sandbox.stats().connections, 1, "the proof opened a connection of its own");
}

#[test]
fn a_token_that_was_alive_is_dead_after_the_request_for_proof_and_proven_by_the_next() {
    let sandbox = Sandbox::builder().tokens(["TKN-1-1"]).start().unwrap();
    let client = client(&sandbox);
    let value = value(&sandbox, "TKN-1-1");
    let proof = client.prove_deleted(&value).unwrap();
    assert!(!proof.is_proven());
    assert_eq!(proof.report().outcome(), Outcome::Deleted);
    assert_eq!(
        proof.to_string(),
        "it is not proven that the token `TKN-1-1` is dead: it was alive, and the request for proof has deleted it; \
         ask for proof again"
    );
    assert_eq!(sandbox.truth("TKN-1-1").status, Status::Deleted);
    assert!(client.prove_deleted(&value).unwrap().is_proven());
}

#[rstest]
#[case::lost_then_dead("TKN-answerlost-1", 2, true, Outcome::Gone, Code::Ok)]
#[case::still_authenticates("TKN-404-1", 4, false, Outcome::NotDeleted, Code::NotFound)]
#[case::refused("TKN-403-1", 4, false, Outcome::NotDeleted, Code::Forbidden)]
#[case::a_page("TKN-200-1", 1, false, Outcome::Unknown, Code::UnexpectedResponse)]
#[case::a_gateway("TKN-404html-1", 4, false, Outcome::NotDeleted, Code::UnexpectedResponse)]
#[case::down("TKN-503-1", 1, false, Outcome::Unknown, Code::ServerError)]
fn whatever_else_is_answered_is_told(
    #[case] id: &str,
    #[case] attempts: u32,
    #[case] proven: bool,
    #[case] outcome: Outcome,
    #[case] code: Code,
) {
    let sandbox = Sandbox::start().unwrap();
    let proof = client_with(&sandbox, attempts).prove_deleted(&value(&sandbox, id)).unwrap();
    assert_eq!(proof.is_proven(), proven, "{proof}");
    assert_eq!((proof.report().outcome(), proof.report().code()), (outcome, code), "{proof}");
    assert_eq!(proof.to_string().contains("is proven dead"), proven);
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
    assert_eq!(proof.report().outcome(), Outcome::Deleted);
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
    assert_eq!(proof.report().code(), Code::Cancelled);
    assert_eq!(sandbox.stats().requests, 0);
}
