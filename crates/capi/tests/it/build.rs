//! Where the library is, and how programs are built against it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use mpt_tokens_sandbox::Sandbox;
use mpt_tokens_tools::{C_COMPILER, CPP_COMPILER, Tool, compiler};
use tempfile::TempDir;

/// The top of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    here.canonicalize().expect("the workspace can be read")
}

/// Where cargo puts what this very test was built for: `target/<profile>`.
fn profile() -> PathBuf {
    let test = env::current_exe().expect("a test knows its file");
    test.ancestors().nth(2).expect("it is in target/<profile>/deps").to_owned()
}

/// The build folder that this test is in.
pub(crate) fn target() -> PathBuf {
    profile().parent().expect("it is in target/<profile>/deps").to_owned()
}

/// The shared library, in the build folder that this test is in.
///
/// Cargo builds no `cdylib` for a test, so that is done here, once for each process; who runs many of them
/// (`cargo xtask test`) has it done already, and says so with `MPT_TOKENS_CAPI_BUILT`.
pub(crate) fn shared_library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = profile().join("libmpt_tokens.so");
        if env::var_os("MPT_TOKENS_CAPI_BUILT").is_none() {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--package=mpt-tokens-capi", "--lib", "--target-dir"]);
            cargo.arg(target()).current_dir(root());
            if profile().ends_with("release") {
                cargo.arg("--release");
            }
            succeed(&mut cargo);
        }
        assert!(library.is_file(), "{} is not there", library.display());
        library
    })
}

/// A folder with the shared library under the names that linkers and loaders look for. It stays: it has links only.
pub(crate) fn library_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let profile = profile();
        let name = profile.file_name().expect("a profile has a name").to_string_lossy();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lib-{name}"));
        fs::create_dir_all(&folder).expect("a folder in target/tmp");
        for link in ["libmpt_tokens.so", "libmpt_tokens.so.1"].map(|name| folder.join(name)) {
            if fs::read_link(&link).is_ok_and(|target| target == shared_library()) {
                continue;
            }
            // Another test may do the same at this moment: a link appears whole, under its name, or not at all.
            let made = workplace();
            symlink(shared_library(), made.path().join("link")).expect("a link");
            fs::rename(made.path().join("link"), link).expect("a link in target/tmp");
        }
        folder
    })
}

/// A place for what a test builds.
pub(crate) fn workplace() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder")
}

/// What compiles a file with this ending.
pub(crate) fn compiler_of(ending: &str) -> Tool {
    if ending == "cpp" { CPP_COMPILER } else { C_COMPILER }
}

/// Compiles one program and links it to the shared library.
pub(crate) fn compile(source: &Path, program: &Path) {
    compile_with(source, &[], program);
}

/// As [`compile`], with more options or files.
pub(crate) fn compile_with(source: &Path, more: &[&OsStr], program: &Path) {
    let cpp = source.extension() == Some(OsStr::new("cpp"));
    let name = if cpp { compiler("CXX", "c++") } else { compiler("CC", "cc") };
    let mut compiler = Command::new(name);
    compiler
        .arg(if cpp { "-std=c++17" } else { "-std=c99" })
        .args(["-D_POSIX_C_SOURCE=200809L", "-pthread", "-g"])
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"])
        .arg("-I")
        .arg(root().join("include"))
        .arg(source)
        .args(more)
        .arg("-o")
        .arg(program)
        .arg("-L")
        .arg(library_folder())
        .args(["-lmpt_tokens", "-ldl"]);
    succeed(&mut compiler);
}

/// What `tests/c/interrupts.c` stands before.
pub(crate) const INTERRUPTED: [&str; 5] = [
    "-Wl,--wrap=mpt_client_new",
    "-Wl,--wrap=mpt_delete_token",
    "-Wl,--wrap=mpt_delete_tokens",
    "-Wl,--wrap=mpt_client_cancel",
    "-Wl,--wrap=mpt_client_free",
];

/// Builds `tests/c/interrupts.c`, to be linked to a program with [`INTERRUPTED`].
pub(crate) fn interrupts(folder: &Path) -> PathBuf {
    let object = folder.join("interrupts.o");
    let mut compiler = Command::new(compiler("CC", "cc"));
    compiler.args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-g", "-Wall", "-Wextra", "-Werror"]);
    compiler.arg("-I").arg(root().join("include"));
    compiler.arg("-c").arg(root().join("crates/capi/tests/c/interrupts.c"));
    succeed(compiler.arg("-o").arg(&object));
    object
}

/// Builds `tests/c/other.rs`, another Rust library, into this folder.
pub(crate) fn other_library(folder: &Path) -> PathBuf {
    other(folder, "cdylib", "libother.so")
}

/// Builds it as this kind of library.
pub(crate) fn other(folder: &Path, kind: &str, name: &str) -> PathBuf {
    let library = folder.join(name);
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type", kind, "-Dwarnings"]);
    rustc.arg(root().join("crates/capi/tests/c/other.rs")).arg("-o").arg(&library);
    succeed(&mut rustc);
    library
}

/// Runs a program against a sandbox, with the library where the loader finds it.
pub(crate) fn against(sandbox: &Sandbox, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("LD_LIBRARY_PATH", library_folder())
        .env("MPT_API_BASE_URL", sandbox.base_url())
        .env("MPT_API_TOKEN", sandbox.api_token());
    command
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}

/// Runs a command that must succeed, and returns its standard output.
pub(crate) fn succeed(command: &mut Command) -> String {
    let done = output(command);
    assert!(
        done.status.success(),
        "{command:?} ended with {}\n{}{}",
        done.status,
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).into_owned()
}
