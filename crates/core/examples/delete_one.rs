//! Deletes one token, and says what is true of it.
//!
//! ```text
//! MPT_API_TOKEN=... cargo run --example delete_one -- TKN-1671-0642
//! ```

#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use mpt_tokens::{Client, Error, OutcomeKind};

fn main() -> Result<ExitCode, Error> {
    let Some(id) = std::env::args().nth(1) else {
        return Err(Error::invalid_argument("there is no token id: expected one argument"));
    };
    let client = Client::from_env()?;
    match client.delete_token(&id) {
        // `deleted`: the API said so. `gone`: it said so after an answer that was lost.
        Ok(deletion) => {
            println!("{}: {deletion}", deletion.kind());
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("{}: {error}", error.kind());
            for attempt in error.attempts() {
                println!(
                    "  attempt {}: sent {}, {:?}",
                    attempt.number, attempt.sent, attempt.http_status
                );
            }
            // Only `unknown` leaves open whether the token is dead.
            let is_open = error.kind() == OutcomeKind::Unknown;
            Ok(ExitCode::from(if is_open { 3 } else { 1 }))
        }
    }
}
