//! The arguments that every run has, whether it deletes tokens or burns values.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, value_parser};

use crate::args::Format;
use crate::log::Detail;

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    /// Accept that there are no tokens: there is nothing to do.
    #[arg(long)]
    pub(crate) allow_empty: bool,

    /// Do not ask before deleting. Without a terminal to ask on, required for more than one token, and for tokens that
    /// were found.
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Send nothing; print what would be sent, in order.
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,

    /// The number of tokens to delete at once, 1 to 256.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = concurrency)]
    pub(crate) concurrency: usize,

    /// Record progress in FILE, so that a run that was killed can resume. With the same FILE, no request is sent for
    /// tokens known to be dead. Tokens whose response was lost are tried again, and are gone if the API no longer knows
    /// them. A journal belongs to one base URL and one API token; one of `burn` to no API token. It holds ids, never
    /// values.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,

    /// Also print the tokens that the journal lists as dead, with `"from_journal": true`, so that one run reports the
    /// whole list. No request is sent for them.
    #[arg(long, requires = "journal")]
    pub(crate) replay: bool,

    /// The base URL of the API [env: MPT_API_BASE_URL] [default: https://api.platform.softwareone.com].
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// The time limit for one token, over all attempts and pauses: 60, 90s, 2m.
    #[arg(long, value_name = "DUR", default_value = "60s", value_parser = duration)]
    pub(crate) timeout: Duration,

    /// The largest number of attempts for one token, 1 to 100.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) attempts: u32,

    /// How long to go on without a conclusive response: 10m, 1h. A token without one is put off and tried again later;
    /// while the API is down, one request at a time checks whether it is back. With 0, every token is tried in one
    /// round only.
    #[arg(long, value_name = "DUR", default_value = "10m", value_parser = duration)]
    pub(crate) patience: Duration,

    /// Also trust the certificate authorities in this file.
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_file: Option<PathBuf>,

    /// The proxy, or `none`; by default the environment decides.
    #[arg(long, value_name = "URL|none")]
    pub(crate) proxy: Option<String>,

    /// The output format: text, or one JSON object per line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// The same as --format ndjson.
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// Also append every outcome to FILE, one JSON object per line; the file grows from run to run. Each line is
    /// written at once, and all are on disk at the end of the run (use --journal for what must survive a power failure
    /// before that). Does nothing with --dry-run.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// At the end of the run, even if it is interrupted, write a record for an auditor to FILE: one JSON document with
    /// the options, the counts and every token; `mpt-tokens schema` describes it. An existing FILE is replaced. The
    /// SHA-256 of the file goes to standard error. Does nothing in a dry run.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Print no summary and, in text format, only tokens that need attention.
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Log each attempt to standard error. Never logs a secret.
    #[arg(long, short)]
    verbose: bool,

    /// Log each attempt, and also what the libraries below report, such as TLS details. Never logs a secret.
    #[arg(long)]
    debug: bool,

    /// Show no progress bar.
    #[arg(long)]
    pub(crate) no_progress: bool,

    /// Delete nothing real: run against a stand-in inside this process, in which the given tokens exist, and the
    /// values that are found work.
    #[arg(long, conflicts_with_all = ["base_url", "ca_file", "proxy"])]
    pub(crate) sandbox: bool,
}

impl RunArgs {
    /// Returns the output format.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Ndjson } else { self.format }
    }

    /// Returns how much to log.
    pub(crate) fn detail(&self) -> Detail {
        match (self.debug, self.verbose) {
            (true, _) => Detail::Everything,
            (false, true) => Detail::Attempts,
            (false, false) => Detail::Warnings,
        }
    }
}

/// Parses a number of seconds, or a duration with units.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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
