//! The C ABI of mpt-tokens: `include/mpt_tokens.h`. The header's text is made from the documentation of the items here.
//!
//! This crate translates and decides nothing: core decides what a call means. Every entry point runs inside `entry` or
//! `panic`, which let no panic out; `pointers` checks what C passes in.
//! The header lists its functions in the order of the modules here.

mod callbacks;
mod entry;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod forks;
mod panic;
mod pointers;
mod sized;
#[cfg(windows)]
mod windows;
// Apart, so that rustfmt leaves the order as it is.
mod config;

mod client;

mod log;

mod batch;

mod outcome;

mod codes;

/// The version of the binary interface: the number in the shared library's file name. It increases only when programs
/// built against an older version would no longer work; see docs/abi.md.
pub const MPT_ABI_VERSION: u32 = 1;

// What the header says of threads, proved by the compiler: these may be shared between threads...
const fn shared<T: Send + Sync>() {}
const _: () = shared::<client::Client>();
const _: () = shared::<outcome::Outcome>();
// ... and these may go from one to another.
const fn moved<T: Send>() {}
const _: () = moved::<config::Config>();
const _: () = moved::<batch::Batch>();
