//! What is deleted from.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process;

/// The program's sandbox, in a process of its own that ends when this is dropped: one thread for all connections, far
/// less work than any client has.
pub(super) struct Server {
    pub(super) base_url: String,
    pub(super) api_token: String,
    child: Child,
}

impl Server {
    pub(super) fn start(program: &Path, tokens: u64, latency_ms: u64) -> Result<Server> {
        let mut command = Command::new(program);
        command.args(["sandbox", "--format", "ndjson", "--tokens", &tokens.to_string()]);
        command.args(["--delay", &format!("{latency_ms}ms")]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = process::start(&mut command).context("the sandbox does not start")?;
        let stdout = child.stdout.take().context("the sandbox has no output")?;
        let mut server = Server { base_url: String::new(), api_token: String::new(), child };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line)
            .with_context(|| format!("the sandbox does not say where it is, but: {line:?}"))?;
        let get = |name: &str| told[name].as_str().with_context(|| format!("no {name} in {line}"));
        get("base_url")?.clone_into(&mut server.base_url);
        get("api_token")?.clone_into(&mut server.api_token);
        Ok(server)
    }

    /// How many tokens were truly deleted; each must be by one request and no other.
    pub(super) fn deleted(&self) -> Result<u64> {
        let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().proxy(None).build());
        let url = format!("{}/sandbox/stats", self.base_url);
        let stats: Value =
            serde_json::from_str(&agent.get(&url).call()?.body_mut().read_to_string()?)?;
        ensure!(stats["requests"] == stats["deleted"], "some requests deleted nothing: {stats}");
        stats["deleted"].as_u64().context("the sandbox counts no deletions")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

/// The least that a server can do: it answers 204 at once to whatever ends in an empty line, with a thread a connection,
/// until this process ends. The base URL.
pub(super) fn least() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    let base_url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that leaves ends it.
            thread::spawn(move || serve(stream));
        }
    });
    Ok(base_url)
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 16 * 1024];
    let mut filled = 0;
    loop {
        match stream.read(&mut buffer[filled..])? {
            0 => return Ok(()),
            received => filled += received,
        }
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        }
    }
}
