//! From attempts to an outcome: the rules, and no I/O.

pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod history;
pub(crate) mod io;
pub(crate) mod message;
pub(crate) mod retry;
pub(crate) mod rules;

#[cfg(test)]
mod answers;
#[cfg(test)]
mod decisions;
