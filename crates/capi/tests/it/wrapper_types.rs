//! What `mpt_tokens.hpp` and the compilers let a caller write, and what they refuse or warn of.

use std::fs;
use std::process::Command;

use mpt_tokens_tools::{CLANG, GCC, GPP, needs};
use rstest::rstest;

use crate::build::{output, root, workplace};

/// What each snippet may use.
const BEFORE: &str = "#include <mpt_tokens.hpp>\n#include <list>\n#include <set>\n\
    void f(const mpt::client &c, mpt::config k, std::optional<mpt::result> &w, const std::set<std::string> &s);\n\
    void f(const mpt::client &c, mpt::config k, std::optional<mpt::result> &w, const std::set<std::string> &s) {\n\
    (void)c; (void)k; (void)w; (void)s;\n";

/// What the compiler says of a body; nothing if it takes it. Warnings are errors.
fn refusal(compiler: &str, standard: &str, body: &str) -> String {
    let folder = workplace();
    let source = folder.path().join("use.cpp");
    fs::write(&source, format!("{BEFORE}{body}\n}}\n")).unwrap();
    let done = output(
        Command::new(compiler)
            .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I"])
            .arg(root().join("include"))
            .arg(&source),
    );
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.success(), told.is_empty(), "{told}");
    told
}

#[rstest]
#[case::text_of_a_temporary("auto m = c.try_delete_token(\"x\").message(); (void)m;", "delete")]
#[case::json_of_a_temporary("auto m = c.delete_token(\"x\").json(); (void)m;", "delete")]
#[case::id_of_a_temporary("auto m = c.delete_token(\"x\").token_id(); (void)m;", "delete")]
#[case::pointer_of_a_temporary("auto m = c.clone().get(); (void)m;", "delete")]
#[case::view_of_a_temporary("mpt::result_view v = c.try_delete_token(\"x\"); (void)v;", "delete")]
#[case::ignored_call("c.try_delete_token(\"x\");", "nodiscard")]
#[case::ignored_batch("c.try_batch(s, w);", "nodiscard")]
#[case::ignored_expected("c.try_batch(s);", "nodiscard")]
#[case::ignored_list("c.delete_tokens(s, [](const mpt::result_view &) {});", "nodiscard")]
#[case::ignored_client("mpt::client::try_new(k);", "nodiscard")]
#[case::ignored_text("mpt::version();", "nodiscard")]
#[case::ignored_temporary_config("mpt::config().timeout(std::chrono::seconds(1));", "nodiscard")]
#[case::callback_that_returns_another_type(
    "(void)c.try_delete_tokens(s, [](const mpt::result_view &) { return true; }, w);",
    "the callback returns nothing, or mpt::flow"
)]
#[case::poll_that_returns_another_type(
    "k.poll([](int) { return true; });",
    "the function takes nothing and returns bool"
)]
#[case::poll_in_c_that_may_throw(
    "mpt_config_set_poll(nullptr, +[](void *) -> int { return 0; }, nullptr);",
    "mpt_poll_callback"
)]
fn a_mistake_is_found(
    #[case] body: &str,
    #[case] says: &str,
    #[values("g++", "clang++")] compiler: &str,
) {
    needs!(if compiler == "g++" { GPP } else { CLANG });
    let told = refusal(compiler, "-std=c++17", body);
    assert!(told.contains(says), "{told}");
}

#[rstest]
#[case::list_of_ids(
    "(void)c.try_delete_tokens({\"a\", \"b\"}, [](const mpt::result_view &) {}, w);"
)]
#[case::batch_of_ids(
    "for (const mpt::result &told : c.batch({\"a\", \"b\"})) { (void)told.message(); }"
)]
#[case::range_for(
    "for (auto &&told : c.try_batch(s).value()) { mpt::result mine = std::move(told); (void)mine; }"
)]
#[case::list(
    "(void)c.delete_tokens(std::list<std::string_view>{}, [](const mpt::result_view &) {});"
)]
#[case::any_view("(void)c.try_delete_tokens(s, [](auto &&told) { (void)told.message(); }, w);")]
#[case::move_only_callback(
    "auto p = std::make_unique<int>(3); \
     (void)c.try_delete_tokens(s, [p = std::move(p)](const mpt::result_view &) mutable { ++*p; }, w);"
)]
#[case::move_only_poll(
    "auto p = std::make_unique<bool>(false); k.poll([p = std::move(p)] { return *p; }).timeout(std::chrono::seconds(1));"
)]
#[case::config_kept(
    "mpt::config kept = mpt::config::from_env().timeout(std::chrono::seconds(1)).no_proxy(); (void)kept;"
)]
#[case::expected(
    "auto made = mpt::client::try_new(k); if (!made) { (void)made.error().message(); return; } \
     auto told = made->try_delete_token(\"x\"); if (!told.has_value()) { (void)told.error().code(); } \
     (void)made.value().delete_token(\"y\").value(); \
     if (auto code = c.try_delete_tokens(s, [](const mpt::result_view &) {})) { (void)(*code == MPT_OK); }"
)]
#[case::versions("(void)mpt::version(); (void)mpt::abi_version(); (void)mpt::code_name(MPT_OK);")]
fn what_is_right_compiles(#[case] body: &str, #[values("g++", "clang++")] compiler: &str) {
    needs!(if compiler == "g++" { GPP } else { CLANG });
    for standard in ["-std=c++17", "-std=c++20"] {
        assert_eq!(refusal(compiler, standard, body), "");
    }
}

/// Views that can only be gone through when they are not constant.
#[test]
fn filtered_views_are_lists_of_ids() {
    needs!(GPP);
    let folder = workplace();
    let source = folder.path().join("use.cpp");
    let body = "std::vector<std::string> q{\"a\", \"\"}; \
        (void)c.try_delete_tokens(q | std::views::filter([](auto &x) { return !x.empty(); }), [](const mpt::result_view &) {}, w);\
        (void)c.batch(q | std::views::filter([](auto &x) { return !x.empty(); }));\
        static_assert(std::input_iterator<mpt::batch::iterator>);";
    fs::write(&source, format!("#include <ranges>\n{BEFORE}{body}\n}}\n")).unwrap();
    let mut compiler = Command::new("g++");
    compiler.args(["-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"]);
    let done = output(compiler.arg(root().join("include")).arg(&source));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// In C and in C++, a result that says what is true, or must be freed, is not ignored in silence.
#[rstest]
fn an_ignored_result_is_warned_of(
    #[values(
        "gcc -xc -std=c89",
        "gcc -xc -std=c17",
        "clang -xc -std=c99",
        "clang -xc -std=c2x",
        "g++ -std=c++98",
        "g++ -std=c++20",
        "clang++ -std=c++11",
        "clang++ -std=c++2b"
    )]
    compiler: &str,
) {
    let words: Vec<&str> = compiler.split(' ').collect();
    let tool = match words[0] {
        "gcc" => GCC,
        "g++" => GPP,
        _ => CLANG,
    };
    needs!(tool);
    let compile = |statement: &str| {
        let folder = workplace();
        let source = folder.path().join("use.cpp");
        let text = format!(
            "#include <mpt_tokens.h>\nvoid f(mpt_config *k, mpt_client *c);\n\
             void f(mpt_config *k, mpt_client *c) {{ (void)k; (void)c; {statement} }}\n"
        );
        fs::write(&source, text).unwrap();
        let mut compiler = Command::new(words[0]);
        compiler.args(&words[1..]).args(["-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"]);
        compiler.arg("-I").arg(root().join("include")).arg(&source).arg("-o");
        output(compiler.arg(folder.path().join("use.o")))
    };
    for ignored in [
        "mpt_config_new();",
        "mpt_client_new(k, &c, NULL);",
        "mpt_delete_token(c, \"x\", NULL);",
        "mpt_delete_tokens(c, NULL, 0, NULL, NULL, NULL);",
        "mpt_outcome_clone(NULL);",
        "mpt_outcome_kind(NULL);",
    ] {
        let done = compile(ignored);
        assert!(!done.status.success(), "{ignored}");
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(told.contains("unused-result") || told.contains("unused-value"), "{told}");
    }
    // The config keeps the error of a setter, and mpt_client_new reports it.
    let done = compile("mpt_config_set_timeout_ms(k, 1); mpt_client_cancel(c);");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Below C++17 the header says one thing.
#[rstest]
fn one_error_says_that_cpp17_is_needed(
    #[values("g++", "clang++")] compiler: &str,
    #[values("c++98", "c++11", "c++14")] standard: &str,
) {
    needs!(if compiler == "g++" { GPP } else { CLANG });
    let folder = workplace();
    let source = folder.path().join("use.cpp");
    fs::write(&source, "#include <mpt_tokens.hpp>\n").unwrap();
    let mut command = Command::new(compiler);
    command
        .arg(format!("-std={standard}"))
        .args(["-fsyntax-only", "-I"])
        .arg(root().join("include"));
    let done = output(command.arg(&source));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success());
    assert_eq!(told.matches("error:").count(), 1, "{told}");
    assert!(told.contains("mpt_tokens.hpp needs C++17"), "{told}");
}
