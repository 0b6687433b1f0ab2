//! The documents say what the code does.

use mpt_tokens_sandbox::{fault_table, fault_table_markdown, faults};
use std::path::Path;

#[test]
fn the_readme_has_the_table_of_faults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("a README");
    let (before, rest) = readme.split_once("<!-- faults -->\n").expect("a mark before the table");
    let (_, after) = rest.split_once("<!-- /faults -->").expect("a mark after the table");
    let table = fault_table_markdown();
    let fresh = format!("{before}<!-- faults -->\n{table}<!-- /faults -->{after}");
    if std::env::var_os("SANDBOX_README").is_some_and(|value| value == "write") {
        std::fs::write(&path, &fresh).expect("write the README");
    }
    let readme = std::fs::read_to_string(&path).expect("a README");
    assert!(readme == fresh, "README.md is stale: run the tests with SANDBOX_README=write");
}

#[test]
fn the_plain_table_fits_a_terminal_and_names_every_fault_once() {
    let table = fault_table();
    for line in table.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    for fault in faults() {
        let rows = table.lines().filter(|line| {
            let name = line.trim_start().split([' ', '~']).next();
            line.starts_with("  ") && name == Some(fault.name)
        });
        assert_eq!(rows.count(), 1, "{}", fault.name);
    }
}
