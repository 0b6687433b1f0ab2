//! Who deletes: the program, the Python package, and what else people would use. The Python ones are in
//! `bindings/python/bench/throughput.py`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::numbered_id;

use super::super::package;
use super::list;
use crate::log::Log;
use crate::python::Venv;
use crate::{artifacts, repo};

#[derive(Clone, Copy, Debug)]
pub(super) enum Peer {
    /// What this machine and the server can do at all.
    Raw,
    Program,
    ProgramWithJournal,
    Package,
    Aiohttp,
    Requests,
    Official,
}

impl Peer {
    pub(super) const ALL: [Peer; 7] = [
        Peer::Raw,
        Peer::Program,
        Peer::ProgramWithJournal,
        Peer::Package,
        Peer::Aiohttp,
        Peer::Requests,
        Peer::Official,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Peer::Raw => "raw sockets, a thread each",
            Peer::Program => "mpt-tokens delete",
            Peer::ProgramWithJournal => "mpt-tokens delete --journal",
            Peer::Package => "Python: Client.delete_tokens",
            Peer::Aiohttp => "aiohttp: one session, tasks",
            Peer::Requests => "requests: threads",
            Peer::Official => "official client: threads",
        }
    }
}

/// What one peer does once.
pub(super) struct Run<'a> {
    pub(super) base_url: &'a str,
    pub(super) api_token: &'a str,
    pub(super) concurrency: u32,
    /// When to stop, for those that take ids until the time is over.
    pub(super) seconds: u32,
    /// How many tokens to delete, for those that take a list.
    pub(super) count: u64,
}

pub(super) struct Done {
    pub(super) deleted: u64,
    pub(super) took: Duration,
}

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

    pub(super) fn run(&self, log: &mut Log, peer: Peer, run: &Run) -> Result<Done> {
        match peer {
            Peer::Raw => raw(run),
            Peer::Program => self.program(log, run, false),
            Peer::ProgramWithJournal => self.program(log, run, true),
            Peer::Package => self.python(log, "mpt_tokens", run),
            Peer::Aiohttp => self.python(log, "aiohttp", run),
            Peer::Requests => self.python(log, "requests", run),
            Peer::Official => self.python(log, "mpt-api-client", run),
        }
    }

    /// The whole program, its start and its end included.
    fn program(&self, log: &mut Log, run: &Run, journal: bool) -> Result<Done> {
        let mut command = std::process::Command::new(&self.program);
        command.args(["delete", "--yes", "--quiet", "--concurrency", &run.concurrency.to_string()]);
        command.arg("--from").arg(list(&self.folder, run.count)?);
        if journal {
            let path = self.folder.join("journal");
            let _ = fs::remove_file(&path);
            command.arg("--journal").arg(path);
        }
        command.env("MPT_API_BASE_URL", run.base_url).env("MPT_API_TOKEN", run.api_token);
        let started = Instant::now();
        log.run(&mut command)?;
        Ok(Done { deleted: run.count, took: started.elapsed() })
    }

    fn python(&self, log: &mut Log, peer: &str, run: &Run) -> Result<Done> {
        let mut command = self.venv.command("python");
        command.arg(repo::root().join("bindings/python/bench/throughput.py")).arg(peer);
        command.args([run.concurrency.to_string(), run.seconds.to_string()]);
        command.env("MPT_API_BASE_URL", run.base_url).env("MPT_API_TOKEN", run.api_token);
        let printed = log.stdout(&mut command)?;
        let mut words = printed.split_whitespace();
        let mut word = || words.next().with_context(|| format!("it printed no result: {printed}"));
        let (deleted, took) = (word()?.parse()?, Duration::from_secs_f64(word()?.parse()?));
        Ok(Done { deleted, took })
    }
}

/// Bytes made beforehand on a blocking socket, and the answer not looked at but for its first line.
fn raw(run: &Run) -> Result<Done> {
    let address = run.base_url.trim_start_matches("http://");
    let tail =
        format!(" HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\r\n", run.api_token);
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
    Ok(Done { deleted, took: started.elapsed() })
}
