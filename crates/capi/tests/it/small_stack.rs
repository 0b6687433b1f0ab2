//! What runs on a small stack: shared by the tests of the library that cargo builds for tests, and of the one that is
//! released.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mpt_tokens_sandbox::{Sandbox, Status};
use tempfile::TempDir;

use crate::build::{compile, output, root, succeed, workplace};

/// What docs and header promise to be enough, in KiB.
pub(crate) const STACK: &str = "64";

/// A TLS server of another make, with a certificate of its own; it answers one request with these bytes.
struct Server {
    child: Child,
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
pub(crate) const GZIP: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Encoding: gzip\r\nContent-Type: application/problem+json\r\n\
    Content-Length: 34\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\x02\x03\xab\x56\x2a\xc9\x2c\xc9\x49\x55\xb2\x52\xca\xcb\x57\xaa\
    \x05\0\xfc\xd3\x53\x21\x0e\0\0\0";

/// Builds `tests/c/small_stack.c` into a folder of its own.
fn program() -> TempDir {
    let folder = workplace();
    let program = folder.path().join("program");
    compile(&root().join("crates/capi/tests/c/small_stack.c"), &program);
    folder
}

/// One call over TLS, answered with these bytes, by the library in this folder: what the program prints.
pub(crate) fn https(library: &Path, stack: &str, answer: &[u8]) -> String {
    let folder = program();
    let mut server = Server::start(folder.path());
    let child = Command::new(folder.path().join("program"))
        .args([stack, &format!("https://127.0.0.1:{}", server.port)])
        .arg(folder.path().join("ca.pem"))
        .arg("TKN-1671-0642")
        .env("LD_LIBRARY_PATH", library)
        .env("MPT_API_TOKEN", "idt:TKN-0000-0001:sandbox-secret")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    server.answer(answer);
    let done = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {told}", done.status);
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Each kind of call over plain HTTP, by the library in this folder: what the program prints of the first.
pub(crate) fn http(library: &Path, stack: &str, id: &str) -> String {
    let folder = program();
    let sandbox = Sandbox::start().unwrap();
    let mut command = Command::new(folder.path().join("program"));
    command.args([stack, &sandbox.base_url(), "", id]).arg(folder.path().join("journal"));
    command.env("LD_LIBRARY_PATH", library).env("MPT_API_TOKEN", sandbox.api_token());
    let done = output(&mut command);
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {told}", done.status);
    for id in ["TKN-ok-stack1", "TKN-answerlost-stack2", "TKN-ok-stack3"] {
        assert_eq!(sandbox.truth(id).status, Status::Deleted, "{id}: {told}");
    }
    String::from_utf8_lossy(&done.stdout).into_owned()
}
