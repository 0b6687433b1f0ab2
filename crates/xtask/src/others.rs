//! The core on other processors: where a word has 32 bits, and where the high byte of a number comes first.

use anyhow::Result;

use crate::log::Log;
use crate::platforms::{self, I686, S390X};
use crate::tally::{CARGO_TEST, Tally};

const CORE: [&str; 2] = ["--package=mpt-tokens", "--package=mpt-tokens-unify"];

/// All of the core's tests on i686, which this machine's own processor can be; on s390x, which is emulated, its unit
/// tests.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let examples = I686.cargo(log, "test")?;
    platforms::examples(log, examples, &CORE)?;
    let mut tests = I686.cargo(log, "test")?;
    tests.args(["--no-fail-fast", "--lib", "--tests"]);
    let mut tally = log.tests(CARGO_TEST, tests.args(CORE))?;

    let mut tests = S390X.cargo(log, "test")?;
    // Emulated, everything takes ten times as long or more: each property is tried with an eighth of the usual cases.
    tests.env("PROPTEST_CASES", "32");
    tally += log.tests(CARGO_TEST, tests.args(["--no-fail-fast", "--lib"]).args(CORE))?;
    log.skip(
        "s390x: the tests in crates/core/tests",
        "they start programs, and qemu is asked for one program at a time",
    );
    tally += Tally::SKIPPED;
    Ok(tally)
}
