//! The question before deleting.

use std::io::{self, BufRead, IsTerminal, Write};

use mpt_tokens::{Client, Journal};

use crate::args::DeleteArgs;
use crate::delete::input::{From, Survey};
use crate::failure::Failure;
use crate::status;
use crate::text::{plain, tokens};

/// How many ids the question names.
pub(crate) const SHOWN: usize = 3;

/// Asks, where it must be asked.
pub(crate) fn confirm(
    args: &DeleteArgs,
    client: &Client,
    survey: &Survey,
    from: Option<&From>,
) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    let stream = matches!(from, Some(From::Stream(_)));
    if stream {
        return Err(Failure::usage(
            "tokens from a stream cannot be counted and asked about before: give --yes, or a file",
        ));
    }
    if !io::stdin().is_terminal() {
        if survey.count <= 1 {
            return Ok(());
        }
        return Err(Failure::usage(format!(
            "{} would be deleted, and there is no terminal to ask on: give --yes, or see them with --dry-run",
            tokens(survey.count)
        )));
    }
    let mut question =
        format!("about to delete {} at {}:\n", tokens(survey.count), client.endpoint());
    for id in &survey.first {
        question.push_str(&format!("  {}\n", plain(id)));
    }
    let more = survey.count - survey.first.len() as u64;
    if more > 0 {
        question.push_str(&format!("  and {more} more\n"));
    }
    if survey.own {
        question.push_str(if args.allow_own_token {
            "the token in use is among them: it goes last, and works no more after that\n"
        } else {
            "the token in use is among them: it will not be deleted without --allow-own-token\n"
        });
    }
    // Before the answer, so that a journal that cannot be used is found before it.
    let journal = args.journal.as_ref().map(|path| Journal::look(path, client));
    let journal = journal.transpose().map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(resumed) = journal.as_ref().and_then(Journal::resumed) {
        question.push_str(&format!(
            "the journal knows {} to be dead: what of them is in the list is not asked again\n",
            tokens(resumed.dead)
        ));
    }
    question.push_str("a deleted token cannot be restored. delete? [y/N] ");
    let mut err = io::stderr().lock();
    let asked = err.write_all(question.as_bytes()).and_then(|()| err.flush());
    asked.map_err(|error| Failure::usage(format!("the question cannot be asked: {error}")))?;
    drop(err);
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::usage(format!("the answer cannot be read: {error}")))?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    // At the end of the input, the cursor still stands after the question.
    let start = if answer.ends_with('\n') { "" } else { "\n" };
    // Where nobody sees it, nobody was asked.
    let _ = writeln!(io::stderr(), "{start}nothing was deleted");
    Err(Failure::silent(status::NOT_DELETED))
}
