//! `mpt-tokens delete`, and `mpt-tokens burn`, which is the same with other credentials.

mod bytes;
mod confirm;
mod decode;
mod entries;
mod fault;
mod gunzip;
mod input;
mod json;
mod line;
mod output;
mod pauses;
mod progress;
mod rate;
mod record;
mod report;
mod table;

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use mpt_tokens::{BatchOptions, Client, ClientBuilder, Code, Journal, Stopped, TokenId};
use mpt_tokens_sandbox::Sandbox;

use crate::args::{DeleteArgs, Prove};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::leaks::Leaks;
use crate::status;
use crate::stdout::Stdout;
use crate::text::tokens;
use bytes::List;
pub(crate) use bytes::is_stdin;
pub(crate) use gunzip::Gunzip;
use input::{Named, Source, Survey};
use output::Output;
use pauses::Pauses;
use progress::Progress;
use record::Record;
use report::Report;

/// Does what `delete` was told; gives the exit status.
pub(crate) fn run(args: &DeleteArgs) -> Result<u8, Failure> {
    crate::log::listen(args.run.detail(), args.run.quiet);
    let interrupt = Interrupt::listen()
        .map_err(|error| Failure::usage(format!("cannot listen for signals: {error}")))?;
    if Stdout::open()?.is_nowhere() && !args.run.quiet {
        // Without standard error, nobody can be informed.
        let _ = io::stderr().write_all(
            b"note: standard output is closed or discarded, so no outcome is printed there\n",
        );
    }
    let leaks = Leaks::of(args)?;
    let leaked = if args.burn { Leaks::values } else { Leaks::items };
    let leaked = leaks.as_ref().map(leaked).unwrap_or_default();
    let named = Named { ids: &args.ids, any_id: args.any_id, leaked: &leaked };
    let list = args.from.as_deref().map(List::open).transpose()?;
    let mut list = list.map(|list| list.with_column(args.column.as_deref()));
    check(args, list.as_ref())?;
    // It lives as long as the run.
    let (client, _sandbox) = if args.run.sandbox {
        let sandbox = start_sandbox(args, named, list.as_mut())?;
        let builder = Client::builder().base_url(sandbox.base_url()).api_token(sandbox.api_token());
        (client(args, builder, &interrupt)?, Some(sandbox))
    } else {
        (client(args, from_env(args)?, &interrupt)?, None)
    };
    let own = |id: &str| client.is_own_token(id);
    let survey = Survey::of(named, list.as_mut(), own, confirm::SHOWN)?;
    survey.check_empty(list.as_ref(), args.run.allow_empty)?;
    let incomplete = leaks.as_ref().and_then(Leaks::incomplete);
    let mut options = BatchOptions::new()
        .concurrency(args.run.concurrency)
        .missing_ok(args.missing_ok)
        .allow_own_token(args.allow_own_token)
        .prove(args.prove().is_some())
        .burn(args.burn)
        .replay(args.run.replay)
        .patience(args.run.patience);
    if args.run.dry_run {
        return dry_run(args, &client, named, list, &survey, options, incomplete);
    }
    confirm::confirm(args, &client, named, &survey, list.as_ref(), &options)?;
    let journal = match &args.run.journal {
        None => None,
        Some(path) => {
            Some(Journal::open(path, &client).map_err(|error| Failure::usage(error.to_string()))?)
        }
    };
    if let Some(journal) = &journal {
        options = options.journal(journal.clone());
    }
    let record = args.run.output.as_deref().map(Record::open).transpose()?;
    let audit = args.run.report.as_deref();
    let audit = audit.map(|path| Report::begin(path, args, &client, survey.count)).transpose()?;
    let source = Source::last(named, list, &survey);
    carry_out(
        args,
        &client,
        source,
        &options,
        journal.as_ref(),
        record,
        audit,
        survey.count,
        incomplete,
        &interrupt,
    )
}

fn check(args: &DeleteArgs, list: Option<&List>) -> Result<(), Failure> {
    if args.ids.is_empty() && list.is_none() && args.leaked_in.is_empty() {
        return Err(Failure::usage(
            "no token id is given: expected one such as TKN-1671-0642, --from FILE, or --leaked-in PATH",
        ));
    }
    if args.ids.iter().any(|id| TokenId::new(id).is_err_and(|error| error.is_token_value())) {
        return Err(Failure::usage(
            "a token value is given as an argument, where every user of this machine can read it: put it into a file, \
             and give --from FILE",
        ));
    }
    let token_from_stdin = args.token_file.as_deref().is_some_and(is_stdin);
    if token_from_stdin && list.is_some_and(List::is_stdin) {
        return Err(Failure::usage(
            "both the API token and the ids would come from standard input: give one of them in a file",
        ));
    }
    Ok(())
}

fn from_env(args: &DeleteArgs) -> Result<ClientBuilder, Failure> {
    let mut builder = ClientBuilder::from_env();
    if let Some(path) = &args.token_file {
        builder = builder.api_token(input::token_from(path)?.as_str());
    }
    if let Some(url) = &args.run.base_url {
        builder = builder.base_url(url);
    }
    if let Some(path) = &args.run.ca_file {
        builder = builder.ca_file(path);
    }
    Ok(match args.run.proxy.as_deref() {
        None => builder,
        Some("none") => builder.no_proxy(),
        Some(url) => builder.proxy(url),
    })
}

fn client(
    args: &DeleteArgs,
    builder: ClientBuilder,
    interrupt: &Interrupt,
) -> Result<Client, Failure> {
    Ok(builder
        .timeout(args.run.timeout)
        .attempts(args.run.attempts)
        .missing_ok(args.missing_ok)
        .allow_own_token(args.allow_own_token)
        .burn_only(args.burn)
        .user_agent("mpt-tokens-cli")
        .cancel(interrupt.cancel().clone())
        .build()?)
}

/// A stand-in where the tokens of the list exist.
fn start_sandbox(
    args: &DeleteArgs,
    named: Named,
    list: Option<&mut List>,
) -> Result<Sandbox, Failure> {
    let named = Survey::of(named, list, |_| false, usize::MAX)?.first;
    Sandbox::builder()
        .tokens(named)
        .any_secret(args.burn)
        .start()
        .map_err(|error| Failure::usage(format!("the sandbox cannot start: {error}")))
}

/// Prints what would be sent. The status says whether all of it would be.
fn dry_run(
    args: &DeleteArgs,
    client: &Client,
    named: Named,
    list: Option<List>,
    survey: &Survey,
    mut options: BatchOptions,
    incomplete: Option<String>,
) -> Result<u8, Failure> {
    if let Some(path) = &args.run.journal {
        let journal =
            Journal::look(path, client).map_err(|error| Failure::usage(error.to_string()))?;
        options = options.journal(journal);
    }
    let mut out = Stdout::open()?;
    let output = Output::new(args.run.format(), args.run.quiet);
    let mut source = Source::last(named, list, survey);
    let (mut sent, mut refused) = (0, 0);
    let mut would_do = client.dry_run(&mut source, &options)?;
    for report in would_do.by_ref() {
        *if report.code() == Code::Skipped { &mut sent } else { &mut refused } += 1;
        out.print(&output.dry_run_line(&report)).map_err(|error| Failure::output(&error))?;
    }
    let (duplicates, done) = (would_do.duplicates(), would_do.already_done());
    drop(would_do);
    if !args.run.quiet {
        let mut text = format!("nothing was sent: {} would be deleted", tokens(sent));
        for (count, word) in [
            (refused, "would be refused"),
            (duplicates, "listed more than once"),
            (done, "already done"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {word}"));
            }
        }
        // Without standard error, nobody can be informed.
        let _ = writeln!(io::stderr(), "{text}");
    }
    if let Some(trouble) = source.trouble().map(str::to_owned).or(incomplete) {
        return Err(Failure::usage(trouble));
    }
    Ok(if refused > 0 { status::NOT_DELETED } else { status::DONE })
}

#[allow(clippy::too_many_arguments, reason = "all that a run is made of")]
fn carry_out(
    args: &DeleteArgs,
    client: &Client,
    mut source: Source,
    options: &BatchOptions,
    journal: Option<&Journal>,
    mut record: Option<Record>,
    mut audit: Option<Report>,
    count: u64,
    incomplete: Option<String>,
    interrupt: &Interrupt,
) -> Result<u8, Failure> {
    let mut out = Stdout::open()?;
    let started = Instant::now();
    let mut output = Output::new(args.run.format(), args.run.quiet);
    interrupt.begin();
    let mut batch = client.batch(&mut source, options)?;
    let show = !args.run.quiet && !args.run.no_progress && count > 1 && io::stderr().is_terminal();
    let progress = Progress::new(show, Some(count), batch.handle());
    crate::log::through(Some(Box::new(progress.lines())));
    let pauses = Pauses::tell(!show && !args.run.quiet, batch.handle(), args.run.patience);
    interrupt.stop_batch(batch.handle(), progress.teller());
    let mut lost_output: Option<io::Error> = None;
    let mut lost_record: Option<String> = None;
    while let Some(report) = batch.next() {
        if let Some(kept) = &mut record
            && let Err(error) = kept.line(&output::json(&report))
        {
            lost_record = Some(kept.trouble(&error));
            record = None;
            // Outcomes that are not recorded must not become more.
            batch.stop();
        }
        if let Some(audit) = &mut audit {
            audit.add(&report);
        }
        let line = output.line(&report);
        let written = progress.advance(&batch.summary(), || match (&line, &lost_output) {
            (None, _) => Ok(()),
            (Some(line), None) => out.print(line),
            // What is under way ends, and is told where it still can be.
            (Some(_), Some(_)) => {
                output.tell_on_stderr(&report);
                Ok(())
            }
        });
        if let Err(error) = written {
            // Outcomes that nobody hears of must not become more.
            batch.stop();
            progress.advance(&batch.summary(), || output.tell_on_stderr(&report));
            lost_output = Some(error);
        }
    }
    let summary = batch.summary();
    let stopped = batch.stopped();
    drop(batch);
    pauses.end();
    interrupt.end();
    crate::log::through(None);
    progress.end();
    if let Some(kept) = &record
        && let Err(error) = kept.sync()
    {
        lost_record = Some(kept.trouble(&error));
    }

    let pulled = summary.total + summary.duplicates + summary.already_done;
    let left = count.saturating_sub(pulled);
    let mut notes = Vec::new();
    if let Some(why @ (Stopped::Unauthorized | Stopped::Paused(_) | Stopped::NoAnswer(_))) =
        &stopped
    {
        notes.push(format!("stopped: {why}"));
    }
    if interrupt.is_hit() {
        notes.push("interrupted: every token that was tried is reported".to_owned());
    }
    let mut trouble = source.trouble().map(str::to_owned).or(incomplete);
    let told = audit.map(|it| it.end(&summary, left, stopped.as_ref(), interrupt.is_hit()));
    if let Some(Err(why)) = &told {
        trouble.get_or_insert(why.clone());
    }
    if let Some(failure) = journal.and_then(Journal::failure) {
        trouble.get_or_insert(failure.to_string());
    }
    if let Some(why) = lost_record {
        notes.push("the file of --output is incomplete, so no more tokens were deleted".to_owned());
        trouble.get_or_insert(why);
    }
    if let Some(error) = &lost_output {
        let closed = error.kind() == io::ErrorKind::BrokenPipe;
        let why = if closed { "was closed" } else { "cannot be written" };
        notes.push(format!("the output {why}, so no more tokens were deleted"));
        if let Some(message) = Failure::output(error).message() {
            trouble.get_or_insert(message.to_owned());
        }
    }
    if left > 0 {
        notes.push(format!("the rest of the list, {}, was not tried", tokens(left)));
    }
    if !args.run.quiet && (pulled != 1 || !notes.is_empty()) {
        // Without standard error, nobody can be informed.
        let _ =
            io::stderr().write_all(output.summary(&summary, started.elapsed(), &notes).as_bytes());
    }
    if let Some(Ok(line)) = told {
        // Without standard error, nobody can be informed.
        let _ = io::stderr().write_all(line.as_bytes());
    }
    if let Some(trouble) = &trouble {
        let _ = writeln!(io::stderr(), "error: {}", crate::text::plain(trouble));
    }
    Ok(if interrupt.is_hit() {
        status::INTERRUPTED
    } else if summary.unknown > 0
        || output.has_unproven()
        || (args.prove() == Some(Prove::All) && summary.without_value > 0)
    {
        status::UNKNOWN
    } else if trouble.is_some() {
        status::USAGE
    } else if summary.not_deleted > summary.not_found + summary.dead_values
        || left > 0
        || lost_output.is_some()
    {
        status::NOT_DELETED
    } else if summary.not_found + summary.dead_values > 0 {
        status::NOT_FOUND
    } else {
        status::DONE
    })
}
