//! `cargo xtask bench`: this project beside other ways to do the same, optimized, in one run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use mpt_tokens_tools::{C_COMPILER, compiler};

use crate::log::Log;
use crate::{artifacts, python, repo, wheels};

/// The oldest Python that the official client works with.
const PEERS_WANT: (u32, u32) = (3, 12);

/// What is measured.
#[derive(clap::Subcommand)]
pub(crate) enum What {
    /// One warm call of the Rust core, beside a raw socket and bare ureq.
    Call,
    /// What is said of a token after each fault of the sandbox, and what is true, beside `kingfisher revoke`.
    Truth,
    /// Long lists against a server that takes its time, beside aiohttp, requests and the official client: minutes.
    Throughput {
        /// `--concurrency 1,8,64,256`: a column each; `--seconds 3`: of each peer in a round; `--rounds 3`: the median
        /// counts; `--only TEXT`: the peers with that in their name.
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        options: Vec<String>,
    },
}

/// Measures, and prints tables; without a word about what, everything that is beside other clients in one run.
pub(crate) fn run(log: &mut Log, what: Option<&What>, write: bool) -> Result<bool> {
    if let Ok(load) = fs::read_to_string("/proc/loadavg") {
        let load = load.split(' ').next().unwrap_or_default();
        eprintln!(
            "the load of this machine is {load}: beside other work, what is measured says little"
        );
    }
    let mut bench = match what {
        None => beside(log, write)?,
        Some(What::Call) => {
            let mut bench = repo::cargo("bench");
            bench.args(["--quiet", "--package=mpt-tokens", "--bench=call"]);
            bench
        }
        Some(What::Truth) => {
            let program = artifacts::program(log, "cli")?;
            let venv = python::venv(log, python::fitting()?, "scanners")?;
            let mut bench = venv.command("python");
            bench.arg("contrib/truth.py").arg(program);
            bench
        }
        Some(What::Throughput { options }) => {
            let python = package(log)?.bin().join("python");
            let mut bench = repo::cargo("bench");
            bench.args(["--quiet", "--package=mpt-tokens-cli", "--bench=throughput", "--"]);
            bench.arg("--python").arg(python).args(options);
            bench
        }
    };
    Ok(bench.status()?.success())
}

/// A Python with the peers, and with the wheel as it would be released.
fn package(log: &mut Log) -> Result<python::Venv> {
    let Some(python) =
        mpt_tokens_tools::python::all().into_iter().rfind(|it| it.version >= PEERS_WANT)
    else {
        bail!("no Python 3.12 or later is here: the official client wants one");
    };
    eprintln!("building the wheel, optimized: minutes the first time");
    let dist = wheels::build(log, "release", &repo::target().join("wheels"))?;
    let venv = python::venv(log, &python, "bench")?;
    venv.install(log, &dist.wheel)?;
    Ok(venv)
}

/// A warm call, a process and an import beside the clients of Rust, C and Python.
fn beside(log: &mut Log, write: bool) -> Result<Command> {
    let mut bench = package(log)?.command("python");
    bench.arg("bindings/python/bench/run.py").arg("--core").arg(native_peers(log)?);
    bench.arg("--reqwest").arg(reqwest(log)?);
    if let Some(peers) = c_peers(log)? {
        bench.arg("--c").arg(peers);
    }
    if write {
        bench.arg("--write").arg(repo::root().join("docs/benchmarks.md"));
    }
    Ok(bench)
}

/// The core, bare ureq and a raw socket, in one program.
fn native_peers(log: &mut Log) -> Result<PathBuf> {
    let mut cargo = repo::locked("bench");
    cargo.args(["--package=mpt-tokens", "--bench=peer", "--no-run"]);
    artifacts::executable(&artifacts::built(log, &mut cargo)?)
}

/// A crate of its own, with its own lock file: only this command builds it.
fn reqwest(log: &mut Log) -> Result<PathBuf> {
    let target = repo::folder("xtask/reqwest")?;
    let manifest = repo::root().join("crates/xtask/bench/reqwest/Cargo.toml");
    let mut cargo = repo::locked("build");
    cargo.arg("--release").arg("--manifest-path").arg(manifest).arg("--target-dir").arg(target);
    artifacts::executable(&artifacts::built(log, &mut cargo)?)
}

/// The C library as it is released, and libcurl, in one program; `None` without a C compiler.
fn c_peers(log: &mut Log) -> Result<Option<PathBuf>> {
    if let Some(why) = C_COMPILER.missing() {
        eprintln!("without the C library: {why}");
        return Ok(None);
    }
    let mut cargo = repo::locked("rustc");
    cargo.args(["--release", "--package=mpt-tokens-capi", "--lib", "--crate-type=cdylib"]);
    log.run(&mut cargo)?;
    let folder = repo::folder("xtask/bench")?;
    let library = repo::target().join("release/libmpt_tokens.so");
    fs::copy(library, folder.join("libmpt_tokens.so.1")).context("the library is not there")?;
    let program = folder.join("peers");
    let mut cc = Command::new(compiler("CC", "cc"));
    cc.args(["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(repo::root().join("include"));
    cc.arg(repo::root().join("crates/capi/benches/peers.c")).arg("-o").arg(&program);
    cc.arg(folder.join("libmpt_tokens.so.1")).arg("-ldl");
    log.run(cc.arg(format!("-Wl,-rpath,{}", folder.display())))?;
    Ok(Some(program))
}
