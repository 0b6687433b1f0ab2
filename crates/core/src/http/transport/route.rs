//! How connections are opened: where to, and from where.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use crate::http::transport::resolve::Lookup;

/// What a client says of every connection that it opens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Route {
    /// How names are looked up.
    pub(crate) lookup: Lookup,
    /// The address of this machine to connect from.
    pub(crate) local: Option<IpAddr>,
    /// The Unix socket to connect to, in place of any host.
    pub(crate) socket: Option<Arc<Path>>,
}
