//! Counts of tests, read from what test runners print.

use std::fmt;
use std::ops::AddAssign;
use std::sync::LazyLock;

use regex_lite::Regex;

/// How many tests passed, failed and were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// Whose summary to look for: a line, and in it the part with the counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Runner(&'static str);

/// cargo-nextest.
pub(crate) const NEXTEST: Runner = Runner(r"(?m)^ *Summary \[.*?run: (.*)$");
/// `cargo test`, doc tests included.
pub(crate) const CARGO_TEST: Runner = Runner(r"(?m)^test result: (.*)$");
/// pytest.
pub(crate) const PYTEST: Runner = Runner(
    r"(?m)^=* ?(\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|warnings?)\b.*) in \d.*$",
);
/// Any program that prints `N passed, N failed` or `N passed, N failed, N skipped` alone on a line.
pub(crate) const PLAIN: Runner = Runner(r"(?m)^(\d+ passed, \d+ failed(?:, \d+ skipped)?)$");

impl Tally {
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    pub(crate) const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// The sum of all summaries in `output`; `None` where there is none.
    pub(crate) fn read(runner: Runner, output: &str) -> Option<Self> {
        // `2 passed (1 slow, 1 leaky), 1 failed`: what stands in brackets is counted already.
        static COUNT: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\(.*?\)|(\d+) (\w+)").expect("an expression"));
        let summary = Regex::new(runner.0).expect("an expression");
        let mut sum = None;
        for (_, [counts]) in summary.captures_iter(output).map(|found| found.extract()) {
            let tally = sum.get_or_insert_with(Self::default);
            for found in COUNT.captures_iter(counts) {
                let (Some(number), Some(what)) = (found.get(1), found.get(2)) else { continue };
                let number: u64 = number.as_str().parse().ok()?;
                match what.as_str() {
                    "passed" => tally.passed += number,
                    "failed" | "error" | "errors" | "timed" | "exec" => tally.failed += number,
                    "skipped" | "ignored" | "xfailed" => tally.skipped += number,
                    _ => {}
                }
            }
        }
        sum
    }
}

/// The tests that a runner itself names as skipped, and why, as pytest does with its option -rs
/// (`SKIPPED [1] bindings/python/tests/test_x.py:7: why`), and as `cargo test` does (`test module::name ... ignored, why`).
pub(crate) fn skipped(output: &str) -> impl Iterator<Item = (&str, &str)> {
    output.lines().filter_map(|line| match line.strip_prefix("SKIPPED [") {
        Some(told) => told.split_once("] ")?.1.split_once(": "),
        None => line.strip_prefix("test ")?.split_once(" ... ignored, "),
    })
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(runner: Runner, output: &str, passed: u64, failed: u64, skipped: u64) {
        let expected = Some(Tally { passed, failed, skipped });
        assert_eq!(Tally::read(runner, output), expected, "{output}");
    }

    #[test]
    fn nextest() {
        reads(NEXTEST, "     Summary [   0.012s] 1 test run: 1 passed, 0 skipped", 1, 0, 0);
        let long = "x\n     Summary [  61.2s] 9 tests run: 5 passed (2 slow, 1 leaky), 2 failed, 2 timed out, 3 skipped\ny";
        reads(NEXTEST, long, 5, 4, 3);
        assert_eq!(Tally::read(NEXTEST, "error: could not compile"), None);
    }

    #[test]
    fn cargo_test_sums_its_binaries() {
        let one = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s";
        let two = "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s";
        reads(CARGO_TEST, &format!("{one}\n\n{two}\n"), 5, 1, 1);
    }

    #[test]
    fn pytest() {
        let long = "===== 1 failed, 12 passed, 2 skipped, 1 xfailed in 0.52s =====";
        reads(PYTEST, long, 12, 1, 3);
        reads(PYTEST, "12 passed, 3 deselected in 62.52s (0:01:02)", 12, 0, 0);
        reads(PYTEST, "2 errors in 0.10s", 0, 2, 0);
        assert_eq!(Tally::read(PYTEST, "no tests ran in 0.01s"), None);
    }

    #[test]
    fn what_was_skipped_is_named() {
        let output =
            "x\nSKIPPED [1] tests/test_leaks.py:12: not asked for\n1 passed, 1 skipped in 1s\n";
        assert!(skipped(output).eq([("tests/test_leaks.py:12", "not asked for")]));
        let output =
            "test a::b ... ok\ntest a::c ... ignored, takes a minute\ntest a::d ... ignored\n";
        assert!(skipped(output).eq([("a::c", "takes a minute")]));
    }

    #[test]
    fn plain_is_the_whole_line() {
        reads(PLAIN, "3 passed, 1 failed", 3, 1, 0);
        reads(PLAIN, "lua:\n3 passed, 0 failed, 2 skipped\n", 3, 0, 2);
        assert_eq!(Tally::read(PLAIN, "today 3 passed, 1 failed"), None);
        assert_eq!(Tally::read(PLAIN, "3 failed, 1 passed"), None);
    }
}
