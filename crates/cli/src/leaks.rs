//! Leaked tokens: the values that a search found, each once, with some of their places. In memory only.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use mpt_tokens::{ApiToken, BatchItem, Fingerprint, FingerprintKey};

use crate::args::{DeleteArgs, SearchArgs};
use crate::delete::is_stdin;
use crate::failure::Failure;
use crate::search::{News, Searched, search};
use crate::text::{places, plain, tokens};

/// How many tokens are shown, and how many places of each.
const SHOWN: (usize, usize) = (100, 3);

/// The tokens whose values were found.
pub(crate) struct Leaks {
    leaks: Vec<Leak>,
    /// Places that only look like values.
    unclear: u64,
    searched: Searched,
}

/// One of them.
pub(crate) struct Leak {
    pub(crate) id: String,
    /// Its values, in the order in which they were found.
    pub(crate) values: Vec<ApiToken>,
    places: u64,
    /// The first places.
    first: Vec<String>,
}

impl Leaks {
    /// Searches. What cannot be read is told at once.
    pub(crate) fn find(paths: &[PathBuf], args: &SearchArgs) -> Result<Leaks, Failure> {
        let key = FingerprintKey::new().map_err(|error| Failure::usage(error.to_string()))?;
        let mut leaks: Vec<Leak> = Vec::new();
        let mut known: HashMap<String, (usize, Vec<Fingerprint>)> = HashMap::new();
        let mut unclear = 0;
        let searched = search(paths, args, |path, news| {
            let found = match news {
                News::Found(found) => found,
                News::Unreadable(error) => {
                    // Without standard error, nobody can be informed.
                    let _ = writeln!(io::stderr(), "error: `{path}` cannot be read: {error}");
                    return ControlFlow::Continue(());
                }
            };
            let place = format!("{path}:{}:{}", found.line(), found.column());
            let id = found.token_id().to_owned();
            let Some(value) = found.into_value() else {
                unclear += 1;
                return ControlFlow::Continue(());
            };
            let (at, prints) = known.entry(id).or_insert_with_key(|id| {
                let id = id.clone();
                leaks.push(Leak { id, values: Vec::new(), places: 0, first: Vec::new() });
                (leaks.len() - 1, Vec::new())
            });
            let leak = &mut leaks[*at];
            leak.places += 1;
            if leak.first.len() < SHOWN.1 {
                leak.first.push(place);
            }
            let print = key.of(&value);
            if !prints.contains(&print) {
                prints.push(print);
                leak.values.push(value);
            }
            ControlFlow::Continue(())
        });
        Ok(Leaks { leaks, unclear, searched })
    }

    /// What `--leaked-in` names, and says what it is; none if that is not given.
    pub(crate) fn of(args: &DeleteArgs) -> Result<Option<Leaks>, Failure> {
        let paths = &args.leaked_in;
        if paths.is_empty() {
            return Ok(None);
        }
        let is_taken = |other: &Option<PathBuf>| other.as_deref().is_some_and(is_stdin);
        if paths.iter().any(|path| is_stdin(path)) {
            if is_taken(&args.from) || is_taken(&args.token_file) {
                return Err(Failure::usage(
                    "standard input is given twice: search it, or read the ids or the API token from it",
                ));
            }
            if io::stdin().is_terminal() && !args.run.yes {
                return Err(Failure::usage(
                    "what is searched comes from the same terminal as your answer would: give --yes, or a file",
                ));
            }
        }
        for path in paths.iter().filter(|path| !is_stdin(path)) {
            path.metadata().map_err(|error| {
                let path = plain(&path.display().to_string()).into_owned();
                Failure::usage(format!(
                    "`{path}` cannot be searched, and nothing was sent: {error}"
                ))
            })?;
        }
        let leaks = Leaks::find(paths, &args.search)?;
        if leaks.leaks.is_empty()
            && args.ids.is_empty()
            && args.from.is_none()
            && !args.run.allow_empty
        {
            return Err(Failure::usage(format!(
                "no token value was found{}: search other files, or give --allow-empty if that is fine",
                leaks.unreadable().map_or(String::new(), |what| format!(", but {what}"))
            )));
        }
        if !args.run.quiet {
            // Without standard error, nobody can be informed.
            let _ = io::stderr().write_all(leaks.told().as_bytes());
        }
        Ok(Some(leaks))
    }

    /// Each value by itself, to be burnt.
    pub(crate) fn values(&self) -> Vec<BatchItem> {
        let values = self.leaks.iter().flat_map(|leak| &leak.values);
        values.cloned().map(BatchItem::from).collect()
    }

    /// The tokens, each with all its values.
    pub(crate) fn items(&self) -> Vec<BatchItem> {
        let item = |leak: &Leak| {
            let mut item = BatchItem::from(leak.id.as_str());
            let mut values = leak.values.iter().cloned();
            item.value = values.next();
            item.other_values = values.collect();
            item
        };
        self.leaks.iter().map(item).collect()
    }

    fn unreadable(&self) -> Option<String> {
        match self.searched.unreadable {
            0 => None,
            1 => Some("1 file or folder could not be read".to_owned()),
            count => Some(format!("{count} files or folders could not be read")),
        }
    }

    /// What is wrong if not everything could be read.
    pub(crate) fn incomplete(&self) -> Option<String> {
        let what = self.unreadable()?;
        Some(format!("{what}, so more tokens may have leaked: see above, and search again"))
    }

    /// What was found, in words: ids and places.
    pub(crate) fn told(&self) -> String {
        let count = self.leaks.iter().map(|leak| leak.places).sum();
        let values: usize = self.leaks.iter().map(|leak| leak.values.len()).sum();
        let s = if values == 1 { "" } else { "s" };
        let mut text = match values {
            0 => "found no token value\n".to_owned(),
            _ => format!(
                "found {values} value{s} of {} in {}:\n",
                tokens(self.leaks.len() as u64),
                places(count)
            ),
        };
        for Leak { id, values, places: count, first } in self.leaks.iter().take(SHOWN.0) {
            text.push_str(&format!("  {}  ", plain(id)));
            if values.len() > 1 {
                text.push_str(&format!("{} values: ", values.len()));
            }
            text.push_str(&first.join(", "));
            let more = count - first.len() as u64;
            if more > 0 {
                text.push_str(&format!(" and {more} more"));
            }
            text.push('\n');
        }
        if self.leaks.len() > SHOWN.0 {
            let more = self.leaks.len() - SHOWN.0;
            text.push_str(&format!("  and {more} more: `mpt-tokens find` shows all\n"));
        }
        if self.unclear > 0 {
            text.push_str(&format!(
                "left: {} that only {} like a value: `mpt-tokens find` shows them\n",
                places(self.unclear),
                if self.unclear == 1 { "looks" } else { "look" }
            ));
        }
        text
    }
}
