//! The table in docs/answers.md, row by row: every status, in the API's form and in others, alone and after every kind of
//! lost answer, comes to what is written there.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::call::decisions::run;
use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::outcome::Outcome;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/answers.md"));

/// Every kind of answer after which nothing is known: as the script of the calls has it.
const LOST: &[&str] = &[
    "lost", "timeout", "garbage", "200", "202j", "205", "300", "301", "302", "303", "304", "399",
    "402", "406", "408", "408j", "416", "418", "419", "444", "460", "499", "499j", "500", "502",
    "503", "503+1", "504j", "507", "520", "522", "524", "530", "600", "999",
];
/// Refusals for now that nobody knows the sender of.
const DOUBTFUL: &[&str] = &["429", "429m", "425", "425m"];
/// Refusals for now that are believed, and attempts that never left.
const SURE: &[&str] = &["429j", "429+1", "425j", "425m+1", "connect0", "timeout0"];

/// One row: what an answer comes to, in the order of the columns.
#[derive(Debug)]
struct Row<'a> {
    /// Which table it is in: "" for any token, "own" for that in use, "burn" for a value that is burnt.
    of: &'a str,
    statuses: Vec<RangeInclusive<u16>>,
    forms: &'a [&'a str],
    code: Code,
    alone: OutcomeKind,
    missing_ok: OutcomeKind,
    lost: OutcomeKind,
    doubtful: OutcomeKind,
    again: bool,
}

fn rows() -> Vec<Row<'static>> {
    let mut of = "";
    let mut rows = Vec::new();
    for line in DOCUMENT.lines() {
        match line {
            "## The token in use" => of = "own",
            "## A value that is burnt" => of = "burn",
            _ => {}
        }
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [statuses, form, code, alone, missing_ok, lost, doubtful, again, source] = cells[..]
        else {
            continue;
        };
        if !statuses.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        assert!(!source.is_empty(), "a row without a source: {line}");
        let kind = |word: &str| {
            let named = |kind: &&OutcomeKind| format!("`{kind}`") == word;
            *OutcomeKind::ALL.iter().find(named).unwrap_or_else(|| panic!("{word:?} in {line}"))
        };
        let named = |named: &&Code| format!("`{named}`") == code;
        rows.push(Row {
            of,
            statuses: statuses.split(", ").map(range).collect(),
            forms: match form {
                "any" => &["j", "m", ""],
                "the API's" => &["j"],
                "another" => &["m", ""],
                _ => panic!("{form:?} in {line}"),
            },
            code: *Code::ALL.iter().find(named).unwrap_or_else(|| panic!("{code:?} in {line}")),
            alone: kind(alone),
            missing_ok: kind(missing_ok),
            lost: kind(lost),
            doubtful: kind(doubtful),
            again: match again {
                "yes" => true,
                "no" => false,
                _ => panic!("{again:?} in {line}"),
            },
        });
    }
    rows
}

fn range(text: &str) -> RangeInclusive<u16> {
    let (first, last) = text.split_once('–').unwrap_or((text, text));
    first.parse().unwrap()..=last.parse().unwrap()
}

impl Row<'_> {
    /// What calls that meet `answer` after `before` come to is what the row says.
    fn check(&self, before: &str, answer: &str, flags: &str, expected: OutcomeKind) {
        let before = format!("{before} ");
        let earlier = before.split_whitespace().count();
        let times = if self.again { 4 - earlier } else { 1 };
        let history = format!("{before}{}", format!("{answer} ").repeat(times));
        let outcome: Outcome = run(&history, flags);
        let code = if expected.is_success() { Code::Ok } else { self.code };
        let found = (outcome.code(), outcome.kind());
        assert_eq!(found, (code, expected), "`{history}` `{flags}`: {}", outcome.message());
    }

    fn check_all(&self, answer: &str) {
        let own = self.of;
        let flags = |more: &str| format!("{own} {more}");
        self.check("", answer, own, self.alone);
        self.check("", answer, &flags("missing"), self.missing_ok);
        self.check("", answer, &flags("before"), self.lost);
        for lost in LOST {
            self.check(lost, answer, own, self.lost);
        }
        for doubtful in DOUBTFUL {
            self.check(doubtful, answer, own, self.doubtful);
            self.check(doubtful, answer, &flags("before"), self.lost);
            self.check(&format!("{doubtful} lost"), answer, own, self.lost);
            self.check(&format!("lost {doubtful}"), answer, own, self.lost);
        }
        for sure in SURE {
            self.check(sure, answer, own, self.alone);
            self.check(&format!("{sure} {}", DOUBTFUL[0]), answer, own, self.doubtful);
        }
    }
}

#[test]
fn every_answer_comes_to_what_the_document_says() {
    let mut times = BTreeMap::new();
    let rows = rows();
    for row in &rows {
        for status in row.statuses.iter().cloned().flatten() {
            for form in row.forms {
                *times.entry((row.of, status, *form)).or_insert(0) += 1;
                row.check_all(&format!("{status}{form}"));
            }
        }
    }
    // Every status of an answer has one row for each form; a row for the own token stands beside that.
    for status in 200..=999 {
        for form in ["j", "m", ""] {
            assert_eq!(times.get(&("", status, form)), Some(&1), "{status}{form}");
        }
    }
    assert!(times.values().all(|times| *times == 1));
    for table in ["own", "burn"] {
        assert!(times.keys().any(|(of, ..)| *of == table), "no row in the table of {table}");
    }
}

/// What has no row for the token in use, or for a value that is burnt, is as it is for any other.
#[rstest::rstest]
fn what_has_no_row_of_its_own_is_as_for_any_other(#[values("own", "burn")] of: &'static str) {
    let rows = rows();
    let of_its_own: Vec<u16> = rows
        .iter()
        .filter(|row| row.of == of)
        .flat_map(|row| row.statuses.clone())
        .flatten()
        .collect();
    assert!(!of_its_own.is_empty());
    for row in rows.into_iter().filter(|row| row.of.is_empty()) {
        let row = Row { of, ..row };
        for status in row.statuses.iter().cloned().flatten() {
            if !of_its_own.contains(&status) {
                row.check_all(&format!("{status}{}", row.forms[0]));
            }
        }
    }
}
