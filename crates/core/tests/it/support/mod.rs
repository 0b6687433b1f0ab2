//! What the tests share: clients, servers that send exact bytes, and a log that knows the secret.

pub(crate) mod log;
pub(crate) mod pki;
pub(crate) mod prose;
pub(crate) mod proxy;
pub(crate) mod raw;

use std::net::SocketAddr;
use std::time::Duration;

use mpt_tokens::{Client, ClientBuilder, Outcome};

/// The secret part of [`TOKEN`]. It has characters that are escaped in JSON, in URLs and in neither.
pub(crate) const SECRET: &str = "pr00f-secret/0123+456789=abcdefghij";
/// The API token of every test here.
pub(crate) const TOKEN: &str = "idt:TKN-9999-0001:pr00f-secret/0123+456789=abcdefghij";
/// The token id that the tests delete.
pub(crate) const ID: &str = "TKN-1671-0642";
/// A host that only the tests' own look-up knows.
pub(crate) const HOST: &str = "api.example.test";
/// Far above every promise, far below "hangs". Where programs are many times slower, under ThreadSanitizer, qemu and
/// wine, they are built with the variable, and have more.
pub(crate) const SOON: Duration =
    Duration::from_secs(if option_env!("MPT_TOKENS_SLOW").is_some() { 100 } else { 5 });

/// How much of something a test does: all of it, but under wine an eighth. There each wait is several messages to
/// wine's server, so that what takes seconds elsewhere takes minutes.
pub(crate) fn size(whole: u64) -> u64 {
    if std::env::var_os("WINEPREFIX").is_some() && cfg!(windows) { whole / 8 } else { whole }
}

/// A client set up for a test: short pauses, a log that looks for the secret.
pub(crate) fn builder(base_url: impl Into<String>) -> ClientBuilder {
    log::install();
    Client::builder()
        .api_token(TOKEN)
        .base_url(base_url)
        .backoff(Duration::from_millis(1), Duration::from_millis(2))
        .timeout(Duration::from_secs(30))
}

/// A client that asks once.
pub(crate) fn once(base_url: impl Into<String>) -> Client {
    builder(base_url).attempts(1).build().unwrap()
}

/// A client whose every host name is looked up as this address.
pub(crate) fn builder_at(base_url: impl Into<String>, address: SocketAddr) -> ClientBuilder {
    builder(base_url).lookup(move |_, _| Ok(vec![address]))
}

/// Deletes [`ID`], and looks for the secret in everything that the report shows.
pub(crate) fn delete(client: &Client) -> Outcome {
    checked(client.delete_token(ID).into())
}

/// Looks for the secret in everything that a report shows.
pub(crate) fn checked(outcome: Outcome) -> Outcome {
    for shown in [format!("{outcome:?}"), format!("{outcome:#?}"), outcome.to_json()] {
        log::assert_no_secret(&shown);
    }
    log::assert_no_secret(outcome.message());
    // What the server wrote may look like anything.
    if outcome.problem().is_none() {
        prose::assert_prose(outcome.message());
    }
    outcome
}
