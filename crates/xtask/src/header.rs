//! `cargo xtask header`: `include/mpt_tokens.h`, made by cbindgen from the C crate and committed.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, anyhow, bail};

use crate::repo;

const HEADER: &str = "include/mpt_tokens.h";

/// Writes the header.
pub(crate) fn update() -> Result<()> {
    let header = generate()?;
    let file = repo::root().join(HEADER);
    if fs::read_to_string(&file).is_ok_and(|old| old == header) {
        return Ok(());
    }
    fs::write(&file, header).with_context(|| format!("cannot write {HEADER}"))?;
    println!("{HEADER} is new");
    Ok(())
}

/// Fails where the committed header is not what would be made.
pub(crate) fn check() -> Result<()> {
    let committed = fs::read_to_string(repo::root().join(HEADER))
        .with_context(|| format!("cannot read {HEADER}"))?;
    if committed != generate()? {
        bail!("{HEADER} is not what the C crate says: run `cargo xtask header`");
    }
    Ok(())
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
    for (mark, text) in [("/*@VERSION@*/", version()?), ("/*@CODES@*/", codes())] {
        if header.matches(mark).count() != 1 {
            bail!("crates/capi/cbindgen.toml has no {mark}, or more than one");
        }
        header = header.replace(mark, text.trim_end());
    }
    Ok(header)
}

fn version() -> Result<String> {
    let parts: Vec<u32> = mpt_tokens::VERSION
        .split(['-', '+'])
        .next()
        .unwrap_or_default()
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .with_context(|| format!("the version {}", mpt_tokens::VERSION))?;
    let [major, minor, patch] = parts[..] else {
        bail!("the version {} has not three parts", mpt_tokens::VERSION)
    };
    Ok(format!(
        "/** The version of this header; mpt_version tells that of the library that runs. */\n\
         #define MPT_VERSION \"{}\"\n\
         #define MPT_VERSION_MAJOR {major}\n\
         #define MPT_VERSION_MINOR {minor}\n\
         #define MPT_VERSION_PATCH {patch}\n\
         /** The version as one number that grows, for the preprocessor: 0xMMmmpp. */\n\
         #define MPT_VERSION_NUMBER 0x{major:02x}{minor:02x}{patch:02x}\n",
        mpt_tokens::VERSION
    ))
}

/// The codes as core has them: number, meaning and outcome.
fn codes() -> String {
    let mut text =
        "/** What happened: see mpt_code. After each, the outcome that it comes with. @{ */\n"
            .to_owned();
    for code in mpt_tokens::Code::ALL {
        let (name, number) = (code.name().to_uppercase(), code.number());
        let about = format!("{}. Outcome: {}.", code.meaning(), code.outcome_rule());
        let lines = wrapped(&about);
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
