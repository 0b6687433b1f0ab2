//! Who deletes: the program, the Python package, and what else people would use. The Python ones are in
//! `bindings/python/bench/throughput.py`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::numbered_id;

use super::package;
use super::server::Server;
use crate::log::Log;
use crate::python::Venv;
use crate::{artifacts, repo};

#[derive(Clone, Copy, Debug)]
pub(super) enum Peer {
    /// What this machine and the server can do at all.
    Raw,
    Program {
        journal: bool,
    },
    /// By its name in `throughput.py`.
    Python(&'static str),
}

pub(super) const PEERS: [(&str, Peer); 7] = [
    ("raw sockets, a thread each", Peer::Raw),
    ("mpt-tokens delete", Peer::Program { journal: false }),
    ("mpt-tokens delete --journal", Peer::Program { journal: true }),
    ("Python: Client.delete_tokens", Peer::Python("mpt_tokens")),
    ("aiohttp: one session, tasks", Peer::Python("aiohttp")),
    ("requests: threads", Peer::Python("requests")),
    ("official client: threads", Peer::Python("mpt-api-client")),
];

/// What one peer does once.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) concurrency: u32,
    /// When to stop, for those that take ids until the time is over.
    pub(super) seconds: u32,
    /// How many tokens to delete, for those that take a list.
    pub(super) count: u64,
}

/// How many it deleted, and how long that took.
pub(super) type Done = (u64, Duration);

/// What the peers need.
pub(super) struct Setup {
    pub(super) program: PathBuf,
    venv: Venv,
    folder: PathBuf,
}

impl Setup {
    pub(super) fn make(log: &mut Log) -> Result<Setup> {
        let program = artifacts::optimized_program(log)?;
        let venv = package(log)?;
        let folder = repo::target().join("xtask/bench");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Setup { program, venv, folder })
    }

    pub(super) fn run(&self, log: &mut Log, peer: Peer, server: &Server, run: Run) -> Result<Done> {
        let mut command = match peer {
            Peer::Raw => return raw(server, run),
            Peer::Program { journal } => self.program(run, journal)?,
            Peer::Python(name) => {
                let mut command = self.venv.command("python");
                command.arg(repo::root().join("bindings/python/bench/throughput.py")).arg(name);
                command.args([run.concurrency.to_string(), run.seconds.to_string()]);
                command
            }
        };
        command.env("MPT_API_BASE_URL", &server.base_url).env("MPT_API_TOKEN", &server.api_token);
        let started = Instant::now();
        let printed = log.stdout(&mut command)?;
        if let Peer::Program { .. } = peer {
            return Ok((run.count, started.elapsed()));
        }
        let mut words = printed.split_whitespace();
        let mut word = || words.next().with_context(|| format!("it printed no result: {printed}"));
        Ok((word()?.parse()?, Duration::from_secs_f64(word()?.parse()?)))
    }

    /// The whole program, its start and its end included.
    fn program(&self, run: Run, journal: bool) -> Result<Command> {
        let list = self.folder.join("ids.txt");
        let ids: String = (1..=run.count).map(|n| numbered_id(n) + "\n").collect();
        fs::write(&list, ids).with_context(|| format!("cannot write {}", list.display()))?;
        let mut command = Command::new(&self.program);
        command.args(["delete", "--yes", "--quiet", "--concurrency", &run.concurrency.to_string()]);
        command.arg("--from").arg(list);
        if journal {
            let path = self.folder.join("journal");
            let _ = fs::remove_file(&path);
            command.arg("--journal").arg(path);
        }
        Ok(command)
    }
}

/// Bytes made beforehand on a blocking socket, and the answer not looked at but for its first line.
pub(super) fn raw(server: &Server, run: Run) -> Result<Done> {
    let address = server.base_url.trim_start_matches("http://");
    let credential = format!("authorization: Bearer {}", server.api_token);
    let tail = format!(" HTTP/1.1\r\nhost: {address}\r\n{credential}\r\n\r\n");
    let next = AtomicU64::new(1);
    let work = || -> Result<u64> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let mut answer = [0; 4096];
        let mut deleted = 0;
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n > run.count {
                return Ok(deleted);
            }
            let request = format!("DELETE /public/v1/accounts/api-tokens/{}{tail}", numbered_id(n));
            socket.write_all(request.as_bytes())?;
            let mut filled = 0;
            while !answer[..filled].ends_with(b"\r\n\r\n") {
                let received = socket.read(&mut answer[filled..])?;
                ensure!(received > 0, "the server closed the connection");
                filled += received;
            }
            ensure!(answer.starts_with(b"HTTP/1.1 204 "), "the answer is not 204");
            deleted += 1;
        }
    };
    let started = Instant::now();
    let deleted = thread::scope(|scope| {
        let threads: Vec<_> = (0..run.concurrency).map(|_| scope.spawn(work)).collect();
        let ended = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        ended.sum::<Result<u64>>()
    })?;
    Ok((deleted, started.elapsed()))
}
