//! The folders of `src` are layers: each imports only from those below it, no two files import each other, on
//! whatever way round, and only the layers that may name ureq do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From the top to the bottom, as `lib.rs` and ARCHITECTURE.md list them.
const LAYERS: [&str; 9] =
    ["batch", "journal", "client", "http", "call", "outcome", "search", "input", "wait"];

/// Every file that is part of the library, by its module path: `batch::run`.
fn files() -> BTreeMap<String, String> {
    fn walk(folder: &Path, src: &Path, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, src, files);
                continue;
            }
            let inside = path.strip_prefix(src).unwrap().with_extension("");
            let parts = inside.iter().map(|part| part.to_str().unwrap());
            let module = parts.collect::<Vec<_>>().join("::");
            let text = fs::read_to_string(&path).unwrap();
            // What only tests import is none of this; it stands last in a file.
            let code = text.split("\n#[cfg(test)]").next().unwrap().to_owned();
            files.insert(module, code);
        }
    }
    let src = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    walk(&src, &src, &mut files);
    files.retain(|module, _| !module.ends_with("::tests") && !TESTS.contains(&module.as_str()));
    files
}

/// Tests that are files of their own.
const TESTS: [&str; 3] = ["lib", "call::answers", "call::decisions"];

/// The modules that a file names: `use crate::a::b::{c, d}`, `super::c`, and its own children.
fn imports(module: &str, code: &str, all: &BTreeSet<String>) -> BTreeSet<String> {
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let mut names = BTreeSet::new();
    let mut note = |path: String| {
        // The longest front of the path that is a file.
        let mut path = path.as_str();
        while !all.contains(path) {
            match path.rsplit_once("::") {
                Some((front, _)) => path = front,
                None => return,
            }
        }
        if path != module {
            names.insert(path.to_owned());
        }
    };
    for (mark, base) in [("crate::", String::new()), ("super::", format!("{parent}::"))] {
        for (at, _) in code.match_indices(mark) {
            let rest = &code[at + mark.len()..];
            let front: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
                .collect();
            match rest[front.len()..].strip_prefix('{') {
                Some(list) => {
                    let list = list.split('}').next().unwrap();
                    list.split(',').for_each(|item| note(format!("{base}{front}{}", item.trim())));
                }
                None => note(format!("{base}{front}")),
            }
        }
    }
    for line in code.lines() {
        if let Some(child) = line.strip_prefix("mod ").and_then(|line| line.strip_suffix(';')) {
            names.insert(format!("{module}::{child}"));
        }
    }
    names
}

fn layer(module: &str) -> usize {
    let name = module.split("::").next().unwrap();
    LAYERS
        .iter()
        .position(|layer| *layer == name)
        .unwrap_or_else(|| panic!("{module} is in no layer"))
}

fn graph() -> BTreeMap<String, BTreeSet<String>> {
    let files = files();
    let all: BTreeSet<String> = files.keys().cloned().collect();
    files.iter().map(|(module, code)| (module.clone(), imports(module, code, &all))).collect()
}

#[test]
fn no_layer_imports_from_one_above_it() {
    let mut upward = Vec::new();
    for (module, names) in graph() {
        for name in names.iter().filter(|name| layer(name) < layer(&module)) {
            upward.push(format!("{module} imports {name}"));
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_files_import_each_other() {
    let mut graph = graph();
    // Takes away what imports nothing that is left, until only circles are.
    loop {
        let done: Vec<String> = graph
            .iter()
            .filter(|(_, names)| names.iter().all(|name| !graph.contains_key(name)))
            .map(|(module, _)| module.clone())
            .collect();
        if done.is_empty() {
            break;
        }
        done.iter().for_each(|module| drop(graph.remove(module)));
    }
    graph = graph
        .iter()
        .map(|(module, names)| {
            (
                module.clone(),
                names.iter().filter(|name| graph.contains_key(*name)).cloned().collect(),
            )
        })
        .collect();
    assert!(graph.is_empty(), "{graph:#?}");
}

/// The layers themselves are lists of their files: what imports from a layer names the file.
#[test]
fn a_layer_is_a_list_of_its_files() {
    let files = files();
    for name in LAYERS {
        let code = &files[name];
        let others: Vec<_> = code
            .lines()
            .filter(|line| {
                !line.is_empty() && !line.starts_with("//") && !line.starts_with("pub(crate) mod ")
            })
            .collect();
        assert!(others.is_empty(), "{name}: {others:#?}");
    }
}

#[test]
fn only_http_names_ureq_and_only_its_transport_the_unstable_part() {
    for (module, code) in files() {
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let is_http = module.starts_with("http");
            let is_transport = module.starts_with("http::transport");
            assert!(is_http || !line.contains("ureq::"), "{module}: {line}");
            assert!(is_transport || !line.contains("unversioned"), "{module}: {line}");
        }
    }
}
