//! The package that cargo-c installs, used by programs that have nothing but its prefix.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use mpt_tokens_sandbox::{Sandbox, Status};
use rstest::rstest;

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
        "share/mpt_tokens/valgrind.supp",
        "share/doc/mpt_tokens/LICENSE-MIT",
        "share/doc/mpt_tokens/LICENSE-APACHE",
        "share/doc/mpt_tokens/c.md",
        "share/doc/mpt_tokens/cpp.md",
        "share/doc/mpt_tokens/abi.md",
        "share/doc/mpt_tokens/install.md",
        "share/doc/mpt_tokens/packaging.md",
        "share/man/man3/mpt_tokens.3",
        "share/man/man3/mpt_delete_token.3",
        "share/man/man3/mpt_batch_options.3",
        "share/doc/mpt_tokens/examples/delete_one.c",
        "share/doc/mpt_tokens/examples/delete_many.cpp",
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

#[rstest]
#[case::add_subdirectory("add_subdirectory(\"${SOURCE}\" mpt_tokens)")]
#[case::fetch_content(
    "include(FetchContent)\nFetchContent_Declare(mpt_tokens SOURCE_DIR \"${SOURCE}\")\n\
     FetchContent_MakeAvailable(mpt_tokens)"
)]
fn packages_are_not_needed_in_a_cmake_project(#[case] comes_by: &str) {
    let folder = workplace();
    let lists = format!(
        "cmake_minimum_required(VERSION 3.16)\nproject(consumer C)\n{comes_by}\n\
         add_executable(shared \"${{EXAMPLE}}\")\n\
         target_link_libraries(shared PRIVATE mpt_tokens::mpt_tokens)\n\
         add_executable(static \"${{EXAMPLE}}\")\n\
         target_link_libraries(static PRIVATE mpt_tokens::static)\n"
    );
    fs::write(folder.path().join("CMakeLists.txt"), lists).unwrap();
    let build = folder.path().join("build");
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(folder.path()).arg("-B").arg(&build);
    cmake.arg(format!("-DSOURCE={}", root().display()));
    cmake.arg(format!("-DEXAMPLE={}", examples().join("delete_one.c").display()));
    cmake.args([
        "-DMPT_TOKENS_PROFILE=dev",
        &format!("-DMPT_TOKENS_TARGET_DIR={}", target().display()),
    ]);
    succeed(&mut cmake);
    succeed(Command::new("cmake").arg("--build").arg(&build));
    for (name, shared) in [("shared", true), ("static", false)] {
        let program = build.join(name);
        assert_eq!(needs_the_shared_library(&program), shared, "{name}");
        deletes(&program, None, name);
    }
}

#[test]
fn packages_are_not_needed_in_a_meson_project() {
    let folder = workplace();
    fs::create_dir(folder.path().join("subprojects")).unwrap();
    symlink(root(), folder.path().join("subprojects/mpt_tokens")).unwrap();
    fs::copy(examples().join("delete_one.c"), folder.path().join("main.c")).unwrap();
    fs::write(
        folder.path().join("meson.build"),
        "project('consumer', 'c')\nexecutable('program', 'main.c', dependencies: dependency('mpt_tokens', version: '>=0.1'))\n",
    )
    .unwrap();
    let build = folder.path().join("build");
    let mut setup = Command::new("meson");
    setup.arg("setup").arg(&build).arg(folder.path());
    setup.arg("--force-fallback-for=mpt_tokens").arg("-Dmpt_tokens:profile=dev");
    setup.arg(format!("-Dmpt_tokens:target-dir={}", target().display()));
    succeed(&mut setup);
    succeed(Command::new("meson").args(["compile", "-C"]).arg(&build));
    deletes(&build.join("program"), None, "m1");
    let told = fs::read_to_string(root().join("meson.build")).unwrap();
    assert!(told.contains(&format!("version: '{}'", env!("CARGO_PKG_VERSION"))));
}
