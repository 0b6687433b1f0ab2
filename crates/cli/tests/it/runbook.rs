//! What docs/leak.md tells people to run, run as it stands there; and its session, as it looks.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::{BASH, GIT, needs};
use tempfile::TempDir;

use crate::program::{program_for, timeless};

const DOCUMENT: &str = include_str!("../../../../docs/leak.md");
const LEAKED: [&str; 2] = ["TKN-1671-0642", "TKN-2020-0007"];

/// The blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let start = format!("```{language}\n");
    let blocks = DOCUMENT.split(&start).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A shell in the folder, where the program is found by its name. `burn` must do without the API token.
fn shell(script: &str, folder: &Path, sandbox: &Sandbox) -> Command {
    let mut prepared = program_for(sandbox);
    if script.contains("mpt-tokens burn") {
        prepared.env_remove("MPT_API_TOKEN");
    }
    let program = Path::new(prepared.get_program()).parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("bash");
    for (name, value) in prepared.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .args(["--norc", "-c", script])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", program.display()))
        .stdin(Stdio::null());
    command
}

/// Two tokens that leaked, into an .env and into code.
fn leak(sandbox: &Sandbox, folder: &Path) {
    let [one, two] = LEAKED.map(|id| sandbox.value_of(id));
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join(".env"), format!("DEBUG=1\nMPT_API_TOKEN={one}\n")).unwrap();
    let code = format!("const token = '{one}';\nconst old = '{two}';\n");
    fs::write(folder.join("src/client.ts"), code).unwrap();
}

fn sandbox() -> (Sandbox, TempDir) {
    let sandbox = Sandbox::builder().tokens(LEAKED).start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    leak(&sandbox, folder.path());
    (sandbox, folder)
}

fn dead(sandbox: &Sandbox) -> bool {
    LEAKED.iter().all(|id| sandbox.truth(id).status == Status::Deleted)
}

fn git(folder: &Path) {
    let commit = "git init -q . && git add -A && git -c user.name=x -c user.email=x@x commit -qm x";
    let status = Command::new("bash").args(["-c", commit]).current_dir(folder).status().unwrap();
    assert!(status.success());
}

/// What each block ends with, and whether the tokens are dead then.
#[test]
fn every_command_of_the_runbook() {
    needs!(BASH, GIT);
    let expected = [
        ("find .", 1, false),
        ("delete --leaked-in . --yes --report", 0, true),
        ("burn . --yes --report", 0, true),
        ("burn - . --yes --journal", 0, true),
        ("--allow-own-token", 0, true),
        ("burn . --yes", 4, true),
        ("sha256sum", 0, true),
    ];
    let blocks = blocks("sh");
    assert_eq!(blocks.len(), expected.len(), "a block that is not run here");
    for (block, (has, status, is_dead)) in blocks.iter().zip(expected) {
        assert!(block.contains(has), "{block}");
        let (sandbox, folder) = sandbox();
        let folder = folder.path();
        match has {
            // A folder of repositories; what one of them had is only in its history.
            "burn - . --yes --journal" => {
                let (one, two) = (folder.join("one"), folder.join("two"));
                leak(&sandbox, &one);
                leak(&sandbox, &two);
                git(&one);
                git(&two);
                for repository in [&one, &two] {
                    fs::remove_dir_all(repository.join("src")).unwrap();
                }
                fs::remove_dir_all(folder.join("src")).unwrap();
            }
            "--allow-own-token" => fs::write(folder.join("own"), sandbox.api_token()).unwrap(),
            // It is over.
            "burn . --yes" => assert!(shell(block, folder, &sandbox).status().unwrap().success()),
            // What step 2 left.
            "sha256sum" => {
                let step_2 = &blocks[2];
                assert!(shell(step_2, folder, &sandbox).status().unwrap().success(), "{step_2}");
            }
            _ => git(folder),
        }
        let output = shell(block, folder, &sandbox).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{block}{output:?}");
        assert_eq!(dead(&sandbox), is_dead, "{block}{output:?}");
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!shown.contains("sandbox-secret"), "{shown}");
        if block.contains("--report") {
            let report = fs::read_to_string(folder.join("report.json")).unwrap();
            assert!(LEAKED.iter().all(|id| report.contains(id)) && !report.contains("secret"));
        }
        if has == "--allow-own-token" {
            let own = sandbox.truth(mpt_tokens_sandbox::MAIN_TOKEN_ID).status;
            assert_eq!(own, Status::Deleted);
        }
    }
}

/// A session without what differs from run to run: times, digests, and the order of calls side by side.
fn steady(session: &str) -> Vec<String> {
    let mut commands: Vec<Vec<String>> = Vec::new();
    for line in timeless(session).lines() {
        let words = line.split(' ').map(|word| {
            let is_digest =
                matches!(word.len(), 8 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_digest { "#" } else { word }
        });
        let line = words.collect::<Vec<_>>().join(" ");
        match line.starts_with('$') {
            true => commands.push(vec![line]),
            false => commands.last_mut().unwrap().push(line),
        }
    }
    commands.iter_mut().for_each(|command| command[1..].sort());
    commands.concat()
}

#[test]
fn the_session_is_as_it_looks() {
    needs!(BASH);
    let session = blocks("text").pop().unwrap();
    let (sandbox, folder) = sandbox();
    let mut seen = String::new();
    for command in session.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let merged = format!("exec 2>&1; {command}");
        let output = shell(&merged, folder.path(), &sandbox).output().unwrap();
        seen += &format!("$ {command}\n{}", String::from_utf8(output.stdout).unwrap());
    }
    assert_eq!(steady(&seen), steady(&session), "as it looks:\n{seen}");
}
