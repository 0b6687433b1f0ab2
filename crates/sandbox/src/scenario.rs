//! Which fault a token's next `DELETE` meets: from the scenario in its id, or from a seed.

use crate::faults::{Fault, faults};

/// What answers one request: a fault, and the number given with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) fault: &'static Fault,
    pub(crate) number: Option<u64>,
}

impl Step {
    fn new(fault: &'static Fault, number: Option<u64>) -> Self {
        let default = fault.number.and_then(|number| number.default).map(u64::from);
        Step { fault, number: number.or(default) }
    }

    /// The contract kept.
    pub(crate) fn contract() -> Self {
        Step::new(faults().next().expect("a table with rows"), None)
    }
}

/// A scenario: faults joined by dots, one for each request in turn, the last of them again and again
/// where `always` follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario<'a> {
    steps: &'a str,
    always: bool,
}

impl<'a> Scenario<'a> {
    /// The scenario in `TKN-<scenario>-<serial>`; none when the id has another form or names a fault
    /// that is not in the table.
    pub(crate) fn of(id: &'a [u8]) -> Option<Self> {
        let id = std::str::from_utf8(id).ok()?;
        let (scenario, serial) = id.strip_prefix("TKN-")?.split_once('-')?;
        if serial.is_empty() || !serial.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let (steps, always) = match scenario.strip_suffix(".always") {
            Some(steps) => (steps, true),
            None => (scenario, false),
        };
        steps.split('.').all(|word| step(word).is_some()).then_some(Scenario { steps, always })
    }

    /// The step for the request that comes after `turn` others.
    pub(crate) fn step(&self, turn: u16) -> Step {
        let mut words = self.steps.split('.');
        let word = words.nth(usize::from(turn));
        let word =
            word.or_else(|| if self.always { self.steps.split('.').next_back() } else { None });
        word.and_then(step).unwrap_or_else(Step::contract)
    }
}

/// `fault` or `fault~number`.
fn step(word: &str) -> Option<Step> {
    let (name, number) = match word.split_once('~') {
        Some((name, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, Some(u64::from(digits.parse::<u32>().ok()?)))
        }
        Some(_) => return None,
        None => (word, None),
    };
    let fault = faults().find(|fault| fault.name == name)?;
    (number.is_none() || fault.number.is_some()).then(|| Step::new(fault, number))
}

/// Random faults for every token without a scenario, the same for the same seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chaos {
    pub(crate) seed: u64,
    /// How often a request meets one of [`FAULTS_OF_A_RATE`], 0 to 1; without it, the token's own faults come first.
    pub(crate) rate: Option<f64>,
    /// How many faults a token goes through at most, where there is no rate.
    pub(crate) limit: u16,
    /// Delays are multiplied by this.
    pub(crate) time_scale: f64,
}

/// The faults that chaos is made of, each with the longest delay it asks for: milliseconds, or
/// seconds where it is a `Retry-After`. A client that tries again gets past every one of them.
const CHAOS: &[(&str, u64)] = &[
    ("answerlost", 0),
    ("requestlost", 0),
    ("answerreset", 0),
    ("requestreset", 0),
    ("answersilent", 0),
    ("requestsilent", 0),
    ("answerhalfstatus", 0),
    ("requesthalfstatus", 0),
    ("answerhalfheader", 0),
    ("answerstall", 0),
    ("answergarbage", 0),
    ("garbage", 0),
    ("answer200", 0),
    ("200", 0),
    ("302", 0),
    ("answer303", 0),
    ("408", 0),
    ("answer408", 0),
    ("425", 0),
    ("429", 2),
    ("429date", 2),
    ("500", 0),
    ("answer500", 0),
    ("502", 0),
    ("answer502", 0),
    ("503", 2),
    ("answer503", 2),
    ("504", 0),
    ("answer504", 0),
    ("answer499", 0),
    ("answer520", 0),
    ("slow", 400),
    ("drip", 4),
    ("continue", 0),
    ("close", 0),
    ("closequiet", 0),
    ("stale", 0),
    ("ok", 0),
];

/// What a request meets at a rate of faults: nothing conclusive, and at once. Half of it has deleted the token.
const FAULTS_OF_A_RATE: &[&str] = &[
    "answerlost",
    "requestlost",
    "answerreset",
    "requestreset",
    "answerhalfstatus",
    "requesthalfstatus",
    "answer200",
    "200",
    "answer202",
    "202",
    "answer500",
    "500",
    "answer502",
    "502",
    "answer503",
    "503",
];

impl Chaos {
    pub(crate) fn step(&self, id: &[u8], turn: u16) -> Step {
        if let Some(rate) = self.rate {
            return self.step_of_a_rate(rate, id, turn);
        }
        let mut random = fastrand::Rng::with_seed(fnv1a(self.seed, id));
        if turn >= random.u16(0..=self.limit) {
            return Step::contract();
        }
        let mut pick = (0, 0);
        for _ in 0..=turn {
            pick = (random.usize(0..CHAOS.len()), random.u64(..));
        }
        let (name, longest) = CHAOS[pick.0];
        let fault = faults().find(|fault| fault.name == name).expect("a fault of the table");
        let number = fault.number.map(|_| {
            let unscaled = pick.1 % (longest + 1);
            (unscaled as f64 * self.time_scale) as u64
        });
        Step::new(fault, number)
    }

    /// Each request for a token has a draw of its own, the same one in whatever order the tokens' requests come.
    fn step_of_a_rate(&self, rate: f64, id: &[u8], turn: u16) -> Step {
        let seed = fnv1a(self.seed, &[&turn.to_le_bytes(), id].concat());
        let mut random = fastrand::Rng::with_seed(seed);
        if random.f64() >= rate {
            return Step::contract();
        }
        let name = FAULTS_OF_A_RATE[random.usize(0..FAULTS_OF_A_RATE.len())];
        Step::new(faults().find(|fault| fault.name == name).expect("a fault of the table"), None)
    }
}

/// A hash that stays the same from one release of anything to the next: the seed's promise.
fn fnv1a(seed: u64, id: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    id.iter().fold(seed.to_le_bytes().iter().fold(0xcbf2_9ce4_8422_2325, mix), mix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn steps(id: &str, turns: u16) -> Option<String> {
        let scenario = Scenario::of(id.as_bytes())?;
        let word = |turn| {
            let Step { fault, number } = scenario.step(turn);
            number.map_or(fault.name.to_owned(), |number| format!("{}~{number}", fault.name))
        };
        Some((0..turns).map(word).collect::<Vec<_>>().join(" "))
    }

    #[rstest]
    #[case("TKN-ok-0001", "ok ok ok")]
    #[case("TKN-503-1", "503 ok ok")]
    #[case("TKN-503~2.answerlost-Ab3", "503~2 answerlost ok")]
    #[case("TKN-503.429.always-1", "503 429 429")]
    #[case("TKN-503.always-1", "503 503 503")]
    #[case("TKN-slow-1", "slow~200 ok ok")]
    #[case("TKN-slow~5.always-1", "slow~5 slow~5 slow~5")]
    fn a_scenario_gives_one_fault_a_turn(#[case] id: &str, #[case] expected: &str) {
        assert_eq!(steps(id, 3).as_deref(), Some(expected));
    }

    #[rstest]
    #[case("TKN-1671-0642")]
    #[case("TKN-ok-")]
    #[case("TKN-ok")]
    #[case("TKN-OK-1")]
    #[case("TKN-ok-a-b")]
    #[case("TKN-ok-a/b")]
    #[case("TKN-ok~1-1")]
    #[case("TKN-503~-1x!")]
    #[case("TKN-503~x-1")]
    #[case("TKN-503~-1")]
    #[case("TKN-503~99999999999-1")]
    #[case("TKN-nosuch-1")]
    #[case("TKN-ok..ok-1")]
    #[case("TKN-always-1")]
    #[case("TKN-.always-1")]
    #[case("TKN-ok.always.ok-1")]
    #[case("tkn-ok-1")]
    #[case("")]
    fn another_id_has_none(#[case] id: &str) {
        assert_eq!(steps(id, 1), None);
    }

    #[test]
    fn chaos_is_the_same_for_a_seed_ends_at_its_limit_and_uses_every_fault() {
        let chaos = Chaos { seed: 7, rate: None, limit: 2, time_scale: 1.0 };
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..2_000 {
            let id = format!("TKN-1000-{n:04}");
            for turn in 0..2 {
                let Step { fault, number } = chaos.step(id.as_bytes(), turn);
                let again = chaos.step(id.as_bytes(), turn);
                assert_eq!((fault.name, number), (again.fault.name, again.number));
                seen.insert(fault.name);
            }
            assert_eq!(chaos.step(id.as_bytes(), 2).fault.name, "ok");
        }
        assert_eq!(seen.len(), CHAOS.len());
    }

    #[rstest]
    #[case(0.0)]
    #[case(0.2)]
    #[case(0.5)]
    #[case(1.0)]
    fn at_a_rate_each_request_has_a_draw_of_its_own(#[case] rate: f64) {
        let chaos = Chaos { seed: 7, rate: Some(rate), limit: 2, time_scale: 1.0 };
        let is_fault = |id: u32, turn| {
            chaos.step(format!("TKN-1000-{id:04}").as_bytes(), turn).fault.name != "ok"
        };
        // Of the requests that come after a fault, as many meet one as of the others.
        let (mut count, mut faults, mut twice) = (0.0, 0.0, 0.0);
        for id in 0..500 {
            for turn in 0..20 {
                assert_eq!(is_fault(id, turn), is_fault(id, turn));
                count += 1.0;
                if is_fault(id, turn) {
                    faults += 1.0;
                    twice += f64::from(u8::from(is_fault(id, turn + 1)));
                }
            }
        }
        let near = |share: f64| (share - rate).abs() < 0.03;
        assert!(near(faults / count), "{faults} of {count}");
        assert!(faults == 0.0 || near(twice / faults), "{twice} of {faults}");
    }

    #[test]
    fn chaos_scales_its_delays() {
        let chaos = Chaos { seed: 7, rate: None, limit: 5, time_scale: 0.01 };
        for n in 0..500 {
            let Step { fault, number } = chaos.step(format!("{n}").as_bytes(), 0);
            assert!(number.unwrap_or(0) <= 4, "{}~{number:?}", fault.name);
        }
    }

    proptest::proptest! {
        /// An id is read as its faults say, or not at all.
        #[test]
        fn what_is_read_is_what_was_written(
            words in proptest::collection::vec((0..faults().count(), proptest::option::of(0..9u32)), 1..6),
            always: bool,
            serial in "[A-Za-z0-9]{1,6}",
        ) {
            let words: Vec<_> = words
                .iter()
                .map(|(at, number)| {
                    let fault = faults().nth(*at).expect("a fault");
                    (fault, number.filter(|_| fault.number.is_some()))
                })
                .collect();
            let written: Vec<_> = words
                .iter()
                .map(|(fault, number)| match number {
                    Some(number) => format!("{}~{number}", fault.name),
                    None => fault.name.to_owned(),
                })
                .collect();
            let end = if always { ".always" } else { "" };
            let id = format!("TKN-{}{end}-{serial}", written.join("."));
            let scenario = Scenario::of(id.as_bytes()).expect("a scenario");
            for turn in 0..8 {
                let expected = words.get(turn).or(if always { words.last() } else { None });
                let step = scenario.step(turn as u16);
                assert_eq!(step.fault.name, expected.map_or("ok", |(fault, _)| fault.name));
                if let Some(number) = expected.and_then(|(_, number)| *number) {
                    assert_eq!(step.number, Some(number.into()));
                }
            }
        }

        #[test]
        fn anything_may_be_an_id(id: Vec<u8>, turn: u16) {
            if let Some(scenario) = Scenario::of(&id) {
                scenario.step(turn);
            }
            for rate in [None, Some(0.5)] {
                Chaos { seed: 1, rate, limit: 2, time_scale: 0.5 }.step(&id, turn);
            }
        }
    }
}
