//! Which ids a batch has met, and what a journal knows of them: a digest and a byte each, never the id.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

use siphasher::sip128::{Hasher128, SipHasher24};
use zeroize::Zeroizing;

use crate::input::api_token::ApiToken;
use crate::outcome::code::OutcomeKind;

/// A keyed 128-bit digest of an id. A shorter one could take one id for another and leave a token alive; an unkeyed
/// one could be made to. As bytes, so that an entry needs no padding.
#[derive(PartialEq, Eq)]
struct Digest([u8; 16]);

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0[8..]);
    }
}

/// What is known of an id: bits, so that an entry stays at 17 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdState(u8);

impl IdState {
    /// It was pulled in the batch that runs now.
    const MET: u8 = 1;
    /// A journal says that the token is dead.
    const DEAD: u8 = 2;
    /// A journal says that it was asked to be deleted, and not what came of it.
    const OPEN: u8 = 4;
    /// A journal says that it was not deleted; beside [`IdState::DEAD`]: that it was `gone`, not `deleted`.
    const ALIVE_OR_GONE: u8 = 8;
    /// What a journal said of it may be damaged.
    const IN_DOUBT: u8 = 16;
    /// It is proven that the token is dead.
    const PROVEN: u8 = 32;
    /// Its value was at hand in this batch.
    const VALUE: u8 = 64;
    /// It was handed out in this batch, and its report has not come back.
    const UNDER_WAY: u8 = 128;
    /// What is true of this batch only.
    const NOW: u8 = IdState::MET | IdState::VALUE | IdState::UNDER_WAY;

    pub(crate) fn is_met(self) -> bool {
        self.0 & IdState::MET != 0
    }

    pub(crate) fn is_dead(self) -> bool {
        self.0 & IdState::DEAD != 0
    }

    pub(crate) fn is_gone(self) -> bool {
        self.is_dead() && self.0 & IdState::ALIVE_OR_GONE != 0
    }

    pub(crate) fn is_proven(self) -> bool {
        self.0 & IdState::PROVEN != 0
    }

    pub(crate) fn has_value(self) -> bool {
        self.0 & IdState::VALUE != 0
    }

    pub(crate) fn is_under_way(self) -> bool {
        self.0 & IdState::UNDER_WAY != 0
    }

    pub(crate) fn is_open(self) -> bool {
        self.0 & IdState::OPEN != 0
    }

    pub(crate) fn is_in_doubt(self) -> bool {
        self.0 & IdState::IN_DOUBT != 0
    }
}

/// What a journal learns of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordedState {
    /// `deleted`.
    Dead,
    /// `gone`: dead, too.
    Gone,
    /// An intent without an outcome, or `unknown`.
    Open,
    /// `not_deleted`: as if it had never been asked.
    Alive,
    /// Nothing: a line that is damaged may have been about it.
    InDoubt,
}

impl RecordedState {
    /// `in_doubt`: an `unknown` of which no request of ours is the reason.
    pub(crate) fn of(kind: OutcomeKind, in_doubt: bool) -> RecordedState {
        match kind {
            OutcomeKind::Deleted => RecordedState::Dead,
            OutcomeKind::Gone => RecordedState::Gone,
            OutcomeKind::NotDeleted => RecordedState::Alive,
            OutcomeKind::Unknown if in_doubt => RecordedState::InDoubt,
            OutcomeKind::Unknown => RecordedState::Open,
        }
    }
}

/// The ids met. At most 64 bytes each, also while the table grows: see the test.
pub(crate) struct SeenIds {
    keys: (u64, u64),
    table: HashMap<Digest, IdState, BuildHasherDefault<Cut>>,
    /// Whether a line of the journal is damaged: it may have been about any id that is not known to be dead.
    damaged: bool,
}

impl SeenIds {
    pub(crate) fn new() -> SeenIds {
        // The standard library's own source of keys: seeded by the system, once a process.
        let random = RandomState::new();
        SeenIds {
            keys: (random.hash_one(0), random.hash_one(1)),
            table: HashMap::default(),
            damaged: false,
        }
    }

    /// Notes that `id` was pulled, and tells what was known of it before.
    pub(crate) fn meet(&mut self, id: &str) -> IdState {
        let damaged = self.damaged;
        let entry = self.entry(id);
        if damaged && *entry == IdState::default() {
            entry.0 = IdState::IN_DOUBT;
        }
        let before = *entry;
        entry.0 |= IdState::MET;
        before
    }

    /// The same of a value that is burnt: another value of the id is another credential, of which a journal, which has
    /// only ids, says nothing.
    pub(crate) fn meet_value(&mut self, id: &str, value: &ApiToken) -> IdState {
        let of_the_id = self.meet(id);
        match self.meet_other_value(id, value) {
            true if of_the_id.is_met() => IdState::default(),
            _ => of_the_id,
        }
    }

    /// Notes that a value of the id was pulled, and tells whether it is the first time.
    pub(crate) fn meet_other_value(&mut self, id: &str, value: &ApiToken) -> bool {
        let usual = value.in_usual_form();
        let key = Zeroizing::new(format!("{id}\0{}", usual.secret()));
        !self.meet(&key).is_met()
    }

    /// Notes that a line of the journal is damaged: what was learned before it may not be the last word. The dead stay
    /// dead.
    pub(crate) fn doubt(&mut self) {
        self.damaged = true;
        for known in self.table.values_mut() {
            if !known.is_dead() {
                known.0 = known.0 & IdState::NOW | IdState::IN_DOUBT;
            }
        }
    }

    /// Notes that the id is handed out, and whether with its value.
    pub(crate) fn hand_out(&mut self, id: &str, has_value: bool) {
        let value = if has_value { IdState::VALUE } else { 0 };
        self.entry(id).0 |= IdState::UNDER_WAY | value;
    }

    /// Notes that the token is proven dead.
    pub(crate) fn prove(&mut self, id: &str) {
        self.entry(id).0 |= IdState::PROVEN;
    }

    /// Notes what a journal says.
    pub(crate) fn learn(&mut self, id: &str, state: RecordedState) {
        let entry = self.entry(id);
        if entry.is_dead() && !matches!(state, RecordedState::Dead | RecordedState::Gone) {
            // The dead stay dead: it is another value of the same token of which this is said.
            entry.0 &= !IdState::UNDER_WAY;
            return;
        }
        let state = match state {
            RecordedState::Dead => IdState::DEAD,
            RecordedState::Gone => IdState::DEAD | IdState::ALIVE_OR_GONE,
            RecordedState::Open => IdState::OPEN,
            RecordedState::Alive => IdState::ALIVE_OR_GONE,
            RecordedState::InDoubt => IdState::IN_DOUBT,
        };
        entry.0 = entry.0 & (IdState::MET | IdState::VALUE) | state;
    }

    /// Forgets which ids were pulled: another batch begins. What a journal said stays.
    pub(crate) fn begin(&mut self) {
        self.table.retain(|_, known| {
            known.0 &= !IdState::NOW;
            *known != IdState::default()
        });
    }

    /// How many are known to be so.
    pub(crate) fn count(&self, is: fn(IdState) -> bool) -> u64 {
        self.table.values().filter(|known| is(**known)).count() as u64
    }

    fn entry(&mut self, id: &str) -> &mut IdState {
        let mut hasher = SipHasher24::new_with_keys(self.keys.0, self.keys.1);
        hasher.write(id.as_bytes());
        self.table.entry(Digest(hasher.finish128().as_bytes())).or_default()
    }
}

/// The hash of a digest is a part of it.
#[derive(Default)]
struct Cut(u64);

impl Hasher for Cut {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = u64::from_ne_bytes(bytes.last_chunk().copied().unwrap_or_default());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_met_once_and_what_a_journal_says_stays() {
        let mut seen_ids = SeenIds::new();
        assert_eq!(seen_ids.meet("a"), IdState::default());
        assert!(seen_ids.meet("a").is_met());
        seen_ids.learn("a", RecordedState::Dead);
        seen_ids.learn("b", RecordedState::Open);
        seen_ids.learn("c", RecordedState::Open);
        seen_ids.learn("c", RecordedState::Alive);
        assert_eq!((seen_ids.count(IdState::is_dead), seen_ids.count(IdState::is_open)), (1, 1));
        seen_ids.begin();
        let (a, b, c) = (seen_ids.meet("a"), seen_ids.meet("b"), seen_ids.meet("c"));
        assert!(a.is_dead() && !a.is_met() && b.is_open() && !b.is_met());
        assert!(!c.is_dead() && !c.is_open() && !c.is_met());
    }

    #[test]
    fn a_damaged_line_puts_all_in_doubt_but_the_dead_and_what_is_learned_after_it() {
        let mut seen_ids = SeenIds::new();
        for (id, state) in [
            ("dead", RecordedState::Dead),
            ("open", RecordedState::Open),
            ("alive", RecordedState::Alive),
        ] {
            seen_ids.learn(id, state);
        }
        assert!(!seen_ids.meet("unknown before").is_in_doubt());
        seen_ids.doubt();
        seen_ids.learn("open after", RecordedState::Open);
        seen_ids.learn("alive after", RecordedState::Alive);
        seen_ids.begin();
        for (id, in_doubt) in [
            ("dead", false),
            ("open", true),
            ("alive", true),
            ("unknown before", true),
            ("unknown", true),
            ("open after", false),
            ("alive after", false),
        ] {
            assert_eq!(seen_ids.meet(id).is_in_doubt(), in_doubt, "{id}");
        }
        assert!(seen_ids.meet("dead").is_dead() && seen_ids.meet("open after").is_open());
        assert!(!seen_ids.meet("open").is_open());
    }

    /// At any number of ids. A table of `capacity` has a power of two of slots, seven eighths of which can be used, and
    /// a byte beside each; while it grows there is the old one, too, of half the size.
    #[test]
    #[allow(clippy::cast_precision_loss)]
    fn an_id_takes_64_bytes_at_most() {
        assert_eq!(size_of::<(Digest, IdState)>(), 17);
        let mut seen_ids = SeenIds::new();
        let mut worst = 0.0_f64;
        let mut slots = 0;
        for n in 1..=200_000_u32 {
            seen_ids.meet(&n.to_string());
            let now = seen_ids.table.capacity().div_ceil(7) * 8;
            let grows = if now > slots { slots } else { 0 };
            if n >= 50_000 {
                worst = worst.max((now + grows) as f64 * 18.0 / f64::from(n));
            }
            slots = now;
        }
        assert!(worst > 40.0, "the table grew: {worst}");
        assert!(worst < 64.0, "{worst} bytes an id");
    }
}
