//! Outages: nobody is there, or nobody answers, and then everything is as it was.

use crate::client::{COLLECTION, Client, End, LONG};
use mpt_tokens_sandbox::{Outage, Sandbox, Status};
use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn a_refused_outage_closes_every_connection_and_takes_none() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    let mut idle = Client::new(&sandbox);
    assert_eq!(idle.delete("TKN-ok-1", &value).status, 204);
    let mut waiting = Client::new(&sandbox);
    waiting.ask("DELETE", &format!("{COLLECTION}/TKN-slow~3600000-1"), &value);
    assert!(sandbox.wait_for_requests("TKN-slow~3600000-1", 1, LONG));

    sandbox.begin_outage(Outage::Refused);
    assert_eq!(sandbox.stats().open_connections, 0);
    for client in [&mut idle, &mut waiting] {
        let (bytes, end) = client.read_to_end();
        assert!(bytes.is_empty() && matches!(end, End::Closed | End::Reset));
    }
    for _ in 0..10 {
        let error = TcpStream::connect(("127.0.0.1", sandbox.port())).expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }

    sandbox.end_outage();
    let mut client = Client::new(&sandbox);
    assert_eq!(client.delete("TKN-ok-1", &value).status, 404, "it remembers");
    let lost = sandbox.truth("TKN-slow~3600000-1");
    assert_eq!((lost.status, lost.requests), (Status::Deleted, 1));
}

#[test]
fn a_silent_outage_takes_connections_and_answers_nothing_on_any() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    let mut old = Client::new(&sandbox);
    assert_eq!(old.delete("TKN-ok-1", &value).status, 204);
    let mut waiting = Client::new(&sandbox);
    waiting.ask("DELETE", &format!("{COLLECTION}/TKN-slow~1000-1"), &value);
    assert!(sandbox.wait_for_requests("TKN-slow~1000-1", 1, LONG));

    sandbox.begin_outage(Outage::Silent);
    let mut new = Client::new(&sandbox);
    for client in [&mut old, &mut new] {
        client.ask("DELETE", &format!("{COLLECTION}/TKN-ok-2"), &value);
    }
    assert!(sandbox.wait_for_stats(LONG, |stats| stats.unanswered == 2));
    for client in [&mut old, &mut new] {
        client.silent_after(b"");
    }
    assert_eq!(waiting.answer_within(Duration::from_millis(1200)), None, "answered in the outage");
    assert_eq!(sandbox.truth("TKN-ok-2").requests, 0);

    sandbox.end_outage();
    for client in [&mut old, &mut new] {
        client.silent_after(b"");
    }
    let mut client = Client::new(&sandbox);
    assert_eq!(client.delete("TKN-ok-2", &value).status, 204);
}

/// One after the other, and at once: an order that comes before the last one is through is not lost.
#[test]
fn outages_begin_and_end_as_they_are_told() {
    let sandbox = Sandbox::start().expect("a sandbox");
    let value = sandbox.api_token();
    for round in 0..50 {
        let mut client = Client::new(&sandbox);
        assert_eq!(client.delete(&format!("TKN-ok-{round}"), &value).status, 204);
        sandbox.begin_outage(Outage::Silent);
        sandbox.begin_outage(Outage::Refused);
        sandbox.end_outage();
        assert!(client.read_to_end().0.is_empty(), "a connection outlived its outage");
    }
    sandbox.end_outage();
    assert_eq!(Client::new(&sandbox).delete("TKN-ok-0", &value).status, 404);
}

#[test]
fn an_outage_comes_and_goes_at_its_time() {
    let (after, lasts) = (Duration::from_millis(200), Duration::from_millis(200));
    let begun = Instant::now();
    let builder = Sandbox::builder().outage(after, lasts, Outage::Refused);
    let sandbox = builder.start().expect("a sandbox");
    let is_there = || TcpStream::connect(("127.0.0.1", sandbox.port())).is_ok();
    while is_there() {
        assert!(begun.elapsed() < LONG, "it never began");
    }
    assert!(begun.elapsed() >= after);
    while !is_there() {
        assert!(begun.elapsed() < LONG, "it never ended");
    }
    assert!(begun.elapsed() >= after + lasts);
}

/// Nobody who asks for a free port gets this one.
#[cfg(target_os = "linux")]
#[test]
fn the_port_is_kept_in_an_outage() {
    let sandbox = Sandbox::start().expect("a sandbox");
    sandbox.begin_outage(Outage::Refused);
    let others: Vec<_> =
        (0..200).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    assert!(others.iter().all(|other| other.local_addr().unwrap().port() != sandbox.port()));
    sandbox.end_outage();
    assert_eq!(Client::new(&sandbox).delete("TKN-ok-1", &sandbox.api_token()).status, 204);
}
