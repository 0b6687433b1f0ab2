//! Builds for other platforms than this machine's, and runs what was built.
//!
//! The Rust that this workspace is developed with has its standard library for this machine only. Debian's Rust, a
//! second toolchain beside it, comes with that library's source, from which cargo builds it for any target
//! (`-Zbuild-std`). How that is done goes through environment variables, so that nextest and maturin take it too:
//!
//! ```text
//! let mut tests = platforms::ARM64.cargo(log, "nextest run")?;      // builds for arm64, and runs there
//! log.tests(NEXTEST, tests.args(["-p", "mpt-tokens"]))?;
//! let program = artifacts::executable(&artifacts::built(log, &mut build)?)?;
//! log.run(platforms::ARM64.program(log, &program)?.arg("--version"))?;
//! ```
//!
//! It is all kept in `target/platforms`, apart from what the first toolchain builds.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::log::Log;
use crate::repo;

/// One target, and how this machine builds for it and runs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Platform {
    /// What rustc calls it.
    pub(crate) target: &'static str,
    /// The C compiler, which links too. Empty: whatever the command brings that builds, as zig by maturin, or nothing,
    /// for what is only checked.
    pub(crate) compiler: &'static str,
    /// What starts a program of it, with arguments; empty where this machine's own processor and kernel do.
    pub(crate) runner: &'static [&'static str],
    /// Flags for rustc.
    pub(crate) rustflags: &'static [&'static str],
}

/// Linux with musl: static programs.
pub(crate) const MUSL: Platform = Platform {
    target: "x86_64-unknown-linux-musl",
    compiler: "musl-gcc",
    runner: &[],
    // Debian's musl is linked, since rust-web has none of its own. Its compiler names a loader in every program that can
    // be moved in memory, even in a static one.
    rustflags: &["-Clink-self-contained=no", "-Crelocation-model=static"],
};

/// Linux with musl, for programs that musl's loader starts, and shared libraries.
pub(crate) const MUSL_SHARED: Platform =
    Platform { rustflags: &["-Clink-self-contained=no", "-Ctarget-feature=-crt-static"], ..MUSL };

/// Linux with glibc on arm64.
pub(crate) const ARM64: Platform = Platform {
    target: "aarch64-unknown-linux-gnu",
    compiler: "aarch64-linux-gnu-gcc",
    runner: &[EMULATOR],
    rustflags: &[],
};

/// Linux with glibc on a processor with 32 bits, which this machine's own can be: without qemu.
pub(crate) const I686: Platform = Platform {
    target: "i686-unknown-linux-gnu",
    compiler: "i686-linux-gnu-gcc",
    runner: &[],
    rustflags: &[],
};

/// Linux with glibc on a processor that has the high byte of a number first.
pub(crate) const S390X: Platform = Platform {
    target: "s390x-unknown-linux-gnu",
    compiler: "s390x-linux-gnu-gcc",
    runner: &["qemu-s390x-static", "-L", "/usr/s390x-linux-gnu"],
    rustflags: &[],
};

/// Windows by mingw, run by wine.
pub(crate) const WINDOWS: Platform = Platform {
    target: "x86_64-pc-windows-gnu",
    compiler: "x86_64-w64-mingw32-gcc",
    runner: &["wine"],
    rustflags: &[],
};

/// Starts programs for arm64, with the libraries of the folder that `QEMU_LD_PREFIX` names.
const EMULATOR: &str = "qemu-aarch64-static";

/// Where Debian's packages rustc-web and cargo-web put them. By their paths, since rustup's have the same names and
/// come first in `PATH`.
const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
const RUSTDOC: &str = "/usr/bin/rustdoc";

/// The build folder of the second toolchain, which also has the wine prefix.
pub(crate) fn folder() -> Result<PathBuf> {
    repo::folder("platforms")
}

impl Platform {
    /// `cargo VERB` (`nextest run` is one verb) of the second toolchain, for this platform. What it builds is in
    /// `target/platforms/TARGET`; tests and `cargo run` start by the platform's runner.
    ///
    /// It takes crates from the same registry as the first toolchain, by the versions in Cargo.lock.
    pub(crate) fn cargo(&self, log: &mut Log, verb: &str) -> Result<Command> {
        let mut cargo = Command::new(CARGO);
        cargo.current_dir(repo::root()).args(verb.split(' ')).arg("--locked");
        self.set(log, &mut cargo)?;
        Ok(cargo)
    }

    /// Lets any command that calls cargo build for this platform, maturin for one. Its own `PATH` is left alone.
    pub(crate) fn set(&self, log: &mut Log, command: &mut Command) -> Result<()> {
        let folder = folder()?;
        let mut flags: Vec<_> = self.rustflags.iter().map(|flag| (*flag).to_owned()).collect();
        if self.target.ends_with("-musl") && !self.compiler.is_empty() {
            let folder = unwinder(log, self.compiler)?;
            flags.extend(["-L".to_owned(), folder.display().to_string()]);
        }
        // `cargo run` and rustup set these for the first toolchain.
        for name in ["LD_LIBRARY_PATH", "RUSTFLAGS", "RUSTUP_TOOLCHAIN"] {
            command.env_remove(name);
        }
        command.env("CARGO", CARGO).env("RUSTC", RUSTC).env("RUSTDOC", RUSTDOC);
        command.env("CARGO_TERM_COLOR", "never");
        command.env("CARGO_TARGET_DIR", &folder).env("CARGO_BUILD_TARGET", self.target);
        // A released compiler builds the standard library only when told that it may.
        command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_UNSTABLE_BUILD_STD", "std,panic_unwind");
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        let own = |name: &str| format!("CARGO_TARGET_{}_{name}", self.name().to_uppercase());
        if !self.compiler.is_empty() {
            command.env(own("LINKER"), self.compiler);
            command.env(format!("CC_{}", self.name()), self.compiler);
        }
        if !self.runner.is_empty() {
            command.env(own("RUNNER"), self.runner.join(" "));
        }
        self.runs(log, command)
    }

    /// A program that was built for this platform, started here by the platform's runner.
    pub(crate) fn program(&self, log: &mut Log, program: &Path) -> Result<Command> {
        let mut words = self.runner.iter();
        let mut command = match words.next() {
            Some(runner) => {
                let mut command = Command::new(runner);
                command.args(words).arg(program);
                command
            }
            None => Command::new(program),
        };
        self.runs(log, &mut command)?;
        Ok(command)
    }

    /// What programs of this platform want of the environment in which they are started.
    fn runs(&self, log: &mut Log, command: &mut Command) -> Result<()> {
        if self.runner.first() == Some(&"wine") {
            command.env("WINEPREFIX", wine_prefix(log, self.compiler)?);
            quiet_wine(command);
        }
        if self.runner.first() == Some(&EMULATOR) {
            command.env("QEMU_LD_PREFIX", arm64_root(log)?);
        }
        Ok(())
    }

    /// The target as environment variables have it, in small letters.
    fn name(&self) -> String {
        self.target.replace('-', "_")
    }
}

/// Builds what the tests of some crates start: their examples, as programs, which `cargo test` builds unless it is told
/// what to build. `cargo build` would build every crate a second time, with another standard library: without what tests
/// want of it.
pub(crate) fn examples(
    log: &mut Log,
    mut test: Command,
    packages: &[impl AsRef<OsStr>],
) -> Result<()> {
    log.run(test.arg("--no-run").args(packages))
}

/// A folder with an unwinder under the names by which the standard library asks for it on musl: `libunwind.a` in what is
/// static, `libgcc_s.a` elsewhere. Debian's musl has none. It is gcc's, with the one function that it wants of glibc.
pub(crate) fn unwinder(log: &mut Log, compiler: &str) -> Result<PathBuf> {
    let folder = repo::folder("platforms/musl")?;
    let library = folder.join("libunwind.a");
    if library.exists() {
        return Ok(folder);
    }
    let printed = log.stdout(Command::new(compiler).arg("-print-file-name=libgcc_eh.a"))?;
    let gcc = Path::new(printed.trim());
    ensure!(gcc.is_absolute(), "{compiler} finds no libgcc_eh.a: install gcc");
    let object = folder.join("dl_find_object.o");
    let mut compile = Command::new(compiler);
    compile.args(["-O2", "-fPIC", "-Wall", "-Wextra", "-Werror", "-c", "-o"]).arg(&object);
    log.run(compile.arg(repo::root().join("crates/xtask/musl/dl_find_object.c")))?;
    // Under another name until it is whole.
    let new = folder.join("new.a");
    fs::copy(gcc, &new).with_context(|| format!("cannot copy to {}", new.display()))?;
    log.run(Command::new("ar").arg("q").arg(&new).arg(&object))?;
    let shared = folder.join("libgcc_s.a");
    fs::copy(&new, &shared).with_context(|| format!("cannot make {}", shared.display()))?;
    fs::rename(&new, &library).with_context(|| format!("cannot make {}", library.display()))?;
    Ok(folder)
}

/// The libraries of Debian for arm64, `target/platforms/arm64`: made once. With those of the cross compiler, qemu 7.2 hangs
/// where a thread starts. The packages are unpacked and not installed: nothing of their scripts is wanted.
fn arm64_root(log: &mut Log) -> Result<PathBuf> {
    let root = folder()?.join("arm64");
    if root.exists() {
        return Ok(root);
    }
    debian_arm64(log, &root, &[])?;
    Ok(root)
}

/// Makes such a root, with more packages than every Debian has.
pub(crate) fn debian_arm64(log: &mut Log, root: &Path, packages: &[&str]) -> Result<()> {
    // Its name is right when it is whole.
    let new = folder()?.join("arm64-new");
    log.run(Command::new("sh").args(["-euc", MAKE_ROOT, "sh"]).arg(&new).arg(packages.join(",")))?;
    fs::rename(&new, root).with_context(|| format!("cannot make {}", root.display()))
}

/// Where apt gets this machine's packages, there are those of other processors too.
const MAKE_ROOT: &str = r#"
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
archive=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
  sed -n "s/ $codename main\$//p" | head -n 1)
[ -n "$archive" ] || { echo "apt knows no archive of '$codename': run apt-get update" >&2; exit 2; }
rm -rf "$1"
debootstrap --arch=arm64 --foreign --variant=minbase ${2:+"--include=$2"} "$codename" "$1" "$archive"
for package in "$1"/var/cache/apt/archives/*.deb; do
  dpkg-deb --extract "$package" "$1"
done
"#;

/// A Windows for wine, `target/platforms/wine`: made once, with the one library that wine 8 lacks.
fn wine_prefix(log: &mut Log, compiler: &str) -> Result<PathBuf> {
    const LIBRARY: &str = "drive_c/windows/system32/bcryptprimitives.dll";
    let prefix = repo::folder("platforms/wine")?;
    // Made last: a prefix without it is only half made.
    if prefix.join(LIBRARY).exists() {
        return Ok(prefix);
    }
    let mut boot = Command::new("wine");
    boot.args(["wineboot.exe", "-i"]).env("WINEPREFIX", &prefix);
    quiet_wine(&mut boot);
    log.run(&mut boot)?;
    let mut shim = Command::new(compiler);
    // No start-up code: the library has one function, and nothing to set up.
    shim.args(["-O2", "-shared", "-nostartfiles", "-Wl,-e,0", "-o"]).arg(prefix.join(LIBRARY));
    shim.arg(repo::root().join("crates/xtask/wine/bcryptprimitives.c")).arg("-ladvapi32");
    log.run(&mut shim)?;
    Ok(prefix)
}

/// No messages of wine's own, no window, and no offer to download .NET and a browser.
fn quiet_wine(command: &mut Command) {
    command.env("WINEDEBUG", "-all").env("WINEDLLOVERRIDES", "mscoree=;mshtml=");
    command.env_remove("DISPLAY");
}
