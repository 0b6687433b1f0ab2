//! What a call and the library cost, counted and not timed: `mpt_tokens_tools::budgets` says how much is accepted.
//!
//! It is the library as it is released that is counted. A cost of one call is the difference between a process that makes
//! many and one that makes few, so that what a process costs is left out.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use mpt_tokens_tools::budgets::{ALLOCATIONS, Budget, INSTRUCTIONS, LIBRARY, SYSTEM_CALLS};
use mpt_tokens_tools::{C_COMPILER, OPENSSL, STRACE, VALGRIND, needs};
use tempfile::TempDir;

use crate::build::{compile, output, root, succeed, target, workplace};
use crate::small_stack::{self, GZIP, STACK};

const FEW: u32 = 100;
const MANY: u32 = 600;

/// The shared library as it is released, and a folder that has it under the name that loaders look for.
fn released() -> (&'static Path, &'static Path) {
    static RELEASED: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    let (library, folder) = RELEASED.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "rustc",
            "--quiet",
            "--locked",
            "--release",
            "--package=mpt-tokens-capi",
            "--lib",
        ]);
        cargo.args(["--crate-type=cdylib", "--target-dir"]).arg(target()).current_dir(root());
        succeed(&mut cargo);
        let library = target().join("release/libmpt_tokens.so");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lib-budgets");
        fs::create_dir_all(&folder).expect("a folder in target/tmp");
        let link = folder.join("libmpt_tokens.so.1");
        let _ = fs::remove_file(&link);
        symlink(&library, &link).expect("a link in target/tmp");
        (library, folder)
    });
    (library, folder)
}

/// The least that a server can do: answers 204 to whatever ends in an empty line, until this process ends.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    url
}

fn serve(mut stream: TcpStream) {
    let mut buffer = [0u8; 4096];
    let mut filled = 0;
    while let Ok(received @ 1..) = stream.read(&mut buffer[filled..]) {
        filled += received;
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
                return;
            }
        }
    }
}

fn program() -> (TempDir, PathBuf) {
    let folder = workplace();
    let program = folder.path().join("budget");
    compile(&root().join("crates/capi/tests/c/budget.c"), &program);
    (folder, program)
}

/// The command that makes so many calls, below what watches it.
fn calls(watch: &mut Command, program: &Path, url: &str, calls: u32) {
    watch.arg(program).arg(calls.to_string()).env("LD_LIBRARY_PATH", released().1);
    watch.env("MPT_API_BASE_URL", url).env("MPT_API_TOKEN", "idt:TKN-0000-0001:abcdefghijk");
}

/// What one call costs, from what so many cost.
fn of_one(count: impl Fn(u32) -> f64) -> f64 {
    let (few, many) = (count(FEW), count(MANY));
    (many - few) / f64::from(MANY - FEW)
}

/// The test says what it found, whether or not that is too much.
fn keep(budget: &Budget, found: f64) {
    let found = (found * 100.0).round() / 100.0;
    println!("{}", budget.keeps(found).unwrap_or_else(|over| panic!("{over}")));
}

#[test]
fn budgets_of_instructions() {
    needs!(C_COMPILER, VALGRIND);
    let (_folder, program) = program();
    let url = server();
    keep(
        &INSTRUCTIONS,
        of_one(|count| {
            let mut valgrind = Command::new("valgrind");
            valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
            calls(&mut valgrind, &program, &url, count);
            let done = output(&mut valgrind);
            let told = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{told}");
            let counted = told.lines().find_map(|line| line.split_once("Collected : "));
            counted.expect("callgrind tells what it counted").1.trim().parse().unwrap()
        }),
    );
}

#[test]
fn budgets_of_system_calls() {
    needs!(C_COMPILER, STRACE);
    let (folder, program) = program();
    let url = server();
    keep(
        &SYSTEM_CALLS,
        of_one(|count| {
            let table = folder.path().join("table");
            let mut strace = Command::new("strace");
            strace.args(["-f", "-c", "-o"]).arg(&table);
            calls(&mut strace, &program, &url, count);
            succeed(&mut strace);
            let table = fs::read_to_string(&table).unwrap();
            let total =
                table.lines().find(|line| line.trim_end().ends_with(" total")).expect(&table);
            // `% time, seconds, usecs/call, calls, errors, syscall`, where the last but one may be empty.
            total.split_whitespace().nth(3).expect(total).parse().unwrap()
        }),
    );
}

#[test]
fn budgets_of_allocations() {
    needs!(C_COMPILER);
    let (_folder, program) = program();
    let url = server();
    keep(
        &ALLOCATIONS,
        of_one(|count| {
            let mut command = Command::new("env");
            calls(&mut command, &program, &url, count);
            succeed(&mut command).trim().parse().unwrap()
        }),
    );
}

#[test]
fn budgets_of_bytes() {
    needs!(C_COMPILER);
    let bytes = fs::metadata(released().0).unwrap().len();
    if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        keep(&LIBRARY, bytes as f64);
    }
}

/// What the header promises of the stack: here of the library as it is released, in `tests/it/memory.rs` of one that is
/// not optimized.
#[test]
fn budgets_of_the_stack_in_release() {
    needs!(C_COMPILER, OPENSSL);
    let library = released().1;
    let deleted = b"HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(small_stack::https(library, STACK, deleted), "0\n");
    assert_eq!(small_stack::https(library, STACK, GZIP), "102\n");
    for (id, code) in [
        ("TKN-ok-0001", "0\n"),
        ("TKN-403.always-0001", "102\n"),
        ("TKN-answergarbage-0001", "107\n"),
    ] {
        assert_eq!(small_stack::http(library, STACK, id), code, "{id}");
    }
}
