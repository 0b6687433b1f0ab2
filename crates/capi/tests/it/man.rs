//! The manual pages, as a formatter of another make reads them.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use mpt_tokens_tools::{MANDOC, needs};

use crate::build::{output, root};

#[test]
fn the_manual_pages_have_no_fault() {
    needs!(MANDOC);
    let folder = root().join("crates/capi/man");
    let mut pages: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(pages.len() > 80, "{pages:?}");
    let done = output(Command::new("mandoc").args(["-Tlint", "-Wwarning"]).args(&pages));
    let told = String::from_utf8(done.stdout).unwrap();
    // They are made from the code, which has a version and no date.
    let faults: Vec<&str> =
        told.lines().filter(|line| !line.ends_with("missing date, using \"\": TH")).collect();
    assert!(faults.is_empty(), "{faults:#?}");

    // A page that another one names is there, and the first names them all.
    let names: BTreeSet<String> =
        pages.iter().map(|page| page.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let text = |name: &str| fs::read_to_string(root().join("crates/capi/man").join(name)).unwrap();
    for name in &names {
        for line in text(&format!("{name}.3")).lines() {
            if let Some(named) = line.strip_prefix(".BR ") {
                let named = named.split(' ').next().unwrap();
                assert!(names.contains(named), "{name}(3) names {named}(3)");
            }
        }
        let marked = format!("\\fB{name}\\fR(3)");
        assert!(name == "mpt_tokens" || text("mpt_tokens.3").contains(&marked), "{name}");
    }
}
