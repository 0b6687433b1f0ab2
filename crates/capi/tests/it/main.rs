//! The library as C and C++ programs see it: each test compiles a program and runs it against a sandbox.

mod build;
mod driver;
mod ended;
mod examples;
mod ffi;
mod header;
mod loading;
mod man;
mod memory;
mod processes;
mod small_stack;
mod wrapper;
mod wrapper_types;
