//! What `contrib/packaging` has for those who make packages: each is built as they would build it, and a program uses it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::{Sandbox, Status};

use crate::log::Log;
use crate::tally::Tally;
use crate::{python, repo};

/// `contrib/packaging/debian`: dpkg-buildpackage makes the packages, lintian has no error and no warning, and a program
/// that is built with what they contain deletes a token.
pub(crate) fn debian(log: &mut Log) -> Result<Tally> {
    let version = mpt_tokens::VERSION;
    let folder = repo::empty("xtask/debian")?;
    let source = folder.join(format!("mpt-tokens-{version}"));
    copy_of_the_source(log, &source)?;
    let mut tar = Command::new("tar");
    tar.args(["-cJf", &format!("mpt-tokens_{version}.orig.tar.xz")]);
    tar.arg(format!("mpt-tokens-{version}")).env("XZ_OPT", "-0").current_dir(&folder);
    log.run(&mut tar)?;
    let mut copy = Command::new("cp");
    log.run(copy.args(["-r", "contrib/packaging/debian", "debian"]).current_dir(&source))?;
    let mut build = Command::new("dpkg-buildpackage");
    build.args(["--no-sign", "--no-check-builddeps"]).current_dir(&source);
    // Unoptimized, beside what cargo has built already: the rest is as in a release.
    build.env("DEB_BUILD_OPTIONS", "noopt nocheck").env("CARGO_TARGET_DIR", repo::target());
    log.run(&mut build)?;

    let mut lintian = Command::new("lintian");
    lintian.args(["--fail-on", "error,warning", "--allow-root"]);
    log.run(lintian.args(repo::files(&folder, "changes")?))?;

    let installed = folder.join("installed");
    let packages = repo::files(&folder, "deb")?;
    ensure!(packages.len() >= 2, "{} packages, not two or more", packages.len());
    for package in &packages {
        log.run(Command::new("dpkg-deb").arg("-x").arg(package).arg(&installed))?;
    }
    for file in ["include/mpt_tokens.h", "share/man/man3/mpt_delete_token.3.gz"] {
        ensure!(installed.join("usr").join(file).is_file(), "the packages have no {file}");
    }
    let mut ask = Command::new("dpkg-architecture");
    let multiarch = log.stdout(ask.args(["-q", "DEB_HOST_MULTIARCH"]))?;
    let library = installed.join("usr/lib").join(multiarch.trim());
    let mut ask = Command::new("pkg-config");
    ask.args(["--cflags", "--libs", "mpt_tokens"]).env("PKG_CONFIG_SYSROOT_DIR", &installed);
    ask.env("PKG_CONFIG_LIBDIR", library.join("pkgconfig"));
    ask.env("PKG_CONFIG_ALLOW_SYSTEM_CFLAGS", "1").env("PKG_CONFIG_ALLOW_SYSTEM_LIBS", "1");
    let flags = log.stdout(&mut ask)?;
    deletes(log, &folder, &flags, &library)?;
    Ok(Tally::PASSED)
}

/// Builds an example with these flags, and runs it.
fn deletes(log: &mut Log, folder: &Path, flags: &str, library: &Path) -> Result<()> {
    const ID: &str = "TKN-answerlost-0001";
    let program = folder.join("program");
    let mut cc = Command::new("cc");
    cc.arg(repo::root().join("crates/capi/examples/delete_one.c")).arg("-o").arg(&program);
    log.run(cc.args(flags.split_whitespace()))?;
    let sandbox = Sandbox::start().context("the sandbox does not start")?;
    let mut run = Command::new(&program);
    run.arg(ID).env("LD_LIBRARY_PATH", library);
    run.env("MPT_API_BASE_URL", sandbox.base_url()).env("MPT_API_TOKEN", sandbox.api_token());
    let told = log.stdout(&mut run)?;
    ensure!(told.contains("\"outcome\":\"gone\""), "{told}");
    ensure!(sandbox.truth(ID).status == Status::Deleted, "the token is alive");
    Ok(())
}

/// The files that git knows, or would take, as they are now.
fn copy_of_the_source(log: &mut Log, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let list: PathBuf = to.with_extension("files");
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    git.current_dir(repo::root()).stdin(Stdio::null()).stdout(File::create(&list)?);
    ensure!(git.status()?.success(), "git does not list its files");
    let mut copy = Command::new("sh");
    copy.args(["-ec", "tar --null -T \"$1\" -c | tar -x -C \"$2\"", "sh"]).arg(&list).arg(to);
    log.run(copy.current_dir(repo::root()))
}

/// `contrib/packaging/conan`: `conan create` makes the package of either kind without a remote, and builds and runs the
/// program of its `test_package`.
pub(crate) fn conan(log: &mut Log) -> Result<Tally> {
    let venv = python::venv(log, python::fitting()?, "conan")?;
    let home = repo::empty("xtask/conan")?;
    let conan = |arguments: &[&str]| {
        let mut conan = venv.command("conan");
        conan.args(arguments).env("CONAN_HOME", &home).env("CARGO_NET_OFFLINE", "true");
        // Unoptimized, beside what cargo has built already.
        conan.env("CARGO_TARGET_DIR", repo::target());
        conan
    };
    log.run(&mut conan(&["profile", "detect"]))?;
    let mut tally = Tally::default();
    for shared in ["False", "True"] {
        tally += log.one(&format!("shared={shared}"), |log| {
            let shared = format!("mpt-tokens/*:shared={shared}");
            let create = ["create", "contrib/packaging/conan", "--no-remote"];
            let options = ["-o", "mpt-tokens/*:profile=dev", "-o", &shared];
            log.run(&mut conan(&[&create[..], &options[..]].concat()))
        });
    }
    Ok(tally)
}
