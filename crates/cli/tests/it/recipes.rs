//! What docs/scaling.md tells people to run, run as it stands there, with a server that is down in between.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mpt_tokens_sandbox::{Sandbox, Status, numbered_id};
use mpt_tokens_tools::{BASH, JQ, needs};
use rstest::rstest;

use crate::program::{outcome, program_for};

const LIST: u64 = 400;
/// How often somebody starts a recipe again before it counts as one that does not end.
const AGAIN: usize = 10;

/// The blocks of the document for a shell, without what they are indented by.
fn recipes() -> Vec<String> {
    let document = include_str!("../../../../docs/scaling.md");
    let mut recipes = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some(indent) = line.strip_suffix("```sh") else { continue };
        let block = lines.by_ref().take_while(|line| line.trim() != "```");
        let bare = block.map(|line| line.strip_prefix(indent).unwrap_or(line).to_owned() + "\n");
        recipes.push(bare.collect());
    }
    recipes
}

fn id(number: u64) -> String {
    numbered_id(number)
}

fn sandbox(port: u16) -> Sandbox {
    let builder = Sandbox::builder().numbered(LIST).delay(Duration::from_millis(300));
    builder.port(port).start().unwrap()
}

/// A shell in the folder, where the program is found by its name.
fn shell(recipe: &str, folder: &Path, sandbox: &Sandbox) -> Command {
    let prepared = program_for(sandbox);
    let program = Path::new(prepared.get_program()).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("bash");
    for (name, value) in prepared.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .args(["--norc", "-c", recipe])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", program.display()))
        .env("PAUSE", "0.2")
        .stdin(Stdio::null());
    command
}

/// Every line of every record, in order: what each said last of a token.
fn told(folder: &Path) -> BTreeMap<String, (String, bool)> {
    let mut told = BTreeMap::new();
    let mut records: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    records.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name == "outcomes.ndjson" || name.starts_with("part.") && name.ends_with(".ndjson")
    });
    for line in records.iter().flat_map(|path| {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    }) {
        let outcome = outcome(&line);
        let text = |name: &str| outcome[name].as_str().unwrap().to_owned();
        told.insert(text("id"), (text("outcome"), outcome["retryable"].as_bool().unwrap()));
    }
    told
}

/// Each recipe, started again as the document says, leaves no token alive and tells of each that it is dead.
#[rstest]
fn a_recipe_survives_an_outage(#[values(0, 1, 2)] number: usize) {
    needs!(BASH, JQ);
    let recipes = recipes();
    assert_eq!(recipes.len(), 3, "a recipe that is not run here");
    let folder = tempfile::tempdir().unwrap();
    let ids: String = (1..=LIST).map(|number| id(number) + "\n").collect();
    fs::write(folder.path().join("ids.txt"), ids).unwrap();

    let first = sandbox(0);
    let port = first.port();
    let mut run = shell(&recipes[number], folder.path(), &first).spawn().unwrap();
    // Some are answered by then, some are under way, and most were not asked.
    assert!(first.wait_for_requests(&id(20), 1, Duration::from_secs(60)));
    let deleted = |sandbox: &Sandbox| -> Vec<bool> {
        (1..=LIST).map(|number| sandbox.truth(&id(number)).status == Status::Deleted).collect()
    };
    let before = deleted(&first);
    drop(first);
    // What is there instead takes connections and says nothing on them, as a load balancer without a server does.
    let down = TcpListener::bind(("127.0.0.1", port)).unwrap();
    for _ in 0..20 {
        drop(down.accept().unwrap());
    }
    drop(down);
    let second = sandbox(port);
    run.wait().unwrap();
    let mut runs = 1;
    let lives = |told: &BTreeMap<String, (String, bool)>| {
        let dead = |(outcome, _): &&(String, bool)| outcome == "deleted" || outcome == "gone";
        LIST - told.values().filter(dead).count() as u64
    };
    while lives(&told(folder.path())) > 0 && runs < AGAIN {
        shell(&recipes[number], folder.path(), &second).status().unwrap();
        runs += 1;
    }
    let told = told(folder.path());
    let alive: Vec<_> = told.iter().filter(|(_, (_, retryable))| *retryable).collect();
    assert!(alive.is_empty(), "{alive:?}");
    assert_eq!((lives(&told), told.len() as u64), (0, LIST), "{told:?}");
    for (index, (before, after)) in before.iter().zip(deleted(&second)).enumerate() {
        assert!(*before || after, "{} lives", id(index as u64 + 1));
    }
}
