//! The list of tokens: from the arguments, then from a file or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use mpt_tokens::{ApiToken, BatchItem, Outcome, Pull, TokenId};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The longest line that is read, in bytes: scanners print whole findings.
const LONGEST_LINE: u64 = 1024 * 1024;
/// How many lines may be read ahead of what is deleted.
const AHEAD: usize = 64;
/// How long is waited for a line before the batch may look after its reports.
const LOOK: Duration = Duration::from_millis(10);

/// A list that cannot be read on: in words.
pub(crate) type Trouble = String;

/// What `--from` names.
#[derive(Clone, Debug)]
pub(crate) enum From {
    /// A regular file: it can be read twice, first to count and to check.
    File(PathBuf),
    /// Standard input, or a pipe: it is read once, as it comes.
    Stream(PathBuf),
}

impl From {
    pub(crate) fn new(path: &Path) -> Result<From, Failure> {
        if path == Path::new("-") {
            return Ok(From::Stream(path.to_owned()));
        }
        let metadata =
            path.metadata().map_err(|error| Failure::usage(cannot_read(path, &error)))?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!(
                "`{}` is a folder: expected a file",
                path.display()
            )));
        }
        let path = path.to_owned();
        Ok(if metadata.is_file() { From::File(path) } else { From::Stream(path) })
    }

    /// Opens what it names, for reading up to `limit` bytes.
    fn open(&self, limit: u64) -> Result<Lines, Trouble> {
        let (From::File(path) | From::Stream(path)) = self;
        let source: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
            Box::new(file.take(limit))
        };
        let name = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            format!("`{}`", path.display())
        };
        Ok(Lines { reader: BufReader::with_capacity(64 * 1024, source), name, number: 0 })
    }

    fn stamp(&self) -> Result<Stamp, Trouble> {
        let (From::File(path) | From::Stream(path)) = self;
        let metadata = path.metadata().map_err(|error| cannot_read(path, &error))?;
        Ok(Stamp { len: metadata.len(), modified: metadata.modified().ok() })
    }

    pub(crate) fn is_stdin(&self) -> bool {
        matches!(self, From::Stream(path) if path == Path::new("-"))
    }
}

/// By what a changed file is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
}

fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("`{}` cannot be read: {error}", path.display())
}

/// The tokens that a file or a stream names, one after the other.
struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    name: String,
    number: u64,
}

impl Iterator for Lines {
    type Item = Result<BatchItem, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.number += 1;
            let at =
                |what: &str| Some(Err(format!("line {} of {} {what}", self.number, self.name)));
            let mut line = Zeroizing::new(Vec::new());
            let read = (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut line);
            match read {
                Ok(0) => return None,
                Ok(len) if len as u64 == LONGEST_LINE => {
                    return at("is longer than a mebibyte: expected one token a line");
                }
                Ok(_) => {}
                Err(error) => return Some(Err(format!("{} cannot be read: {error}", self.name))),
            }
            let Ok(text) = std::str::from_utf8(&line) else {
                return at("is not UTF-8: expected one token a line");
            };
            if text.contains('\0') {
                return at("has a NUL character: expected one token a line, in UTF-8");
            }
            let text = text.trim_start_matches('\u{feff}').trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            return match item(text) {
                Ok(item) => Some(Ok(item)),
                Err(what) => at(what),
            };
        }
    }
}

/// What one line names. The refusals never repeat the line: it may hold a secret.
fn item(line: &str) -> Result<BatchItem, &'static str> {
    if line.starts_with('{') {
        let Ok(object) = serde_json::from_str::<Map<String, Value>>(line) else {
            return Err(
                "is not a JSON object: expected an object with the member `id`, on one line",
            );
        };
        // `Raw` and `Secret`: what trufflehog and gitleaks call a finding.
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let mut item = match (text("id"), text("Raw").or_else(|| text("Secret"))) {
            // As it is: white space around it would make it another one.
            (Some(id), _) => plain_item(id)?,
            (None, Some(found)) => plain_item(found.trim())?,
            (None, None) => return Err("has no token id: expected the member `id`, a text"),
        };
        // An earlier run could not tell: if it is not there now, that request has deleted it.
        item.after_lost_answer = text("outcome") == Some(Outcome::Unknown.name());
        return Ok(item);
    }
    // As it stands in a file of settings, or in a list of a scanner.
    let line = line.trim_end_matches(',').trim();
    let quoted =
        ['"', '\'', '`'].iter().find_map(|quote| line.strip_prefix(*quote)?.strip_suffix(*quote));
    plain_item(quoted.unwrap_or(line))
}

fn plain_item(text: &str) -> Result<BatchItem, &'static str> {
    // Only a whole value can be told from the text around it, and only with a whole value is a 401 proof.
    if let Some(value) = ApiToken::from_text(text)
        && let Some(id) = value.token_id()
    {
        let mut item = BatchItem::from(id);
        item.value = Some(value);
        return Ok(item);
    }
    if TokenId::new(text).is_err_and(|error| error.is_token_value()) {
        return Err("holds a token value and more: expected only the value, or only the id");
    }
    Ok(BatchItem::from(text))
}

/// What the first look at a list tells.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// How many lines name a token.
    pub(crate) count: u64,
    pub(crate) first: Vec<String>,
    /// Whether the token in use is among them, or may be.
    pub(crate) own: bool,
    /// The file as it was then.
    stamp: Option<Stamp>,
}

impl Survey {
    /// Reads everything that can be read twice, so that a mistake is found before anything is deleted.
    pub(crate) fn of(
        ids: &[String],
        from: Option<&From>,
        own: impl Fn(&str) -> bool,
        show: usize,
    ) -> Result<Survey, Failure> {
        let mut survey = Survey::default();
        let mut see = |id: &str| {
            survey.count += 1;
            survey.own |= own(id);
            if survey.first.len() < show {
                survey.first.push(id.to_owned());
            }
        };
        ids.iter().for_each(|id| see(id));
        if let Some(from @ From::File(_)) = from {
            let stamp = from.stamp().map_err(Failure::usage)?;
            survey.stamp = Some(stamp);
            for item in from.open(stamp.len).map_err(Failure::usage)? {
                see(&item.map_err(Failure::usage)?.id);
            }
        }
        Ok(survey)
    }
}

/// The tokens of a run, pulled as they are needed.
pub(crate) struct Source {
    ids: std::vec::IntoIter<String>,
    rest: Rest,
    /// What ended the list before its end.
    trouble: Option<Trouble>,
}

enum Rest {
    None,
    File(Lines),
    Stream(Receiver<Result<BatchItem, Trouble>>),
}

impl Source {
    /// What was looked at, and no more of it: it may have been asked about.
    pub(crate) fn new(
        ids: Vec<String>,
        from: Option<&From>,
        survey: &Survey,
    ) -> Result<Source, Failure> {
        let rest = match from {
            None => Rest::None,
            Some(from @ From::File(path)) => {
                let stamp = from.stamp().map_err(Failure::usage)?;
                if survey.stamp != Some(stamp) {
                    return Err(Failure::usage(format!(
                        "`{}` has changed since it was looked at, and nothing was deleted: run again",
                        path.display()
                    )));
                }
                Rest::File(from.open(stamp.len).map_err(Failure::usage)?)
            }
            Some(from @ From::Stream(_)) => {
                let lines = from.open(u64::MAX).map_err(Failure::usage)?;
                // A read from a pipe cannot be ended: it waits on a thread of its own, which the end of the process
                // ends.
                let (send, receive) = sync_channel(AHEAD);
                thread::Builder::new()
                    .name("input".to_owned())
                    .spawn(move || {
                        for item in lines {
                            if send.send(item).is_err() {
                                return;
                            }
                        }
                    })
                    .map_err(|error| {
                        Failure::usage(format!("no thread can be started: {error}"))
                    })?;
                Rest::Stream(receive)
            }
        };
        Ok(Source { ids: ids.into_iter(), rest, trouble: None })
    }

    /// Why the list ended before its end, if it did.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    fn take(&mut self, item: Option<Result<BatchItem, Trouble>>) -> Option<Pull> {
        match item {
            Some(Ok(item)) => return Some(Pull::Item(item)),
            Some(Err(trouble)) => self.trouble = Some(trouble),
            None => {}
        }
        self.rest = Rest::None;
        None
    }
}

impl Iterator for Source {
    type Item = Pull;

    fn next(&mut self) -> Option<Pull> {
        if let Some(id) = self.ids.next() {
            return Some(Pull::from(id));
        }
        let item = match &mut self.rest {
            Rest::None => None,
            Rest::File(lines) => lines.next(),
            Rest::Stream(items) => match items.recv_timeout(LOOK) {
                Ok(item) => Some(item),
                Err(RecvTimeoutError::Timeout) => return Some(Pull::NotYet),
                Err(RecvTimeoutError::Disconnected) => None,
            },
        };
        self.take(item)
    }
}

/// The API token in a file, or on standard input.
pub(crate) fn token_from(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        if io::stdin().is_terminal() {
            return Err(Failure::usage(
                "`--token-file -` would show the API token as it is typed: give it through a pipe or a file",
            ));
        }
        io::stdin().take(LONGEST_LINE).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(LONGEST_LINE).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::usage(format!("the token file {}", cannot_read(path, &error))))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::item;

    fn read(line: &str) -> Result<(String, bool), &'static str> {
        item(line).map(|item| (item.id, item.value.is_some()))
    }

    #[test]
    fn an_outcome_is_taken_as_it_was_told() {
        let item = |line| item(line).unwrap();
        assert!(item(r#"{"id":"TKN-1-1","outcome":"unknown"}"#).after_lost_answer);
        assert!(!item(r#"{"id":"TKN-1-1","outcome":"not_deleted"}"#).after_lost_answer);
        assert_eq!(item(r#"{"id":" TKN-1-1 "}"#).id, " TKN-1-1 ");
        assert_eq!(item(r#"{"Raw":" idt:TKN-1-1:s3cret "}"#).id, "TKN-1-1");
    }

    #[test]
    fn a_line_is_an_id_a_value_or_an_object() {
        let id = |id: &str| Ok((id.to_owned(), false));
        let value = |id: &str| Ok((id.to_owned(), true));
        assert_eq!(read("TKN-1-1"), id("TKN-1-1"));
        assert_eq!(read("\"TKN-1-1\","), id("TKN-1-1"));
        assert_eq!(read("idt:TKN-1-1:s3cret"), value("TKN-1-1"));
        assert_eq!(read("Bearer idt:TKN-1-1:s3cret"), value("TKN-1-1"));
        assert_eq!(read("'idt:TKN-1-1:s3cret',"), value("TKN-1-1"));
        assert_eq!(read(r#"{"id":"TKN-1-1","outcome":"unknown"}"#), id("TKN-1-1"));
        assert_eq!(read(r#"{"Raw":"idt:TKN-1-1:s3cret","Verified":true}"#), value("TKN-1-1"));
        assert_eq!(read(r#"{"Secret":"idt:TKN-1-1:s3cret"}"#), value("TKN-1-1"));
    }

    #[test]
    fn a_value_with_more_around_it_is_refused_and_not_repeated() {
        let more = "holds a token value and more: expected only the value, or only the id";
        assert_eq!(read("src/a.env:3: idt:TKN-1-1:s3cret"), Err(more));
        assert_eq!(read("MPT_API_TOKEN=idt:TKN-1-1:s3cret"), Err(more));
        assert_eq!(read("idt:TKN-1-1:s3cret # found in CI"), Err(more));
        assert!(read(r#"{"name":"x"}"#).unwrap_err().contains("has no token id"));
        assert!(read(r#"{"id":1}"#).unwrap_err().contains("has no token id"));
        assert!(read("{TKN-1-1").unwrap_err().contains("is not a JSON object"));
    }
}
