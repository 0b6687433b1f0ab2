//! The command line.

pub(crate) mod run;
pub(crate) mod sandbox;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::args::run::RunArgs;
use crate::args::sandbox::SandboxArgs;

const AFTER: &str = "\
Exit status:
    0  every token is deleted or gone
    1  some are not_deleted
    2  the arguments, the configuration, the list or the journal cannot be used; an empty list
    3  some are unknown, or not proven (even if others are not_deleted): run again to find out
    4  some are not known to the API, and nothing is worse: somebody may have deleted them
  130  interrupted; every token that was tried is reported; a second interrupt quits at once

Environment:
  MPT_API_TOKEN     the API token to authenticate with; there is no argument for it, because every
                    user of the machine can read arguments
  MPT_API_BASE_URL  the base URL, unless --base-url is given
  HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY
                    the proxy, unless --proxy is given
  NO_COLOR          no colours";

const AFTER_BURN: &str = "\
Exit status:
    0  every value is burnt, and proven dead
    1  some are not_deleted: they are, or may be, alive
    2  the arguments, the configuration or the journal cannot be used; no value was found
    3  some are unknown, or not proven (even if others are not_deleted): run again to find out
    4  some were dead already, or never were values, and nothing is worse
  130  interrupted; every value that was tried is reported; a second interrupt quits at once

Environment:
  MPT_API_BASE_URL  the base URL, unless --base-url is given
  HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY
                    the proxy, unless --proxy is given
  NO_COLOR          no colours
  MPT_API_TOKEN is not read.";

const AFTER_FIND: &str = "\
Exit status:
    0  no token value was found, and everything could be read
    1  token values were found, and everything could be read
    2  the arguments cannot be used, or the output cannot be written
    3  something could not be read, whatever was found

What is searched:
  Hidden and ignored files too, since a token leaks into an .env; binary files; UTF-8 and UTF-16;
  values in JSON, URLs, HTML and base64. gzip files (.gz, .tgz). Links in a folder are not
  followed. Other archives and compressed files are not unpacked; .git/objects is skipped for that
  reason: `git log -p --all | mpt-tokens find -` searches the history of a repository.";

/// Delete API tokens of the SoftwareONE Marketplace, and know that they are dead.
///
/// Every token has one outcome: deleted; gone (it no longer exists); not_deleted; or unknown (it may be deleted: run
/// again to find out).
#[derive(Debug, Parser)]
#[command(name = "mpt-tokens", bin_name = "mpt-tokens", version, after_help = AFTER, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Delete tokens by id, or by leaked value.
    #[command(after_help = AFTER)]
    Delete(Box<DeleteArgs>),
    /// Burn leaked token values: delete each token with its own value, and prove that it is dead.
    ///
    /// For when there is nothing at hand but the leaked values: no API token is needed. Searches files, folders and
    /// standard input as `mpt-tokens find` does, shows what was found (never a secret), and asks. A value that the API
    /// answers with 401 at once is dead already, or never was one: its code is dead_value. A value that may not delete
    /// itself is alive: delete it with `mpt-tokens delete --leaked-in`, and an API token that may.
    #[command(after_help = AFTER_BURN)]
    Burn(Box<BurnArgs>),
    /// Find leaked token values in files, folders and standard input, and never show them.
    ///
    /// Prints a line for each place: `path:line:column: id fingerprint`. Lines and columns count from 1; a column is a
    /// character, as in compilers. A fingerprint tells two values of one id apart. Its key is random and ends with
    /// the run: nobody can check a guess against it, and it means nothing to another run.
    #[command(after_help = AFTER_FIND)]
    Find(FindArgs),
    /// Run a local stand-in for the Marketplace, with faults on demand.
    ///
    /// The id of a token chooses the responses: TKN-<scenario>-<serial>. The serial is any letters and digits; the
    /// scenario is one or more faults from the table below, joined by dots. Each fault answers one DELETE, in order;
    /// after the last one, the token is deleted normally. `.always` at the end repeats the last fault forever, and
    /// `fault~N` sets a fault's number: TKN-answerlost.429~2-0001, TKN-503.always-0001.
    #[command(after_long_help = mpt_tokens_sandbox::fault_table())]
    Sandbox(SandboxArgs),
    /// Write shell completions to standard output.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual page to standard output: `mpt-tokens man | man -l -`.
    Man,
    /// Write the JSON Schema of `--format ndjson` to standard output.
    Schema {
        /// That of `delete --report` instead.
        #[arg(long)]
        report: bool,

        /// That of `find --format ndjson` instead.
        #[arg(long, conflicts_with = "report")]
        find: bool,
    },
}

/// Which tokens need proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Prove {
    /// All tokens.
    All,
    /// Only tokens whose values are given.
    WherePossible,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeleteArgs {
    /// The ids of the tokens, such as TKN-1671-0642.
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// Read more tokens from a file, or from standard input. Each line is an id, a leaked token value (only its id is
    /// used and shown), or a JSON object with an `id` or a token value in it, such as a line of this program's own
    /// output. Blank lines and lines that begin with # are skipped. Also accepted: a table (CSV, or with semicolons or
    /// tabs) with a header; a JSON list of ids or objects; a scanner's report in JSON; each in UTF-8 or UTF-16, and
    /// packed by gzip. The whole list is read and checked before anything is sent; a list from a pipe is kept in
    /// memory, of a file only one line, row or element at a time.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) from: Option<PathBuf>,

    /// The column of the table in --from that names the tokens, by id or value. Default: the one named id, token or
    /// token_id, in upper or lower case.
    #[arg(long, value_name = "NAME", requires = "from")]
    pub(crate) column: Option<String>,

    /// Delete the tokens whose values stand in these files, folders or standard input, as `mpt-tokens find` finds them,
    /// and prove each value dead (--prove=where-possible is the default then). Shows the ids and places first, never a
    /// secret. May be given more than once. Without a terminal to ask on, --yes is required.
    #[arg(long, value_name = "PATH|-")]
    pub(crate) leaked_in: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) search: SearchArgs,

    /// Accept any argument or line as an id, even if it does not look like one. By default an id consists of letters,
    /// digits, `-`, `_` and `.`; in a line of JSON, an `id` may have any other characters.
    #[arg(long)]
    pub(crate) any_id: bool,

    /// Prove that each token is dead: once it is, the API must answer its own value with 401. This needs the values. An
    /// id without a value is reported as not proven, unless WHAT is `where-possible`. No request can show beforehand
    /// that a value works, except one that deletes. A value that never worked is told apart from a dead one by the
    /// API's response to the API token in use.
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub(crate) prove: Option<Prove>,

    /// Count a token that the API does not know as gone, from the first attempt. Applies only to what looks like an id:
    /// letters, digits, `-`, `_` and `.`.
    #[arg(long)]
    pub(crate) missing_ok: bool,

    /// Allow deleting the API token in use. It is deleted last.
    #[arg(long)]
    pub(crate) allow_own_token: bool,

    /// Read the API token from a file, or from standard input, instead of MPT_API_TOKEN.
    #[arg(long, value_name = "FILE|-", conflicts_with = "sandbox")]
    pub(crate) token_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) run: RunArgs,

    /// What --leaked-in finds is burnt: this is `mpt-tokens burn`.
    #[arg(skip)]
    pub(crate) burn: bool,
}

/// The options of `burn`: those of `delete` that do not need an API token or an id.
#[derive(Debug, ClapArgs)]
pub(crate) struct BurnArgs {
    /// Where the values are: files, folders, or `-` for standard input.
    #[arg(value_name = "PATH|-", required = true)]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    search: SearchArgs,

    #[command(flatten)]
    run: RunArgs,
}

/// Burning is deleting what was found, with other credentials.
impl From<BurnArgs> for DeleteArgs {
    fn from(args: BurnArgs) -> DeleteArgs {
        DeleteArgs {
            ids: Vec::new(),
            from: None,
            column: None,
            leaked_in: args.paths,
            search: args.search,
            any_id: false,
            prove: None,
            missing_ok: false,
            allow_own_token: false,
            token_file: None,
            run: args.run,
            burn: true,
        }
    }
}

impl DeleteArgs {
    /// Returns which tokens need proof.
    pub(crate) fn prove(&self) -> Option<Prove> {
        self.prove.or((!self.leaked_in.is_empty()).then_some(Prove::WherePossible))
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct FindArgs {
    /// What to search: files, folders, or `-` for standard input [default: the current folder, unless
    /// something is piped in].
    #[arg(value_name = "PATH|-")]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) search: SearchArgs,

    /// The output format: text, or one JSON object per line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// The same as --format ndjson.
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// Print no summary.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl FindArgs {
    /// Returns the output format.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Ndjson } else { self.format }
    }
}

/// Which files of a folder are searched.
#[derive(Debug, ClapArgs)]
pub(crate) struct SearchArgs {
    /// Skip hidden files and folders in a folder that is searched: those whose names begin with a dot.
    #[arg(long)]
    pub(crate) skip_hidden: bool,

    /// Skip what git ignores, and what an .ignore file names, in a folder that is searched.
    #[arg(long)]
    pub(crate) skip_ignored: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line per token or place, for people.
    #[default]
    Text,
    /// One JSON object per line: see `mpt-tokens schema`.
    Ndjson,
}
