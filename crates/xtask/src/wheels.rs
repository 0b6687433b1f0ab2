//! What is released for Python: a wheel for the platform of this machine, and the source distribution.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use mpt_tokens_sandbox::{Sandbox, Status};

use crate::log::Log;
use crate::python::{self, Venv};
use crate::repo;
use crate::tally::Tally;

/// Both, as they would be uploaded.
pub(crate) struct Released {
    pub(crate) wheel: PathBuf,
    pub(crate) sdist: PathBuf,
}

/// The oldest glibc that the wheel may need. zig links for it, whatever this machine has.
const GLIBC: &str = "manylinux_2_17";

const LINUX: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

/// Every file of the wheel in the package's own folder.
const PACKAGE: &[&str] = &[
    "__init__.py",
    "__main__.py",
    "_aio.py",
    "_batch.py",
    "_client.py",
    "_errors.py",
    "_native.abi3.so",
    "_native.pyi",
    "_outcome.py",
    "_sandbox.py",
    "_types.py",
    "py.typed",
    "pytest_plugin.py",
];

/// Every file of the wheel in the folder of its metadata.
const METADATA: &[&str] = &[
    "METADATA",
    "RECORD",
    "WHEEL",
    "entry_points.txt",
    "licenses/LICENSE-APACHE",
    "licenses/LICENSE-MIT",
    "sboms/mpt-tokens-py.cyclonedx.json",
];

/// What pip asks for: a user's commands, and a fixture of every pytest.
const ENTRY_POINTS: &str = "[console_scripts]\nmpt-tokens=mpt_tokens.__main__:main\n\
                            [pytest11]\nmpt_tokens=mpt_tokens.pytest_plugin\n";

/// The folders of crates that the source distribution has: those that the module needs, and `tools`, a
/// dev-dependency of the program's, whose manifest cargo reads.
const CRATES: &[&str] = &["cli", "core", "py", "sandbox", "tools", "unify"];

/// Makes both, in a cargo profile.
pub(crate) fn build(log: &mut Log, profile: &str, folder: &Path) -> Result<Released> {
    let venv = python::venv(log, python::fitting()?, "release")?;
    // What an older build left would be taken for this one's.
    python::remove(folder, "whl")?;
    python::remove(folder, "gz")?;
    log.run(maturin(&venv, profile, folder).arg("--interpreter").arg(venv.bin().join("python")))?;
    log.run(venv.command("maturin").args(["sdist", "--out"]).arg(folder))?;
    Ok(Released { wheel: python::only(folder, "whl")?, sdist: python::only(folder, "gz")? })
}

fn maturin(venv: &Venv, profile: &str, folder: &Path) -> Command {
    let mut maturin = venv.command("maturin");
    maturin.args(["build", "--quiet", "--locked", "--profile", profile, "--out"]).arg(folder);
    if LINUX {
        maturin.args(["--zig", "--compatibility", GLIBC]);
        // Named, so that wheels for a Python that is not here are built in the same place.
        maturin.arg("--target").arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH));
    }
    maturin
}

/// The tag of the platform in the names of wheels, as far as this machine decides it.
fn platform() -> String {
    let arch = std::env::consts::ARCH;
    if LINUX { format!("manylinux2014_{arch}.{GLIBC}_{arch}.whl") } else { String::new() }
}

/// Checks both, a test each: names, content, what the index would say of them, and that they can be installed.
///
/// They are built without optimization, which takes minutes and decides none of this.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let python = python::fitting()?;
    let folder = repo::target().join("xtask/released");
    let released = build(log, "dev", &folder)?;
    let Released { wheel, sdist } = &released;
    let venv = python::venv(log, python, "release")?;
    let mut tally = Tally::default();
    let mut check = |what: &str, check: &dyn Fn(&mut Log) -> Result<()>| {
        log.note(&format!("\n{what}"));
        tally += check(log).map_or_else(
            |why| {
                log.note(&format!("{why:#}"));
                Tally::FAILED
            },
            |()| Tally::PASSED,
        );
    };
    check("the name of the wheel", &|_| named(wheel, "cp310-abi3"));
    check("the content of the wheel", &|log| wheel_content(log, &venv, wheel));
    check("the content of the sdist", &|log| sdist_content(log, &venv, sdist));
    check("nothing but the stable ABI", &|log| {
        log.run(venv.command("abi3audit").args(["--strict", "--verbose"]).arg(wheel))
    });
    check("what the package index would say", &|log| {
        log.run(venv.command("twine").args(["check", "--strict"]).args([wheel, sdist]))
    });
    check("the wheel, installed", &|log| {
        let fresh = Venv::new(log, python, folder.join("from-wheel"))?;
        fresh.install(log, wheel)?;
        deletes(log, &fresh, &folder)
    });
    check("the sdist, installed", &|log| {
        let fresh = Venv::new(log, python, folder.join("from-sdist"))?;
        install_sdist(log, &fresh, sdist, &folder)?;
        deletes(log, &fresh, &folder)
    });
    // Elsewhere maturin does not build for a Python that is not here.
    if LINUX {
        check("a wheel for a Python without the GIL", &|log| free_threaded(log, &venv, &folder));
    }
    Ok(tally)
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn named(wheel: &Path, python: &str) -> Result<()> {
    let expected = format!("mpt_tokens-{}-{python}-{}", mpt_tokens::VERSION, platform());
    let name = file_name(wheel);
    ensure!(name.starts_with(&expected), "the wheel is {name}: expected {expected}");
    Ok(())
}

/// That it can be built, for free-threaded 3.14, which has no stable ABI. maturin knows what that interpreter would say
/// of itself; there is none here to load it.
fn free_threaded(log: &mut Log, venv: &Venv, folder: &Path) -> Result<()> {
    let folder = folder.join("free-threaded");
    python::remove(&folder, "whl")?;
    log.run(maturin(venv, "dev", &folder).args(["--interpreter", "3.14t"]))?;
    named(&python::only(&folder, "whl")?, "cp314-cp314t")
}

/// What a script of Python prints about a file, line by line.
fn told(log: &mut Log, venv: &Venv, script: &str, file: &Path) -> Result<Vec<String>> {
    let told = log.stdout(venv.command("python").args(["-c", script]).arg(file))?;
    Ok(told.lines().map(str::to_owned).collect())
}

fn wheel_content(log: &mut Log, venv: &Venv, wheel: &Path) -> Result<()> {
    let list = "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep='\\n')";
    let mut found = told(log, venv, list, wheel)?;
    let metadata = format!("mpt_tokens-{}.dist-info", mpt_tokens::VERSION);
    let package = PACKAGE.iter().map(|name| format!("mpt_tokens/{name}"));
    let mut expected: Vec<_> =
        package.chain(METADATA.iter().map(|name| format!("{metadata}/{name}"))).collect();
    found.sort();
    expected.sort();
    ensure!(found == expected, "the wheel has {found:#?}: expected {expected:#?}");

    let read = "import sys, zipfile; file = zipfile.ZipFile(sys.argv[1])\n\
                [name] = [it for it in file.namelist() if it.endswith('entry_points.txt')]\n\
                print(file.read(name).decode(), end='')";
    let points = told(log, venv, read, wheel)?.join("\n");
    ensure!(points.trim() == ENTRY_POINTS.trim(), "the entry points are\n{points}");
    Ok(())
}

/// The crates that the module needs, the package, and nothing of the rest.
fn sdist_content(log: &mut Log, venv: &Venv, sdist: &Path) -> Result<()> {
    let top = format!("mpt_tokens-{}", mpt_tokens::VERSION);
    ensure!(file_name(sdist) == format!("{top}.tar.gz"), "the sdist is {}", file_name(sdist));
    let list = "import sys, tarfile; print(*tarfile.open(sys.argv[1]).getnames(), sep='\\n')";
    let found = told(log, venv, list, sdist)?;
    let package = PACKAGE.iter().filter(|name| !name.ends_with(".so"));
    let mut wanted: Vec<_> =
        package.map(|name| format!("bindings/python/mpt_tokens/{name}")).collect();
    wanted.extend(CRATES.iter().map(|name| format!("crates/{name}/Cargo.toml")));
    wanted.extend(
        ["Cargo.lock", "Cargo.toml", "PKG-INFO", "LICENSE-APACHE", "LICENSE-MIT", "pyproject.toml"]
            .map(str::to_owned),
    );
    for name in wanted {
        ensure!(found.contains(&format!("{top}/{name}")), "the sdist has no {name}");
    }
    for file in &found {
        let inside = file.strip_prefix(&top).unwrap_or(file).trim_start_matches('/');
        let mut parts = inside.split('/');
        let ours = match (parts.next(), parts.next(), parts.next()) {
            (Some("crates"), Some(name), _) => CRATES.contains(&name),
            (Some("bindings"), Some(language), part) => {
                language == "python" && matches!(part, None | Some("mpt_tokens" | "README.md"))
            }
            (Some("docs"), file, None) => matches!(file, None | Some("outcome.schema.json")),
            (Some(_), None, None) => true,
            _ => false,
        };
        if !ours || inside.ends_with(".so") || inside.ends_with(".pyc") {
            bail!("the sdist has {inside}, which nobody needs to build it");
        }
    }
    Ok(())
}

/// As `pip install mpt_tokens-*.tar.gz`, with what builds it pinned as everywhere here. It is unpacked beforehand, in
/// an otherwise empty folder, so that its path and with it what cargo keeps of its build is the same each time.
fn install_sdist(log: &mut Log, fresh: &Venv, sdist: &Path, folder: &Path) -> Result<()> {
    let empty = folder.join("sdist");
    make_anew(&empty)?;
    log.run(Command::new("tar").arg("-xzf").arg(sdist).arg("-C").arg(&empty))?;
    fresh.fill(log, "build")?;
    let mut pip = fresh.pip();
    pip.args(["--no-index", "--no-build-isolation"]).current_dir(&empty);
    pip.arg(format!("./mpt_tokens-{}", mpt_tokens::VERSION));
    pip.env("MATURIN_PEP517_ARGS", "--profile dev --features unify")
        .env("CARGO_TARGET_DIR", repo::target());
    log.run(&mut pip)
}

/// One delete by what is installed there, from an empty folder.
fn deletes(log: &mut Log, venv: &Venv, folder: &Path) -> Result<()> {
    const ID: &str = "TKN-1671-0642";
    let empty = folder.join("empty");
    make_anew(&empty)?;
    let sandbox = Sandbox::builder().tokens([ID]).start().context("the sandbox does not start")?;
    let script = format!("import mpt_tokens; print(mpt_tokens.delete_token({ID:?}))");
    let mut python = venv.command("python");
    python.args(["-c", &script]).current_dir(&empty);
    python.env("MPT_API_TOKEN", sandbox.api_token()).env("MPT_API_BASE_URL", sandbox.base_url());
    log.run(&mut python)?;
    let truth = sandbox.truth(ID);
    ensure!(truth.status == Status::Deleted, "of the token {ID} this is true: {truth:?}");
    Ok(())
}

fn make_anew(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}
