//! What cargo builds here and the chores use: the program, and the C library.

use std::env::consts::DLL_EXTENSION;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use mpt_tokens_tools::compiler;
use serde_json::Value;

use crate::log::Log;
use crate::repo::{self, locked};

/// The program of a crate, built for development.
pub(crate) fn program(log: &mut Log, folder: &str) -> Result<PathBuf> {
    executable(&build(log, folder)?)
}

/// The last program among what cargo built.
pub(crate) fn executable(built: &[Value]) -> Result<PathBuf> {
    let mut programs = built.iter().filter_map(|artifact| artifact["executable"].as_str());
    programs.next_back().map(PathBuf::from).context("cargo built no program")
}

/// The shared C library, built for development, under the names that linkers and loaders look for.
pub(crate) fn library(log: &mut Log) -> Result<Library> {
    let shared =
        file(&build(log, "capi")?, DLL_EXTENSION).context("cargo built no shared library")?;
    let folder = repo::folder("xtask/lib")?;
    let with_abi = if cfg!(target_vendor = "apple") {
        format!("libmpt_tokens.{}.dylib", abi_version()?)
    } else {
        soname()?
    };
    for name in [format!("libmpt_tokens.{DLL_EXTENSION}"), with_abi] {
        let link = folder.join(name);
        if fs::read_link(&link).is_ok_and(|target| target == shared) {
            continue;
        }
        match fs::remove_file(&link) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => symlink(&shared, &link)
                .with_context(|| format!("cannot link {}", link.display()))?,
        }
    }
    Ok(Library { folder })
}

/// The name by which a loader of Linux looks for it.
pub(crate) fn soname() -> Result<String> {
    Ok(format!("libmpt_tokens.so.{}", abi_version()?))
}

/// The number in the library's SONAME, as the header has it.
fn abi_version() -> Result<String> {
    let header = repo::root().join("include/mpt_tokens.h");
    let text =
        fs::read_to_string(&header).with_context(|| format!("cannot read {}", header.display()))?;
    let number = text.lines().find_map(|line| line.strip_prefix("#define MPT_ABI_VERSION "));
    Ok(number.context("include/mpt_tokens.h has no MPT_ABI_VERSION")?.trim().to_owned())
}

/// Compiles one Rust file that uses the crate `mpt_tokens` and no other.
pub(crate) fn compile_rust(log: &mut Log, source: &Path, program: &Path) -> Result<()> {
    let rlib = file(&build(log, "core")?, "rlib").context("cargo built no Rust library")?;
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "-Dwarnings"]).arg(source).arg("-o").arg(program);
    rustc.arg("--extern").arg(format!("mpt_tokens={}", rlib.display()));
    rustc.arg("-L").arg(format!("dependency={}", rlib.with_file_name("deps").display()));
    log.run(&mut rustc)
}

/// A folder that has `libmpt_tokens.so`.
pub(crate) struct Library {
    folder: PathBuf,
}

impl Library {
    /// Lets a command find it, by the loader and by pkg-config, as it would find an installed one.
    pub(crate) fn installed_for(&self, command: &mut Command) -> Result<()> {
        let description = format!(
            "Name: mpt_tokens\nDescription: as cargo built it\nVersion: {}\nCflags: -I{}\nLibs: -L{} -lmpt_tokens\n",
            mpt_tokens::VERSION,
            repo::root().join("include").display(),
            self.folder.display()
        );
        let file = self.folder.join("mpt_tokens.pc");
        fs::write(&file, description)
            .with_context(|| format!("cannot write {}", file.display()))?;
        command.env("PKG_CONFIG_PATH", &self.folder).env("LD_LIBRARY_PATH", &self.folder);
        command.env_remove("MPT_TOKENS_LIBRARY");
        Ok(())
    }

    /// Compiles and links one C or C++ file against it; the program finds the library where it is now.
    pub(crate) fn link(&self, log: &mut Log, source: &Path, program: &Path) -> Result<()> {
        let cpp = source.extension().is_some_and(|extension| extension == "cpp");
        let mut compiler =
            Command::new(if cpp { compiler("CXX", "c++") } else { compiler("CC", "cc") });
        compiler.arg(if cpp { "-std=c++17" } else { "-std=c99" });
        compiler.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
        compiler.arg("-I").arg(repo::root().join("include")).arg(source).arg("-o").arg(program);
        compiler.arg("-L").arg(&self.folder).arg("-lmpt_tokens");
        compiler.arg(format!("-Wl,-rpath,{}", self.folder.display()));
        log.run(&mut compiler)
    }
}

/// What cargo built of one crate. All of them are built, with the features of all, since a selection of packages
/// is a selection of features too: another one would build most dependencies again.
fn build(log: &mut Log, folder: &str) -> Result<Vec<Value>> {
    let mut built = built(log, locked("build").args(["--lib", "--bins"]))?;
    let manifest = repo::root().join("crates").join(folder).join("Cargo.toml");
    built.retain(|artifact| {
        artifact["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest)
    });
    Ok(built)
}

/// What a cargo command built, in cargo's own words.
pub(crate) fn built(log: &mut Log, cargo: &mut Command) -> Result<Vec<Value>> {
    let told = log.stdout(cargo.arg("--message-format=json-render-diagnostics"))?;
    let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(messages.filter(|message| message["reason"] == "compiler-artifact").collect())
}

/// The first file of that kind.
pub(crate) fn file(artifacts: &[Value], extension: &str) -> Option<PathBuf> {
    let files = artifacts.iter().filter_map(|artifact| artifact["filenames"].as_array()).flatten();
    let mut files = files.filter_map(Value::as_str).map(PathBuf::from);
    files.find(|file| file.extension().is_some_and(|found| found == extension))
}
