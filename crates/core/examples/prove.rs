//! Deletes the token of a leaked value, and proves that the value is dead.
//!
//! The value is read from standard input: arguments and environments of processes can be seen by others.
//!
//! ```text
//! MPT_API_TOKEN=... cargo run --example prove < leaked.txt
//! ```

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{Read, stdin};
use std::process::ExitCode;

use mpt_tokens::{ApiToken, Client, DeleteOptions};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut leaked = String::new();
    stdin().read_to_string(&mut leaked)?;
    // Wiped from memory when it is dropped, and shown by nothing.
    let value = ApiToken::new(leaked)?;
    let id = value.token_id().ok_or("the value names no token: expected `idt:TKN-...:...`")?;

    let client = Client::from_env()?;
    // Somebody may have deleted it before.
    let deletion = client.delete_token_with(id, &DeleteOptions::new().missing_ok(true))?;
    println!("{deletion}");
    let proof = client.prove_deleted(&value)?;
    println!("{proof}");
    Ok(ExitCode::from(if proof.is_proven() { 0 } else { 1 }))
}
