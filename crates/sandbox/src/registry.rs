//! The memory of every token that was ever declared or asked for: about forty bytes each, so that a
//! test can delete a million and the sandbox stays small.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// What is remembered of one token. Its id lies in the registry's one long string of ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    id_start: u64,
    id_len: u32,
    /// How many `DELETE` requests named the token.
    pub(crate) requests: u32,
    /// Which of them deleted it, counted from 1; 0 when none did.
    pub(crate) deleted_by: u32,
    /// How many faults of its scenario it has been through.
    pub(crate) turn: u16,
    pub(crate) status: Status,
}

/// Whether a token is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// The token is there and authenticates.
    Active,
    /// The token was there and has been deleted; it authenticates no more.
    Deleted,
    /// The sandbox never had such a token.
    Unknown,
}

impl Status {
    /// The Marketplace's word for the status, or `None` for [`Status::Unknown`].
    pub fn name(self) -> Option<&'static str> {
        match self {
            Status::Active => Some("Active"),
            Status::Deleted => Some("Deleted"),
            Status::Unknown => None,
        }
    }
}

/// Tokens by id, in the order in which the sandbox met them.
#[derive(Default)]
pub(crate) struct Registry {
    ids: Vec<u8>,
    records: Vec<Record>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Registry {
    /// A registry with room for so many tokens with ids of the usual length.
    pub(crate) fn with_capacity(tokens: usize) -> Self {
        Registry {
            ids: Vec::with_capacity(tokens * "TKN-1000-0001".len()),
            records: Vec::with_capacity(tokens),
            index: HashTable::with_capacity(tokens),
            hasher: DefaultHashBuilder::default(),
        }
    }

    pub(crate) fn find(&self, id: &[u8]) -> Option<&Record> {
        let hash = self.hasher.hash_one(id);
        let at = self.index.find(hash, |&at| id_of(&self.ids, &self.records[at as usize]) == id)?;
        Some(&self.records[*at as usize])
    }

    /// The record of `id`, made with `status` when there is none yet.
    pub(crate) fn entry(&mut self, id: &[u8], status: impl FnOnce() -> Status) -> &mut Record {
        let Registry { ids, records, index, hasher } = self;
        let hash = hasher.hash_one(id);
        let found = index.find(hash, |&at| id_of(ids, &records[at as usize]) == id).copied();
        let at = found.unwrap_or_else(|| {
            let at = u32::try_from(records.len()).expect("fewer than 2^32 tokens");
            records.push(Record {
                id_start: ids.len() as u64,
                id_len: u32::try_from(id.len()).expect("an id shorter than 4 GiB"),
                requests: 0,
                deleted_by: 0,
                turn: 0,
                status: status(),
            });
            ids.extend_from_slice(id);
            index.insert_unique(hash, at, |&other| {
                hasher.hash_one(id_of(ids, &records[other as usize]))
            });
            at
        });
        &mut records[at as usize]
    }

    /// Every token that is or was there, in the order of meeting: ids asked for in vain are left out.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = (&[u8], &Record)> {
        self.records
            .iter()
            .filter(|record| record.status != Status::Unknown)
            .map(|record| (id_of(&self.ids, record), record))
    }
}

fn id_of<'a>(ids: &'a [u8], record: &Record) -> &'a [u8] {
    let start = record.id_start as usize;
    &ids[start..start + record.id_len as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn an_entry_is_found_again_and_made_once() {
        let mut registry = Registry::default();
        registry.entry(b"a", || Status::Active).requests = 7;
        assert_eq!(registry.entry(b"a", || Status::Unknown).requests, 7);
        assert_eq!(registry.find(b"a").expect("a").status, Status::Active);
        assert!(registry.find(b"b").is_none());
    }

    #[test]
    fn many_ids_stay_apart_and_in_order() {
        let mut registry = Registry::default();
        for n in 0..10_000u32 {
            registry.entry(format!("TKN-{n}").as_bytes(), || Status::Active).requests = n;
        }
        for (n, (id, record)) in registry.tokens().enumerate() {
            assert_eq!(id, format!("TKN-{n}").as_bytes());
            assert_eq!(record.requests as usize, n);
        }
        assert_eq!(registry.tokens().count(), 10_000);
    }

    #[test]
    fn a_record_is_small() {
        assert_eq!(size_of::<Record>(), 24);
    }

    proptest::proptest! {
        #[test]
        fn it_agrees_with_a_map(ids in proptest::collection::vec("[ab]{0,3}", 0..60)) {
            let mut registry = Registry::default();
            let mut map = HashMap::new();
            for id in &ids {
                registry.entry(id.as_bytes(), || Status::Active).requests += 1;
                *map.entry(id.clone()).or_insert(0) += 1;
            }
            for id in &ids {
                assert_eq!(registry.find(id.as_bytes()).expect("known").requests, map[id]);
            }
            assert_eq!(registry.tokens().count(), map.len());
        }
    }
}
