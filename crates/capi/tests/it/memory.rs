//! Where memory or stack is short: what the caller sizes is refused, what else fails ends the process and tells no lie.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::{C_COMPILER, OPENSSL, compiler, needs};
use rstest::rstest;
use tempfile::TempDir;

use crate::build::{against, compile, output, root, succeed, workplace};

/// What docs and header promise to be enough, in KiB.
const STACK: &str = "64";
/// Enough to unpack what a gateway packed: an unoptimized library has the tables for it on the stack for a moment.
const UNPACKING: &str = if cfg!(debug_assertions) { "112" } else { STACK };

fn program(source: &str) -> (TempDir, PathBuf) {
    let folder = workplace();
    let program = folder.path().join("program");
    compile(&root().join("crates/capi").join(source), &program);
    (folder, program)
}

#[test]
fn sizes_of_the_caller_are_refused_and_not_copied() {
    needs!(C_COMPILER);
    let (_folder, program) = program("tests/c/memory.c");
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(&mut against(&sandbox, &program));
    assert!(printed.ends_with(" checks\n"), "{printed}");
}

/// Every allocation of a run fails once, each in a process of its own: it goes on and tells the truth, or it ends as a
/// Rust program without memory does, by SIGABRT.
#[rstest]
#[case("ok", 1)]
#[case("answerlost", 11)]
fn an_allocation_that_fails_tells_no_lie(#[case] scenario: &str, #[case] step: usize) {
    needs!(C_COMPILER);
    let (folder, program) = program("examples/delete_one.c");
    let shim = folder.path().join("failing_malloc.so");
    let mut cc = Command::new(compiler("CC", "cc"));
    cc.args(["-shared", "-fPIC", "-O1", "-fno-builtin", "-o"]).arg(&shim);
    succeed(cc.arg(root().join("crates/capi/tests/c/failing_malloc.c")));
    let sandbox = Sandbox::start().unwrap();
    let mut aborted = 0;
    for at in (1..).step_by(step) {
        assert!(at < 20_000, "a run makes more allocations than any ever did");
        let id = format!("TKN-{scenario}-{at}");
        let mut command = against(&sandbox, &program);
        let done = output(command.arg(&id).env("LD_PRELOAD", &shim).env("FAIL_AT", at.to_string()));
        let told = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
        let whole = format!("allocation {at}: {}\n{}{}", done.status, told[0], told[1]);
        let truth = sandbox.truth(&id).status;
        match (done.status.signal(), done.status.code()) {
            (Some(signal), _) => {
                assert_eq!(signal, rustix::process::Signal::ABORT.as_raw(), "{whole}");
                // Of Rust, or of the C library on its behalf.
                let says = ["memory allocation of ", "out of memory"];
                assert!(says.iter().any(|text| told[1].contains(text)), "{whole}");
                aborted += 1;
            }
            (None, Some(0)) => {
                assert!(
                    told[0].contains("\"outcome\":\"deleted\"")
                        || told[0].contains("\"outcome\":\"gone\""),
                    "{whole}"
                );
                assert_eq!(truth, Status::Deleted, "{whole}");
            }
            // Nothing was tried, or it is said that nothing was deleted.
            (None, Some(1 | 2)) => assert_eq!(truth, Status::Active, "{whole}"),
            (None, Some(3)) => assert!(told[0].contains("\"outcome\":\"unknown\""), "{whole}"),
            _ => panic!("{whole}"),
        }
        if told[1].contains("no allocation failed") {
            assert!(aborted > 5, "only {aborted} of {at} were told of");
            return;
        }
    }
}

/// The same of a batch: what it reported before it ended is true, each token's line for itself.
#[test]
fn an_allocation_that_fails_in_a_batch_tells_no_lie() {
    needs!(C_COMPILER);
    let (folder, program) = program("examples/delete_many.c");
    let shim = folder.path().join("failing_malloc.so");
    let mut cc = Command::new(compiler("CC", "cc"));
    cc.args(["-shared", "-fPIC", "-O1", "-fno-builtin", "-o"]).arg(&shim);
    succeed(cc.arg(root().join("crates/capi/tests/c/failing_malloc.c")));
    let sandbox = Sandbox::start().unwrap();
    let (mut aborted, mut reported) = (0, 0);
    for at in (1..).step_by(5) {
        assert!(at < 40_000, "a run makes more allocations than any ever did");
        let ids = ["ok", "answerlost", "403.always"].map(|what| format!("TKN-{what}-b{at}"));
        let mut command = against(&sandbox, &program);
        command.args(&ids).env("LD_PRELOAD", &shim).env("FAIL_AT", at.to_string());
        let done = output(&mut command);
        let told = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
        let whole = format!("allocation {at}: {}\n{}{}", done.status, told[0], told[1]);
        if let Some(signal) = done.status.signal() {
            assert_eq!(signal, rustix::process::Signal::ABORT.as_raw(), "{whole}");
            let says = ["memory allocation of ", "out of memory"];
            assert!(says.iter().any(|text| told[1].contains(text)), "{whole}");
            aborted += 1;
        } else {
            assert!(matches!(done.status.code(), Some(0..=3)), "{whole}");
        }
        // How many lines say that a token is dead, and how many are.
        let dead = ids.iter().filter(|id| sandbox.truth(id).status == Status::Deleted).count();
        // `1/3 deleted: the token ...`
        let word = |line: &str| line.split(' ').nth(1).unwrap_or_default().to_owned();
        let says = |kind: &str| told[0].lines().filter(|line| word(line) == kind).count();
        let said = says("deleted:") + says("gone:");
        assert!(said <= dead, "{whole}");
        assert!(says("not_deleted:") <= ids.len() - dead, "{whole}");
        reported += said;
        if told[1].contains("no allocation failed") {
            assert!(aborted > 5 && reported > 20, "{aborted} aborts, {reported} reports, {at}");
            return;
        }
    }
}

/// A TLS server of another make, with a certificate of its own; it answers one request with these bytes.
struct Server {
    child: std::process::Child,
    port: u16,
}

impl Server {
    fn start(folder: &Path) -> Server {
        let openssl = |arguments: &[&str]| {
            succeed(Command::new("openssl").args(arguments).current_dir(folder));
        };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        openssl(
            &[
                &["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days=2", "-subj=/CN=ca"],
                &key[..],
            ]
            .concat(),
        );
        openssl(
            &[
                &["req", "-keyout", "key.pem", "-out", "request.pem", "-subj=/CN=localhost"],
                &key[..],
            ]
            .concat(),
        );
        fs::write(
            folder.join("extensions"),
            "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        openssl(&[
            "x509",
            "-req",
            "-in",
            "request.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "extensions",
            "-out",
            "cert.pem",
        ]);
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "1"]);
        command.args(["-cert", "cert.pem", "-key", "key.pem"]).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut accepts = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        while !accepts.starts_with("ACCEPT ") {
            accepts.clear();
            assert!(stdout.read_line(&mut accepts).unwrap() > 0, "openssl ended");
        }
        let port = accepts.trim().rsplit(':').next().unwrap().parse().unwrap();
        child.stdout = Some(stdout.into_inner());
        Server { child, port }
    }

    /// Answers the request once it is there whole.
    fn answer(&mut self, bytes: &[u8]) {
        let mut heard = Vec::new();
        let mut stdout = self.child.stdout.take().unwrap();
        while !heard.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stdout.read(&mut byte).unwrap() == 0 {
                return;
            }
            heard.push(byte[0]);
        }
        self.child.stdin.as_mut().unwrap().write_all(bytes).unwrap();
        self.child.stdout = Some(stdout);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A body as `gzip -n` makes it of `{"title":"no"}`.
const GZIP: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Encoding: gzip\r\nContent-Type: application/problem+json\r\n\
    Content-Length: 34\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\x02\x03\xab\x56\x2a\xc9\x2c\xc9\x49\x55\xb2\x52\xca\xcb\x57\xaa\
    \x05\0\xfc\xd3\x53\x21\x0e\0\0\0";

#[rstest]
#[case::deleted(STACK, b"HTTP/1.1 204 No Content\r\n\r\n", "0\n")]
#[case::packed_problem(UNPACKING, GZIP, "102\n")]
fn https_works_on_a_small_stack(#[case] stack: &str, #[case] answer: &[u8], #[case] code: &str) {
    needs!(C_COMPILER, OPENSSL);
    let (folder, program) = program("tests/c/small_stack.c");
    let mut server = Server::start(folder.path());
    let sandbox = Sandbox::start().unwrap();
    let child = against(&sandbox, &program)
        .args([stack, &format!("https://127.0.0.1:{}", server.port)])
        .arg(folder.path().join("ca.pem"))
        .arg("TKN-1671-0642")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    server.answer(answer);
    let done = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {told}", done.status);
    assert_eq!(String::from_utf8_lossy(&done.stdout), code, "{told}");
}

#[rstest]
#[case("TKN-ok-0001", "0\n")]
#[case("TKN-403.always-0001", "102\n")]
#[case("TKN-answergarbage-0001", "107\n")]
fn http_works_on_a_small_stack(#[case] id: &str, #[case] code: &str) {
    needs!(C_COMPILER);
    let (_folder, program) = program("tests/c/small_stack.c");
    let sandbox = Sandbox::start().unwrap();
    let url = sandbox.base_url().to_owned();
    let done = output(against(&sandbox, &program).args([STACK, &url, "", id]));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {told}", done.status);
    assert_eq!(String::from_utf8_lossy(&done.stdout), code, "{told}");
}
