//! The tests of core that need a network, in one binary.

mod batch;
mod inputs;
mod prove;
