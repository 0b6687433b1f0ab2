//! `contrib/packaging/vcpkg`: the port's manifest by the rules of vcpkg's documentation, and the port itself run by CMake
//! with stand-ins for vcpkg's functions. vcpkg itself is not run: it is in no package registry.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::{Sandbox, Status};
use serde_json::{Map, Value};

use crate::log::Log;
use crate::repo;
use crate::tally::Tally;

const PORT: &str = "contrib/packaging/vcpkg/ports/mpt-tokens";

/// Everything of it, as the module says.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let mut tally = log.one("vcpkg.json", |_| manifest());
    for linkage in ["dynamic", "static"] {
        tally += log.one(linkage, |log| port(log, linkage));
    }
    Ok(tally)
}

/// The members that a port may have, in the order in which `vcpkg format-manifest` writes them.
const MEMBERS: &[&str] = &[
    "name",
    "version",
    "port-version",
    "maintainers",
    "description",
    "homepage",
    "documentation",
    "license",
    "supports",
    "dependencies",
    "default-features",
    "features",
];

/// What the reference of vcpkg.json asks of a port, and the style that the registry asks of its ports.
fn manifest() -> Result<()> {
    let text = fs::read_to_string(repo::root().join(PORT).join("vcpkg.json"))?;
    let manifest: Map<String, Value> =
        serde_json::from_str(&text).context("vcpkg.json is no object")?;
    let of = |name: &str| manifest.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut last = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("  \"")) {
        let name = line.split('"').next().unwrap_or_default();
        let place = MEMBERS.iter().position(|member| *member == name);
        let place = place.with_context(|| format!("no port has the member {name}"))?;
        ensure!(place >= last, "{name} is not where format-manifest puts it");
        last = place;
    }
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name = of("name");
    ensure!(
        !name.is_empty()
            && name.bytes().all(fine)
            && !name.starts_with('-')
            && !name.ends_with('-'),
        "{name} is no name of a port"
    );
    ensure!(Path::new(PORT).ends_with(name), "the folder of the port is not named {name}");
    let version = mpt_tokens::VERSION;
    ensure!(
        of("version") == version,
        "the version is {}, and that of Cargo.toml {version}",
        of("version")
    );
    ensure!(!of("description").is_empty(), "there is no description");
    let cargo = fs::read_to_string(repo::root().join("Cargo.toml"))?;
    let license = of("license");
    ensure!(
        cargo.contains(&format!("license = \"{license}\"")),
        "the licence is not that of Cargo.toml: {license}"
    );
    ensure!(of("supports") == "linux & native", "it was tried only on Linux, and not across");
    Ok(())
}

/// Runs the port, compares what it asked of vcpkg, looks at what it made, and builds with that what `usage` says.
fn port(log: &mut Log, linkage: &str) -> Result<()> {
    let folder = repo::empty(&format!("xtask/vcpkg-{linkage}"))?;
    let made = folder.join("port");
    let mut cmake = Command::new("cmake");
    cmake
        .arg("-D")
        .arg(format!("FOLDER={}", made.display()))
        .arg("-D")
        .arg(format!("LINKAGE={linkage}"));
    // Unoptimized, beside what cargo has built already.
    cmake.args([
        "-D",
        "MPT_TOKENS_PROFILE=dev",
        "-P",
        "contrib/packaging/vcpkg/test/stand-ins.cmake",
    ]);
    cmake.env("CARGO_TARGET_DIR", repo::target()).env("CARGO_NET_OFFLINE", "true");
    log.run(cmake.current_dir(repo::root()))?;

    let packages = made.join("packages");
    let calls = fs::read_to_string(made.join("calls"))?;
    let asked: Vec<&str> =
        calls.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    let process = "vcpkg_execute_required_process";
    let rest = ["vcpkg_fixup_pkgconfig", "vcpkg_install_copyright", "build"];
    let is_static = linkage == "static";
    let expected = [&[process; 2][..if is_static { 2 } else { 1 }], &rest[..]].concat();
    ensure!(asked == expected, "the port asked of vcpkg:\n{calls}");
    ensure!(calls.contains(if is_static { "staticlib" } else { "cdylib" }), "{calls}");
    ensure!(calls.ends_with("build type release\n"), "{calls}");

    let has = |file: &str| packages.join(file).is_file();
    for file in [
        "include/mpt_tokens.h",
        "include/mpt_tokens.hpp",
        "lib/pkgconfig/mpt_tokens.pc",
        "share/mpt-tokens/usage",
    ] {
        ensure!(has(file), "the port installs no {file}");
    }
    ensure!(
        has("lib/libmpt_tokens.a") == is_static && has("lib/libmpt_tokens.so.1") != is_static,
        "libraries of both kinds"
    );
    for name in ["debug", "bin", "share/doc", "share/man"] {
        ensure!(!packages.join(name).exists(), "the port installs {name}");
    }
    let copyright = fs::read_to_string(packages.join("share/mpt-tokens/copyright"))?;
    ensure!(
        copyright.contains("Permission is hereby granted") && copyright.contains("Apache License"),
        "{copyright}"
    );
    nothing_empty_or_absolute(&packages, &packages.display().to_string())?;
    consumer(log, &folder, &packages, is_static)
}

/// What vcpkg looks for after a build: empty folders, and text that names the folder that the package was made in.
fn nothing_empty_or_absolute(folder: &Path, whole: &str) -> Result<()> {
    let entries = repo::entries(folder)?;
    ensure!(!entries.is_empty(), "{} is empty", folder.display());
    for entry in entries {
        if entry.is_dir() {
            nothing_empty_or_absolute(&entry, whole)?;
        } else if let Ok(text) = fs::read_to_string(&entry) {
            ensure!(!text.contains(whole), "{} names {whole}", entry.display());
        }
    }
    Ok(())
}

/// A CMake project with the lines of `usage`, which finds nothing but the package where vcpkg would have installed it,
/// and a program by pkg-config.
fn consumer(log: &mut Log, folder: &Path, packages: &Path, is_static: bool) -> Result<()> {
    let installed = folder.join("installed");
    fs::rename(packages, &installed)?;
    let usage = fs::read_to_string(installed.join("share/mpt-tokens/usage"))?;
    let lines = |begin: &str| -> Result<String> {
        let found = usage.lines().map(str::trim).find(|line| line.starts_with(begin));
        Ok(format!("{}\n", found.with_context(|| format!("usage has no {begin}"))?))
    };
    let example = repo::root().join("crates/capi/examples/delete_one.c");
    let source = folder.join("consumer");
    fs::create_dir(&source)?;
    fs::copy(&example, source.join("main.c"))?;
    let lists = format!(
        "cmake_minimum_required(VERSION 3.16)\nproject(consumer C)\n{}add_executable(main main.c)\n{}",
        lines("find_package")?,
        lines("target_link_libraries")?,
    );
    fs::write(source.join("CMakeLists.txt"), lists)?;
    let build = folder.join("build");
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(&source).arg("-B").arg(&build);
    log.run(cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", installed.display())))?;
    log.run(Command::new("cmake").arg("--build").arg(&build))?;
    deletes(log, &build.join("main"), &installed, is_static, "TKN-answerlost-0001")?;

    let mut ask = Command::new("pkg-config");
    ask.args(["--cflags", "--libs", "mpt_tokens"]).args(is_static.then_some("--static"));
    let flags = log.stdout(ask.env("PKG_CONFIG_LIBDIR", installed.join("lib/pkgconfig")))?;
    let program = folder.join("program");
    log.run(
        Command::new("cc").arg(&example).arg("-o").arg(&program).args(flags.split_whitespace()),
    )?;
    deletes(log, &program, &installed, is_static, "TKN-answerlost-0002")
}

fn deletes(
    log: &mut Log,
    program: &Path,
    installed: &Path,
    is_static: bool,
    id: &str,
) -> Result<()> {
    let needed = log.stdout(Command::new("readelf").arg("-dW").arg(program))?;
    ensure!(needed.contains("libmpt_tokens.so.1") != is_static, "{needed}");
    let sandbox = Sandbox::start().context("the sandbox does not start")?;
    let mut run = Command::new(program);
    run.arg(id).env("LD_LIBRARY_PATH", installed.join("lib"));
    run.env("MPT_API_BASE_URL", sandbox.base_url()).env("MPT_API_TOKEN", sandbox.api_token());
    let told = log.stdout(&mut run)?;
    ensure!(told.contains("\"outcome\":\"gone\""), "{told}");
    ensure!(sandbox.truth(id).status == Status::Deleted, "the token is alive");
    Ok(())
}
