//! Counts of tests, read from what test runners print.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed and were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// Whose summary to look for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runner {
    /// cargo-nextest.
    Nextest,
    /// `cargo test`, doc tests included.
    CargoTest,
    /// pytest.
    Pytest,
    /// Any program that prints `N passed, N failed` or `N passed, N failed, N skipped` alone on a line.
    Plain,
}

impl Tally {
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    pub(crate) const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// The sum of all summaries in `output`; `None` where there is none.
    pub(crate) fn read(runner: Runner, output: &str) -> Option<Self> {
        let mut sum = None;
        for line in output.lines() {
            if let Some(summary) = runner.summary(line.trim()) {
                *sum.get_or_insert_with(Self::default) += Self::from_summary(summary);
            }
        }
        sum
    }

    fn from_summary(summary: &str) -> Self {
        let mut tally = Self::default();
        for part in without_brackets(summary).split([',', ';']) {
            let mut words = part.split_whitespace().skip_while(|word| !is_number(word));
            let (Some(number), Some(what)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => tally.passed += number,
                "failed" | "error" | "errors" | "timed" | "exec" => tally.failed += number,
                "skipped" | "ignored" | "xfailed" => tally.skipped += number,
                _ => {}
            }
        }
        tally
    }
}

impl Runner {
    /// The tests that the runner itself names as skipped, and why.
    pub(crate) fn skipped(self, output: &str) -> Vec<(&str, &str)> {
        // `SKIPPED [1] bindings/python/tests/test_x.py:7: why`, by pytest's option -rs.
        let name =
            |line| str::split_once(str::strip_prefix(line, "SKIPPED [")?.split_once("] ")?.1, ": ");
        match self {
            Self::Pytest => output.lines().filter_map(name).collect(),
            _ => Vec::new(),
        }
    }

    fn summary(self, line: &str) -> Option<&str> {
        match self {
            Self::Nextest => {
                line.strip_prefix("Summary [")?.split_once("run: ").map(|(_, rest)| rest)
            }
            Self::CargoTest => line.strip_prefix("test result: "),
            Self::Pytest => {
                let line = line.trim_matches(['=', ' ']);
                let (counts, time) = line.rsplit_once(" in ")?;
                let counted = ["passed", "failed", "error", "skipped"];
                let known = counted.iter().any(|word| counts.contains(word));
                (known
                    && is_number(counts.get(..1)?)
                    && time.starts_with(|c: char| c.is_ascii_digit()))
                .then_some(counts)
            }
            Self::Plain => {
                let parts: Vec<_> = line.split(", ").map(|part| part.split_once(' ')).collect();
                let words: Option<Vec<_>> = parts
                    .into_iter()
                    .map(|p| p.filter(|(n, _)| is_number(n)).map(|(_, w)| w))
                    .collect();
                let words = words?;
                (words == ["passed", "failed"] || words == ["passed", "failed", "skipped"])
                    .then_some(line)
            }
        }
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2 passed (1 slow, 1 leaky), 1 failed` without what stands in brackets.
fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|&c| {
            depth += u32::from(c == '(');
            let keep = depth == 0;
            depth -= u32::from(c == ')' && depth > 0);
            keep
        })
        .collect()
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
        assert_eq!(
            Tally::read(runner, output),
            Some(Tally { passed, failed, skipped }),
            "{output}"
        );
    }

    #[test]
    fn nextest() {
        reads(Runner::Nextest, "     Summary [   0.012s] 1 test run: 1 passed, 0 skipped", 1, 0, 0);
        reads(
            Runner::Nextest,
            "x\n     Summary [  61.2s] 9 tests run: 5 passed (2 slow, 1 leaky), 2 failed, 2 timed out, 3 skipped\ny",
            5,
            4,
            3,
        );
        assert_eq!(Tally::read(Runner::Nextest, "error: could not compile"), None);
    }

    #[test]
    fn cargo_test_sums_its_binaries() {
        let one = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s";
        let two = "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s";
        reads(Runner::CargoTest, &format!("{one}\n\n{two}\n"), 5, 1, 1);
    }

    #[test]
    fn pytest() {
        reads(
            Runner::Pytest,
            "===== 1 failed, 12 passed, 2 skipped, 1 xfailed in 0.52s =====",
            12,
            1,
            3,
        );
        reads(Runner::Pytest, "12 passed, 3 deselected in 62.52s (0:01:02)", 12, 0, 0);
        reads(Runner::Pytest, "2 errors in 0.10s", 0, 2, 0);
        assert_eq!(Tally::read(Runner::Pytest, "no tests ran in 0.01s"), None);
    }

    #[test]
    fn pytest_names_what_it_skipped() {
        let output =
            "x\nSKIPPED [1] tests/test_leaks.py:12: not asked for\n1 passed, 1 skipped in 1s\n";
        assert_eq!(Runner::Pytest.skipped(output), [("tests/test_leaks.py:12", "not asked for")]);
    }

    #[test]
    fn plain_is_the_whole_line() {
        reads(Runner::Plain, "3 passed, 1 failed", 3, 1, 0);
        reads(Runner::Plain, "lua:\n3 passed, 0 failed, 2 skipped\n", 3, 0, 2);
        assert_eq!(Tally::read(Runner::Plain, "today 3 passed, 1 failed"), None);
        assert_eq!(Tally::read(Runner::Plain, "3 failed, 1 passed"), None);
    }
}
