//! The rules for scanners in `contrib/`: their pattern beside the rule in core, and their reports as lists.
//!
//! The scanners themselves run in `cargo xtask test scanners`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use mpt_tokens::find_values;
use proptest::prelude::*;
use regex::Regex;
use rstest::rstest;

use crate::program::program;

/// Where a leak is: the file, the line, the id.
type Leak = (String, usize, String);

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contrib")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

static PATTERN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(read("pattern.txt").trim_end()).unwrap());
static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?i)TKN(?:-[0-9]+){2,}").unwrap());

fn leaks() -> BTreeSet<Leak> {
    let leak = |row: &str| {
        let fields: Vec<&str> = row.split('\t').collect();
        (fields[0].to_owned(), fields[1].parse().unwrap(), fields[2].to_owned())
    };
    read("leaks.tsv").lines().map(leak).collect()
}

fn by_pattern(text: &str) -> Vec<String> {
    let id = |value: regex::Match| ID.find(value.as_str()).unwrap().as_str().to_ascii_uppercase();
    PATTERN.find_iter(text).map(id).collect()
}

fn by_core(text: &str) -> Vec<String> {
    find_values(text).iter().map(|value| value.token_id().to_owned()).collect()
}

#[rstest]
#[case::by_the_pattern(by_pattern)]
#[case::by_core(by_core)]
fn all_leaks_are_found_and_no_more(#[case] find: fn(&str) -> Vec<String>) {
    let mut found = BTreeSet::new();
    for kind in fs::read_dir(folder().join("leaks")).unwrap() {
        let kind = kind.unwrap().file_name().into_string().unwrap();
        for file in fs::read_dir(folder().join("leaks").join(&kind)).unwrap() {
            let path = format!("{kind}/{}", file.unwrap().file_name().to_str().unwrap());
            for (line, text) in (1..).zip(read(&format!("leaks/{path}")).lines()) {
                found.extend(find(text).into_iter().map(|id| (path.clone(), line, id)));
            }
        }
    }
    assert_eq!(found, leaks());
}

#[rstest]
#[case::gitleaks("gitleaks.toml")]
#[case::kingfisher("kingfisher.yml")]
#[case::trufflehog("trufflehog.yaml")]
#[case::detect_secrets("detect_secrets_softwareone.py")]
#[case::github("github-custom-pattern.txt")]
fn every_rule_has_the_pattern(#[case] file: &str) {
    assert!(read(file).contains(read("pattern.txt").trim_end()), "{file}");
}

#[test]
fn what_is_told_to_github_as_a_test_is_true() {
    let text = read("github-custom-pattern.txt");
    let (_, tests) = text.split_once("Test strings, found:\n").unwrap();
    let (found, not_found) = tests.split_once("Test strings, not found:\n").unwrap();
    for line in found.lines() {
        assert_eq!(by_pattern(line), ["TKN-2000-1111"], "{line}");
    }
    assert!(not_found.lines().count() > 2 && by_pattern(not_found).is_empty(), "{not_found}");
}

/// A scanner's report is a list: the same tokens, and not a word of a secret.
#[rstest]
#[case::betterleaks("betterleaks.json")]
#[case::gitleaks("gitleaks.json")]
#[case::gitleaks_sarif("gitleaks.sarif")]
#[case::kingfisher("kingfisher.json")]
#[case::kingfisher_lines("kingfisher.jsonl")]
#[case::kingfisher_sarif("kingfisher.sarif")]
#[case::trufflehog("trufflehog.jsonl")]
#[case::github("github-alerts.json")]
#[case::gitlab("gitlab.json")]
fn a_report_names_the_tokens(#[case] report: &str) {
    let leaks = leaks();
    let expected: BTreeSet<&str> = leaks.iter().map(|(_, _, id)| id.as_str()).collect();
    let ways = [
        (&["delete", "--dry-run", "--from"][..], 0),
        (&["delete", "--dry-run", "--leaked-in"], 0),
        (&["find"], 1),
    ];
    for (args, status) in ways {
        let mut command = program();
        command.env("MPT_API_TOKEN", "none").env("MPT_API_BASE_URL", "http://127.0.0.1:9");
        command.args(args).arg(folder().join("reports").join(report));
        let output = command.output().unwrap();
        let told = String::from_utf8([output.stdout.clone(), output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(status), "{args:?}: {told}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let ids: BTreeSet<&str> = ID.find_iter(&stdout).map(|id| id.as_str()).collect();
        assert_eq!(ids, expected, "{args:?}");
        assert!(by_core(&told).is_empty(), "{told}");
    }
}

#[test]
fn a_report_of_hashes_is_refused_with_the_reason() {
    let mut command = program();
    command.env("MPT_API_TOKEN", "none").env("MPT_API_BASE_URL", "http://127.0.0.1:9");
    let report = folder().join("reports/detect-secrets.json");
    let output = command.args(["delete", "--yes", "--from"]).arg(report).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("line 1, column 1: has only hashes of secrets"), "{stderr}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A value of the form that the pattern describes is found by both, wherever it stands.
    #[test]
    fn the_pattern_agrees_with_core(
        groups in prop::collection::vec("[0-9]{1,4}", 2..4),
        secret in "[A-Za-z0-9._~+/=-]{7,90}[A-Za-z0-9_~+/=-]",
        is_prefixed in any::<bool>(),
        is_small in any::<bool>(),
        colon in prop::sample::select(vec![":", "%3A", "%3a", "%253A", "\\u003a", "\\u003A"]),
        before in prop::sample::select(vec!["", "token=", "\"", "Bearer ", "// ", "<t>", "x:", "&t="]),
        after in prop::sample::select(vec!["", "\"", "'", " ", ",", "\n", "</t>", "&x=1", ";", ")"]),
    ) {
        let id = format!("TKN-{}", groups.join("-"));
        let prefix = if is_prefixed { format!("idt{colon}") } else { String::new() };
        let value = format!("{prefix}{id}{colon}{secret}");
        let value = if is_small { value.to_ascii_lowercase() } else { value };
        let text = format!("{before}{value}{after}");
        prop_assert_eq!(by_pattern(&text), vec![id.clone()], "{}", &text);
        prop_assert_eq!(by_core(&text), vec![id], "{}", &text);
    }

    /// Where the pattern finds something, core finds something, too: where ids and colons are mixed up, they may divide
    /// it otherwise.
    #[test]
    fn the_pattern_finds_no_more_than_core(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "idt", ":", "TKN-", "TKN-1-2", "TKN-1000-0001", "-", "0", "%3A", "%", "\\u003a", " ", "abcdefgh",
                "s3cret", "=", "\"", "tkn", "x", "~", ".",
            ]),
            0..14,
        ),
    ) {
        let text = pieces.concat();
        let (pattern, core) = (by_pattern(&text), by_core(&text));
        // For core, a full stop at the end is that of a sentence.
        let is_short = |value: regex::Match| !PATTERN.is_match(value.as_str().trim_end_matches('.'));
        let is_found = pattern.is_empty() || !core.is_empty();
        prop_assert!(is_found || PATTERN.find_iter(&text).any(is_short), "{text}: {pattern:?}");
    }
}
