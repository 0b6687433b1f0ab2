//! The arguments of `mpt-tokens sandbox`.

use std::time::Duration;

use clap::{Args as ClapArgs, value_parser};
use mpt_tokens_sandbox::Outage;

use crate::args::Format;
use crate::args::run::duration;

#[derive(Debug, ClapArgs)]
pub(crate) struct SandboxArgs {
    /// The port of 127.0.0.1 to listen on; 0 picks a free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,

    /// A token that exists. May be given more than once.
    #[arg(long = "token", value_name = "ID")]
    pub(crate) tokens: Vec<String>,

    /// The number of numbered tokens that exist, from TKN-1000-0001.
    #[arg(long = "tokens", value_name = "N", default_value_t = 0)]
    pub(crate) numbered: u64,

    /// The delay before each response: 20ms, 1s.
    #[arg(long, value_name = "DUR", default_value = "0s", value_parser = duration)]
    pub(crate) delay: Duration,

    /// The largest number of requests per second; the others get a 429.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,

    /// Give every token without a scenario random faults, drawn from this seed.
    #[arg(long, value_name = "SEED")]
    pub(crate) faults: Option<u64>,

    /// The chance, from 0 to 1, that a request meets a fault: 0.2. Drawn for each request from the seed of --faults.
    #[arg(long, value_name = "P", value_parser = chance)]
    pub(crate) fault_rate: Option<f64>,

    /// An outage: AFTER the start, refuse connections FOR a time: 10s,1m. With `,silent`, answer nothing instead.
    #[arg(long, value_name = "AFTER,FOR[,silent]", value_parser = outage)]
    pub(crate) outage: Option<PlannedOutage>,

    /// The format of the address it prints: text for people, or one line of JSON.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

fn chance(text: &str) -> Result<f64, String> {
    let chance = text.parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
    chance.ok_or_else(|| "expected 0 to 1, such as 0.2".to_owned())
}

/// When the sandbox has an outage, and which.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedOutage {
    pub(crate) after: Duration,
    pub(crate) lasts: Duration,
    pub(crate) outage: Outage,
}

fn outage(text: &str) -> Result<PlannedOutage, String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let (after, lasts, outage) = match parts[..] {
        [after, lasts] => (after, lasts, Outage::Refused),
        [after, lasts, "silent"] => (after, lasts, Outage::Silent),
        _ => return Err("expected two durations, such as 10s,1m or 10s,1m,silent".to_owned()),
    };
    Ok(PlannedOutage { after: duration(after)?, lasts: duration(lasts)?, outage })
}
