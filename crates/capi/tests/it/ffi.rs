//! `mpt_tokens.ffi.h`: read by tools that have no preprocessor, which then delete a token and see every constant.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::{CFFI, DOXYGEN, GCC, LUAJIT, SWIG, Tool, needs};
use rstest::rstest;

use crate::build::{against, library_folder, output, root, succeed, workplace};

const LUA: &str = r#"
local ffi = require("ffi")
ffi.cdef(io.open(arg[1]):read("*a"))
local mpt = ffi.load(arg[2])
for name in io.lines(arg[3]) do print(name .. "=" .. tonumber(mpt[name])) end
local client, outcome = ffi.new("mpt_client *[1]"), ffi.new("mpt_outcome *[1]")
local config = mpt.mpt_config_new_from_env()
assert(mpt.mpt_client_new(config, client, outcome) == mpt.MPT_OK)
mpt.mpt_config_free(config)
assert(mpt.mpt_delete_token(client[0], arg[4], outcome) == mpt.MPT_OK)
assert(mpt.mpt_outcome_kind(outcome[0]) == mpt.MPT_OUTCOME_DELETED)
mpt.mpt_outcome_free(outcome[0])
local options = ffi.new("mpt_batch_options", {ffi.sizeof("mpt_batch_options")})
assert(mpt.mpt_delete_tokens(client[0], nil, 0, options, nil, nil) == mpt.MPT_OK)
mpt.mpt_client_free(client[0])
"#;

const PYTHON: &str = r#"
import sys
from cffi import FFI
ffi = FFI()
ffi.cdef(open(sys.argv[1]).read())
mpt = ffi.dlopen(sys.argv[2])
for name in open(sys.argv[3]).read().split():
    print(f"{name}={getattr(mpt, name)}")
client, outcome = ffi.new("mpt_client **"), ffi.new("mpt_outcome **")
config = mpt.mpt_config_new_from_env()
assert mpt.mpt_client_new(config, client, outcome) == mpt.MPT_OK
mpt.mpt_config_free(config)
assert mpt.mpt_delete_token(client[0], sys.argv[4].encode(), outcome) == mpt.MPT_OK
assert mpt.mpt_outcome_kind(outcome[0]) == mpt.MPT_OUTCOME_DELETED
mpt.mpt_outcome_free(outcome[0])
options = ffi.new("mpt_batch_options *", {"size": ffi.sizeof("mpt_batch_options")})
assert mpt.mpt_delete_tokens(client[0], ffi.NULL, 0, options, ffi.NULL, ffi.NULL) == mpt.MPT_OK
mpt.mpt_client_free(client[0])
"#;

/// The macros of the header that are numbers, as a preprocessor has them.
fn constants() -> BTreeMap<String, i64> {
    let header = fs::read_to_string(root().join("include/mpt_tokens.h")).unwrap();
    let number = |text: &str| match text.trim_matches(['(', ')']).strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.trim_matches(['(', ')']).parse().ok(),
    };
    let defined = header.lines().filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
    defined.filter_map(|(name, value)| Some((name.to_owned(), number(value)?))).collect()
}

#[rstest]
#[case::luajit(LUAJIT, "luajit", LUA)]
#[case::cffi(CFFI, "python3", PYTHON)]
fn a_tool_without_a_preprocessor_reads_it(
    #[case] tool: Tool,
    #[case] program: &str,
    #[case] source: &str,
) {
    const ID: &str = "TKN-ok-ffi1";
    needs!(tool);
    let folder = workplace();
    let [script, names] = ["script", "names"].map(|name| folder.path().join(name));
    let constants = constants();
    assert!(constants.len() > 30, "{constants:?}");
    let listed: String = constants.keys().map(|name| format!("{name}\n")).collect();
    fs::write(&script, source).unwrap();
    fs::write(&names, listed).unwrap();
    let sandbox = Sandbox::start().unwrap();
    let printed = succeed(
        against(&sandbox, program.as_ref())
            .arg(&script)
            .arg(root().join("include/mpt_tokens.ffi.h"))
            .arg(library_folder().join("libmpt_tokens.so.1"))
            .arg(&names)
            .arg(ID),
    );
    let expected: String =
        constants.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    assert_eq!(printed, expected);
    assert_eq!(sandbox.truth(ID).status, Status::Deleted);
}

/// It declares what the other header declares: a compiler that sees both finds every type the same.
#[test]
fn it_declares_what_the_other_header_declares() {
    needs!(GCC);
    let [whole, ffi] = ["mpt_tokens.h", "mpt_tokens.ffi.h"]
        .map(|name| fs::read_to_string(root().join("include").join(name)).unwrap());
    let functions = |text: &str| text.matches(" mpt_").count() + text.matches("*mpt_").count();
    assert!(functions(&ffi) > 60 && functions(&whole) > 60);
    let folder = workplace();
    let source = folder.path().join("both.c");
    // Structs and constants once; functions twice.
    let (_, declarations) = ffi.split_once("};\n").expect("the constants are in an enum");
    let twice: String = declarations
        .split_inclusive(";\n")
        .filter(|declaration| declaration.contains("mpt_") && declaration.contains('('))
        .filter(|declaration| !declaration.contains("typedef"))
        .collect();
    fs::write(&source, format!("#include <mpt_tokens.h>\n{twice}")).unwrap();
    succeed(
        Command::new("gcc")
            .args(["-std=c99", "-Wall", "-Werror", "-fsyntax-only", "-I"])
            .arg(root().join("include"))
            .arg(&source),
    );
}

/// SWIG wraps every function of it. Its warning 451 is about members of a struct that are text: the library's options
/// borrow them.
#[test]
fn swig_wraps_it() {
    needs!(SWIG);
    let folder = workplace();
    let interface = "%module mpt\n%{\n#include <mpt_tokens.h>\n%}\n\
                     %include \"mpt_tokens.ffi.h\"\n";
    fs::write(folder.path().join("mpt.i"), interface).unwrap();
    let mut swig = Command::new("swig");
    swig.args(["-lua", "-w451", "-Werror"]);
    swig.arg(format!("-I{}", root().join("include").display()));
    succeed(swig.arg("mpt.i").current_dir(folder.path()));
    let wrapper = fs::read_to_string(folder.path().join("mpt_wrap.c")).unwrap();
    let ffi = fs::read_to_string(root().join("include/mpt_tokens.ffi.h")).unwrap();
    let (_, declarations) = ffi.split_once("};\n").expect("the constants are in an enum");
    let functions = declarations
        .lines()
        .filter(|line| !line.starts_with([' ', '}']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    let functions: Vec<&str> = functions.filter(|name| name.starts_with("mpt_")).collect();
    assert!(functions.len() > 60, "{functions:?}");
    for name in functions {
        assert!(wrapper.contains(&format!("\"{name}\"")), "{name} is not wrapped");
    }
}

/// Every parameter and result is documented, and no command of the comments is unknown.
#[test]
fn doxygen_warns_of_nothing() {
    needs!(DOXYGEN);
    let folder = workplace();
    let settings = fs::read_to_string(root().join("docs/Doxyfile")).unwrap();
    let settings = format!(
        "{settings}\nOUTPUT_DIRECTORY = {}\nWARN_NO_PARAMDOC = YES\nWARN_AS_ERROR = FAIL_ON_WARNINGS\nQUIET = YES\n",
        folder.path().display()
    );
    let file = folder.path().join("Doxyfile");
    fs::write(&file, settings).unwrap();
    let done = output(Command::new("doxygen").arg(&file).current_dir(root()));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    assert!(folder.path().join("html/mpt__tokens_8h.html").is_file());
}
