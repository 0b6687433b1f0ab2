//! What the program tells of itself: completions, the manual page, the schema.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Args;
use crate::failure::Failure;
use crate::status;

const SCHEMA: &str = include_str!("../../../docs/outcome.schema.json");

const EXAMPLES: &str = r"
.SH EXAMPLES
.nf
# One token
MPT_API_TOKEN=... mpt-tokens delete TKN-1671-0642

# A list, with a record from which an interrupted run goes on
mpt-tokens delete --from ids.txt --journal run.journal --format ndjson > outcomes.ndjson

# Values that a scanner found, each proven dead
mpt-tokens delete --from leaked.txt --prove

# What would happen
mpt-tokens delete --from ids.txt --dry-run

# A rehearsal against a stand-in
mpt-tokens delete --sandbox --yes TKN-ok-1 TKN-answerlost-1 TKN-403-1
.fi
";

pub(crate) fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "mpt-tokens", &mut script);
    print(&script)
}

pub(crate) fn schema() -> Result<u8, Failure> {
    print(SCHEMA.as_bytes())
}

pub(crate) fn man() -> Result<u8, Failure> {
    let page = page().expect("a vector takes what is written to it");
    print(&page)
}

/// One page for all verbs: the list of verbs, then each with its options.
fn page() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    let whole = Man::new(command.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    for verb in command.get_subcommands() {
        let name = verb.get_name();
        writeln!(page, ".SH {}", name.to_uppercase())?;
        let mut section = Vec::new();
        let man = Man::new(verb.clone().bin_name(format!("mpt-tokens {name}")));
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        // The sections of a verb stand below its name.
        page.extend(String::from_utf8_lossy(&section).replace(".SH ", ".SS ").into_bytes());
    }
    whole.render_extra_section(&mut page)?;
    page.extend(EXAMPLES.as_bytes());
    whole.render_version_section(&mut page)?;
    Ok(page)
}

fn print(bytes: &[u8]) -> Result<u8, Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    Ok(status::DONE)
}
