//! The tests of core that need a network, in one binary.

mod answers;
mod batch;
mod budget;
mod burn;
mod connecting;
mod events;
mod examples;
mod faults;
mod framing;
mod inputs;
mod journal;
mod layers;
mod odd_answers;
mod options;
mod outage;
mod pace;
mod phases;
mod properties;
mod prove;
mod proxy;
#[cfg(feature = "search")]
mod scanning;
mod secrets;
mod sequences;
mod shown;
mod stopped;
mod support;
mod threads;
mod tls;
mod trust;
mod values;
