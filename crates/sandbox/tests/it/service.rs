//! Delay, rate, random faults, and the sandbox as a server: many connections, little memory, a clean
//! end.

use crate::client::{COLLECTION, Client, End, LONG, wait_until_none_is_open};
use mpt_tokens_sandbox::{Sandbox, Status, numbered_id};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn a_delayed_answer_comes_late_from_a_token_deleted_at_once() {
    let delay = Duration::from_millis(300);
    let sandbox = Sandbox::builder().delay(delay).start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    let start = Instant::now();
    client.ask("DELETE", &format!("{COLLECTION}/TKN-ok-1"), &sandbox.api_token());
    assert!(sandbox.wait_for_requests("TKN-ok-1", 1, LONG));
    assert_eq!(sandbox.truth("TKN-ok-1").status, Status::Deleted);
    assert_eq!(client.answer().status, 204);
    assert!(start.elapsed() >= delay);
}

#[test]
fn a_client_that_leaves_while_its_answer_is_delayed_is_let_go() {
    let sandbox = Sandbox::builder().delay(Duration::from_secs(3_600)).start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    client.ask("DELETE", &format!("{COLLECTION}/TKN-ok-1"), &sandbox.api_token());
    assert!(sandbox.wait_for_requests("TKN-ok-1", 1, LONG));
    drop(client);
    wait_until_none_is_open(&sandbox);
}

#[test]
fn waiting_for_requests_gives_up_at_its_limit() {
    let sandbox = Sandbox::start().expect("a sandbox");
    assert!(!sandbox.wait_for_requests("TKN-ok-1", 1, Duration::from_millis(1)));
    assert!(sandbox.wait_for_requests("TKN-ok-1", 0, Duration::ZERO));
}

#[test]
fn over_the_rate_nothing_is_deleted_and_no_fault_is_used_up() {
    let sandbox = Sandbox::builder().rate(2).start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    // All in one write, so that they arrive in one second however slow the machine is.
    let request = |id: &str| {
        format!(
            "DELETE {COLLECTION}/{id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
            sandbox.api_token()
        )
    };
    let requests = ["TKN-ok-1", "TKN-ok-2", "TKN-503-1"].map(request).concat();
    client.send(requests.as_bytes());
    assert_eq!([client.answer().status, client.answer().status], [204, 204]);
    let limited = client.answer();
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("1")));
    let truth = sandbox.truth("TKN-503-1");
    assert_eq!((truth.status, truth.requests), (Status::Active, 1));
    assert_eq!(sandbox.stats().rate_limited, 1);

    let start = Instant::now();
    while client.delete("TKN-503-1", &sandbox.api_token()).status == 429 {
        assert!(start.elapsed() < LONG, "the rate recovers");
    }
    assert_eq!(sandbox.truth("TKN-503-1").status, Status::Active);
}

#[test]
fn random_faults_end_in_the_contract() {
    let builder = Sandbox::builder().numbered(150).faults(1).fault_time_scale(0.0);
    let sandbox = builder.start().expect("a sandbox");
    let value = sandbox.api_token();
    let mut faultless = 0;
    for id in (1..=150).map(numbered_id) {
        for ask in 1..=3 {
            let mut client = Client::new(&sandbox);
            client.ask("DELETE", &format!("{COLLECTION}/{id}"), &value);
            assert!(sandbox.wait_for_requests(&id, ask, LONG));
            if ask < 3 {
                let answer = client.answer_within(Duration::from_millis(20));
                faultless += u32::from(ask == 1 && answer == Some(204));
            } else {
                let last = client.answer().status;
                assert!(matches!(last, 204 | 404), "{id}: {last} in the end");
            }
        }
        assert_eq!(sandbox.truth(&id).status, Status::Deleted);
    }
    assert!(faultless < 150, "no token met a fault");
}

/// Each request is drawn for itself: with the faults that a token goes through first, the third would never meet one.
#[test]
fn at_a_fault_rate_any_request_may_meet_a_fault() {
    let builder = Sandbox::builder().numbered(60).faults(1).fault_rate(0.5);
    let sandbox = builder.start().expect("a sandbox");
    let value = sandbox.api_token();
    let mut contract = [0; 6];
    for id in (1..=60).map(numbered_id) {
        for (ask, contract) in contract.iter_mut().enumerate() {
            let mut client = Client::new(&sandbox);
            client.ask("DELETE", &format!("{COLLECTION}/{id}"), &value);
            *contract += u32::from(matches!(client.answer_within(LONG), Some(204 | 404)));
            assert_eq!(sandbox.truth(&id).requests as usize, ask + 1);
        }
    }
    assert!(contract.iter().all(|count| (10..=50).contains(count)), "{contract:?} of 60");
    let mut client = Client::new(&sandbox);
    assert_eq!(client.delete("TKN-403.ok-1", &value).status, 403, "a scenario stands");
    assert_eq!(client.delete("TKN-403.ok-1", &value).status, 204, "a scenario stands");
}

#[test]
fn at_the_ends_of_the_fault_rate() {
    for (rate, expected) in [(0.0, 20), (1.0, 0)] {
        let sandbox = Sandbox::builder().numbered(20).fault_rate(rate).start().expect("a sandbox");
        let deleted = |id: &String| {
            let mut client = Client::new(&sandbox);
            client.ask("DELETE", &format!("{COLLECTION}/{id}"), &sandbox.api_token());
            client.answer_within(LONG) == Some(204)
        };
        assert_eq!((1..=20).map(numbered_id).filter(deleted).count(), expected, "at {rate}");
    }
    for rate in [-0.1, 1.1, f64::NAN] {
        let error = Sandbox::builder().fault_rate(rate).start().expect_err("no rate");
        assert_eq!(error.to_string(), format!("the fault rate is {rate}: expected 0 to 1"));
    }
}

#[test]
fn four_hundred_connections_are_served_at_once() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    let mut clients: Vec<_> = (0..400).map(|_| Client::new(&sandbox)).collect();
    for round in 0..3 {
        for (n, client) in clients.iter_mut().enumerate() {
            client.ask("DELETE", &format!("{COLLECTION}/TKN-ok-{round}x{n}"), &value);
        }
        for client in &mut clients {
            assert_eq!(client.answer().status, 204);
        }
    }
    let stats = sandbox.stats();
    assert_eq!((stats.connections, stats.open_connections), (400, 400));
    assert_eq!((stats.requests, stats.deleted), (1_200, 1_200));
    drop(clients);
    wait_until_none_is_open(&sandbox);
}

#[cfg(target_os = "linux")]
#[test]
fn a_deleted_token_costs_less_than_a_hundred_bytes() {
    const TOKENS: u64 = 100_000;
    const ALONE: &str = "MPT_TOKENS_ALONE";
    if std::env::var_os(ALONE).is_none() {
        // In a process of its own: what tests beside it take is not this test's.
        let name = "service::a_deleted_token_costs_less_than_a_hundred_bytes";
        let mut child = std::process::Command::new(std::env::current_exe().expect("a test binary"));
        let output = child.args(["--exact", name]).env(ALONE, "yes").output().expect("a run");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{told}");
        return;
    }
    let sandbox = Sandbox::start().expect("a sandbox");
    let mut client = Client::new(&sandbox);
    let value = sandbox.api_token();
    assert_eq!(client.delete("TKN-ok-first", &value).status, 204);
    let before = resident_bytes();
    for batch in 0..TOKENS / 100 {
        for n in 0..100 {
            let id = format!("TKN-ok-{:07}", batch * 100 + n);
            client.ask("DELETE", &format!("{COLLECTION}/{id}"), &value);
        }
        for _ in 0..100 {
            assert_eq!(client.answer().status, 204);
        }
    }
    assert_eq!(sandbox.stats().deleted, TOKENS + 1);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 100 * TOKENS + (2 << 20), "{grown} bytes for {TOKENS} tokens");
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    let kilobytes: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("digits");
    kilobytes * 1024
}

#[test]
fn dropping_it_ends_every_connection_and_frees_the_port() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let (port, value) = (sandbox.port(), sandbox.api_token());
    let mut idle = Client::new(&sandbox);
    assert_eq!(idle.delete("TKN-ok-1", &value).status, 204);
    let mut held = Client::new(&sandbox);
    held.ask("DELETE", &format!("{COLLECTION}/TKN-requestsilent-1"), &value);
    let mut slow = Client::new(&sandbox);
    slow.ask("DELETE", &format!("{COLLECTION}/TKN-slow~3600000-1"), &value);
    for id in ["TKN-requestsilent-1", "TKN-slow~3600000-1"] {
        assert!(sandbox.wait_for_requests(id, 1, LONG));
    }
    drop(sandbox);
    for client in [&mut idle, &mut held, &mut slow] {
        let (bytes, end) = client.read_to_end();
        assert!(bytes.is_empty() && matches!(end, End::Closed | End::Reset));
    }
    TcpStream::connect(("127.0.0.1", port)).expect_err("nobody listens");

    let again = Sandbox::builder().port(port).start().expect("the same port");
    assert_eq!(again.base_url(), format!("http://127.0.0.1:{port}"));
    assert_eq!(again.truth("TKN-ok-1").status, Status::Active);
    Sandbox::builder().port(port).start().expect_err("a port in use");
}

#[test]
fn another_secret_is_another_set_of_values() {
    let sandbox = Sandbox::builder().secret("s3:cr3t").start().expect("a sandbox");
    assert_eq!(sandbox.api_token(), "idt:TKN-0000-0001:s3:cr3t");
    let mut client = Client::new(&sandbox);
    assert_eq!(client.delete("TKN-ok-1", "idt:TKN-0000-0001:sandbox-secret").status, 401);
    assert_eq!(client.delete("TKN-ok-1", &sandbox.api_token()).status, 204);
}
