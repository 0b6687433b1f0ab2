//! The tests of core that need a network, in one binary.

mod inputs;
