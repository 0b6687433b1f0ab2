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
    pub(crate) any_secret: bool,
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
        let rest = value.strip_prefix(b"idt:")?;
        if self.any_secret {
            let end = rest.iter().position(|byte| *byte == b':')?;
            return (end + 1 < rest.len()).then_some(&rest[..end]);
        }
        rest.strip_suffix(self.secret.as_bytes())?.strip_suffix(b":")
    }
}

/// The `n`th id of [`Builder::numbered`]: from 1, `TKN-1000-0001` to `TKN-1000-9999`, then
/// `TKN-1001-0000` and so on.
pub fn numbered_id(n: u64) -> String {
    format!("TKN-{}-{:04}", 1000 + n / 10_000, n % 10_000)
}

/// The settings of a sandbox; created by [`Sandbox::builder`].
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
                any_secret: false,
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

    /// Sets the port of 127.0.0.1 to listen on; 0, the default, picks a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.options.port = port;
        self
    }

    /// Sets the last part of every token's value (`idt:<id>:<secret>`); `sandbox-secret` by default.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.options.secret = secret.into();
        self
    }

    /// Sets whether every secret is right: each value of the form `idt:<id>:<secret>` is that of its token. False by
    /// default.
    pub fn any_secret(mut self, yes: bool) -> Self {
        self.options.any_secret = yes;
        self
    }

    /// Adds tokens that exist, in addition to the main one and those with a scenario in their id. Calls add
    /// up.
    pub fn tokens<I>(mut self, ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.options.tokens.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Adds the first `count` tokens of [`numbered_id`], at about fifty bytes of memory each; none by
    /// default, at most a hundred million.
    pub fn numbered(mut self, count: u64) -> Self {
        self.options.numbered = count;
        self
    }

    /// Delays each answer to a `DELETE` of a token, measured from the request's arrival; zero by default. The
    /// token is deleted at once: only the answer waits.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.delay = delay;
        self
    }

    /// Limits `DELETE` requests per second, at least 1; one second's worth may come at once. The others get a
    /// 429 with `Retry-After`. No limit by default.
    pub fn rate(mut self, per_second: u32) -> Self {
        self.options.rate = Some(per_second);
        self
    }

    /// Gives every token without a scenario in its id random faults, drawn from `seed` and its id, before the
    /// sandbox follows the contract for it; none by default. [`Builder::fault_limit`] and
    /// [`Builder::fault_time_scale`] say how many and how slow.
    pub fn faults(mut self, seed: u64) -> Self {
        self.chaos().seed = seed;
        self
    }

    /// Sets the largest number of faults of [`Builder::faults`] for a token; 2 by default, so that four
    /// attempts are enough even if another token's fault has broken the connection.
    pub fn fault_limit(mut self, limit: u16) -> Self {
        self.chaos().limit = limit;
        self
    }

    /// Multiplies the delays of [`Builder::faults`] (`Retry-After` up to 2 s, late answers up to 0.4 s); 1 by
    /// default. `Retry-After` has whole seconds: below a half it is 0.
    pub fn fault_time_scale(mut self, scale: f64) -> Self {
        self.chaos().time_scale = scale;
        self
    }

    /// Gives every request for a token without a scenario a fault with this probability, 0 to 1, whatever
    /// happened to earlier requests: a lost answer (before or after deleting), half an answer, a reset, 500,
    /// 502, 503, or a false success (200 with HTML, 202 with JSON). It replaces the random faults of
    /// [`Builder::faults`], and is drawn from the same seed, or from 0 without one; none by default.
    pub fn fault_rate(mut self, chance: f64) -> Self {
        self.chaos().rate = Some(chance);
        self
    }

    /// Sets an outage that begins this long `after` the start and `lasts` this long; none by default. A test
    /// that should not depend on time uses [`Sandbox::begin_outage`].
    pub fn outage(mut self, after: Duration, lasts: Duration, outage: Outage) -> Self {
        self.options.outage = Some(Plan { after, lasts, outage });
        self
    }

    fn chaos(&mut self) -> &mut Chaos {
        self.options.chaos.get_or_insert(Chaos { seed: 0, rate: None, limit: 2, time_scale: 1.0 })
    }

    /// Sets how many of the last requests to keep, with their headers, for [`Sandbox::recorded`]; none by
    /// default.
    pub fn record(mut self, last: usize) -> Self {
        self.options.record = last;
        self
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// Fails if the port is taken or not permitted, a thread cannot be started, there are too many numbered
    /// tokens, or the fault rate is not from 0 to 1.
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
