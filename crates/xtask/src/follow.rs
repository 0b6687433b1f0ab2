//! Follows a README to the letter, in an empty folder: each block marked `sh` is run, each other one is put into the
//! file that the paragraph before it names first (code with a dot in it). At the end the token that it deletes must be dead.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use mpt_tokens_sandbox::{Sandbox, Status};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::artifacts::Library;
use crate::log::Log;
use crate::repo;

/// The token that every README deletes.
const ID: &str = "TKN-1671-0642";

/// Follows `document`. Its reader has a clone at `$MPT_TOKENS`, an installed library, and what `environment` adds.
pub(crate) fn follow(
    log: &mut Log,
    library: &Library,
    document: &str,
    environment: impl Fn(&mut Command, &Path),
) -> Result<()> {
    let text = fs::read_to_string(repo::root().join(document))
        .with_context(|| format!("cannot read {document}"))?;
    let steps = steps(&text).with_context(|| document.to_owned())?;
    if !steps.iter().any(|step| matches!(step, Step::Run(_))) {
        bail!("{document} has no block marked `sh`");
    }
    let folder = repo::target().join("xtask/follow").join(document.replace('/', "-"));
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;

    let sandbox = Sandbox::builder().tokens([ID]).start().context("the sandbox does not start")?;
    for step in steps {
        match step {
            Step::Write { file, text } => {
                let file = folder.join(file);
                fs::write(&file, text)
                    .with_context(|| format!("cannot write {}", file.display()))?;
            }
            Step::Run(script) => {
                let mut shell = Command::new("sh");
                shell.current_dir(&folder).args(["-euc", &script]).env("MPT_TOKENS", repo::root());
                shell.env("MPT_API_TOKEN", sandbox.api_token());
                shell.env("MPT_API_BASE_URL", sandbox.base_url());
                library.installed_for(&mut shell)?;
                environment(&mut shell, &folder);
                log.run(&mut shell)?;
            }
        }
    }
    let truth = sandbox.truth(ID);
    if truth.status != Status::Deleted || truth.requests != 1 {
        bail!("{document} was followed, but of the token {ID} this is true: {truth:?}");
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Step {
    Write { file: String, text: String },
    Run(String),
}

fn steps(document: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut named = None;
    let mut block: Option<(String, String)> = None;
    for event in Parser::new(document) {
        match event {
            Event::Start(Tag::Paragraph) => named = None,
            Event::Code(name) if name.contains('.') && !name.contains(' ') => {
                named = named.or_else(|| Some(name.to_string()));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                block = Some((language.to_string(), String::new()));
            }
            Event::Text(code) => {
                if let Some((_, text)) = &mut block {
                    text.push_str(&code);
                }
            }
            Event::End(TagEnd::CodeBlock) => match block.take() {
                Some((language, text)) if language == "sh" => steps.push(Step::Run(text)),
                Some((_, text)) => {
                    let file = named.take().context("a block has no file named before it")?;
                    steps.push(Step::Write { file, text });
                }
                None => {}
            },
            _ => {}
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_is_named_and_runs_what_is_shell() {
        let document = "x `y`\n\n`Z`, `delete.rb`, `a.b`:\n```ruby\nputs 1\n```\nthen\n```sh\nruby delete.rb\n```\n";
        let write = Step::Write { file: "delete.rb".to_owned(), text: "puts 1\n".to_owned() };
        assert_eq!(steps(document).unwrap(), [write, Step::Run("ruby delete.rb\n".to_owned())]);
        assert!(steps("```ruby\nputs 1\n```\n").is_err());
    }
}
