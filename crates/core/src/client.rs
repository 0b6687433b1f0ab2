//! One call, as a user makes it: the builder, the options, the proof.

pub(crate) mod builder;
pub(crate) mod burn;
pub(crate) mod client;
pub(crate) mod options;
pub(crate) mod prove;
