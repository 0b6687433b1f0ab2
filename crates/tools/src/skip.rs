//! How a single test is skipped: Rust's test harness has no way to say so while a test runs.

use std::fs::OpenOptions;
use std::io::Write;

use crate::Tool;

/// The environment variable that names a file. A test that is skipped adds a line to it: its name, a tab, and why.
pub const SKIPPED: &str = "MPT_TOKENS_SKIPPED";

/// Whether this is a run that must leave nothing out: `CI=true`.
pub fn ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// Ends the test that calls it where a tool is not here: `needs!(CLANG, READELF);`.
///
/// The test is counted as skipped by `cargo xtask test`, by its name; it fails with `CI=true`.
#[macro_export]
macro_rules! needs {
    ($($tool:expr),+ $(,)?) => {
        if $crate::is_skipped(&[$($tool),+]) {
            return;
        }
    };
}

/// Whether one of the tools is missing, so that the test that asks must end here; it is told already.
///
/// # Panics
/// With `CI=true`, and where the file that [`SKIPPED`] names cannot be written.
pub fn is_skipped(tools: &[Tool]) -> bool {
    let Some(missing) = tools.iter().find_map(Tool::missing) else { return false };
    assert!(!ci(), "{missing}");
    // The harness gives each test a thread of its name.
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test without a name");
    eprintln!("skipped: {missing}");
    if let Some(file) = std::env::var_os(SKIPPED) {
        let line = format!("{test}\t{missing}\n");
        let file = OpenOptions::new().create(true).append(true).open(file);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the list of skipped tests");
    }
    true
}
