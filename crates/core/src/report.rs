//! What a call tells: code, outcome, problem details, attempts, proof.

pub(crate) mod code;
pub(crate) mod json;
pub(crate) mod problem;
pub(crate) mod report;
pub(crate) mod result;
pub(crate) mod retryable;
