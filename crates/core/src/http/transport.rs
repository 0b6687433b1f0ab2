//! Connections of our own under ureq's pool, which see the first byte of a request that is handed down.
//!
//! Only here is ureq's `unversioned` interface touched.

pub(crate) mod answer;
pub(crate) mod attempt;
pub(crate) mod buffers;
pub(crate) mod chunks;
pub(crate) mod connectors;
pub(crate) mod dial;
pub(crate) mod gzip;
pub(crate) mod limits;
pub(crate) mod no_wait;
pub(crate) mod not_http;
pub(crate) mod observed;
pub(crate) mod observer;
pub(crate) mod resolve;
pub(crate) mod route;
pub(crate) mod secure;
pub(crate) mod sessions;
pub(crate) mod tcp;
pub(crate) mod tls_records;
