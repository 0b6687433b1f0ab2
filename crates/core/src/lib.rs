//! Delete API tokens of the SoftwareONE Marketplace, and know that they are dead.
//!
//! One operation, `DELETE /public/v1/accounts/api-tokens/{id}`, and one answer: is that credential dead? Every
//! result says `deleted`, `gone`, `not_deleted` or `unknown` ([`OutcomeKind`]), whatever the network did in between.
//!
//! ```no_run
//! use mpt_tokens::{Client, OutcomeKind};
//!
//! let client = Client::from_env()?; // MPT_API_TOKEN, MPT_API_BASE_URL
//! match client.delete_token("TKN-1671-0642") {
//!     Ok(deletion) => println!("{deletion}"),
//!     Err(error) if error.kind() == OutcomeKind::Unknown => println!("ask again: {error}"),
//!     Err(error) => println!("still there: {error}"),
//! }
//! # Ok::<(), mpt_tokens::Error>(())
//! ```
//!
//! The package's folder `examples` has programs that are run by its tests: one token, a list with a journal, a proof.
//!
//! # What it never does
//! It never prints; never reads the environment but in functions named `from_env` (the platform's trust store heeds
//! `SSL_CERT_FILE` and `SSL_CERT_DIR`); never sleeps past a deadline; never follows a redirect; never shows a secret.
//!
//! # Threads, forks, signals
//! A [`Client`] may be used from any number of threads at once, and in a forked child, which opens connections of
//! its own. [`Cancel::cancel`] may be called from a signal handler. Runs on Unix and on Windows.
//!
//! # Features
//! Both are on by default. `batch`: lists ([`Client::delete_tokens`], [`Journal`]); without it the crate deletes one
//! token a call. `search`: token values in files of any size ([`scan_values`]); without it, in texts ([`find_values`]).

#![forbid(unsafe_code)]
#![deny(missing_docs)]
// What only lists use of the layers below them.
#![cfg_attr(not(feature = "batch"), allow(dead_code))]
// The main file of a layer is called as the layer.
#![allow(clippy::module_inception)]

#[cfg(not(any(unix, windows)))]
compile_error!("mpt-tokens runs on Unix and on Windows only");

// A layer is a folder. Each imports only from those below it, which a test reads: `tests/it/layers.rs`.
#[cfg(feature = "batch")]
mod batch;
mod call;
mod client;
mod http;
mod input;
#[cfg(feature = "batch")]
mod journal;
mod outcome;
#[cfg(feature = "search")]
mod search;
mod wait;

#[cfg(test)]
#[path = "../tests/it/support/prose.rs"]
mod prose;

// Many calls.
#[cfg(feature = "batch")]
pub use batch::dry_run::DryRun;
#[cfg(feature = "batch")]
pub use batch::options::{BatchItem, BatchOptions, Pull};
#[cfg(feature = "batch")]
pub use batch::patience::Outage;
#[cfg(feature = "batch")]
pub use batch::rate_limiter::Pause;
#[cfg(feature = "batch")]
pub use batch::run::{Batch, BatchHandle};
#[cfg(feature = "batch")]
pub use batch::stopped::Stopped;
#[cfg(feature = "batch")]
pub use batch::summary::BatchSummary;
// What a run keeps on disk.
#[cfg(feature = "batch")]
pub use journal::error::JournalError;
#[cfg(feature = "batch")]
pub use journal::journal::Journal;
#[cfg(feature = "batch")]
pub use journal::resumed::{Damage, Resumed};
// One call.
pub use client::builder::ClientBuilder;
pub use client::client::{Client, VERSION};
pub use client::options::DeleteOptions;
// Where a request goes, and whom it trusts.
pub use http::proxy::{InvalidProxy, Proxy};
pub use http::tls::{CaBundle, InvalidCaBundle};
// What a call tells.
pub use outcome::code::{Code, OutcomeKind};
pub use outcome::event::{AttemptEnded, Event};
pub use outcome::outcome::{Attempt, Outcome, Proof, ProofBasis};
pub use outcome::problem::ProblemDetails;
pub use outcome::result::{Deletion, Error};
// What leaked, in files of any size.
#[cfg(feature = "search")]
pub use search::fingerprint::{Fingerprint, FingerprintKey};
#[cfg(feature = "search")]
pub use search::scanner::{ScanBuffer, ScannedValue, ValueScanner, scan_values};
// What a caller gives.
pub use input::api_token::{ApiToken, InvalidApiToken};
pub use input::endpoint::{DEFAULT_BASE_URL, Endpoint, InvalidBaseUrl};
pub use input::find_values::{FoundValue, find_values, redact_values};
pub use input::shown::{character_in_words, is_unprintable, printable};
pub use input::token_id::{InvalidTokenId, TokenId};
pub use input::trace::{InvalidTraceParent, TraceParent};
// How a call is ended early.
pub use wait::cancel::Cancel;
#[doc(hidden)]
pub use wait::process::keep_process_id;
