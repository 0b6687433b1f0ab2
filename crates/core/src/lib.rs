//! Delete API tokens of the SoftwareONE Marketplace, and know that they are dead.
//!
//! One operation, `DELETE /public/v1/accounts/api-tokens/{id}`, and one answer: is that credential dead? Every
//! result says `deleted`, `gone`, `not_deleted` or `unknown` ([`Outcome`]), whatever the network did in between.
//!
//! ```no_run
//! use mpt_tokens::{Client, Outcome};
//!
//! let client = Client::from_env()?; // MPT_API_TOKEN, MPT_API_BASE_URL
//! match client.delete_token("TKN-1671-0642") {
//!     Ok(deletion) => println!("{deletion}"),
//!     Err(error) if error.outcome() == Outcome::Unknown => println!("ask again: {error}"),
//!     Err(error) => println!("still there: {error}"),
//! }
//! # Ok::<(), mpt_tokens::Error>(())
//! ```
//!
//! # What it never does
//! It never prints; never reads the environment but in functions named `from_env` (the platform's trust store heeds
//! `SSL_CERT_FILE` and `SSL_CERT_DIR`); never sleeps past a deadline; never follows a redirect; never shows a secret.
//!
//! # Threads, forks, signals
//! A [`Client`] may be used from any number of threads at once, and in a forked child, which opens connections of
//! its own. [`Cancel::cancel`] may be called from a signal handler. Runs on Unix.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(not(unix))]
compile_error!("mpt-tokens waits with poll(2), and runs on Unix only so far");

mod batch;
mod builder;
mod call;
mod cancel;
mod characters;
mod client;
mod code;
mod connect;
mod credential;
mod endpoint;
mod environment;
mod exchange;
mod journal;
mod json;
mod message;
mod problem;
mod prove;
mod proxy;
mod redact;
mod report;
mod resolve;
mod retry;
mod retry_after;
mod retryable;
mod secret;
mod sender;
mod tls;
mod token_id;
mod trace;
mod transport;
mod value;
mod wait;

#[cfg(test)]
#[path = "../tests/it/support/prose.rs"]
mod prose;

pub use batch::{
    Batch, BatchHandle, BatchItem, BatchOptions, BatchSummary, Pause, Pull, Rehearsal, Stopped,
};
pub use builder::ClientBuilder;
pub use cancel::Cancel;
pub use characters::{is_unprintable, printable};
pub use client::{Client, DeleteOptions, VERSION};
pub use code::{Code, Outcome};
pub use endpoint::{DEFAULT_BASE_URL, Endpoint, InvalidBaseUrl};
pub use journal::{Damage, Journal, JournalError, Resumed};
pub use problem::ProblemDetails;
pub use prove::{Proof, ProofBasis};
pub use proxy::{InvalidProxy, Proxy};
pub use report::{Attempt, Deletion, Error, Report};
pub use secret::{ApiToken, InvalidApiToken};
pub use tls::{CaBundle, InvalidCaBundle};
pub use token_id::{InvalidTokenId, TokenId};
pub use trace::TraceParent;
pub use value::{FoundValue, find_values, redact_values};
