//! The sandbox over real sockets.

mod client;
mod contract;
mod docs;
mod faults;
mod outage;
mod service;
