//! The ABI, compared with the one that is committed: `crates/capi/abi/mpt_tokens.abi`.
//!
//! What is compared is the header, compiled: every function it declares, with its types, in a library that abidw can
//! read. That the real library has exactly these functions is shown by `tests/it/header.rs`, and that it has these
//! types by the header being made from it. MPT_ABI=write takes the ABI over that is there now.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{output, root, succeed, workplace};

/// A library of functions that the header declares, with full debugging information.
fn compiled(header: &str, folder: &Path) -> PathBuf {
    let mut source = String::from("#include \"mpt_tokens.h\"\n");
    // A definition of each opaque type, so that debugging information names it.
    for name in ["config", "client", "batch", "outcome"] {
        source += &format!("struct mpt_{name} {{ int opaque; }};\n");
    }
    let mut functions = 0;
    let starts_a_function = |line: &&str| {
        line.split_once('(').is_some_and(|(before, _)| {
            !before.starts_with([' ', '/', '#', '}'])
                && before.contains("mpt_")
                && !before.starts_with("typedef")
        })
    };
    for first in header.lines().filter(starts_a_function) {
        let declaration = &header[header.find(&format!("\n{first}")).expect("it is there") + 1..];
        let end = declaration.find(';').expect("a declaration ends");
        source += &format!("{} {{ __builtin_trap(); }}\n", &declaration[..end]);
        functions += 1;
    }
    assert!(functions > 40, "only {functions} functions were found");
    fs::write(folder.join("mpt_tokens.h"), header).unwrap();
    fs::write(folder.join("abi.c"), source).unwrap();
    let library = folder.join("libmpt_tokens.so.1");
    succeed(
        Command::new("gcc")
            .args(["-std=c99", "-g", "-fPIC", "-shared", "-Wl,-soname,libmpt_tokens.so.1"])
            .args(["abi.c", "-o"])
            .arg(&library)
            .current_dir(folder),
    );
    library
}

fn abi_of(header: &str) -> String {
    let folder = workplace();
    compiled(header, folder.path());
    let mut abidw = Command::new("abidw");
    abidw.args(["--no-show-locs", "--no-comp-dir-path", "--no-corpus-path", "libmpt_tokens.so.1"]);
    succeed(abidw.current_dir(folder.path()))
}

fn header() -> String {
    fs::read_to_string(root().join("include/mpt_tokens.h")).unwrap()
}

/// What abidiff says of the committed ABI and another; empty when they are the same.
fn differences(now: &str) -> String {
    let folder = workplace();
    let file = folder.path().join("now.abi");
    fs::write(&file, now).unwrap();
    let committed = root().join("crates/capi/abi/mpt_tokens.abi");
    let done = output(Command::new("abidiff").arg(committed).arg(file));
    assert!(done.status.code().is_some_and(|code| code & 1 == 0), "abidiff failed: {done:?}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[test]
fn abi_is_the_committed_one() {
    let now = abi_of(&header());
    if env::var_os("MPT_ABI").is_some_and(|what| what == "write") {
        fs::write(root().join("crates/capi/abi/mpt_tokens.abi"), &now).unwrap();
    }
    assert_eq!(differences(&now), "", "docs/abi.md says which changes are allowed");
}

/// The comparison was on: it finds a function that is gone, one that is new, and a type that is another.
#[test]
fn abi_changes_are_found() {
    let header = header();
    for (was, is) in [
        ("MPT_NODISCARD MPT_API uint32_t MPT_CALL mpt_abi_version(void);", ""),
        (
            "uint32_t MPT_CALL mpt_abi_version(void);",
            "uint32_t MPT_CALL mpt_abi_version(void);\n\nMPT_API void MPT_CALL mpt_new(void);",
        ),
        ("uint32_t MPT_CALL mpt_outcome_attempts(", "uint64_t MPT_CALL mpt_outcome_attempts("),
        ("    uint32_t concurrency;", "    uint64_t concurrency;"),
    ] {
        assert_eq!(header.matches(was).count(), 1, "{was}");
        assert_ne!(differences(&abi_of(&header.replace(was, is))), "", "{was} -> {is}");
    }
}
