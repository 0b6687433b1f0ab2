//! `mpt-tokens sandbox`: the stand-in, until it is interrupted.

use std::io::Write;

use mpt_tokens_sandbox::{Sandbox, guide};

use crate::args::Format;
use crate::args::sandbox::{PlannedOutage, SandboxArgs};
use crate::failure::Failure;
use crate::signals::Signals;
use crate::status;

pub(crate) fn run(args: SandboxArgs) -> Result<u8, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::usage(format!("the sandbox cannot start on port {}: {error}", args.port))
    };
    // Listen first: whoever reads the address may end the sandbox at once.
    let mut signals = Signals::of_the_sandbox().map_err(cannot)?;
    let mut builder = Sandbox::builder()
        .port(args.port)
        .tokens(args.tokens)
        .numbered(args.numbered)
        .delay(args.delay);
    if let Some(rate) = args.rate {
        builder = builder.rate(rate);
    }
    if let Some(seed) = args.faults {
        builder = builder.faults(seed);
    }
    if let Some(chance) = args.fault_rate {
        builder = builder.fault_rate(chance);
    }
    if let Some(PlannedOutage { after, lasts, outage }) = args.outage {
        builder = builder.outage(after, lasts, outage);
    }
    let sandbox = builder.start().map_err(cannot)?;
    let (base_url, api_token) = (sandbox.base_url(), sandbox.api_token());
    let told = match args.format {
        Format::Text => guide(&base_url, &api_token),
        Format::Ndjson => {
            format!("{}\n", serde_json::json!({"base_url": base_url, "api_token": api_token}))
        }
    };
    let mut out = std::io::stdout().lock();
    out.write_all(told.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))?;
    drop(out);
    // It runs until it is interrupted.
    signals.wait();
    Ok(status::DONE)
}
