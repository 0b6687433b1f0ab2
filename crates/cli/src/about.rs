//! What the program says about itself: completions, the manual page, the schema.

use std::io::{self, Write};

use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Args;
use crate::failure::Failure;
use crate::status;

const SCHEMA: &str = include_str!("../../../docs/outcome.schema.json");

const REPORT_SCHEMA: &str = include_str!("../../../docs/report.schema.json");

const FIND_SCHEMA: &str = include_str!("../../../docs/find.schema.json");

const EXAMPLES: &str = r"
.SH EXAMPLES
.nf
# One token
MPT_API_TOKEN=... mpt-tokens delete TKN-1671-0642

# A list, with a record from which an interrupted run goes on
mpt-tokens delete --from ids.txt --journal run.journal --format ndjson > outcomes.ndjson

# Where token values stand, in a folder and in the history of a repository
mpt-tokens find .
git log -p --all | mpt-tokens find -

# The same tokens, deleted, and each value proven dead
mpt-tokens delete --leaked-in .

# Values that a scanner found, each proven dead
mpt-tokens delete --from leaked.txt --prove

# What would happen
mpt-tokens delete --from ids.txt --dry-run

# A dry run against a stand-in
mpt-tokens delete --sandbox --yes TKN-ok-1 TKN-answerlost-1 TKN-403-1
.fi
";

pub(crate) fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "mpt-tokens", &mut script);
    if shell == Shell::Bash {
        // clap_complete spells a program name with a dash in two ways, and then finds none of the subcommands.
        let text = String::from_utf8_lossy(&script).replace("mpt__subcmd__tokens", "mpt__tokens");
        script = text.into_bytes();
    }
    print(&script)
}

pub(crate) fn schema(report: bool, find: bool) -> Result<u8, Failure> {
    let schema = match (report, find) {
        (true, _) => REPORT_SCHEMA,
        (false, true) => FIND_SCHEMA,
        (false, false) => SCHEMA,
    };
    print(schema.as_bytes())
}

pub(crate) fn man() -> Result<u8, Failure> {
    let page = page().expect("a vector takes what is written to it");
    print(&page)
}

/// Makes one page for all subcommands: the list of them, then each with its options.
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
        section.extend(synopsis(verb).into_bytes());
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

/// Returns the synopsis of a subcommand, with the values of its options, which clap leaves out.
fn synopsis(verb: &Command) -> String {
    let roff = |text: &str| text.replace('-', r"\-");
    let mut line = format!(r"\fBmpt\-tokens {}\fR", verb.get_name());
    let (options, ids): (Vec<&Arg>, Vec<&Arg>) =
        verb.get_arguments().filter(|arg| !arg.is_hide_set()).partition(|arg| !arg.is_positional());
    for arg in options {
        let short = arg.get_short().map(|short| format!(r"\fB\-{short}\fR"));
        let long = arg.get_long().map(|long| format!(r"\fB\-\-{}\fR", roff(long)));
        let names: Vec<String> = short.into_iter().chain(long).collect();
        line.push_str(&format!(" [{}", names.join("|")));
        if arg.get_action().takes_values() {
            line.push_str(&format!(r" \fI{}\fR", roff(&value(arg))));
        }
        line.push(']');
    }
    for arg in ids {
        let value = format!(r"\fI{}\fR", roff(&value(arg)));
        let more = if matches!(arg.get_action(), ArgAction::Append) { "..." } else { "" };
        line.push_str(&match arg.is_required_set() {
            true => format!(" {value}{more}"),
            false => format!(" [{value}]{more}"),
        });
    }
    format!(".SH SYNOPSIS\n{line}\n")
}

/// Returns the placeholder for a value: its name, or the possible values.
fn value(arg: &Arg) -> String {
    let possible: Vec<String> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !possible.is_empty() {
        return possible.join("|");
    }
    let names: Vec<&str> =
        arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    names.join(" ")
}

fn print(bytes: &[u8]) -> Result<u8, Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    Ok(status::DONE)
}
