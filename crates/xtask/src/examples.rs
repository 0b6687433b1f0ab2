//! Runs what the documents show. Whatever it is, at the end the one token that every document deletes must be dead, by
//! one request.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use mpt_tokens_sandbox::{Sandbox, Status};
use mpt_tokens_tools::{C_COMPILER, CPP_COMPILER, PYTHON, Tool, ci};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::artifacts::{self, Library};
use crate::log::Log;
use crate::tally::Tally;
use crate::{python, repo};

/// The token that every document deletes.
const ID: &str = "TKN-1671-0642";

/// Each block of a document by itself, a test each, but those marked `text` or `toml`, which nobody can run, and
/// `powershell`, which a step of its own parses.
pub(crate) fn test(log: &mut Log, document: &str) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut blocks = blocks(&read(document)?);
    blocks.retain(|block| !matches!(block.language.as_str(), "powershell" | "text" | "toml"));
    let folder = repo::empty("xtask/readme")?;
    for (number, block) in blocks.iter().enumerate() {
        let name = format!("{document}, block {}: {}", number + 1, block.language);
        let (ending, needs) = kind(&block.language)?;
        if let Some(missing) = needs.iter().find_map(Tool::missing).filter(|_| !ci()) {
            log.skip(&name, &missing);
            tally += Tally::SKIPPED;
            continue;
        }
        tally += log.one(&name, |log| {
            log.only(needs)?;
            let source = folder.join(format!("block{number}.{ending}"));
            fs::write(&source, &block.code)
                .with_context(|| format!("cannot write {}", source.display()))?;
            let mut command = command(log, &block.language, &source)?;
            deletes(|sandbox| log.run(known_to(&mut command, sandbox)))
        });
    }
    ensure!(!blocks.is_empty(), "{document} has no block to run");
    Ok(tally)
}

/// A whole document to the letter, in an empty folder: each block marked `sh` is run, each other one is put into the
/// file that the paragraph before it names first (code with a dot in it). Its reader has a clone at `$MPT_TOKENS`, an
/// installed library, and what `environment` adds.
pub(crate) fn follow(
    log: &mut Log,
    library: &Library,
    document: &str,
    environment: impl Fn(&mut Command, &Path),
) -> Result<()> {
    let blocks = blocks(&read(document)?);
    ensure!(
        blocks.iter().any(|block| block.language == "sh"),
        "{document} has no block marked `sh`"
    );
    let folder = repo::empty(&format!("xtask/follow/{}", document.replace('/', "-")))?;
    deletes(|sandbox| {
        for Block { file, language, code } in &blocks {
            if language == "sh" {
                let mut shell = Command::new("sh");
                shell.current_dir(&folder).args(["-euc", code]).env("MPT_TOKENS", repo::root());
                library.installed_for(&mut shell)?;
                environment(&mut shell, &folder);
                log.run(known_to(&mut shell, sandbox))?;
            } else {
                let file = file.as_ref().context("a block has no file named before it")?;
                fs::write(folder.join(file), code)
                    .with_context(|| format!("cannot write {file}"))?;
            }
        }
        Ok(())
    })
    .with_context(|| document.to_owned())
}

/// The blocks of a document that are marked `sh`.
pub(crate) fn shell(document: &str) -> Result<Vec<String>> {
    let blocks = blocks(&read(document)?).into_iter();
    Ok(blocks.filter(|block| block.language == "sh").map(|block| block.code).collect())
}

fn read(document: &str) -> Result<String> {
    fs::read_to_string(repo::root().join(document))
        .with_context(|| format!("cannot read {document}"))
}

/// Gives a sandbox of its own to something that is to delete the token.
fn deletes(run: impl FnOnce(&Sandbox) -> Result<()>) -> Result<()> {
    let sandbox = Sandbox::builder().tokens([ID]).start().context("the sandbox does not start")?;
    run(&sandbox)?;
    let truth = sandbox.truth(ID);
    if truth.status != Status::Deleted || truth.requests != 1 {
        bail!("it ended with success, but of the token {ID} this is true: {truth:?}");
    }
    Ok(())
}

fn known_to<'a>(command: &'a mut Command, sandbox: &Sandbox) -> &'a mut Command {
    command.env("MPT_API_TOKEN", sandbox.api_token()).env("MPT_API_BASE_URL", sandbox.base_url())
}

#[derive(Debug, PartialEq)]
struct Block {
    /// What the paragraph before it names first and no other block has taken.
    file: Option<String>,
    language: String,
    code: String,
}

/// Every fenced block.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut named = None;
    let mut open: Option<Block> = None;
    for event in Parser::new(document) {
        match event {
            Event::Start(Tag::Paragraph) => named = None,
            Event::Code(name) if name.contains('.') && !name.contains(' ') => {
                named = named.or_else(|| Some(name.to_string()));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                let language = language.to_string();
                let file = if language == "sh" { None } else { named.take() };
                open = Some(Block { file, language, code: String::new() });
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
    blocks
}

/// How the file of such a block ends, and what it needs of the machine.
fn kind(language: &str) -> Result<(&'static str, &'static [Tool])> {
    Ok(match language {
        "sh" => ("sh", &[]),
        "rust" => ("rs", &[]),
        "python" => ("py", &[PYTHON]),
        "c" => ("c", &[C_COMPILER]),
        "cpp" => ("cpp", &[CPP_COMPILER]),
        other => bail!(
            "nobody knows how to run a block marked {other:?}: mark it `text` if it is not to be run"
        ),
    })
}

/// Builds what the block needs and the block itself.
fn command(log: &mut Log, language: &str, source: &Path) -> Result<Command> {
    let program = source.with_extension("");
    Ok(match language {
        "sh" => {
            let mut folders = vec![artifacts::program(log, "cli")?];
            folders[0].pop();
            folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
            let mut command = Command::new("sh");
            command.arg("-eu").arg(source).env("PATH", std::env::join_paths(folders)?);
            command
        }
        "python" => {
            let mut command = python::dev(log, "python")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn finds(document: &str, expected: &[(Option<&str>, &str, &str)]) {
        let found = blocks(document);
        let found: Vec<_> = found
            .iter()
            .map(|block| (block.file.as_deref(), block.language.as_str(), block.code.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn finds_every_fenced_block() {
        finds(
            "a\n```sh\none\ntwo\n```\n\n`x`\n- in a list\n  ```c\n  int x;\n  ```\n",
            &[(None, "sh", "one\ntwo\n"), (None, "c", "int x;\n")],
        );
    }

    #[test]
    fn a_block_goes_into_the_file_that_is_named_first_before_it() {
        finds(
            "x `y`\n\n`Z`, `delete.rb`, `a.b`:\n```ruby\nputs 1\n```\nthen\n```sh\nruby delete.rb\n```\n```ruby\n```\n",
            &[
                (Some("delete.rb"), "ruby", "puts 1\n"),
                (None, "sh", "ruby delete.rb\n"),
                (None, "ruby", ""),
            ],
        );
    }

    #[test]
    fn a_block_of_an_unknown_language_is_an_error() {
        assert!(kind("fortran").is_err());
    }
}
