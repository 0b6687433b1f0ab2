//! One attempt on the network. Only here is ureq named.

pub(crate) mod credential;
pub(crate) mod network;
pub(crate) mod pool;
pub(crate) mod proxy;
pub(crate) mod request;
pub(crate) mod retry_after;
pub(crate) mod sender;
pub(crate) mod shown_headers;
pub(crate) mod tls;
pub(crate) mod transport;
pub(crate) mod wiped;
