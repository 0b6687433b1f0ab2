//! What a run tells beside its outcomes: records, attempts, warnings, and why it stopped.

use std::fs;
use std::process::Command;

use mpt_tokens_sandbox::Sandbox;
use rstest::rstest;

use crate::program::{outcomes, program, program_for};

fn sandbox() -> Sandbox {
    Sandbox::builder().numbered(9).start().unwrap()
}

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn delete(sandbox: &Sandbox, args: &str) -> Command {
    let mut command = program_for(sandbox);
    command.arg("delete").args(args.split_whitespace());
    command
}

#[test]
fn a_record_grows_from_run_to_run() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("outcomes.ndjson");
    let with = |args: &str| {
        let mut command = delete(&sandbox, args);
        run(command.arg("--output").arg(&record))
    };
    let ran = with("TKN-1000-0001 TKN-403-1 --yes --concurrency 1");
    assert_eq!(ran.status, Some(1));
    assert!(ran.stdout.starts_with("deleted      TKN-1000-0001\n"), "{}", ran.stdout);
    // As a crash leaves it.
    let mut torn = fs::read_to_string(&record).unwrap();
    torn.push_str("{\"id\":\"TKN-1");
    fs::write(&record, &torn).unwrap();
    assert_eq!(with("TKN-1000-0002 --json").status, Some(0));
    assert_eq!(with("TKN-1000-0003 --dry-run").status, Some(0));

    let text = fs::read_to_string(&record).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.remove(2), "{\"id\":\"TKN-1");
    let told = outcomes(lines.join("\n").as_bytes());
    let told: Vec<_> = told
        .iter()
        .map(|told| (told["id"].as_str().unwrap(), told["retryable"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, [("TKN-1000-0001", false), ("TKN-403-1", false), ("TKN-1000-0002", false)]);
    assert!(text.ends_with('\n'));
}

/// What the journal knows is told again where that is wanted, and not asked again.
#[test]
fn one_run_tells_of_the_whole_list() {
    let sandbox = sandbox();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("run.journal");
    let with = |args: &str| {
        let list = "TKN-1000-0001 TKN-answerlost-1 TKN-403.ok-1 --yes --concurrency 1 --json";
        let mut command = delete(&sandbox, &format!("{list} {args}"));
        run(command.arg("--journal").arg(&journal))
    };
    assert_eq!(with("").status, Some(1));
    let requests = sandbox.stats().requests;
    let ran = with("--replay");
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let told = outcomes(ran.stdout.as_bytes());
    let told: Vec<_> = told
        .iter()
        .map(|told| {
            let text = |name: &str| told[name].as_str().unwrap();
            (text("id"), text("outcome"), told.get("from_journal").is_some())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("TKN-1000-0001", "deleted", true),
            ("TKN-answerlost-1", "gone", true),
            ("TKN-403.ok-1", "deleted", false),
        ]
    );
    assert_eq!(sandbox.stats().requests, requests + 1);
    assert!(ran.stderr.contains("1 token in "), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 deleted, 2 already done"), "{}", ran.stderr);
    let without = run(&mut delete(&sandbox, "TKN-1000-0002 --replay"));
    assert_eq!(without.status, Some(2), "{}", without.stderr);
}

#[test]
fn a_record_that_cannot_be_written_stops_the_run() {
    let sandbox = sandbox();
    let ran = run(&mut delete(&sandbox, "TKN-1000-0001 --output /nowhere/outcomes.ndjson"));
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("`/nowhere/outcomes.ndjson` cannot be written"), "{}", ran.stderr);
    assert_eq!(sandbox.stats().requests, 0);
}

/// A disk that is full: what was deleted is told, and nothing more is deleted.
#[test]
#[cfg(target_os = "linux")]
fn a_record_on_a_full_disk_stops_the_run() {
    let sandbox = sandbox();
    let ids = "TKN-1000-0001 TKN-1000-0002 TKN-1000-0003 TKN-1000-0004 --yes --concurrency 1";
    let ran = run(&mut delete(&sandbox, &format!("{ids} --output /dev/full")));
    assert_eq!(ran.status, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("`/dev/full` cannot be written: No space left"), "{}", ran.stderr);
    assert_eq!(sandbox.stats().deleted, 1);
    assert!(ran.stdout.starts_with("deleted      TKN-1000-0001\n"), "{}", ran.stdout);
}

#[test]
fn json_is_short_for_its_format() {
    let sandbox = sandbox();
    let ran = run(&mut delete(&sandbox, "TKN-1000-0001 --json"));
    assert_eq!(outcomes(ran.stdout.as_bytes()).len(), 1);
    let both = run(&mut delete(&sandbox, "TKN-1000-0002 --json --format text"));
    assert_eq!(both.status, Some(2));
}

/// Attempts are told on standard error, and no part of the API token.
#[rstest]
#[case::short("-v", false)]
#[case::long("--verbose", false)]
#[case::everything("--debug", true)]
fn attempts_are_told_where_that_is_wanted(#[case] flag: &str, #[case] more: bool) {
    let sandbox = sandbox();
    let args = "TKN-503-1 TKN-400echo-1 --yes --concurrency 1";
    let ran = run(&mut delete(&sandbox, &format!("{args} {flag}")));
    assert!(ran.stderr.contains("DELETE TKN-503-1: 503\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("DELETE TKN-503-1: 204\n"), "{}", ran.stderr);
    assert_eq!(ran.stderr.contains("ureq"), more, "{}", ran.stderr);
    let token = sandbox.api_token();
    let secret = token.rsplit(':').next().unwrap();
    assert!(secret.len() > 8 && !ran.stderr.contains(secret), "{}", ran.stderr);
    assert!(!ran.stdout.contains("DELETE"), "{}", ran.stdout);
    let quiet = run(&mut delete(&sandbox, "TKN-503-2"));
    assert_eq!(quiet.stderr, "");
}

/// What is not understood of NO_PROXY is said once, and only where there is a proxy.
#[rstest]
#[case::with_a_proxy(Some("http://proxy.example.test:3128"), 1)]
#[case::without(None, 0)]
fn an_entry_of_no_proxy_that_is_not_understood(#[case] proxy: Option<&str>, #[case] times: usize) {
    let mut command = program();
    command
        .args(["delete", "TKN-1-1", "--dry-run", "--base-url", "https://api.example.test"])
        .env("MPT_API_TOKEN", "idt:TKN-1-9:not-a-real-one")
        .env("NO_PROXY", "10.0.0.0/33;u:hunter22@api.example.test");
    if let Some(proxy) = proxy {
        command.env("HTTPS_PROXY", proxy);
    }
    let ran = run(&mut command);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let warning = "warning: the entry `10.0.0.0/33` of NO_PROXY is not understood";
    assert_eq!(ran.stderr.matches(warning).count(), times, "{}", ran.stderr);
    assert!(!ran.stderr.contains("hunter22"), "{}", ran.stderr);
}

/// One line says why the rest was not tried, and one how often what was in the way.
#[rstest]
#[case::the_token(
    "TKN-ok-1 TKN-401-1 TKN-401-2 TKN-ok-2",
    "stopped: the API answered 401 (the API token is not accepted): check MPT_API_TOKEN\n",
    "why: 2 unauthorized\n"
)]
#[case::one_401_alone("TKN-ok-1 TKN-401-1 TKN-ok-2 TKN-401-2", "", "why: 2 unauthorized\n")]
#[case::nothing_stopped(
    "TKN-403-1 TKN-403-2 TKN-503.always-1 TKN-ok-1",
    "",
    "why: 2 forbidden; 1 server_error (run again)\n"
)]
fn why_a_run_stopped(#[case] ids: &str, #[case] stopped: &str, #[case] why: &str) {
    let sandbox = sandbox();
    let args = format!("{ids} --yes --concurrency 1 --attempts 2 --patience 0");
    let ran = run(&mut delete(&sandbox, &args));
    assert!(ran.stderr.contains(stopped) && ran.stderr.contains(why), "{}", ran.stderr);
    assert_eq!(ran.stderr.contains("stopped: "), !stopped.is_empty(), "{}", ran.stderr);
}

/// A trust store on a file system that hangs: nobody ever writes to this pipe.
#[cfg(unix)]
#[rstest]
#[case::the_whole_store(&["SSL_CERT_FILE"])]
#[case::the_file_of_two(&["SSL_CERT_FILE", "SSL_CERT_DIR"])]
fn a_trust_store_that_hangs_holds_no_call_past_its_deadline(#[case] variables: &[&str]) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("trust");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    let mut command = program();
    command
        .args(["delete", "TKN-1-1", "TKN-1-2", "--attempts", "2", "--timeout", "300ms"])
        .args(["--patience", "0", "--yes", "--base-url"])
        .arg(format!("https://127.0.0.1:{port}"))
        .env("MPT_API_TOKEN", "idt:TKN-1-9:not-a-real-one")
        .env_remove("SSL_CERT_FILE")
        .env_remove("SSL_CERT_DIR");
    for variable in variables {
        command.env(variable, &pipe);
    }
    let ran = run(&mut command);
    assert_eq!(ran.status, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("while the trust store was read"), "{}", ran.stdout);
    nobody.set_nonblocking(true).unwrap();
    assert!(nobody.accept().is_err(), "a connection was opened");
}

/// A trust store that a variable names and that cannot be used is named, and nothing is sent.
#[rstest]
#[case::file(
    "SSL_CERT_FILE",
    "SSL_CERT_FILE cannot be used: the CA file `/nowhere/trust` cannot be read: "
)]
#[case::folder("SSL_CERT_DIR", "a part of SSL_CERT_DIR cannot be read: `/nowhere/trust`: ")]
fn a_trust_store_that_cannot_be_used(#[case] variable: &str, #[case] words: &str) {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    let mut command = program();
    command
        .args(["delete", "TKN-1-1", "--attempts", "1", "--base-url"])
        .arg(format!("https://127.0.0.1:{port}"))
        .env("MPT_API_TOKEN", "idt:TKN-1-9:not-a-real-one")
        .env_remove("SSL_CERT_FILE")
        .env_remove("SSL_CERT_DIR")
        .env(variable, "/nowhere/trust");
    let ran = run(&mut command);
    assert_eq!(ran.status, Some(1), "{}{}", ran.stdout, ran.stderr);
    let told = ran.stdout;
    assert!(
        told.contains("no certificate authority is trusted: ") && told.contains(words),
        "{told}"
    );
    nobody.set_nonblocking(true).unwrap();
    assert!(nobody.accept().is_err(), "a connection was opened");
}
