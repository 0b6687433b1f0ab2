//! Pythons for other platforms than this machine's, each with the packages that the tests of the Python package want.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::log::Log;
use crate::platforms::{self, Platform, WINDOWS};
use crate::python::{self, Venv};
use crate::repo;

/// A Python for another platform, which this machine can start.
pub(crate) struct Python {
    program: PathBuf,
    version: &'static str,
    /// What starts it, where it does not start by itself.
    platform: Option<Platform>,
    /// What pip calls its platform.
    tags: &'static [&'static str],
    /// `bindings/python/requirements-LOCK.lock` is what the tests want.
    lock: &'static str,
    /// Where it finds packages.
    packages: PathBuf,
    /// Tests that cannot pass here whatever the wheel does, and why.
    pub(crate) cannot: &'static [(&'static str, &'static str)],
}

impl Python {
    /// Gives it the wheel, and what the tests want.
    pub(crate) fn install(&self, log: &mut Log, venv: &Venv, wheel: &Path) -> Result<()> {
        if self.packages.exists() {
            let gone = fs::remove_dir_all(&self.packages);
            gone.with_context(|| format!("cannot remove {}", self.packages.display()))?;
        }
        let lock = repo::root().join(format!("bindings/python/requirements-{}.lock", self.lock));
        log.run(self.pip(venv).arg("--require-hashes").arg("-r").arg(lock))?;
        log.run(self.pip(venv).arg("--no-index").arg(wheel))
    }

    /// This machine's pip, which can install for another one. Emulated, a pip would take minutes.
    fn pip(&self, venv: &Venv) -> Command {
        let mut pip = venv.command("python");
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        pip.args(self.tags.iter().flat_map(|tag| ["--platform", tag]));
        pip.args(["--python-version", self.version, "--implementation", "cp"]);
        let own = format!("cp{}", self.version.replace('.', ""));
        pip.args(["--abi", &own, "--abi", "abi3", "--abi", "none"]);
        pip.args(["--only-binary=:all:", "--no-deps", "--upgrade", "--target"]).arg(&self.packages);
        pip
    }

    /// It, with arguments.
    pub(crate) fn command(&self, log: &mut Log, arguments: &[&str]) -> Result<Command> {
        let mut command = match &self.platform {
            Some(platform) => piped(&platform.program(log, &self.program)?),
            None => Command::new(&self.program),
        };
        command.current_dir(repo::root()).args(arguments).env_remove("PYTHONHOME");
        command.env("PYTHONPATH", &self.packages).env("PYTHONDONTWRITEBYTECODE", "1");
        Ok(command)
    }
}

/// A command whose output goes to a pipe: where it goes to a file, Python for Windows does not start under wine 8.
fn piped(command: &Command) -> Command {
    let mut piped = Command::new("bash");
    piped.args(["-c", "set -o pipefail; \"$@\" 2>&1 | cat", "bash"]);
    piped.arg(command.get_program()).args(command.get_args());
    piped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    for (name, _) in command.get_envs().filter(|(_, value)| value.is_none()) {
        piped.env_remove(name);
    }
    piped
}

/// python.org's Python for Windows, as WinPython has it, under wine.
pub(crate) fn windows(log: &mut Log, venv: &Venv) -> Result<Python> {
    let folder = platforms::folder()?.join("python-windows");
    if !folder.exists() {
        let archive = repo::empty("platforms/python-windows-archive")?;
        let mut pip = venv.command("python");
        pip.args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]);
        pip.args(["--no-deps", "--no-binary=:all:", "--no-build-isolation", "--require-hashes"]);
        pip.arg("--dest").arg(&archive);
        pip.arg("-r").arg(repo::root().join("bindings/python/requirements-winpython.lock"));
        log.run(&mut pip)?;
        let archive = python::only(&archive, "gz")?;
        // Its name is right when it is whole.
        let new = repo::empty("platforms/python-windows-new")?;
        log.run(venv.command("python").args(["-c", UNPACK]).arg(archive).arg(&new))?;
        fs::rename(&new, &folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(Python {
        program: folder.join("python.exe"),
        version: "3.13",
        platform: Some(WINDOWS),
        tags: &["win_amd64"],
        lock: "windows",
        packages: folder.join("Lib/site-packages"),
        cannot: &[
            ("test_asyncio.py::test_many_at_once", WINE_THREADS),
            ("test_batch.py::test_concurrency[256]", WINE_THREADS),
            ("test_green.py::test_what_the_readme_says[trio, tasks go on]", WINE_TRIO),
            ("test_green.py::test_what_the_readme_says[trio, the client for asyncio]", WINE_TRIO),
            ("test_processes.py::test_64_threads_on_one_client", WINE_THREADS),
            (
                "test_processes.py::test_multiprocessing[spawn]",
                "under wine 8, a thread of multiprocessing's own waits for ever for what is in its pipe",
            ),
        ],
    })
}

const WINE_TRIO: &str =
    "trio does not start: it asks Windows for a socket's base handle, and wine 8 has none";
const WINE_THREADS: &str =
    "with so many connections, wine 8 leaves requests that have come to the sandbox unread";

/// Python for Windows is an archive in an archive. Its own tests, and what WinPython brings beside it, are left out.
const UNPACK: &str = r"
import io, pathlib, sys, tarfile, zipfile
archive, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with tarfile.open(archive) as outer:
    [name] = [name for name in outer.getnames() if name.endswith('/data.zip')]
    inner = zipfile.ZipFile(io.BytesIO(outer.extractfile(name).read()))
left_out = ('Lib/site-packages/', 'Lib/test/', 'Scripts/', 'include/', 'libs/', 'tcl/')
for name in inner.namelist():
    inside = name.removeprefix('cp313/')
    if not name.endswith('/') and not inside.startswith(left_out):
        file = folder / inside
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(inner.read(name))
";

/// Debian's Python for arm64, emulated.
pub(crate) fn arm64(log: &mut Log, _: &Venv) -> Result<Python> {
    let root = platforms::folder()?.join("python-arm64");
    // What starts it emulated, and what it takes for itself when it starts another. Made last: a root without it is only
    // half made.
    let start = root.join("usr/bin/emulated");
    if !start.exists() {
        platforms::debian_arm64(log, &root, &["python3"])?;
        let python = root.join("usr/bin/python3.11");
        let script = format!(
            "#!/bin/sh\nexec qemu-aarch64-static -L '{}' -0 \"$0\" '{}' \"$@\"\n",
            root.display(),
            python.display()
        );
        fs::write(&start, script).with_context(|| format!("cannot write {}", start.display()))?;
        fs::set_permissions(&start, fs::Permissions::from_mode(0o755))?;
    }
    Ok(Python {
        program: start,
        version: "3.11",
        platform: None,
        tags: &["manylinux_2_28_aarch64"],
        lock: "foreign",
        packages: root.join("packages"),
        cannot: &[
            (
                "test_exit.py::test_a_forked_child_ends_at_once",
                "with qemu 7.2, a child may hang that is forked while a thread starts, in plain Python too",
            ),
            (
                "test_interrupt.py::test_while_resolving",
                "it puts another resolv.conf over this machine's, and qemu takes that of the root",
            ),
            ("test_leaks.py::test_memory_stays[asyncio]", QEMU_THREADS),
            ("test_leaks.py::test_memory_stays[blocking]", QEMU_THREADS),
        ],
    })
}

const QEMU_THREADS: &str = "qemu 7.2 itself keeps 280 KB of each thread that has ended";

/// A Python that is linked with musl. No package registry has one: it is made of its source.
pub(crate) fn musl(log: &mut Log, _: &Venv) -> Result<Python> {
    let folder = platforms::folder()?.join("python-musl");
    if !folder.exists() {
        let script = repo::root().join("crates/xtask/musl/python.sh");
        log.run(Command::new("sh").arg(script).arg(&folder))?;
    }
    Ok(Python {
        program: folder.join("bin/python3.11"),
        version: "3.11",
        platform: None,
        tags: &["musllinux_1_2_x86_64"],
        lock: "foreign",
        packages: platforms::folder()?.join("packages-musl"),
        cannot: &[
            ("test_client.py::test_signatures_teach", NO_SSL),
            ("test_green.py::test_what_the_readme_says[trio, tasks go on]", NO_SSL),
            ("test_green.py::test_what_the_readme_says[trio, the client for asyncio]", NO_SSL),
            ("test_hints.py", NO_SSL),
            ("test_import.py::test_every_public_name", NO_SSL),
            ("test_import.py::test_star", NO_SSL),
            ("test_tls.py", NO_SSL),
            ("test_types.py::test_errors", NO_SSL),
            ("test_types.py::test_outcome", NO_SSL),
            ("test_types.py::test_sandbox", NO_SSL),
        ],
    })
}

const NO_SSL: &str = "it wants the module ssl, and that Python is built without OpenSSL";
