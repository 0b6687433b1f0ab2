//! The question before deleting.

use std::io::{self, BufRead, IsTerminal, Write};

use mpt_tokens::{BatchOptions, Client, Code, Journal};

use crate::args::DeleteArgs;
use crate::delete::bytes::List;
use crate::delete::input::{Named, Source, Survey};
use crate::failure::Failure;
use crate::status;
use crate::text::{plain, tokens};

/// How many ids the question names.
pub(crate) const SHOWN: usize = 3;

/// Asks, where it must be asked.
pub(crate) fn confirm(
    args: &DeleteArgs,
    client: &Client,
    named: Named,
    survey: &Survey,
    list: Option<&List>,
    options: &BatchOptions,
) -> Result<(), Failure> {
    if args.run.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        // What is found in a file was not named by anybody.
        if survey.alive() <= 1 && named.leaked.is_empty() {
            return Ok(());
        }
        return Err(Failure::usage(format!(
            "{} would be deleted, and there is no terminal to ask on: give --yes, or list them with --dry-run",
            if args.burn { values(survey.alive()) } else { tokens(survey.alive()) }
        )));
    }
    if list.is_some_and(List::is_stdin) {
        return Err(Failure::usage(
            "the list comes from the same terminal as your answer would: give --yes, or a file",
        ));
    }
    // Before the answer, so that a journal that cannot be used is found before it.
    let journal = args.run.journal.as_ref().map(|path| Journal::look(path, client));
    let journal = journal.transpose().map_err(|error| Failure::usage(error.to_string()))?;
    let mut options = options.clone();
    if let Some(journal) = &journal {
        options = options.journal(journal.clone());
    }
    let plan = Plan::of(client, named, survey, list, &options)?;
    let account = match client.own_token_id() {
        _ if args.burn => "each with its own value as the credential".to_owned(),
        Some(id) => format!("with the API token {}", plain(id)),
        None => "with an API token that does not contain its id".to_owned(),
    };
    let what = if args.burn { values } else { tokens };
    let mut question =
        format!("about to delete {} at {}, {account}:\n", what(plan.sent), client.endpoint());
    for id in &plan.first {
        question.push_str(&format!("  {}\n", plain(id)));
    }
    let more = plan.sent - plan.first.len() as u64;
    if more > 0 {
        question.push_str(&format!("  and {more} more\n"));
    }
    for (count, words) in [
        (plan.duplicates, "listed more than once: each token is deleted once"),
        (plan.refused, "would be refused, and is not counted above"),
    ] {
        if count > 0 {
            question.push_str(&format!("{count} {words}\n"));
        }
    }
    if args.prove().is_some() {
        question.push_str(
            "proof that it is dead will be requested for each token whose value is given\n",
        );
    }
    if survey.own {
        question.push_str(if args.allow_own_token {
            "the token in use is among them: it is deleted last, and stops working then\n"
        } else {
            "the token in use is among them: it will not be deleted without --allow-own-token\n"
        });
    }
    if let Some(resumed) = journal.as_ref().and_then(Journal::resumed) {
        question.push_str(&format!(
            "the journal lists {} as dead: no request is sent again for those in this list\n",
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

/// Two values may be of one token.
fn values(count: u64) -> String {
    if count == 1 {
        "the token of 1 value".to_owned()
    } else {
        format!("the tokens of {count} values")
    }
}

/// What would be done, as core sees it.
#[derive(Default)]
struct Plan {
    sent: u64,
    /// The first of them.
    first: Vec<String>,
    refused: u64,
    duplicates: u64,
}

impl Plan {
    fn of(
        client: &Client,
        named: Named,
        survey: &Survey,
        list: Option<&List>,
        options: &BatchOptions,
    ) -> Result<Plan, Failure> {
        let mut plan = Plan::default();
        let mut source = Source::new(named, list, survey);
        let mut would_do = client.dry_run(&mut source, options)?;
        for report in would_do.by_ref() {
            if report.code() != Code::Skipped {
                plan.refused += 1;
                continue;
            }
            plan.sent += 1;
            if plan.first.len() < SHOWN {
                plan.first.extend(report.id().map(str::to_owned));
            }
        }
        plan.duplicates = would_do.duplicates();
        Ok(plan)
    }
}
