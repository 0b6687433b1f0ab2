//! What is deleted from: a server that may hold every answer back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process;

/// Which server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The program's sandbox: one thread for all connections, far less work than any client has.
    Sandbox,
    /// A thread a connection, as many servers have: it takes its share of the machine, and no token is looked up.
    Threads,
}

/// A server that runs, in a process of its own or in this one; it ends when it is dropped.
pub(super) struct Server {
    pub(super) base_url: String,
    pub(super) api_token: String,
    run: Run,
}

enum Run {
    Sandbox(Child),
    Threads(Arc<Shared>),
}

#[derive(Default)]
struct Shared {
    answers: AtomicU64,
    stop: AtomicBool,
}

impl Server {
    pub(super) fn start(
        kind: Kind,
        program: &Path,
        tokens: u64,
        latency_ms: u64,
    ) -> Result<Server> {
        match kind {
            Kind::Sandbox => sandbox(program, tokens, latency_ms),
            Kind::Threads => threads(Duration::from_millis(latency_ms)),
        }
    }

    /// How many tokens were truly deleted; each must be by one request and no other.
    pub(super) fn deleted(&self) -> Result<u64> {
        if let Run::Threads(shared) = &self.run {
            return Ok(shared.answers.load(Ordering::SeqCst));
        }
        let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().proxy(None).build());
        let url = format!("{}/sandbox/stats", self.base_url);
        let told = agent.get(&url).call()?.body_mut().read_to_string()?;
        let stats: Value = serde_json::from_str(&told)?;
        ensure!(stats["requests"] == stats["deleted"], "some requests deleted nothing: {stats}");
        stats["deleted"].as_u64().context("the sandbox counts no deletions")
    }
}

fn sandbox(program: &Path, tokens: u64, latency_ms: u64) -> Result<Server> {
    let mut command = Command::new(program);
    command.args(["sandbox", "--format", "ndjson", "--tokens", &tokens.to_string()]);
    command.args(["--delay", &format!("{latency_ms}ms")]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let mut child = command.spawn().context("the sandbox does not start")?;
    process::note(child.id());
    let stdout = child.stdout.take();
    let mut server =
        Server { base_url: String::new(), api_token: String::new(), run: Run::Sandbox(child) };
    let mut line = String::new();
    BufReader::new(stdout.context("the sandbox has no output")?).read_line(&mut line)?;
    let told: Value = serde_json::from_str(&line)
        .with_context(|| format!("the sandbox does not say where it is, but: {line:?}"))?;
    for (name, place) in [("base_url", &mut server.base_url), ("api_token", &mut server.api_token)]
    {
        told[name].as_str().with_context(|| format!("no {name} in {line}"))?.clone_into(place);
    }
    Ok(server)
}

/// The least that a server can do: it answers 204 to whatever it is asked, after `latency`.
pub(super) fn threads(latency: Duration) -> Result<Server> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let shared = Arc::<Shared>::default();
    let accepting = Arc::clone(&shared);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if accepting.stop.load(Ordering::SeqCst) {
                return;
            }
            let shared = Arc::clone(&accepting);
            // A client that leaves ends it.
            thread::spawn(move || serve(stream, &shared, latency));
        }
    });
    let api_token = "idt:TKN-0000-0001:any".to_owned();
    Ok(Server { base_url, api_token, run: Run::Threads(shared) })
}

/// Answers 204 to whatever ends in an empty line.
fn serve(mut stream: TcpStream, shared: &Shared, latency: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 16 * 1024];
    let mut filled = 0;
    loop {
        let received = stream.read(&mut buffer[filled..])?;
        let arrived = Instant::now();
        if received == 0 {
            return Ok(());
        }
        filled += received;
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            thread::sleep(latency.saturating_sub(arrived.elapsed()));
            shared.answers.fetch_add(1, Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match &mut self.run {
            Run::Sandbox(child) => process::end(child),
            Run::Threads(shared) => {
                shared.stop.store(true, Ordering::SeqCst);
                // It waits for one more connection; where none can be made, it has ended already.
                let _ = TcpStream::connect(self.base_url.trim_start_matches("http://"));
            }
        }
    }
}
