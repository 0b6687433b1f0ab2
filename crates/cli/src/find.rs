//! `mpt-tokens find`.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::ops::ControlFlow;

use mpt_tokens::{Fingerprint, FingerprintKey};
use serde::Serialize;

use crate::args::{FindArgs, Format};
use crate::failure::Failure;
use crate::search::{News, Searched, search};
use crate::status::find as found;
use crate::stdout::Stdout;
use crate::text::{places, plain, plain_json, tokens};

/// How many places are named that only look like values.
const NAMED: usize = 10;

/// A line of JSON, as docs/find.schema.json says.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Place { id: &'a str, fingerprint: String, path: &'a str, line: u64, column: u64 },
    Value { id: &'a str, fingerprint: String, places: u64, files: u64 },
}

fn json(line: &Line) -> String {
    let line = serde_json::to_string(line);
    let line = line.unwrap_or_else(|error| unreachable!("a line is plain data: {error}"));
    format!("{}\n", plain_json(&line))
}

/// One value: where it was found, without it.
struct Seen {
    id: String,
    fingerprint: Fingerprint,
    places: u64,
    files: u64,
    /// The file of the last place.
    last: Option<String>,
}

/// Does what `find` was told; gives the exit status.
pub(crate) fn run(args: &FindArgs) -> Result<u8, Failure> {
    if args.paths.is_empty() && is_pipe() {
        return Err(Failure::usage(
            "standard input is a pipe: give `-` to search it, or `.` to search the current folder",
        ));
    }
    let key = FingerprintKey::new().map_err(|error| Failure::usage(error.to_string()))?;
    let mut out = Stdout::open()?;
    let mut seen: Vec<Seen> = Vec::new();
    let mut known = HashMap::new();
    let mut unclear = (Vec::new(), 0_u64);
    let mut lost = None;
    let searched = search(&args.paths, &args.search, |path, news| {
        let value = match news {
            News::Unreadable(error) => {
                // Without standard error, nobody can be informed.
                let _ = writeln!(io::stderr(), "error: `{path}` cannot be read: {error}");
                return ControlFlow::Continue(());
            }
            News::Found(value) => value,
        };
        let place = format!("{path}:{}:{}", value.line(), value.column());
        let id = plain(value.token_id());
        let Some(fingerprint) = value.value().map(|value| key.of(value)) else {
            unclear.1 += 1;
            if unclear.0.len() < NAMED {
                unclear.0.push(format!("{place}: {id}"));
            }
            return ControlFlow::Continue(());
        };
        let line = match args.format() {
            Format::Text => format!("{place}: {id} {fingerprint}\n"),
            Format::Ndjson => {
                let (line, column) = (value.line(), value.column());
                let id = value.token_id();
                json(&Line::Place { id, fingerprint: fingerprint.to_string(), path, line, column })
            }
        };
        note(&mut seen, &mut known, value.token_id(), fingerprint, path);
        match out.print(&line) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                lost = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    let status = if searched.unreadable > 0 {
        found::INCOMPLETE
    } else if seen.is_empty() {
        found::NONE
    } else {
        found::SOME
    };
    if args.format() == Format::Ndjson && lost.is_none() {
        for Seen { id, fingerprint, places, files, .. } in &seen {
            let fingerprint = fingerprint.to_string();
            let line = json(&Line::Value { id, fingerprint, places: *places, files: *files });
            if let Err(error) = out.print(&line) {
                lost = Some(error);
                break;
            }
        }
    }
    match lost {
        // Whoever closed it has seen enough.
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(found::SOME),
        Some(error) => return Err(Failure::output(&error)),
        None => {}
    }
    if !args.quiet {
        // Without standard error, nobody can be informed.
        let _ = io::stderr().write_all(summary(&seen, unclear, searched).as_bytes());
    }
    Ok(status)
}

/// Whether something is piped in: who forgets the `-` must not take what is said of a folder for an answer.
#[cfg(unix)]
fn is_pipe() -> bool {
    use rustix::fs::FileType;

    let stat = rustix::fs::fstat(io::stdin());
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
}

/// Likewise. The terminals of Cygwin and MSYS are pipes, too.
#[cfg(windows)]
fn is_pipe() -> bool {
    use std::io::IsTerminal;

    use winapi_util::{HandleRef, file};

    file::typ(HandleRef::stdin()).is_ok_and(|typ| typ.is_pipe()) && !io::stdin().is_terminal()
}

fn note(
    seen: &mut Vec<Seen>,
    known: &mut HashMap<Fingerprint, usize>,
    id: &str,
    fingerprint: Fingerprint,
    path: &str,
) {
    let at = *known.entry(fingerprint).or_insert(seen.len());
    if at == seen.len() {
        let id = id.to_owned();
        seen.push(Seen { id, fingerprint, places: 0, files: 0, last: None });
    }
    let seen = &mut seen[at];
    seen.places += 1;
    // The places of a file come together.
    if seen.last.as_deref() != Some(path) {
        seen.files += 1;
        seen.last = Some(path.to_owned());
    }
}

/// What was found and how often, in words.
fn summary(seen: &[Seen], (unclear, count): (Vec<String>, u64), searched: Searched) -> String {
    let ids: BTreeSet<&str> = seen.iter().map(|seen| seen.id.as_str()).collect();
    let all = seen.iter().map(|seen| seen.places).sum();
    let mut text = match seen.len() {
        0 => "no token value".to_owned(),
        1 => format!("1 value of 1 token in {}", places(all)),
        values => format!("{values} values of {} in {}", tokens(ids.len() as u64), places(all)),
    };
    text.push_str(&format!("; searched {} {}", searched.files, plural(searched.files, "file")));
    text.push_str(&format!(", {}", size(searched.bytes)));
    if searched.unreadable > 0 {
        text.push_str(&format!("; {} could not be read", searched.unreadable));
    }
    text.push('\n');
    for Seen { id, fingerprint, places: count, files, .. } in seen {
        let files = if *files > 1 { format!(" in {files} files") } else { String::new() };
        text.push_str(&format!("  {} {fingerprint}  {}{files}\n", plain(id), places(*count)));
    }
    if count > 0 {
        text.push_str(&format!(
            "not counted: {} that {} like a value, cut short or with something in the place of its secret:\n",
            places(count),
            if count == 1 { "looks" } else { "look" },
        ));
        for place in &unclear {
            text.push_str(&format!("  {place}\n"));
        }
        if count > unclear.len() as u64 {
            text.push_str(&format!("  and {} more\n", count - unclear.len() as u64));
        }
    }
    text
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} {}", plural(bytes, "byte")),
    }
}
