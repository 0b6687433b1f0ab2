//! Windows: what mingw builds of it, run by wine. `platforms.rs` knows how.

mod console;
mod many;
mod settings;
mod unix;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::Sandbox;

use crate::log::Log;
use crate::platforms::WINDOWS;
use crate::tally::{CARGO_TEST, Tally};
use crate::{artifacts, conformance, repo};

/// What of the workspace is tested there.
const PACKAGES: &[&str] =
    &["mpt-tokens", "mpt-tokens-sandbox", "mpt-tokens-cli", "mpt-tokens-conformance"];
/// The one test that wants the store of Windows to itself.
const STORE: &str = "an_authority_in_the_store_of_windows";

/// What wine 8 cannot do, and a real Windows can.
const WINE_CANNOT: &[(&str, &str)] = &[
    ("every_token_of_a_list_is_deleted_once::concurrency_4_64", MANY),
    ("every_token_of_a_list_is_deleted_once::concurrency_5_256", MANY),
    (
        "an_address_to_connect_from::case_3",
        "wine 8 has no text for the error of Windows that is told",
    ),
];
const MANY: &str =
    "with many connections, wine 8 leaves requests that have come to the sandbox unread";

/// The tests of core, the sandbox and the program. By `cargo test`, which starts one process for each test binary:
/// nextest starts one for each test, and under wine that takes longer than most tests do.
pub(crate) fn tests(log: &mut Log) -> Result<Tally> {
    // With the examples, which tests start. Not by `cargo build`: with another standard library, without what tests want
    // of it, every crate would be built a second time.
    let mut build = cargo_test(log)?;
    let built = artifacts::built(log, packages(build.arg("--no-run")))?;
    let program = executable(&built, "mpt-tokens")?;
    let mut tests = cargo_test(log)?;
    tests.args(["--no-fail-fast", "--lib", "--bins", "--tests"]);
    packages(&mut tests);
    tests.args(["--", "--skip", STORE]);
    for (test, _) in WINE_CANNOT {
        tests.args(["--skip", test]);
    }
    tests.env("MPT_TOKENS_CHAOS", "10000").env("MPT_TOKENS_KILLS", "5");
    // Most wait for a process of wine's.
    let mut tally = log.tests(CARGO_TEST, tests.env("RUST_TEST_THREADS", "12"))?;
    for (test, why) in WINE_CANNOT {
        log.skip(test, why);
        tally += Tally::SKIPPED;
    }
    let mut store = cargo_test(log)?;
    packages(store.arg("--test=it")).args(["--", "--ignored", STORE]);
    tally += log.tests(CARGO_TEST, &mut store)?;
    tally += unix::skipped(log, PACKAGES)?;

    let helper = repo::folder("platforms/windows")?.join("interrupt.exe");
    let mut compiler = Command::new(WINDOWS.compiler);
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-static", "-o"]);
    compiler.arg(&helper).arg(repo::root().join("crates/cli/tests/windows/interrupt.c"));
    log.run(&mut compiler)?;
    tally += log.one("Ctrl-C ends a run, and every token tried is reported", |log| {
        interrupted(log, &helper, &program)
    });
    for case in settings::CASES {
        tally += log.one(&format!("a proxy in the settings: {}", case.name), |log| {
            settings::proxy(log, &program, case)
        });
    }
    for calls in many::AT_ONCE {
        tally += log.one(&format!("a list is deleted with {calls} calls at once"), |log| {
            many::at_once(log, &program, calls)
        });
    }
    tally += log.one("a console shows text that is not ASCII, asks, and shows colours", |log| {
        console::shows(log, &program)
    });
    Ok(tally)
}

fn cargo_test(log: &mut Log) -> Result<Command> {
    let mut cargo = WINDOWS.cargo(log, "test")?;
    // Far slower than Windows: what is waited for has more time.
    cargo.env("MPT_TOKENS_SLOW", "1");
    Ok(cargo)
}

fn packages(cargo: &mut Command) -> &mut Command {
    for package in PACKAGES.iter().chain(&["mpt-tokens-unify"]) {
        cargo.args(["--package", package]);
    }
    cargo
}

/// What cargo built by this name.
fn executable(built: &[serde_json::Value], name: &str) -> Result<PathBuf> {
    let mut files =
        built.iter().filter_map(|artifact| artifact["executable"].as_str()).map(PathBuf::from);
    files
        .find(|file| file.file_stem() == Some(OsStr::new(name)))
        .with_context(|| format!("cargo built no {name}"))
}

/// A run that is interrupted while one call waits for ever ends with status 130, and tells of the two that it tried.
fn interrupted(log: &mut Log, helper: &Path, program: &Path) -> Result<()> {
    const SILENT: &str = "TKN-answersilent.always-2";
    let sandbox = Sandbox::start().context("the sandbox does not start")?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let report = folder.path().join("report.json");
    let mut command = WINDOWS.program(log, helper)?;
    command.arg(windows_path(program));
    command.args(["delete", "--yes", "--concurrency=1", "TKN-ok-1", SILENT, "TKN-ok-3"]);
    command.args(["--report", &windows_path(&report)]);
    command.env("MPT_API_BASE_URL", sandbox.base_url()).env("MPT_API_TOKEN", sandbox.api_token());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    log.note(&format!("$ {command:?}"));
    let mut child = command.spawn().context("wine does not start")?;
    let is_asked = sandbox.wait_for_requests(SILENT, 1, Duration::from_secs(60));
    if is_asked {
        let stdin = child.stdin.as_mut().context("no standard input")?;
        stdin.write_all(b"\n").context("it has ended")?;
    } else {
        // Only wine is ended so; what it started ends at its closed output.
        child.kill().context("it has ended")?;
    }
    let output = child.wait_with_output().context("its output cannot be read")?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    log.note(&format!("{stdout}{}", String::from_utf8_lossy(&output.stderr)));
    ensure!(is_asked, "it did not ask for {SILENT}");
    ensure!(output.status.code() == Some(130), "it ended with {}", output.status);
    let told: Vec<_> = stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    ensure!(told.starts_with(&["deleted", "unknown"]), "it told {told:?}");
    let report = fs::read(&report).context("there is no report")?;
    let report: serde_json::Value = serde_json::from_slice(&report).context("a report")?;
    ensure!(report["interrupted"] == true, "the report does not say that it was interrupted");
    let told: Vec<_> =
        report["tokens"].as_array().into_iter().flatten().map(|token| &token["outcome"]).collect();
    ensure!(told.starts_with(&[&"deleted".into(), &"unknown".into()]), "the report has {told:?}");
    Ok(())
}

/// wine has the whole machine as its drive Z.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display())
}

/// The DLL: what it exports and needs, programs in C and C++ over each way to link it, and all conformance cases.
pub(crate) fn library(log: &mut Log) -> Result<Tally> {
    let library = Library::build(log)?;
    let mut tally =
        log.one("the DLL exports the functions of the header, and nothing else", |log| {
            let exported = exports(log, &library.dll)?;
            let declared = declared()?;
            ensure!(exported == declared, "exported: {exported:?}\nin the header: {declared:?}");
            Ok(())
        });
    tally += log
        .one("the DLL needs nothing but what every Windows has", |log| needed(log, &library.dll));
    let driver = repo::root().join("crates/capi/tests/c/driver.c");
    for (name, link) in [
        ("libmpt_tokens.dll.a, the import library for mingw", Link::Mingw),
        ("mpt_tokens.lib, the import library for MSVC", Link::Msvc),
        ("libmpt_tokens.a, the static library", Link::Static),
    ] {
        tally += log.one(&format!("tests/c/driver.c over {name}"), |log| {
            let program = library.compile(log, &driver, link)?;
            let folder = tempfile::tempdir().context("no temporary folder")?;
            run(log, &program, &[&windows_path(folder.path())])
        });
    }
    tally += log.one("tests/c/wrapper.cpp", |log| {
        let source = repo::root().join("crates/capi/tests/c/wrapper.cpp");
        let program = library.compile(log, &source, Link::Mingw)?;
        run(log, &program, &[])
    });
    let loading = repo::root().join("crates/capi/tests/c/loading.c");
    let loading = library.compile(log, &loading, Link::Nothing)?;
    tally += log.one("the DLL is loaded again after it was freed, and stays", |log| {
        run(log, &loading, &["again", &windows_path(&library.dll)])
    });
    tally += log.one("two copies of the DLL, each with a Rust runtime of its own", |log| {
        let copy = repo::folder("platforms/windows/copy")?.join("mpt_tokens.dll");
        fs::copy(&library.dll, &copy).context("the DLL cannot be copied")?;
        run(log, &loading, &["twice", &windows_path(&library.dll), &windows_path(&copy)])
    });
    for (language, source) in
        [("c", "tests/conformance/runner.c"), ("cpp", "bindings/cpp/conformance.cpp")]
    {
        let program = library.compile(log, &repo::root().join(source), Link::Mingw)?;
        let runner = WINDOWS.program(log, &program)?;
        tally += conformance::cases(log, language, &runner)?;
    }
    Ok(tally)
}

/// How a program is linked to the library.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Mingw,
    Msvc,
    Static,
    /// It loads the DLL itself.
    Nothing,
}

/// What the static library wants of Windows. docs/c.md names them, too.
const SYSTEM: [&str; 6] =
    ["-lws2_32", "-lbcrypt", "-lcrypt32", "-lntdll", "-luserenv", "-ladvapi32"];

/// What was built, in one folder.
struct Library {
    folder: PathBuf,
    dll: PathBuf,
    mingw: PathBuf,
    msvc: PathBuf,
    archive: PathBuf,
}

impl Library {
    /// The DLL as it is built for development, and its import libraries.
    fn build(log: &mut Log) -> Result<Library> {
        let mut build = WINDOWS.cargo(log, "build")?;
        build.args(["--package=mpt-tokens-capi", "--package=mpt-tokens-unify", "--lib"]);
        let built = artifacts::built(log, &mut build)?;
        let files = built.iter().filter_map(|artifact| artifact["filenames"].as_array()).flatten();
        let files: Vec<_> = files.filter_map(|file| file.as_str()).map(Path::new).collect();
        let folder = repo::folder("platforms/windows")?;
        let copy = |name: &str| -> Result<PathBuf> {
            let from = files.iter().find(|file| file.file_name() == Some(OsStr::new(name)));
            let from = from.with_context(|| format!("cargo built no {name}"))?;
            let to = folder.join(name);
            fs::copy(from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
            Ok(to)
        };
        let (dll, mingw) = (copy("mpt_tokens.dll")?, copy("libmpt_tokens.dll.a")?);
        let archive = copy("libmpt_tokens.a")?;
        let msvc = import_library(log, &dll, &folder)?;
        Ok(Library { folder, dll, mingw, msvc, archive })
    }

    /// Compiles a C or C++ program, which finds the DLL beside it.
    fn compile(&self, log: &mut Log, source: &Path, link: Link) -> Result<PathBuf> {
        let name = source.file_stem().context("a source without a name")?;
        let program = self.folder.join(name).with_extension(match link {
            Link::Mingw => "exe",
            Link::Msvc => "msvc.exe",
            Link::Static => "static.exe",
            Link::Nothing => "loads.exe",
        });
        let cpp = source.extension() == Some(OsStr::new("cpp"));
        let mut compiler =
            Command::new(if cpp { "x86_64-w64-mingw32-g++" } else { WINDOWS.compiler });
        compiler.arg(if cpp { "-std=c++17" } else { "-std=c99" });
        compiler.args(["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]);
        compiler.args(["-D_POSIX_C_SOURCE=200809L", "-pthread"]);
        if link == Link::Static {
            compiler.arg("-DMPT_STATIC");
        }
        compiler.arg("-I").arg(repo::root().join("include")).arg(source);
        match link {
            Link::Mingw => compiler.arg(&self.mingw),
            Link::Msvc => compiler.arg(&self.msvc),
            Link::Static => compiler.arg(&self.archive).args(SYSTEM),
            Link::Nothing => &mut compiler,
        };
        // What mingw brings of its own is not in the prefix.
        log.run(compiler.args(["-static", "-o"]).arg(&program))?;
        Ok(program)
    }
}

/// `mpt_tokens.lib`, as the tools of MSVC want it, from the names that the DLL exports.
fn import_library(log: &mut Log, dll: &Path, folder: &Path) -> Result<PathBuf> {
    let mut definition = "LIBRARY mpt_tokens.dll\nEXPORTS\n".to_owned();
    for name in exports(log, dll)? {
        let _ = writeln!(definition, "    {name}");
    }
    let (file, library) = (folder.join("mpt_tokens.def"), folder.join("mpt_tokens.lib"));
    fs::write(&file, definition).with_context(|| format!("cannot write {}", file.display()))?;
    let mut tool = Command::new("llvm-dlltool");
    tool.args(["-m", "i386:x86-64", "-D", "mpt_tokens.dll", "-d"]).arg(file);
    log.run(tool.arg("-l").arg(&library))?;
    Ok(library)
}

/// The names that a DLL exports.
fn exports(log: &mut Log, dll: &Path) -> Result<BTreeSet<String>> {
    let told = described(log, dll)?;
    let table = told.split_once("[Ordinal/Name Pointer] Table").context("it exports nothing")?.1;
    let lines = table.lines().skip(1).take_while(|line| line.trim_start().starts_with('['));
    Ok(lines.filter_map(|line| line.split_whitespace().next_back()).map(str::to_owned).collect())
}

/// The functions that the header declares.
fn declared() -> Result<BTreeSet<String>> {
    let header = repo::root().join("include/mpt_tokens.h");
    let text = fs::read_to_string(&header).context("cannot read the header")?;
    let after = text.split("MPT_CALL mpt_").skip(1);
    let names =
        after.filter_map(|text| text.split_once('(')).map(|(name, _)| format!("mpt_{name}"));
    Ok(names.collect())
}

/// Refuses a DLL that Windows does not have.
fn needed(log: &mut Log, dll: &Path) -> Result<()> {
    const WINDOWS_HAS: [&str; 12] = [
        "advapi32.dll",
        "api-ms-win-core-synch-l1-2-0.dll",
        "bcrypt.dll",
        "bcryptprimitives.dll",
        "crypt32.dll",
        "kernel32.dll",
        "msvcrt.dll",
        "ncrypt.dll",
        "ntdll.dll",
        "secur32.dll",
        "userenv.dll",
        "ws2_32.dll",
    ];
    let told = described(log, dll)?;
    let needed = told.lines().filter_map(|line| line.trim().strip_prefix("DLL Name: "));
    let strange: Vec<_> =
        needed.filter(|name| !WINDOWS_HAS.contains(&&*name.to_lowercase())).collect();
    ensure!(strange.is_empty(), "it needs {strange:?}");
    Ok(())
}

fn described(log: &mut Log, dll: &Path) -> Result<String> {
    log.stdout(Command::new("x86_64-w64-mingw32-objdump").arg("-p").arg(dll))
}

/// Runs a program of `crates/capi/tests/c` against a sandbox on this machine; it counts its checks.
fn run(log: &mut Log, program: &Path, arguments: &[&str]) -> Result<()> {
    let sandbox = Sandbox::start().context("the sandbox does not start")?;
    let mut command = WINDOWS.program(log, program)?;
    command
        .args(arguments)
        .env("MPT_API_BASE_URL", sandbox.base_url())
        .env("MPT_API_TOKEN", sandbox.api_token());
    let printed = log.stdout(&mut command)?;
    log.note(printed.trim_end());
    ensure!(printed.trim_end().ends_with(" checks"), "it did not count its checks: {printed}");
    let strays = sandbox.strays();
    ensure!(strays.is_empty(), "it asked for other things: {strays:?}");
    Ok(())
}
