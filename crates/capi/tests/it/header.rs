//! The headers alone, in every standard and both compilers; the library has what they declare and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::{C_COMPILER, CLANG, GCC, GPP, NM, READELF, TCC, Tool, compiler, needs};
use rstest::rstest;

use crate::build::{against, library_folder, output, root, shared_library, succeed, workplace};

const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

/// What a program may do with a header: nothing else, after others, and twice.
const USES: [(&str, &str); 3] = [
    ("alone", "#include <HEADER>\n"),
    ("after others", "#include <stdio.h>\n#include <string.h>\n#include <HEADER>\n"),
    ("twice", "#include <HEADER>\n#include <HEADER>\n"),
];

/// What has this compiler.
fn tool(compiler: &str) -> Tool {
    match compiler {
        "gcc" => GCC,
        "g++" => GPP,
        "clang" | "clang++" => CLANG,
        other => panic!("{other} is no compiler of these tests"),
    }
}

/// Compiles each use of a header, and says what went wrong.
fn compiles(
    compiler: &str,
    language: &str,
    standard: &str,
    header: &str,
    more: &str,
    options: &[&str],
) {
    let folder = workplace();
    for (number, (name, text)) in USES.iter().enumerate() {
        let source = folder.path().join(format!("use{number}.{language}"));
        fs::write(&source, text.replace("HEADER", header) + more).unwrap();
        let done = output(
            Command::new(compiler)
                .arg(format!("-std={standard}"))
                .args(WARNINGS)
                .args(options)
                .arg("-I")
                .arg(root().join("include"))
                .args(["-fsyntax-only"])
                .arg(&source),
        );
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{compiler} -std={standard}, {name}:\n{told}");
    }
}

/// A use of the one public struct and of a callback.
const C: &str = "int f(const mpt_outcome *o, void *u);\n\
                 mpt_code g(const mpt_client *c, const char *const *i);\n\
                 int f(const mpt_outcome *o, void *u) { (void)u; return mpt_outcome_code(o) == MPT_OK; }\n\
                 mpt_code g(const mpt_client *c, const char *const *i) {\n\
                 \x20   mpt_batch_options o = MPT_BATCH_OPTIONS_INIT;\n\
                 \x20   return mpt_delete_tokens(c, i, 1, &o, f, NULL);\n\
                 }\n";
const CPP: &str = "bool f(const mpt::client &c);\nbool f(const mpt::client &c) { return bool(c.try_delete_token(\"x\")); }\n";

#[rstest]
fn the_c_header_as_c(
    #[values("gcc", "clang")] compiler: &str,
    #[values("c89", "c99", "c11", "c17", "c2x")] standard: &str,
) {
    needs!(tool(compiler));
    compiles(compiler, "c", standard, "mpt_tokens.h", C, &[]);
}

#[rstest]
fn the_c_header_as_cpp(
    #[values("g++", "clang++")] compiler: &str,
    #[values("c++98", "c++11", "c++14", "c++17", "c++20", "c++2b")] standard: &str,
) {
    needs!(tool(compiler));
    compiles(compiler, "cpp", standard, "mpt_tokens.h", C, &[]);
}

#[rstest]
fn the_cpp_header(
    #[values("g++", "clang++")] compiler: &str,
    #[values("c++17", "c++20", "c++2b")] standard: &str,
) {
    needs!(tool(compiler));
    compiles(compiler, "cpp", standard, "mpt_tokens.hpp", CPP, &[]);
}

/// Without exceptions the forms that throw are not there, and the others are.
#[rstest]
fn the_cpp_header_without_exceptions(#[values("g++", "clang++")] compiler: &str) {
    needs!(tool(compiler));
    compiles(compiler, "cpp", "c++17", "mpt_tokens.hpp", CPP, &["-fno-exceptions"]);
}

/// Warnings that few ask for, and that a header must not cause.
#[rstest]
#[case("g++", &["-Weffc++", "-Wshadow", "-Wold-style-cast", "-Wuseless-cast"])]
#[case("clang++", &["-Weverything", "-Wno-c++98-compat", "-Wno-c++98-compat-pedantic", "-Wno-padded",
    "-Wno-unknown-warning-option", "-Wno-unsafe-buffer-usage"])]
fn the_cpp_header_under_every_warning(#[case] compiler: &str, #[case] options: &[&str]) {
    needs!(tool(compiler));
    compiles(compiler, "cpp", "c++17", "mpt_tokens.hpp", CPP, options);
}

/// A compiler that knows few of GNU's words: the header is for it, too, and so is the library.
#[test]
fn the_c_header_by_a_small_compiler() {
    needs!(TCC);
    let folder = workplace();
    let program = folder.path().join("program");
    let mut tcc = Command::new("tcc");
    tcc.args(["-Wall", "-Werror", "-I"]).arg(root().join("include"));
    tcc.arg(root().join("crates/capi/examples/delete_one.c")).arg("-o").arg(&program);
    succeed(tcc.arg("-L").arg(library_folder()).arg("-lmpt_tokens"));
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(against(&sandbox, &program).arg("TKN-ok-tcc1"));
    assert!(printed.contains("\"outcome\":\"deleted\""), "{printed}");
    assert_eq!(sandbox.truth("TKN-ok-tcc1").status, Status::Deleted);
}

/// The functions that the header declares.
fn declared() -> BTreeSet<String> {
    let header = fs::read_to_string(root().join("include/mpt_tokens.h")).unwrap();
    let lines = header.lines().filter(|line| !line.starts_with([' ', '/', '#', '}']));
    let names = lines.filter_map(|line| line.split_once('(').map(|(before, _)| before));
    names
        .filter_map(|before| before.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("mpt_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_shared_library_exports_what_the_header_declares_and_nothing_else() {
    needs!(NM);
    let declared = declared();
    assert!(declared.len() > 40, "{declared:?}");
    let names = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let told = succeed(
        Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(shared_library()),
    );
    assert_eq!(told.lines().map(names).collect::<BTreeSet<_>>(), declared);
}

/// An archive cannot hide what its members share: what it has beside `mpt_*` must at least be Rust's own, mangled, or
/// of the crates with C and assembler in them.
#[test]
fn the_static_library_has_what_the_header_declares() {
    needs!(NM);
    let archive = shared_library().with_extension("a");
    let told =
        output(Command::new("nm").args(["-g", "--defined-only", "--format=posix"]).arg(&archive));
    let told = String::from_utf8_lossy(&told.stdout);
    let names: BTreeSet<&str> = told.lines().filter_map(|line| line.split(' ').next()).collect();
    for name in declared() {
        assert!(names.contains(name.as_str()), "{name} is not in the archive");
    }
    let ours: BTreeSet<String> = names
        .iter()
        .filter(|name| name.starts_with("mpt_"))
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(ours, declared());
}

/// Nor `-lm`: a C program that computes nothing does not ask for it.
#[test]
fn the_static_library_needs_no_other_library_by_name() {
    needs!(C_COMPILER);
    let folder = workplace();
    let mut cc = Command::new(compiler("CC", "cc"));
    cc.arg("-I").arg(root().join("include"));
    cc.arg(root().join("crates/capi/examples/delete_one.c"));
    cc.arg(shared_library().with_extension("a")).arg("-o").arg(folder.path().join("program"));
    succeed(&mut cc);
}

#[test]
fn the_shared_library_has_its_abi_number_stays_loaded_and_needs_the_system_only() {
    needs!(READELF);
    let told = succeed(Command::new("readelf").args(["-dW"]).arg(shared_library()));
    let value = |tag: &str| -> Vec<&str> {
        told.lines().filter(|line| line.contains(tag)).map(str::trim).collect()
    };
    let header = fs::read_to_string(root().join("include/mpt_tokens.h")).unwrap();
    let abi =
        header.lines().find_map(|line| line.strip_prefix("#define MPT_ABI_VERSION ")).unwrap();
    let soname = value("(SONAME)");
    assert!(
        soname.len() == 1 && soname[0].ends_with(&format!("[libmpt_tokens.so.{abi}]")),
        "{soname:?}"
    );
    assert!(value("(FLAGS_1)").iter().any(|line| line.contains("NODELETE")), "{told}");
    let system = [
        "libc.so.6",
        "libgcc_s.so.1",
        "ld-linux-x86-64.so.2",
        "libm.so.6",
        "ld-linux-aarch64.so.1",
    ];
    for needed in value("(NEEDED)") {
        assert!(system.iter().any(|name| needed.ends_with(&format!("[{name}]"))), "{needed}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let header = fs::read_to_string(root().join("include/mpt_tokens.h")).unwrap();
    assert!(header.contains(&format!("#define MPT_VERSION \"{}\"\n", env!("CARGO_PKG_VERSION"))));
}
