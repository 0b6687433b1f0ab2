//! The package that cargo-c installs, used by programs that have nothing but its prefix.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use mpt_tokens_sandbox::{Sandbox, Status};

use crate::build::{output, root, succeed, target, workplace};

/// A prefix with headers, libraries, pkg-config and CMake files: installed once for each process, into the build folder,
/// so that only the first time is slow. It stays there, and is laid anew by the next run.
pub(crate) fn installed() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prefix");
        if prefix.exists() {
            fs::remove_dir_all(&prefix).unwrap();
        }
        let mut cargo = Command::new("cargo");
        cargo.args(["cinstall", "--profile=dev", "--locked", "--libdir=lib"]);
        cargo.arg("--manifest-path").arg(root().join("crates/capi/Cargo.toml"));
        cargo.arg("--prefix").arg(&prefix).arg("--target-dir").arg(target());
        succeed(cargo.current_dir(root()));
        let mut finish = Command::new("sh");
        finish.arg(root().join("contrib/packaging/static-library.sh")).arg(prefix.join("lib"));
        succeed(&mut finish);
        prefix
    })
}

/// What pkg-config says of the package.
pub(crate) fn flags(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.args(arguments).arg("mpt_tokens");
    command.env("PKG_CONFIG_PATH", installed().join("lib/pkgconfig"));
    succeed(&mut command).split_whitespace().map(str::to_owned).collect()
}

/// A program deletes a token, and the sandbox says that it is dead.
pub(crate) fn deletes(program: &Path, library: Option<&Path>, serial: &str) {
    let sandbox = Sandbox::start().unwrap();
    let id = format!("TKN-answerlost-{serial}");
    let mut command = Command::new(program);
    command.arg(&id);
    command.env("MPT_API_BASE_URL", sandbox.base_url()).env("MPT_API_TOKEN", sandbox.api_token());
    if let Some(folder) = library {
        command.env("LD_LIBRARY_PATH", folder);
    }
    let printed = succeed(&mut command);
    assert!(printed.contains("\"outcome\":\"gone\""), "{printed}");
    assert_eq!(sandbox.truth(&id).status, Status::Deleted);
}

pub(crate) fn needs_the_shared_library(program: &Path) -> bool {
    succeed(Command::new("readelf").arg("-dW").arg(program)).contains("[libmpt_tokens.so.1]")
}

pub(crate) fn examples() -> PathBuf {
    root().join("crates/capi/examples")
}

#[test]
fn packages_have_everything_under_the_right_names() {
    let prefix = installed();
    for file in [
        "include/mpt_tokens.h",
        "include/mpt_tokens.hpp",
        "lib/libmpt_tokens.a",
        "lib/libmpt_tokens.so",
        "lib/libmpt_tokens.so.1",
        "lib/pkgconfig/mpt_tokens.pc",
        "share/cmake/mpt_tokens/mpt_tokens-config.cmake",
        "share/cmake/mpt_tokens/mpt_tokens-config-version.cmake",
    ] {
        assert!(prefix.join(file).is_file(), "{file} is not installed");
    }
    let same =
        |file: &str| fs::read(prefix.join(file)).unwrap() == fs::read(root().join(file)).unwrap();
    assert!(same("include/mpt_tokens.h") && same("include/mpt_tokens.hpp"));
}

#[test]
fn packages_are_found_by_cmake() {
    let prefix = installed();
    let build = workplace();
    succeed(
        Command::new("cmake")
            .arg("-S")
            .arg(root().join("crates/capi/tests/cmake"))
            .arg("-B")
            .arg(build.path())
            .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()))
            .arg(format!("-DEXAMPLES={}", examples().display())),
    );
    succeed(Command::new("cmake").arg("--build").arg(build.path()));
    for (number, (name, shared)) in
        [("default", true), ("shared", true), ("static", false), ("cpp", true)].iter().enumerate()
    {
        let program = build.path().join(name);
        assert_eq!(needs_the_shared_library(&program), *shared, "{name}");
        deletes(&program, None, &format!("c{number}"));
    }

    // A version that is not there is not found.
    let old = workplace();
    fs::write(
        old.path().join("CMakeLists.txt"),
        "cmake_minimum_required(VERSION 3.16)\nproject(c C)\nfind_package(mpt_tokens 99 REQUIRED)\n",
    )
    .unwrap();
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(old.path()).arg("-B").arg(old.path().join("build"));
    let done = output(cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("99"));
}

#[test]
fn packages_are_found_by_pkg_config() {
    let prefix = installed();
    let folder = workplace();
    let library = prefix.join("lib");
    assert_eq!(flags(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);

    for (number, (compiler, source)) in
        [("cc", "delete_one.c"), ("c++", "delete_one.cpp")].iter().enumerate()
    {
        let program = folder.path().join(format!("shared{number}"));
        let mut command = Command::new(compiler);
        command.arg(examples().join(source)).arg("-o").arg(&program);
        succeed(command.args(flags(&["--cflags", "--libs"])));
        assert!(needs_the_shared_library(&program));
        deletes(&program, Some(&library), &format!("p{number}"));
    }
}
