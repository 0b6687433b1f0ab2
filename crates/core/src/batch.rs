//! Many calls: the queue, the workers, the shared rate.

pub(crate) mod admission;
pub(crate) mod batch;
pub(crate) mod credential;
pub(crate) mod dry_run;
pub(crate) mod job;
pub(crate) mod options;
pub(crate) mod patience;
pub(crate) mod pull;
pub(crate) mod put_off;
pub(crate) mod rate_limiter;
pub(crate) mod run;
pub(crate) mod settle;
pub(crate) mod stopped;
pub(crate) mod summary;
pub(crate) mod workers;
