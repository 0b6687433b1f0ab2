//! The core where a word has 32 bits.

use anyhow::Result;

use crate::log::Log;
use crate::platforms::I686;
use crate::tally::{CARGO_TEST, Tally};

/// All of the core's tests on i686, which this machine's own processor can be.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let mut tests = I686.cargo(log, "test")?;
    tests.args(["--no-fail-fast", "--lib", "--examples", "--tests"]);
    log.tests(CARGO_TEST, tests.args(["--package=mpt-tokens", "--package=mpt-tokens-unify"]))
}
