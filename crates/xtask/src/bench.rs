//! `cargo xtask bench`: this project beside other ways to do the same, optimized, in one run.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::log::Log;
use crate::{artifacts, python, repo, wheels};

/// The oldest Python that the official client works with.
const PEERS_WANT: (u32, u32) = (3, 12);

/// What is measured.
#[derive(clap::Subcommand)]
pub(crate) enum What {
    /// One warm call of the Rust core, beside a raw socket and bare ureq.
    Call,
    /// The Python package beside other clients: an import, a whole process, a warm call.
    Python,
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

/// Measures, and prints tables.
pub(crate) fn run(log: &mut Log, what: Option<&What>) -> Result<bool> {
    let mut bench = match what {
        None | Some(What::Call) => {
            let mut bench = repo::cargo("bench");
            bench.args(["--quiet", "--package=mpt-tokens", "--bench=call"]);
            bench
        }
        Some(What::Python) => {
            let mut bench = package(log)?.command("python");
            bench.arg("bindings/python/bench/run.py").arg(core_alone(log)?);
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

/// The core as a program that makes the same calls.
fn core_alone(log: &mut Log) -> Result<PathBuf> {
    let mut cargo = repo::locked("bench");
    cargo.args(["--package=mpt-tokens", "--bench=peer", "--no-run"]);
    artifacts::executable(&artifacts::built(log, &mut cargo)?)
}
