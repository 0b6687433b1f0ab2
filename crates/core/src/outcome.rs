//! What a call tells: code, kind, problem details, attempts, proof; and events on the way.

pub(crate) mod code;
pub(crate) mod event;
pub(crate) mod json;
pub(crate) mod lost;
pub(crate) mod outcome;
pub(crate) mod problem;
pub(crate) mod result;
pub(crate) mod retryable;
