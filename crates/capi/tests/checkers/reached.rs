//! Every `unsafe` block of the C library is run by `tests/c/driver.c`: shown by cachegrind, which counts the instructions
//! of each line, with the lines that the compiler wrote down for the debugger.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use mpt_tokens_sandbox::Sandbox;

use crate::build::{against, compile, root, succeed, workplace};

/// A file of `src` and a line in it.
type Place = (String, usize);

/// The lines of `crates/capi/src` that ran in this program.
fn lines_run(file: &str, argument: Option<&str>) -> BTreeSet<Place> {
    let folder = workplace();
    let program = folder.path().join("program");
    compile(&root().join("crates/capi/tests/c").join(file), &program);
    let sandbox = Sandbox::start().unwrap();
    let counts = folder.path().join("counts");
    let plain = against(&sandbox, &program);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=cachegrind", "--cache-sim=no", "--fair-sched=yes"]);
    valgrind.arg(format!("--cachegrind-out-file={}", counts.display())).arg(&program);
    valgrind.arg(argument.map_or(folder.path().as_os_str(), AsRef::as_ref));
    valgrind.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    succeed(&mut valgrind);

    let mut run = BTreeSet::new();
    let mut of_ours = None;
    for line in fs::read_to_string(&counts).unwrap().lines() {
        if let Some(path) = line.strip_prefix("fl=") {
            let name = path.rsplit_once("crates/capi/src/").map(|(_, name)| name.to_owned());
            of_ours = name;
        } else if let (Some(name), Some((number, _))) = (&of_ours, line.split_once(' ')) {
            // Functions (`fn=`) have no number.
            run.extend(number.parse().ok().map(|number| (name.clone(), number)));
        }
    }
    run
}

/// Every `unsafe` block: where it begins, and the line that it ends on.
fn unsafe_blocks() -> BTreeMap<Place, usize> {
    const WORD: &str = "unsafe {";
    let source = root().join("crates/capi/src");
    let mut blocks = BTreeMap::new();
    for entry in fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(&source).unwrap().display().to_string();
        // Compiled for Windows only.
        if name == "windows.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (code, _tests) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
        for (at, _) in code.match_indices(WORD) {
            let line = |offset: usize| code[..offset].matches('\n').count() + 1;
            blocks.insert((name.clone(), line(at)), line(end(code, at + WORD.len())));
        }
    }
    blocks
}

/// Where the block ends whose inside begins here.
fn end(code: &str, inside: usize) -> usize {
    let mut depth = 1;
    for (at, character) in code[inside..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return inside + at;
        }
    }
    panic!("a block without an end");
}

fn not_reached(run: &BTreeSet<Place>) -> Vec<Place> {
    let reached = |(file, first): &Place, last: usize| {
        (*first..=last).any(|line| run.contains(&(file.clone(), line)))
    };
    let blocks = unsafe_blocks();
    assert!(blocks.len() > 60, "only {} were found", blocks.len());
    blocks
        .iter()
        .filter(|(first, last)| !reached(first, **last))
        .map(|(at, _)| at.clone())
        .collect()
}

#[test]
fn valgrind_sees_every_unsafe_block_run() {
    assert_eq!(not_reached(&lines_run("driver.c", None)), []);
}

/// The counts mean something: a program that makes one call leaves others out.
#[test]
fn valgrind_sees_which_unsafe_blocks_did_not_run() {
    let left = not_reached(&lines_run("faults.c", Some("none")));
    let files: BTreeSet<&str> = left.iter().map(|(file, _)| file.as_str()).collect();
    assert!(files.contains("batch.rs") && files.contains("config.rs"), "{left:?}");
    assert!(left.len() < unsafe_blocks().len(), "the call itself was not seen");
}
