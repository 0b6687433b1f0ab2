//! What a run prints: a line a token to standard output, the summary to standard error.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
#[cfg(windows)]
use console::Term;
use mpt_tokens::{BatchSummary, Code, Outcome, OutcomeKind};

use crate::args::Format;
use crate::text::{plain, plain_json, tokens};

/// How many ids the summary names at most.
const NAMED: usize = 20;

pub(crate) struct Output {
    format: Format,
    quiet: bool,
    colour: bool,
    /// Tokens that need attention: the first few, and how many in all.
    attention: Vec<Needy>,
    needy: u64,
    unproven: u64,
    /// How often each code came that is no success, and whether asking again can change it.
    codes: BTreeMap<(i32, bool), u64>,
}

/// A token that needs attention.
struct Needy {
    outcome: OutcomeKind,
    id: String,
    unproven: bool,
}

/// Whether colours may be used on a stream: on a terminal that knows them, unless `NO_COLOR` says no.
pub(crate) fn colour(stream: &impl IsTerminal) -> bool {
    let unset = |name: &str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    stream.is_terminal()
        && unset("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        && takes_escapes()
}

/// Whether a terminal takes the escape sequences that make colours.
#[cfg(unix)]
fn takes_escapes() -> bool {
    true
}

/// Likewise. A console of Windows shows them as text until it is asked to obey them, and for ever before Windows 10.
#[cfg(windows)]
fn takes_escapes() -> bool {
    // Both are the same console, where both are one.
    [Term::stdout(), Term::stderr()].map(|term| term.features().colors_supported()).contains(&true)
}

impl Output {
    pub(crate) fn new(format: Format, quiet: bool) -> Output {
        Output {
            format,
            quiet,
            colour: colour(&io::stdout()),
            attention: Vec::new(),
            needy: 0,
            unproven: 0,
            codes: BTreeMap::new(),
        }
    }

    /// Counts a report; gives the line to print for it, if any.
    pub(crate) fn line(&mut self, report: &Outcome) -> Option<String> {
        let unproven = report.proof().is_some_and(|proof| !proof.is_proven());
        let needy = !report.is_success() || unproven;
        if !report.is_success() {
            *self.codes.entry((report.code().number(), report.retryable())).or_default() += 1;
        }
        if needy {
            self.needy += 1;
            self.unproven += u64::from(unproven);
            // What was not tried at all is counted, not named: it may be the whole list.
            let skipped =
                report.code() == Code::Skipped && report.kind() == OutcomeKind::NotDeleted;
            if skipped {
                self.needy -= 1;
            } else if self.attention.len() < NAMED {
                let id = plain(report.id().unwrap_or_default()).into_owned();
                self.attention.push(Needy { outcome: report.kind(), id, unproven });
            }
        }
        match self.format {
            Format::Ndjson => Some(json(report)),
            Format::Text if self.quiet && !needy => None,
            Format::Text => Some(self.text(report)),
        }
    }

    fn text(&self, report: &Outcome) -> String {
        let outcome = report.kind();
        let id = plain(report.id().unwrap_or_default());
        let mut line = format!("{}  {id}", paint(outcome, self.colour));
        if outcome != OutcomeKind::Deleted || report.from_journal() {
            line.push_str("  ");
            line.push_str(&plain(report.message()));
        }
        if let Some(proof) = report.proof() {
            line.push_str("  ");
            let told = proof.to_string();
            line.push_str(&match proof.is_proven() {
                true => Cow::Borrowed("proven: the API answers its value with 401"),
                false => plain(&told),
            });
        }
        line.push('\n');
        line
    }

    /// The line of a report that standard output does not take.
    pub(crate) fn tell_on_stderr(&self, report: &Outcome) {
        // Without a standard error there is nobody to tell.
        let _ = io::stderr().write_all(format!("not written: {}", self.text(report)).as_bytes());
    }

    /// The line of a dry run.
    pub(crate) fn dry_run_line(&self, report: &Outcome) -> String {
        match self.format {
            Format::Ndjson => {
                // An outcome as any other (nothing was deleted), and marked.
                let mut line = serde_json::to_value(report)
                    .unwrap_or_else(|error| unreachable!("a report is plain data: {error}"));
                line["dry_run"] = true.into();
                format!("{}\n", plain_json(&line.to_string()))
            }
            Format::Text if report.code() == Code::Skipped => {
                format!("{}\n", plain(report.message()))
            }
            Format::Text => format!("would refuse: {}\n", plain(report.message())),
        }
    }

    pub(crate) fn has_unproven(&self) -> bool {
        self.unproven > 0
    }

    /// One line: how often what kept a token from being dead, and whether to run again.
    fn reasons(&self) -> Option<String> {
        let list = |again: bool| {
            let counts = self.codes.iter().filter(|((_, retryable), _)| *retryable == again);
            let words: Vec<String> = counts
                .filter_map(|((number, _), count)| {
                    Some(format!("{count} {}", Code::from_number(*number)?))
                })
                .collect();
            words.join(", ")
        };
        let parts = [(list(false), ""), (list(true), " (run again)")];
        let told: Vec<String> = parts
            .into_iter()
            .filter(|(words, _)| !words.is_empty())
            .map(|(words, advice)| words + advice)
            .collect();
        (!told.is_empty()).then(|| format!("why: {}\n", told.join("; ")))
    }

    /// The end of a run, in words: the counts, and the ids that need attention.
    pub(crate) fn summary(
        &self,
        summary: &BatchSummary,
        took: Duration,
        notes: &[String],
    ) -> String {
        let mut counts = Vec::new();
        for (count, word) in [
            (summary.deleted, "deleted"),
            (summary.gone, "gone"),
            (
                summary
                    .not_deleted
                    .saturating_sub(summary.skipped + summary.not_found + summary.dead_values),
                "not_deleted",
            ),
            (summary.not_found, "not found"),
            (summary.dead_values, "dead already or never a value"),
            (summary.skipped, "not tried"),
            (summary.unknown, "unknown"),
            (self.unproven, "not proven"),
            (
                summary.without_value,
                match summary.without_value {
                    1 => "has no value: not proven",
                    _ => "have no value: not proven",
                },
            ),
            (summary.put_off, "after more than one round"),
            (summary.duplicates, "listed more than once"),
            (summary.already_done, "already done"),
        ] {
            if count > 0 {
                counts.push(format!("{count} {word}"));
            }
        }
        let mut text = format!(
            "{} in {}{}{}\n",
            tokens(summary.total),
            seconds(took),
            if counts.is_empty() { "" } else { ": " },
            counts.join(", ")
        );
        if let Some(reasons) = self.reasons() {
            text.push_str(&reasons);
        }
        for note in notes {
            text.push_str(&plain(note));
            text.push('\n');
        }
        if !self.attention.is_empty() {
            text.push_str("these need attention:\n");
            let colour = colour(&io::stderr());
            for Needy { outcome, id, unproven } in &self.attention {
                let outcome = paint(*outcome, colour);
                let unproven = if *unproven { "  not proven" } else { "" };
                text.push_str(&format!("  {outcome}  {id}{unproven}\n"));
            }
            let more = self.needy - self.attention.len() as u64;
            if more > 0 {
                text.push_str(&format!("  and {more} more\n"));
            }
        }
        text
    }
}

/// A report as a line of JSON.
pub(crate) fn json(report: &Outcome) -> String {
    format!("{}\n", plain_json(&report.to_json()))
}

fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds => humantime::format_duration(Duration::from_secs(seconds)).to_string(),
    }
}

fn paint(outcome: OutcomeKind, colour: bool) -> String {
    let word = format!("{outcome:<11}");
    if !colour {
        return word;
    }
    let colour = match outcome {
        OutcomeKind::Deleted | OutcomeKind::Gone => AnsiColor::Green,
        OutcomeKind::NotDeleted => AnsiColor::Red,
        OutcomeKind::Unknown => AnsiColor::Yellow,
    };
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{style}{word}{style:#}")
}
