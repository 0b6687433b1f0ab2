//! Runs what the README shows: every fenced block with a language, each against a sandbox of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::{C_COMPILER, CPP_COMPILER, PYTHON, Tool, ci};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::log::Log;
use crate::tally::Tally;
use crate::{artifacts, python, repo};

/// The token that every block must delete.
const ID: &str = "TKN-1671-0642";

/// Runs the blocks of one document, a test each.
pub(crate) fn test(log: &mut Log, document: &str) -> Result<Tally> {
    let file = repo::root().join(document);
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {document}"))?;
    let mut tally = Tally::default();
    for (number, block) in blocks(&text).into_iter().enumerate() {
        let name = format!("{document}, block {}: {}", number + 1, block.language);
        log.note(&format!("\n{name}"));
        let needs = needs(&block.language)?;
        if let Some(missing) = needs.iter().find_map(Tool::missing).filter(|_| !ci()) {
            log.skip(&name, &missing);
            tally += Tally::SKIPPED;
            continue;
        }
        tally += match log.only(needs).and_then(|()| run(log, number, &block)) {
            Ok(()) => Tally::PASSED,
            Err(why) => {
                log.note(&format!("{why:#}"));
                Tally::FAILED
            }
        };
    }
    if tally == Tally::default() {
        bail!("{document} has no block to run");
    }
    Ok(tally)
}

#[derive(Debug, PartialEq)]
struct Block {
    language: String,
    code: String,
}

/// Every fenced block but those marked `text` or `toml`, which nobody can run.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open = None;
    for event in Parser::new(document) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                open = Some(Block { language: language.to_string(), code: String::new() });
            }
            Event::Text(code) => {
                if let Some(block) = &mut open {
                    block.code.push_str(&code);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks.retain(|block| !matches!(block.language.as_str(), "text" | "toml"));
    blocks
}

fn run(log: &mut Log, number: usize, block: &Block) -> Result<()> {
    let folder = repo::target().join("xtask/readme");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let source = folder.join(format!("block{number}"));
    let source = source.with_extension(extension(&block.language));
    fs::write(&source, &block.code)
        .with_context(|| format!("cannot write {}", source.display()))?;
    let mut command = command(log, &block.language, &source)?;

    let sandbox = Sandbox::builder().tokens([ID]).start().context("the sandbox does not start")?;
    command.env("MPT_API_TOKEN", sandbox.api_token()).env("MPT_API_BASE_URL", sandbox.base_url());
    log.run(&mut command)?;
    let truth = sandbox.truth(ID);
    if truth.status != Status::Deleted || truth.requests != 1 {
        bail!("it ended with success, but of the token {ID} this is true: {truth:?}");
    }
    Ok(())
}

/// What a block needs of the machine.
fn needs(language: &str) -> Result<&'static [Tool]> {
    Ok(match language {
        "sh" | "rust" => &[],
        "python" => &[PYTHON],
        "c" => &[C_COMPILER],
        "cpp" => &[CPP_COMPILER],
        other => bail!(
            "nobody knows how to run a block marked {other:?}: mark it `text` if it is not to be run"
        ),
    })
}

fn extension(language: &str) -> &str {
    match language {
        "rust" => "rs",
        "python" => "py",
        other => other,
    }
}

/// Builds what the block needs and the block itself.
fn command(log: &mut Log, language: &str, source: &Path) -> Result<Command> {
    let program = source.with_extension("");
    Ok(match language {
        "sh" => {
            let mut command = Command::new("sh");
            command.arg("-eu").arg(source).env("PATH", path_with(&artifacts::program(log)?)?);
            command
        }
        "python" => {
            let mut command = python::installed(log, python::fitting()?, "dev")?.command("python");
            command.arg(source);
            command
        }
        "rust" => {
            artifacts::compile_rust(log, source, &program)?;
            Command::new(program)
        }
        _ => {
            artifacts::library(log)?.link(log, source, &program)?;
            Command::new(program)
        }
    })
}

/// `PATH` with the folder of `program` before all others.
fn path_with(program: &Path) -> Result<std::ffi::OsString> {
    let folder = program.parent().map(Path::to_owned).unwrap_or_default();
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder).chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).context("PATH cannot be put together")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_blocks_that_can_be_run() {
        let document = "a\n```sh\none\ntwo\n```\n\n```text\nno\n```\n`x`\n- in a list\n  ```c\n  int x;\n  ```\n";
        let block =
            |language: &str, code: &str| Block { language: language.into(), code: code.into() };
        assert_eq!(blocks(document), [block("sh", "one\ntwo\n"), block("c", "int x;\n")]);
    }

    #[test]
    fn a_block_of_an_unknown_language_is_an_error() {
        assert!(needs("fortran").is_err());
    }
}
