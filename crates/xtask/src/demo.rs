//! `cargo xtask demo`: a token dies by the program, one by a C program and one by Python; then one more each whose
//! answer is lost on the way.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use mpt_tokens::OutcomeKind;
use mpt_tokens_sandbox::Sandbox;

use crate::log::Log;
use crate::{artifacts, python, repo};
use mpt_tokens_tools::{C_COMPILER, PYTHON, Tool};

/// What the sandbox does to the tokens, by their ids, and in words.
const SCENARIOS: &[(&str, &str)] =
    &[("ok", "answers"), ("answerlost", "deletes it, and the answer is lost")];

/// Deletes the token whose id is the last argument, and prints the outcome.
type Client = (&'static str, Vec<PathBuf>);

/// Shows that each token is dead; `false` if one is not.
pub(crate) fn run(log: &mut Log) -> Result<bool> {
    if let Some(missing) = [C_COMPILER, PYTHON].iter().find_map(Tool::missing) {
        bail!(missing);
    }
    println!(
        "Setting up under {} (minutes the first time, then seconds):",
        repo::target().display()
    );
    let program = stage("the program", || artifacts::program(log, "cli"))?;
    let c = stage("a C program", || {
        let c = repo::empty("xtask/demo")?.join("delete_one");
        let source = repo::root().join("crates/capi/examples/delete_one.c");
        artifacts::library(log)?.link(log, &source, &c)?;
        Ok(c)
    })?;
    let venv = stage("the Python package", || python::installed(log, python::fitting()?, "build"))?;
    let python = venv.bin().join("python");
    let script = repo::root().join("bindings/python/examples/delete_one.py");
    show(
        log,
        &[
            ("mpt-tokens", vec![program, "delete".into(), "--format".into(), "ndjson".into()]),
            ("C", vec![c]),
            ("Python", vec![python, script]),
        ],
    )
}

fn stage<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let done = work().with_context(|| format!("{name} could not be built"))?;
    println!("  {name:20} {:>6.1} s", started.elapsed().as_secs_f64());
    Ok(done)
}

fn show(log: &mut Log, clients: &[Client]) -> Result<bool> {
    let sandbox = Sandbox::start().context("the sandbox does not start")?;
    println!("\nThe sandbox stands in for the Marketplace at {}\n", sandbox.base_url());
    println!(
        "{:10}  {:19}  {:34}  {:9}  GET afterwards",
        "by", "token id", "the server", "outcome"
    );
    let mut dead = true;
    for (number, (scenario, what)) in SCENARIOS.iter().enumerate() {
        for (serial, (name, client)) in clients.iter().enumerate() {
            let id = format!("TKN-{scenario}-{number}00{serial}");
            let mut command = Command::new(&client[0]);
            command.args(&client[1..]).arg(&id);
            command.env("MPT_API_TOKEN", sandbox.api_token());
            let printed = log.stdout(command.env("MPT_API_BASE_URL", sandbox.base_url()))?;
            let outcome = outcome_in(&printed)
                .with_context(|| format!("{name} printed no outcome: {printed}"))?;
            let status = status(&sandbox, &id)?;
            println!("{name:10}  {id:19}  {what:34}  {:9}  {status}", outcome.name());
            dead &= outcome.is_success() && status == "Deleted";
        }
    }
    let word = if dead { "every token is dead" } else { "NOT every token is dead" };
    println!("\n{word}");
    Ok(dead)
}

/// Each client prints a line of JSON that has it.
pub(crate) fn outcome_in(printed: &str) -> Option<OutcomeKind> {
    let mut lines =
        printed.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.find_map(|line| {
        OutcomeKind::ALL.into_iter().find(|outcome| line["outcome"] == outcome.name())
    })
}

/// Asks the sandbox over HTTP, as anyone could.
fn status(sandbox: &Sandbox, id: &str) -> Result<String> {
    let url = format!("{}/public/v1/accounts/api-tokens/{id}", sandbox.base_url());
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().proxy(None).build());
    let body = agent.get(&url).call()?.body_mut().read_to_string()?;
    let token: serde_json::Value = serde_json::from_str(&body)?;
    token["status"].as_str().map(str::to_owned).with_context(|| format!("no status in {body}"))
}
