//! The C ABI of mpt-tokens: `include/mpt_tokens.h`, whose text is made from the documentation of the items here.
//!
//! It translates and decides nothing: what a call means is said by core. Every call comes in by `entry` or `panic`, which let no panic out; `pointers` checks what C gives.
//! The header has its functions in the order of the modules here.

mod entry;
mod panic;
mod pointers;
mod poll;
// Apart, so that rustfmt leaves the order as it is.
mod config;

mod client;

mod batch;

mod outcome;

mod codes;

/// The version of the binary interface: the number in the name of the shared library. It grows only when a program
/// that was built against an older one would no longer work; docs/abi.md says what may change without that.
pub const MPT_ABI_VERSION: u32 = 1;

// What the header says of threads, proved by the compiler: these may be shared between threads...
const fn shared<T: Send + Sync>() {}
const _: () = shared::<client::Client>();
const _: () = shared::<outcome::Outcome>();
// ... and these may go from one to another.
const fn moved<T: Send>() {}
const _: () = moved::<config::Config>();
const _: () = moved::<batch::Batch>();
