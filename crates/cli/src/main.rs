//! The program `mpt-tokens`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(mpt_tokens_cli::run(std::env::args_os()))
}
