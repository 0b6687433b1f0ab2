//! The environment, which only the functions named `from_env` read.

/// A variable that is set. What is not Unicode comes with U+FFFD in it: the default must not stand in for a value that
/// was meant, and whoever checks the value refuses that character.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.into_string().unwrap_or_else(|bytes| bytes.to_string_lossy().into_owned()))
}
