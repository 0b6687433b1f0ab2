//! Gives the shared library what a system linker and a package want of it.

/// The number of the ABI: the same as `MPT_ABI_VERSION`. docs/abi.md says when it grows.
const ABI: u32 = 1;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let env = |name: &str| std::env::var(name).unwrap_or_default();
    if env("CARGO_CFG_TARGET_VENDOR") == "apple" {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libmpt_tokens.{ABI}.dylib");
    } else if env("CARGO_CFG_TARGET_FAMILY") == "unix" {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmpt_tokens.so.{ABI}");
        // A Rust library leaves thread-local destructors behind: unloading it would make them jump into nothing.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
