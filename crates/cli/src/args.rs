//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, value_parser};

use crate::log::Detail;

const AFTER: &str = "\
Exit status:
    0  every token is deleted or gone
    1  some are not_deleted
    2  the arguments, the configuration, the list or the journal cannot be used; an empty list
    3  some are unknown, or not proven (it counts over 1): run again to find out
    4  nothing worse than tokens that the API does not know: somebody may have deleted them
  130  interrupted, after reporting every token that was tried; a second interrupt leaves at once

Environment:
  MPT_API_TOKEN     the API token to authenticate with; never an argument, since every user of a
                    machine can read those
  MPT_API_BASE_URL  the base URL, unless --base-url is given
  HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY
                    the proxy, unless --proxy is given
  NO_COLOR          no colours";

/// Delete API tokens of the SoftwareONE Marketplace, and know that they are dead.
///
/// Every token has one outcome: deleted; gone (it is not there any more); not_deleted; or unknown (it may be deleted:
/// ask again).
#[derive(Debug, Parser)]
#[command(name = "mpt-tokens", bin_name = "mpt-tokens", version, after_help = AFTER, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Delete tokens by their ids, or by leaked values.
    #[command(after_help = AFTER)]
    Delete(Box<DeleteArgs>),
    /// Run a stand-in for the Marketplace on this machine, with faults on demand.
    ///
    /// The id of a token chooses how it is answered: TKN-<scenario>-<serial>, where the serial is any letters and
    /// digits, and the scenario is faults of the table below, joined by dots. Each answers one DELETE, in turn; after
    /// the last, the token is deleted as it should be. `.always` at the end repeats the last for ever, and `fault~N`
    /// gives a fault its number: TKN-answerlost.429~2-0001, TKN-503.always-0001.
    #[command(after_long_help = mpt_tokens_sandbox::fault_table())]
    Sandbox(SandboxArgs),
    /// Write the completions of a shell to standard output.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual page to standard output: `mpt-tokens man | man -l -`.
    Man,
    /// Write the JSON Schema of `--format ndjson` to standard output.
    Schema,
}

/// Of which tokens proof is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Prove {
    /// Of all.
    All,
    /// Of those whose values are at hand.
    WherePossible,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeleteArgs {
    /// The ids of the tokens, such as TKN-1671-0642.
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// Read more from a file, or from standard input: a line an id, a leaked token value (only its id is used and
    /// shown), or a JSON object with an `id` or a token value in it (its own output is one). Blank lines and those that
    /// begin with # are skipped. All of it is read and checked before anything is sent; what comes through a pipe is
    /// kept in memory.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) from: Option<PathBuf>,

    /// Take every argument and every line as an id, also one that does not look like it. By default an id is letters,
    /// digits, `-`, `_` and `.`; a line of JSON with an `id` may have any other.
    #[arg(long)]
    pub(crate) any_id: bool,

    /// Take a list that names no token as done.
    #[arg(long)]
    pub(crate) allow_empty: bool,

    /// Ask for proof: once a token is dead, its own value must be answered 401. Needs the values: for ids without one
    /// nothing is proven, which is told and counts as not proven, unless WHAT is `where-possible`. No request shows
    /// beforehand that a value works, but one that deletes: a value that never did is told from a dead one by what the
    /// API token in use is answered.
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub(crate) prove: Option<Prove>,

    /// Do not ask before deleting. Without a terminal to ask on, more than one token needs it; one id as an argument
    /// does not.
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Send nothing; print what would be sent, in order.
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,

    /// Count a token that the API does not know as gone from the first attempt on. Only what looks like an id: letters,
    /// digits, `-`, `_` and `.`.
    #[arg(long)]
    pub(crate) missing_ok: bool,

    /// Allow deleting the very token that is used for it. It goes last.
    #[arg(long)]
    pub(crate) allow_own_token: bool,

    /// How many tokens are deleted at once, 1 to 256.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = concurrency)]
    pub(crate) concurrency: usize,

    /// Record what is done in FILE, so that a run that was killed can go on: with the same FILE, tokens that are known
    /// to be dead are not asked again, and those whose answer was lost are asked as that. It belongs to one base URL and
    /// one API token.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,

    /// Print the tokens, too, that the journal knows to be dead, with `"from_journal": true`: then one run tells of the
    /// whole list. They are not asked again.
    #[arg(long, requires = "journal")]
    pub(crate) replay: bool,

    /// Where the API is [env: MPT_API_BASE_URL] [default: https://api.platform.softwareone.com].
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// Read the API token from a file, or from standard input, instead of MPT_API_TOKEN.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) token_file: Option<PathBuf>,

    /// The limit for one token, over all attempts and waits: 60, 90s, 2m.
    #[arg(long, value_name = "DUR", default_value = "60s", value_parser = duration)]
    pub(crate) timeout: Duration,

    /// How often a token is tried, 1 to 100.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) attempts: u32,

    /// Trust the certificate authorities in this file, too.
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_file: Option<PathBuf>,

    /// The proxy, or none; by default as the environment says.
    #[arg(long, value_name = "URL|none")]
    pub(crate) proxy: Option<String>,

    /// How outcomes are printed: as text, or as JSON, an object a line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// The same as --format ndjson.
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// Append every outcome to FILE, too, as JSON, an object a line: a record that grows from run to run. Each line is
    /// written at once, and all are on the disk at the end of the run (what must survive a power cut in between is in
    /// --journal). Not with --dry-run.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Print no summary, and as text only the tokens that need attention.
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Tell what is done, on standard error: each attempt. Never a secret.
    #[arg(long, short)]
    verbose: bool,

    /// Tell even more, on standard error: also what the parts below say, such as of TLS. Never a secret.
    #[arg(long)]
    debug: bool,

    /// Show no progress bar.
    #[arg(long)]
    pub(crate) no_progress: bool,

    /// Delete nothing real: run against a stand-in inside this process, where the tokens given exist.
    #[arg(long, conflicts_with_all = ["base_url", "token_file", "ca_file", "proxy"])]
    pub(crate) sandbox: bool,
}

impl DeleteArgs {
    /// How outcomes are printed.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Ndjson } else { self.format }
    }

    /// How much of what is done is told.
    pub(crate) fn detail(&self) -> Detail {
        match (self.debug, self.verbose) {
            (true, _) => Detail::Everything,
            (false, true) => Detail::Attempts,
            (false, false) => Detail::Warnings,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line a token for people.
    #[default]
    Text,
    /// A JSON object a line: see `mpt-tokens schema`.
    Ndjson,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SandboxArgs {
    /// The port of 127.0.0.1 to listen on; 0 takes a free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,

    /// A token that is there. May be given more than once.
    #[arg(long = "token", value_name = "ID")]
    pub(crate) tokens: Vec<String>,

    /// This many numbered tokens are there, from TKN-1000-0001.
    #[arg(long = "tokens", value_name = "N", default_value_t = 0)]
    pub(crate) numbered: u64,

    /// How long each answer is held back: 20ms, 1s.
    #[arg(long, value_name = "DUR", default_value = "0s", value_parser = duration)]
    pub(crate) delay: Duration,

    /// How many requests a second are let through; the others are answered 429.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,

    /// Every token without a scenario goes through random faults, drawn from this seed.
    #[arg(long, value_name = "SEED")]
    pub(crate) faults: Option<u64>,

    /// How it says where it is: as text for people, or as one line of JSON.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// A number of seconds, or a duration with units.
fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds)
            .map_err(|_| "expected a duration such as 500ms, 30s or 2m".to_owned());
    }
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as 500ms, 30s or 2m".to_owned())
}

fn concurrency(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(calls @ 1..=256) => Ok(calls),
        _ => Err("expected 1 to 256".to_owned()),
    }
}
