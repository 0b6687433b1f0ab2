//! What a sandbox can be started with.

use crate::Sandbox;
use crate::outage::{Outage, Plan};
use crate::scenario::Chaos;
use std::io;
use std::time::Duration;

/// The id of the token that [`Sandbox::api_token`] belongs to.
pub const MAIN_TOKEN_ID: &str = "TKN-0000-0001";

const NUMBERED_LIMIT: u64 = 100_000_000;

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) port: u16,
    pub(crate) secret: String,
    pub(crate) tokens: Vec<String>,
    pub(crate) numbered: u64,
    pub(crate) delay: Duration,
    pub(crate) rate: Option<u32>,
    pub(crate) chaos: Option<Chaos>,
    pub(crate) outage: Option<Plan>,
    pub(crate) record: usize,
}

impl Options {
    /// Every id that is there from the start because it was asked for.
    pub(crate) fn declared(&self) -> impl Iterator<Item = String> {
        let main = std::iter::once(MAIN_TOKEN_ID.to_owned());
        main.chain(self.tokens.iter().cloned()).chain((1..=self.numbered).map(numbered_id))
    }

    /// The value of the token `id`.
    pub(crate) fn value_of(&self, id: &str) -> String {
        format!("idt:{id}:{}", self.secret)
    }

    /// The id in a token's value; none when the value has another form or another secret.
    pub(crate) fn id_in<'a>(&self, value: &'a [u8]) -> Option<&'a [u8]> {
        let rest = value.strip_prefix(b"idt:")?.strip_suffix(self.secret.as_bytes())?;
        rest.strip_suffix(b":")
    }
}

/// The `n`th id of [`Builder::numbered`]: from 1, `TKN-1000-0001` to `TKN-1000-9999`, then
/// `TKN-1001-0000` and so on.
pub fn numbered_id(n: u64) -> String {
    format!("TKN-{}-{:04}", 1000 + n / 10_000, n % 10_000)
}

/// How a sandbox is set up; made by [`Sandbox::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start`"]
pub struct Builder {
    options: Options,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let secret = "sandbox-secret".to_owned();
        Builder {
            options: Options {
                port: 0,
                secret,
                tokens: Vec::new(),
                numbered: 0,
                delay: Duration::ZERO,
                rate: None,
                chaos: None,
                outage: None,
                record: 0,
            },
        }
    }

    /// The port of 127.0.0.1 to listen on; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.options.port = port;
        self
    }

    /// The last part of every token's value (`idt:<id>:<secret>`); `sandbox-secret` unless given.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.options.secret = secret.into();
        self
    }

    /// Tokens that are there, beside the main one and those with a scenario in their id. Adds to
    /// those of an earlier call.
    pub fn tokens<I>(mut self, ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.options.tokens.extend(ids.into_iter().map(Into::into));
        self
    }

    /// The first `count` tokens of [`numbered_id`] are there too, at some fifty bytes of memory each;
    /// none by default, a hundred million at most.
    pub fn numbered(mut self, count: u64) -> Self {
        self.options.numbered = count;
        self
    }

    /// How long each answer to a `DELETE` of a token is held back, measured from the request's
    /// arrival; zero by default. The token is deleted at once: only the answer waits.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.delay = delay;
        self
    }

    /// How many `DELETE` requests a second are let through, at least 1; one second's worth may come
    /// at once. Those over it are answered 429 with `Retry-After`. No limit by default.
    pub fn rate(mut self, per_second: u32) -> Self {
        self.options.rate = Some(per_second);
        self
    }

    /// Every token without a scenario in its id goes through random faults, drawn from `seed` and
    /// its id, before the contract holds for it; none by default. [`Builder::fault_limit`] and
    /// [`Builder::fault_time_scale`] say how many and how slow.
    pub fn faults(mut self, seed: u64) -> Self {
        self.chaos().seed = seed;
        self
    }

    /// How many faults of [`Builder::faults`] a token goes through at most; 2 by default, so that
    /// four attempts are enough although another token's fault may have spoilt the connection.
    pub fn fault_limit(mut self, limit: u16) -> Self {
        self.chaos().limit = limit;
        self
    }

    /// What the delays of [`Builder::faults`] (`Retry-After` up to 2 s, late answers up to 0.4 s)
    /// are multiplied by; 1 by default. `Retry-After` has whole seconds: below a half it is 0.
    pub fn fault_time_scale(mut self, scale: f64) -> Self {
        self.chaos().time_scale = scale;
        self
    }

    /// Every request for a token without a scenario meets a fault with this chance, 0 to 1, whatever befell the
    /// requests before: a lost answer, before deleting or after it, half of one, a reset, 500, 502, 503, or a success
    /// that is none (200 with HTML, 202 with JSON). It stands in the place of the faults that a token goes through
    /// first, and is drawn from the seed of [`Builder::faults`], or from 0 without one; none by default.
    pub fn fault_rate(mut self, chance: f64) -> Self {
        self.chaos().rate = Some(chance);
        self
    }

    /// An outage that begins so long `after` the start and `lasts` so long; none by default. A test that would rather
    /// not wait for a time uses [`Sandbox::begin_outage`].
    pub fn outage(mut self, after: Duration, lasts: Duration, outage: Outage) -> Self {
        self.options.outage = Some(Plan { after, lasts, outage });
        self
    }

    fn chaos(&mut self) -> &mut Chaos {
        self.options.chaos.get_or_insert(Chaos { seed: 0, rate: None, limit: 2, time_scale: 1.0 })
    }

    /// How many requests, the last ones, are remembered with their headers for
    /// [`Sandbox::recorded`]; none by default.
    pub fn record(mut self, last: usize) -> Self {
        self.options.record = last;
        self
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// When the port is taken or not permitted, a thread cannot be started, more numbered tokens
    /// were asked for than there may be, or the rate of faults is none.
    pub fn start(self) -> io::Result<Sandbox> {
        let rate = self.options.chaos.and_then(|chaos| chaos.rate).unwrap_or_default();
        if !(0.0..=1.0).contains(&rate) {
            let message = format!("the fault rate is {rate}: expected 0 to 1");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        if self.options.numbered > NUMBERED_LIMIT {
            let message = format!("at most {NUMBERED_LIMIT} numbered tokens: ask for fewer");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Sandbox::with(self.options)
    }
}
