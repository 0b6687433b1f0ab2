//! `cargo xtask header`: `include/mpt_tokens.h`, made by cbindgen from the C crate and committed, and
//! `include/mpt_tokens.ffi.h`, the same declarations for tools that have no preprocessor, and `crates/capi/man`, the
//! manual pages. Debian's list of symbols comes from it, too.

mod declarations;
mod ffi;
mod man;
mod symbols;

use std::fmt::Write as _;

use anyhow::{Context, Result, anyhow, bail};

use crate::{made, repo};

/// Brings the headers up to date, or fails where one is not when nothing may be changed.
pub(crate) fn run(check: bool) -> Result<()> {
    let include = repo::root().join("include");
    let header = generate()?;
    made::keep(&include.join("mpt_tokens.h"), &header, "header", check)?;
    made::keep(&include.join("mpt_tokens.ffi.h"), &ffi::generate(&header)?, "header", check)?;
    let symbols = repo::root().join("contrib/packaging/debian/libmpt-tokens1.symbols");
    made::keep(&symbols, &symbols::generate(&header)?, "header", check)?;
    made::keep_all(
        &repo::root().join("crates/capi/man"),
        "3",
        &man::generate(&header)?,
        "header",
        check,
    )
}

fn generate() -> Result<String> {
    let folder = repo::root().join("crates/capi");
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml"))
        .map_err(|why| anyhow!("crates/capi/cbindgen.toml: {why}"))?;
    let bindings = cbindgen::Builder::new().with_crate(folder).with_config(config).generate()?;
    let mut header = Vec::new();
    bindings.write(&mut header);
    finish(&String::from_utf8(header).context("the header is not UTF-8")?)
}

/// Puts in what cbindgen cannot know, and makes it C89, which has no `//`.
fn finish(header: &str) -> Result<String> {
    let mut header: String = header
        .lines()
        .map(|line| match line.split_once("//") {
            Some((code, comment)) if line.starts_with(['#', '}']) => {
                format!("{} /*{comment} */\n", code.trim_end())
            }
            _ => format!("{line}\n"),
        })
        .collect();
    while header.contains("\n\n\n") {
        header = header.replace("\n\n\n", "\n\n");
    }
    header = declarations::finish(&header)?;
    for (mark, text) in [("/*@VERSION@*/", version()?), ("/*@CODES@*/", codes())] {
        if header.matches(mark).count() != 1 {
            bail!("crates/capi/cbindgen.toml has no {mark}, or more than one");
        }
        header = header.replace(mark, text.trim_end());
    }
    Ok(header)
}

fn version() -> Result<String> {
    let whole = mpt_tokens::VERSION;
    let numbers = whole.split(['-', '+']).next().unwrap_or_default();
    let parts: Result<Vec<u32>, _> = numbers.split('.').map(str::parse).collect();
    let Ok([major, minor, patch]) = parts.as_deref() else {
        bail!("the version {whole} has not three numbers")
    };
    Ok(format!(
        "/** The version of this header; mpt_version tells that of the library that runs. */\n\
         #define MPT_VERSION \"{whole}\"\n\
         /** Its first number. */\n\
         #define MPT_VERSION_MAJOR {major}\n\
         /** Its second number. */\n\
         #define MPT_VERSION_MINOR {minor}\n\
         /** Its third number. */\n\
         #define MPT_VERSION_PATCH {patch}\n\
         /** The version as one number that grows, for the preprocessor: 0xMMmmpp. */\n\
         #define MPT_VERSION_NUMBER 0x{major:02x}{minor:02x}{patch:02x}\n\
         /** Whether this header is of that version or a later one; for the preprocessor, too. */\n\
         #define MPT_VERSION_AT_LEAST(major, minor, patch) \\\n    \
             (MPT_VERSION_NUMBER >= (((major) << 16) | ((minor) << 8) | (patch)))\n"
    ))
}

/// The codes as core has them: number, meaning and outcome.
fn codes() -> String {
    let mut text =
        "/** @name Codes\n * What happened: see mpt_code. After each, the outcome that it comes with. @{ */\n"
            .to_owned();
    for code in mpt_tokens::Code::ALL {
        let (name, number) = (code.name().to_uppercase(), code.number());
        let about = format!("{}. Outcome: {}.", code.meaning(), code.outcome_rule());
        // Doxygen reads these as commands, even in quotes.
        let lines = wrapped(
            &about
                .replace("`\\`", "a backslash")
                .replace("`%`", "a percent sign")
                .replace('`', "\""),
        );
        let _ = writeln!(text, "{lines}#define MPT_{name} {number}");
    }
    text + "/** @} */\n"
}

/// A comment of lines that fit, one line where that is enough.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 105;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && last.len() + word.len() >= WIDTH {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    match &lines[..] {
        [one] => format!("/** {one} */\n"),
        more => format!("/**\n * {}\n */\n", more.join("\n * ")),
    }
}
