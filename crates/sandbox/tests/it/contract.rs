//! What the sandbox does when nothing is wrong.

use crate::client::{COLLECTION, Client};
use mpt_tokens_sandbox::{MAIN_TOKEN_ID, Sandbox, Status, numbered_id};
use rstest::rstest;

#[test]
fn a_token_is_deleted_once_and_then_not_found() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    let first = client.delete("TKN-ok-0001", &sandbox.api_token());
    assert_eq!((first.status, first.body.len()), (204, 0));
    assert_eq!(first.header("content-length"), None);

    let second = client.delete("TKN-ok-0001", &sandbox.api_token());
    assert_eq!(second.status, 404);
    assert_eq!(second.header("content-type"), Some("application/json"));
    let problem = second.json();
    assert_eq!(problem["title"], "Not Found");
    assert_eq!(problem["status"], 404);
    assert_eq!(problem["detail"], "API token TKN-ok-0001 was not found.");
    assert_eq!(problem["type"], "https://tools.ietf.org/html/rfc9110#section-15.5.5");

    let truth = sandbox.truth("TKN-ok-0001");
    assert_eq!(truth.status, Status::Deleted);
    assert_eq!((truth.requests, truth.deleted_by), (2, Some(1)));
}

#[test]
fn the_trace_parent_of_the_request_is_the_trace_id_of_the_problem() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    let parent = "00-9e02a91b64ac56904703a3a69ea9101d-56be90a29d0b0b25-01";
    client.send(
        format!(
            "DELETE {COLLECTION}/none HTTP/1.1\r\nhost: x\r\ntraceparent: {parent}\r\n\
             authorization: bearer {}\r\n\r\n",
            sandbox.api_token()
        )
        .as_bytes(),
    );
    assert_eq!(client.answer().json()["traceId"], parent);
    let other = client.delete("none", &sandbox.api_token()).json();
    assert_eq!(other["traceId"].as_str().map(str::len), Some(parent.len()));
}

#[rstest]
#[case::none("")]
#[case::nonsense("nonsense")]
#[case::other_secret("idt:TKN-0000-0001:other")]
#[case::longer_secret("idt:TKN-0000-0001:xsandbox-secret")]
#[case::no_such_token("idt:TKN-0000-0002:sandbox-secret")]
#[case::no_id("idt::sandbox-secret")]
fn without_a_known_credential_nothing_is_deleted(#[case] value: &str) {
    let sandbox = Sandbox::start().expect("a sandbox");
    let answer = Client::new(&sandbox).delete("TKN-ok-0001", value);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(answer.json()["title"], "Unauthorized");
    let truth = sandbox.truth("TKN-ok-0001");
    assert_eq!((truth.status, truth.requests), (Status::Active, 1));
    assert_eq!(sandbox.stats().unauthorized, 1);
}

#[test]
fn a_token_authenticates_until_it_is_deleted_also_by_itself() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    let value = sandbox.value_of("TKN-ok-0007");
    assert_eq!(client.delete("TKN-ok-0008", &value).status, 204);
    assert_eq!(client.delete("TKN-ok-0007", &value).status, 204);
    assert_eq!(client.delete("TKN-ok-0007", &value).status, 401);
    assert_eq!(client.delete("TKN-ok-0009", &value).status, 401);

    assert_eq!(client.delete(MAIN_TOKEN_ID, &sandbox.api_token()).status, 204);
    assert_eq!(client.delete("TKN-ok-0009", &sandbox.api_token()).status, 401);
    assert_eq!(sandbox.truth("TKN-ok-0009").status, Status::Active);
}

#[test]
fn a_request_refused_for_its_credential_does_not_use_a_fault_up() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    assert_eq!(client.delete("TKN-503-1", "").status, 401);
    assert_eq!(client.delete("TKN-503-1", &sandbox.api_token()).status, 503);
    assert_eq!(client.delete("TKN-503-1", &sandbox.api_token()).status, 204);
}

#[test]
fn declared_and_numbered_tokens_are_there_and_others_are_not() {
    let ids = ["a/b", "ünï", "%2e%2e", "x?y=1"];
    let sandbox = Sandbox::builder().tokens(ids).numbered(12_000).start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    let value = sandbox.api_token();
    for (segment, id) in [
        ("a%2Fb", "a/b"),
        ("%C3%BCn%C3%AF", "ünï"),
        ("%252e%252e", "%2e%2e"),
        ("x%3Fy%3D1", "x?y=1"),
    ] {
        assert_eq!(client.delete(segment, &value).status, 204, "{id}");
        assert_eq!(sandbox.truth(id).status, Status::Deleted, "{id}");
    }
    assert_eq!(
        [numbered_id(1), numbered_id(9_999), numbered_id(10_000), numbered_id(12_000)],
        ["TKN-1000-0001", "TKN-1000-9999", "TKN-1001-0000", "TKN-1001-2000"]
    );
    assert_eq!(client.delete("TKN-1001-2000", &value).status, 204);
    assert_eq!(client.delete("TKN-1001-2001", &value).status, 404);
    let truth = sandbox.truth("TKN-1001-2001");
    assert_eq!((truth.status, truth.requests), (Status::Unknown, 1));
}

#[test]
fn a_person_can_look() {
    let sandbox = Sandbox::builder().tokens(["TKN-1671-0642"]).start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    client.delete("TKN-1671-0642", &sandbox.api_token());
    client.delete("none", &sandbox.api_token());

    let one = client.get(&format!("{COLLECTION}/TKN-1671-0642"));
    assert_eq!(one.status, 200);
    let deleted = serde_json::json!({
        "id": "TKN-1671-0642", "status": "Deleted", "requests": 1, "deletedBy": 1,
    });
    assert_eq!(one.json(), deleted);
    let none = client.get(&format!("{COLLECTION}/none"));
    assert_eq!((none.status, &none.json()["requests"]), (404, &1.into()));
    assert_eq!(client.get(&format!("{COLLECTION}/TKN-ok-1")).json()["status"], "Active");

    let all = client.get(COLLECTION).json();
    assert_eq!(
        all["$meta"]["pagination"],
        serde_json::json!({"limit": 100, "offset": 0, "total": 2})
    );
    assert_eq!(all["data"][0]["id"], MAIN_TOKEN_ID);
    assert_eq!(all["data"][1], deleted);
    let page = client.get(&format!("{COLLECTION}?limit=1&offset=1")).json();
    assert_eq!(page["data"], serde_json::json!([deleted]));

    let stats = client.get("/sandbox/stats").json();
    assert_eq!((&stats["requests"], &stats["deleted"]), (&2.into(), &1.into()));
    let home = client.get("/");
    assert!(home.text().contains(&sandbox.base_url()) && home.text().contains("answerlost"));
}

#[test]
fn another_resource_is_a_stray_and_is_remembered() {
    let sandbox = Sandbox::builder().record(2).start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    for target in
        [COLLECTION, "/public/v1/accounts/api-tokens/", "/public/v1/accounts/api-tokens/.."]
    {
        client.ask("DELETE", target, &sandbox.api_token());
        let answer = client.answer();
        assert_eq!(answer.status, 404);
        assert!(answer.text().starts_with("<!DOCTYPE html>"));
    }
    client.ask("POST", COLLECTION, "");
    assert_eq!(client.answer().status, 405);
    assert_eq!(sandbox.stats().strays, 4);
    assert_eq!(sandbox.stats().requests, 0);
    assert_eq!(sandbox.strays()[0], format!("DELETE {COLLECTION}"));
    assert_eq!(sandbox.strays()[3], format!("POST {COLLECTION}"));

    let recorded = sandbox.recorded();
    assert_eq!(recorded.len(), 2);
    assert_eq!(recorded[0].target, "/public/v1/accounts/api-tokens/..");
    let authorization = format!("Bearer {}", sandbox.api_token());
    assert_eq!(recorded[0].header("authorization"), Some(&*authorization));
    assert_eq!((&*recorded[1].method, recorded[1].header("host")), ("POST", Some("sandbox")));
}

#[test]
fn what_is_not_http_is_counted() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    client.send(b"\x16\x03\x01\x02\x00\x01\r\n\r\n");
    client.read_to_end();
    assert_eq!(sandbox.stats().malformed, 1);
}

#[test]
fn more_tokens_than_memory_can_hold_are_refused() {
    let error = Sandbox::builder().numbered(u64::MAX).start().expect_err("too many");
    assert_eq!(error.to_string(), "at most 100000000 numbered tokens: ask for fewer");
}
