//! The table of cases, `tests/conformance/cases.json`. Its schema is these types: what they do not know is an error.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use mpt_tokens::Code;
use serde::Deserialize;
use serde_json::Value;

/// The text of the table.
const CASES: &str = include_str!("../../../tests/conformance/cases.json");

/// All cases, each with the defaults filled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    defaults: BTreeMap<String, Value>,
    pub(crate) cases: Vec<Case>,
}

/// One case: what a runner is told, and what must be true afterwards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) call: Call,
    pub(crate) ids: Vec<String>,
    /// The ids' characters are bytes: U+00FF is the byte 0xFF, which is no UTF-8.
    #[serde(default)]
    pub(crate) latin1: bool,
    #[serde(default)]
    pub(crate) options: BTreeMap<String, Value>,
    /// The token whose value authenticates, instead of the sandbox's main one.
    pub(crate) own: Option<String>,
    /// Tokens to make first. Those that are not in `ids` must not be touched.
    #[serde(default)]
    pub(crate) there: Vec<String>,
    pub(crate) cancel: Option<Cancel>,
    /// A batch is stopped after so many outcomes.
    pub(crate) stop_after: Option<u32>,
    /// Why a batch stopped by itself, in a word. A batch that is not asked to stop must not stop otherwise.
    pub(crate) stopped: Option<String>,
    /// How many ids of a batch that stopped were pulled and not tried, and how many not pulled.
    pub(crate) untried: Option<(u64, u64)>,
    /// What a language's runtime may lack: then the case is left out there.
    #[serde(default)]
    pub(crate) needs: Vec<Need>,
    pub(crate) expect: Vec<Expect>,
    /// How many requests for anything but a token may reach the sandbox.
    #[serde(default)]
    pub(crate) strays: u64,
    /// The least time that the whole case takes.
    #[serde(default)]
    pub(crate) at_least_ms: u64,
    /// The messages must have no control character.
    #[serde(default)]
    pub(crate) plain_message: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Call {
    /// Each id by a call of its own, one after the other, on one client.
    #[default]
    Each,
    /// The value of each id by a call of its own that burns it.
    Burn,
    /// All ids as one batch.
    Batch,
    /// The values of all ids as one batch that burns them.
    BurnBatch,
}

impl Call {
    pub(crate) fn is_batch(self) -> bool {
        matches!(self, Call::Batch | Call::BurnBatch)
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cancel {
    /// Before the call is made.
    Before,
    /// When the sandbox has met so many requests for the first id.
    AfterRequests(u32),
    /// When the mute server has met so many connections.
    AfterConnections(u64),
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Need {
    /// Strings that can hold what is not Unicode.
    Bytes,
    /// A call that can be cancelled while it runs.
    Interrupt,
}

/// What is expected of one id. `null` is "none".
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The id in the result where it is not the one given; `null`: whatever it is.
    #[serde(default, deserialize_with = "given")]
    pub(crate) id: Option<Option<String>>,
    pub(crate) outcome: String,
    pub(crate) code: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) http_status: Option<u16>,
    pub(crate) attempts: usize,
    /// Calls for the token: 1 where there are attempts, unless given.
    pub(crate) rounds: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) title: Option<String>,
    /// Compared where it is given.
    #[serde(default, deserialize_with = "given")]
    pub(crate) detail: Option<Option<String>>,
    /// Whether asking again later can change it: for `not_deleted` only, since of the others it is known.
    pub(crate) retryable: Option<bool>,
    /// Seconds; none unless given.
    pub(crate) retry_after: Option<f64>,
    /// `DELETE` requests for the id that the sandbox met.
    pub(crate) requests: u32,
    /// What the sandbox remembers of the token afterwards.
    pub(crate) truth: Truth,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Truth {
    Active,
    Deleted,
    Absent,
}

/// A member that is there, `null` or not.
fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

impl Table {
    /// The cases whose name has `part`.
    pub(crate) fn read(part: Option<&str>) -> Result<Self> {
        let mut table: Table =
            serde_json::from_str(CASES).context("tests/conformance/cases.json")?;
        table.check()?;
        for case in &mut table.cases {
            for (name, value) in &table.defaults {
                case.options.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        table.cases.retain(|case| part.is_none_or(|part| case.name.contains(part)));
        if table.cases.is_empty() {
            bail!("no case has {:?} in its name", part.unwrap_or_default());
        }
        Ok(table)
    }

    /// Every id that must be there before anything is deleted.
    pub(crate) fn there(&self) -> impl Iterator<Item = &String> {
        self.cases.iter().flat_map(|case| &case.there)
    }

    /// Names are unique, so are the ids of different cases, and every code but `internal` is met.
    fn check(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for case in &self.cases {
            if !names.insert(&case.name) {
                bail!("two cases are named {:?}", case.name);
            }
            for id in case.ids.iter().filter(|id| id.starts_with("TKN-")).collect::<BTreeSet<_>>() {
                if !ids.insert(id) {
                    bail!("two cases use the token {id:?}");
                }
            }
            if !case.call.is_batch() && case.ids.len() != case.expect.len() {
                bail!(
                    "{:?} expects {} outcomes for {} ids",
                    case.name,
                    case.expect.len(),
                    case.ids.len()
                );
            }
        }
        let expected: BTreeSet<_> =
            self.cases.iter().flat_map(|case| &case.expect).map(|expect| &*expect.code).collect();
        // `internal` is a bug: there is no way to ask for one.
        let known: BTreeSet<_> = Code::ALL
            .iter()
            .filter(|code| **code != Code::Internal)
            .map(|code| code.name())
            .collect();
        if expected != known {
            bail!("the cases meet the codes {expected:?}, the library has {known:?}");
        }
        Ok(())
    }
}

impl Case {
    /// The id as the bytes that the library is given.
    pub(crate) fn bytes(&self, id: &str) -> Vec<u8> {
        if self.latin1 {
            id.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
        } else {
            id.as_bytes().to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_well_formed() {
        let table = Table::read(None).unwrap();
        assert!(table.cases.len() >= 60, "{}", table.cases.len());
    }

    #[test]
    fn a_member_that_nobody_knows_is_an_error() {
        let text =
            r#"{"defaults": {}, "cases": [{"name": "x", "ids": [], "expect": [], "atempts": 1}]}"#;
        assert!(serde_json::from_str::<Table>(text).is_err());
        let expect = r#"{"outcome": "gone", "code": "ok", "attempts": 1, "title": null, "requests": 1, "truth": "deleted"}"#;
        assert!(
            serde_json::from_str::<Expect>(expect).is_err(),
            "http_status may be null, not missing"
        );
    }
}
