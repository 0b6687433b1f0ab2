//! The static library as it is installed: with every compiler and linker that is here, and beside other Rust code.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mpt_tokens_tools::{CLANG, GCC, LLD, MOLD, NM, READELF, Tool, needs};
use rstest::rstest;

use crate::build::{other, root, succeed, workplace};
use crate::packages::{deletes, examples, flags, installed, needs_the_shared_library};

/// What `pkg-config --static` says, with the archive by its path, so that no linker takes the shared library.
fn static_flags() -> Vec<String> {
    let archive = installed().join("lib/libmpt_tokens.a").display().to_string();
    let all = flags(&["--cflags", "--libs", "--static"]);
    all.into_iter()
        .map(|flag| if flag == "-lmpt_tokens" { archive.clone() } else { flag })
        .collect()
}

/// Compiles an example and links it.
fn link(command: &str, program: &Path, flags: impl IntoIterator<Item = impl AsRef<OsStr>>) {
    let mut words = command.split(' ');
    let mut compiler = Command::new(words.next().expect("a compiler"));
    compiler.args(words).arg(examples().join("delete_one.c")).arg("-o").arg(program);
    succeed(compiler.args(flags));
}

#[rstest]
#[case::gcc("gcc", &[GCC])]
#[case::gcc_lto("gcc -O2 -flto", &[GCC])]
#[case::gcc_static("gcc -static", &[GCC])]
#[case::gcc_static_pie("gcc -static-pie", &[GCC])]
#[case::gcc_lld("gcc -fuse-ld=lld", &[GCC, LLD])]
#[case::gcc_mold("gcc -fuse-ld=mold", &[GCC, MOLD])]
#[case::clang("clang", &[CLANG])]
#[case::clang_lto("clang -O2 -flto", &[CLANG])]
#[case::clang_static("clang -static", &[CLANG])]
#[case::clang_lto_lld("clang -O2 -flto -fuse-ld=lld", &[CLANG, LLD])]
#[case::clang_thin_lto_lld("clang -O2 -flto=thin -fuse-ld=lld", &[CLANG, LLD])]
#[case::clang_mold("clang -fuse-ld=mold", &[CLANG, MOLD])]
fn packages_link_statically(#[case] command: &str, #[case] tools: &[Tool]) {
    if mpt_tokens_tools::is_skipped(tools) {
        return;
    }
    let folder = workplace();
    let program = folder.path().join("program");
    link(command, &program, static_flags());
    assert!(!needs_the_shared_library(&program));
    deletes(&program, None, "a1");

    // Nothing but the archive is as good, where the C library is one.
    let header = format!("-I{}", installed().join("include").display());
    link(
        command,
        &program,
        [header, static_flags().into_iter().find(|flag| flag.ends_with(".a")).unwrap()],
    );
    deletes(&program, None, "a2");
}

/// What CMake's CMAKE_INTERPROCEDURAL_OPTIMIZATION asks of a compiler and its linker.
#[rstest]
#[case::gcc("gcc", &[GCC])]
#[case::clang("clang", &[CLANG])]
fn packages_stand_cmakes_ipo(#[case] compiler: &str, #[case] tools: &[Tool]) {
    if mpt_tokens_tools::is_skipped(tools) {
        return;
    }
    let folder = workplace();
    let lists = "cmake_minimum_required(VERSION 3.16)\nproject(consumer C)\n\
                 include(CheckIPOSupported)\ncheck_ipo_supported()\n\
                 set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)\nfind_package(mpt_tokens REQUIRED)\n\
                 add_executable(program \"${EXAMPLE}\")\n\
                 target_link_libraries(program PRIVATE mpt_tokens::static)\n";
    fs::write(folder.path().join("CMakeLists.txt"), lists).unwrap();
    let build = folder.path().join("build");
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(folder.path()).arg("-B").arg(&build);
    cmake.arg(format!("-DCMAKE_C_COMPILER={compiler}")).arg("-DCMAKE_BUILD_TYPE=Release");
    cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", installed().display()));
    cmake.arg(format!("-DEXAMPLE={}", examples().join("delete_one.c").display()));
    succeed(&mut cmake);
    let told = succeed(Command::new("cmake").arg("--build").arg(&build).arg("--verbose"));
    assert!(told.contains("-flto"), "{told}");
    let program = build.join("program");
    assert!(!needs_the_shared_library(&program));
    deletes(&program, None, "a5");
}

/// Two static libraries that each have a Rust runtime of their own: in any order, by any linker. Panics are caught in
/// each, by its own.
#[rstest]
fn packages_link_beside_other_rust(
    #[values("gcc", "gcc -fuse-ld=lld", "gcc -fuse-ld=mold")] command: &str,
    #[values(false, true)] first: bool,
) {
    needs!(GCC);
    if mpt_tokens_tools::is_skipped(match command {
        "gcc -fuse-ld=lld" => &[LLD],
        "gcc -fuse-ld=mold" => &[MOLD],
        _ => &[],
    }) {
        return;
    }
    let folder = workplace();
    let other = other(folder.path(), "staticlib", "libother.a").display().to_string();
    let program = folder.path().join("program");
    let mut flags = static_flags();
    flags.insert(if first { 0 } else { flags.len() }, other);
    let mut words = command.split(' ');
    let mut compiler = Command::new(words.next().expect("a compiler"));
    compiler.args(words).arg(root().join("crates/capi/tests/c/beside.c")).arg("-o").arg(&program);
    succeed(compiler.args(flags));
    deletes(&program, None, "a3");
}

#[test]
fn packages_have_a_static_library_that_shows_nothing_but_its_functions() {
    let archive = installed().join("lib/libmpt_tokens.a");
    let told =
        succeed(Command::new("nm").args(["-g", "--defined-only", "--format=posix"]).arg(&archive));
    let shown: Vec<&str> =
        told.lines().filter_map(|line| line.split_once(' ')).map(|it| it.0).collect();
    assert!(shown.len() > 40 && shown.iter().all(|name| name.starts_with("mpt_")), "{shown:?}");
    let sections = succeed(Command::new("readelf").args(["-SW"]).arg(&archive));
    assert!(!sections.contains(" .llvm"), "there is bitcode in it");
    assert!(!sections.contains(" GROUP "), "there are groups in it");
}

/// The commands of docs/abi.md that make a shared library whose symbols have versions.
#[test]
fn packages_can_be_linked_again_with_versions() {
    needs!(NM, READELF);
    let text = fs::read_to_string(root().join("docs/abi.md")).unwrap();
    let recipe = text
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .find(|block| block.contains("--version-script"))
        .expect("docs/abi.md has the recipe");
    let folder = workplace();
    fs::copy(installed().join("lib/libmpt_tokens.a"), folder.path().join("libmpt_tokens.a"))
        .unwrap();
    succeed(Command::new("sh").args(["-ec", recipe]).current_dir(folder.path()));
    let library: PathBuf = folder.path().join("libmpt_tokens.so.1");
    let told = succeed(Command::new("readelf").arg("-dW").arg(&library));
    assert!(
        told.contains("Library soname: [libmpt_tokens.so.1]") && told.contains("NODELETE"),
        "{told}"
    );
    let told = succeed(Command::new("nm").args(["-D", "--defined-only"]).arg(&library));
    let functions: Vec<&str> = told.lines().filter(|line| line.contains(" T ")).collect();
    assert!(functions.len() > 40, "{told}");
    assert!(
        functions.iter().all(|line| line.contains(" mpt_") && line.contains("@@MPT_1")),
        "{told}"
    );

    let program = folder.path().join("program");
    let header = format!("-I{}", installed().join("include").display());
    link("cc", &program, [header.as_ref(), library.as_os_str()]);
    deletes(&program, Some(folder.path()), "a4");
}
