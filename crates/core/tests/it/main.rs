//! The tests of core that need a network, in one binary.

mod answers;
mod batch;
mod framing;
mod inputs;
mod phases;
mod prove;
mod proxy;
mod support;
mod tls;
