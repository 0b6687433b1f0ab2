//! What somebody has who follows the README and has nothing else: `.ci/bare` makes a machine of that kind. [`hidden`]
//! takes the optional tools of this machine away one at a time.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, bail};
use mpt_tokens_tools::{ALL, Tool};

use crate::conformance::languages_that_want;
use crate::log::Log;
use crate::suite::Step;
use crate::tally::{PLAIN, Tally};
use crate::{examples, hide, repo};

/// Both commands of the README, each as one test.
pub(crate) fn test(log: &mut Log) -> Result<Tally> {
    let mut bare = Command::new("bash");
    log.tests(PLAIN, bare.arg(repo::root().join(".ci/bare")).arg(repo::target().join("xtask/bare")))
}

/// The page for those who install the C library from nothing, to the letter: what it says to install by apt is there,
/// and the other blocks run one after the other. Afterwards nothing is installed any more.
pub(crate) fn install_page(log: &mut Log) -> Result<Tally> {
    const PAGE: &str = "docs/install.md";
    const APT: &str = "sudo apt-get install --yes ";
    let shell = examples::shell(PAGE)?;
    let Some((apt, rest)) = shell.split_first() else { bail!("{PAGE} has no block to run") };
    let packages = apt.trim().strip_prefix(APT).context("the first block is not apt's")?;
    let mut bare = Command::new("bash");
    bare.arg(repo::root().join(".ci/bare")).arg(repo::target().join("xtask/install-page"));
    bare.env("BARE_PACKAGES", packages.replace(' ', ","));
    bare.args(rest.iter().map(|block| format!("set -eu\n{block}")));
    bare.arg("! pkg-config --exists mpt_tokens && [ -z \"$(find /usr/local -name '*mpt_*')\" ]");
    log.tests(PLAIN, &mut bare)
}

/// The checks of this table that a tool matters to end without a failure where it is not. What does not ask for a tool
/// never sees it, in any run: see [`hide`].
pub(crate) fn hidden(log: &mut Log, steps: &[Step]) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut done = BTreeSet::new();
    for tool in ALL {
        // Two tools that are the same programs are one case.
        if tool.programs().is_empty() || !done.insert(tool.programs()) {
            continue;
        }
        if let Some(missing) = tool.missing() {
            log.skip(tool.name(), &missing);
            tally += Tally::SKIPPED;
            continue;
        }
        // This one itself wants them all. Those that need it are left out whole: a line of the table says so.
        let wanting = steps.iter().filter(|step| step.wants(tool) && step.name() != "hidden");
        let wanting: Vec<_> = wanting.map(Step::name).collect();
        tally += log.one(&format!("without {}", tool.name()), |log| without(log, tool, &wanting));
    }
    Ok(tally)
}

fn without(log: &mut Log, tool: &Tool, steps: &[&str]) -> Result<()> {
    let languages = languages_that_want(tool);
    if steps.is_empty() && languages.is_empty() {
        bail!("no check asks for it: take it out of the table of tools");
    }
    let mut runs = Vec::new();
    if !steps.is_empty() {
        runs.push([&["test"], steps].concat());
    }
    for what in ["cases", "readme"] {
        if !languages.is_empty() {
            let what = ["conformance", "--where-here", "--what", what];
            runs.push([what.as_slice(), languages.as_slice()].concat());
        }
    }
    let own = log.search(Some(hide::without(&tool.programs().iter().copied().collect())?));
    // In a run of CI a missing tool would be a failure.
    let mut run = |run: Vec<&str>| log.run(repo::cargo("xtask").args(run).env_remove("CI"));
    let done = runs.into_iter().try_for_each(&mut run);
    log.search(own);
    done
}
