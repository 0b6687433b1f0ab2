//! Everything the sandbox knows, behind one lock: what each token truly is, and what was asked.

use crate::faults::Effect;
use crate::options::Options;
use crate::rate::RateLimit;
use crate::record::{Record, Status};
use crate::scenario::{Scenario, Step};
use hyper::header::{AUTHORIZATION, HeaderMap};
use indexmap::IndexMap;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many stray requests are remembered word by word; all are counted.
const STRAYS: usize = 100;

/// The state of one token when it was requested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Truth {
    /// Whether the token exists.
    pub status: Status,
    /// How many `DELETE` requests named it, whatever the answer was.
    pub requests: u32,
    /// Which of these requests deleted it, counted from 1; `None` if none did.
    pub deleted_by: Option<u32>,
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Connections accepted.
    pub connections: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// `DELETE` requests for one token, whatever the answer was.
    pub requests: u64,
    /// Tokens deleted by a request.
    pub deleted: u64,
    /// Requests that got a 401 because they had no known credential.
    pub unauthorized: u64,
    /// Requests that got a 429 because of [`Builder::rate`](crate::Builder::rate).
    pub rate_limited: u64,
    /// Requests for anything other than one token.
    pub strays: u64,
    /// Requests that followed a redirect.
    pub elsewhere: u64,
    /// Those of them that carried a credential.
    pub elsewhere_with_credential: u64,
    /// Connections that sent something other than HTTP.
    pub malformed: u64,
    /// Requests that arrived during a silent outage: neither carried out nor answered, and counted nowhere
    /// else.
    pub unanswered: u64,
}

/// One request as it arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The request target, exactly as it was sent.
    pub target: String,
    /// Header names in lower case, and values, in the order of sending.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl RecordedRequest {
    /// The first value of a header, by its name in lower case, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        std::str::from_utf8(value).ok()
    }
}

/// What becomes of a `DELETE` of one token.
pub(crate) enum Verdict {
    RateLimited(u64),
    Unauthorized,
    /// `deleted`: this very request deleted the token.
    Play {
        step: Step,
        deleted: bool,
    },
}

pub(crate) struct State {
    /// Every token that was ever declared or asked for, in the order of meeting.
    pub(crate) tokens: IndexMap<Box<[u8]>, Record>,
    pub(crate) stats: Stats,
    pub(crate) strays: VecDeque<String>,
    pub(crate) recorded: VecDeque<RecordedRequest>,
    rate: Option<RateLimit>,
    waiters: usize,
}

/// The state, its lock, and who waits for it to change.
pub(crate) struct Memory {
    state: Mutex<State>,
    changed: Condvar,
    options: Options,
}

impl Memory {
    pub(crate) fn new(options: Options) -> Self {
        let declared =
            options.declared().map(|id| (id.into_bytes().into(), Record::new(Status::Active)));
        let rate = options.rate.map(|rate| RateLimit::new(rate, Instant::now()));
        let state = State {
            tokens: declared.collect(),
            stats: Stats::default(),
            strays: VecDeque::new(),
            recorded: VecDeque::new(),
            rate,
            waiters: 0,
        };
        Memory { state: Mutex::new(state), changed: Condvar::new(), options }
    }

    /// The state. A panic elsewhere leaves it usable: every change is made in one step.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn delete(&self, id: &[u8], headers: &HeaderMap) -> Verdict {
        let mut state = self.lock();
        let verdict = state.delete(id, headers, &self.options);
        self.tell_waiters(state);
        verdict
    }

    /// Counts a request that is never answered.
    pub(crate) fn leave_unanswered(&self) {
        let mut state = self.lock();
        state.stats.unanswered += 1;
        self.tell_waiters(state);
    }

    fn tell_waiters(&self, state: MutexGuard<'_, State>) {
        let waited_for = state.waiters > 0;
        drop(state);
        if waited_for {
            self.changed.notify_all();
        }
    }

    pub(crate) fn record(&self, request: RecordedRequest) {
        let mut state = self.lock();
        if state.recorded.len() >= self.options.record {
            state.recorded.pop_front();
        }
        state.recorded.push_back(request);
    }

    pub(crate) fn stray(&self, request: String) {
        let mut state = self.lock();
        state.stats.strays += 1;
        if state.strays.len() < STRAYS {
            state.strays.push_back(request);
        }
    }

    pub(crate) fn truth(&self, id: &[u8]) -> Truth {
        self.lock().truth(id)
    }

    /// Waits until `done` holds, at most for `limit`; whether it does.
    pub(crate) fn wait_until(&self, limit: Duration, done: impl Fn(&State) -> bool) -> bool {
        let mut state = self.lock();
        state.waiters += 1;
        let waited = self.changed.wait_timeout_while(state, limit, |state| !done(state));
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiters -= 1;
        done(&state)
    }
}

impl State {
    fn delete(&mut self, id: &[u8], headers: &HeaderMap, options: &Options) -> Verdict {
        let scenario = Scenario::of(id);
        self.stats.requests += 1;
        let known = self.authenticates(headers, options);
        if !self.tokens.contains_key(id) {
            self.tokens.insert(id.into(), Record::new(first_status(scenario.as_ref())));
        }
        let record = &mut self.tokens[id];
        record.requests = record.requests.saturating_add(1);
        if let Some(Err(seconds)) = self.rate.as_mut().map(|rate| rate.take(Instant::now())) {
            self.stats.rate_limited += 1;
            return Verdict::RateLimited(seconds);
        }
        if !known {
            self.stats.unauthorized += 1;
            return Verdict::Unauthorized;
        }
        let step = match (scenario, &options.chaos) {
            (Some(scenario), _) => scenario.step(record.turn),
            (None, Some(chaos)) if chaos.rate.is_some() || record.status != Status::Unknown => {
                chaos.step(id, record.turn)
            }
            _ => Step::contract(),
        };
        record.turn = record.turn.saturating_add(1);
        let deleted = apply(step.fault.effect, record);
        self.stats.deleted += u64::from(deleted);
        Verdict::Play { step, deleted }
    }

    /// Whether the request's credential is that of a token that is there.
    fn authenticates(&self, headers: &HeaderMap, options: &Options) -> bool {
        headers
            .get(AUTHORIZATION)
            .and_then(|value| bearer(value.as_bytes()))
            .and_then(|value| options.id_in(value))
            .is_some_and(|id| self.truth(id).status == Status::Active)
    }

    pub(crate) fn truth(&self, id: &[u8]) -> Truth {
        match self.tokens.get(id) {
            Some(record) => Truth {
                status: record.status,
                requests: record.requests,
                deleted_by: (record.deleted_by > 0).then_some(record.deleted_by),
            },
            None => Truth {
                status: first_status(Scenario::of(id).as_ref()),
                requests: 0,
                deleted_by: None,
            },
        }
    }
}

/// A token that nobody declared is there if its id holds a scenario.
fn first_status(scenario: Option<&Scenario<'_>>) -> Status {
    if scenario.is_some() { Status::Active } else { Status::Unknown }
}

/// Does to the token what the fault does; whether this request deleted it.
fn apply(effect: Effect, record: &mut Record) -> bool {
    if record.status != Status::Active || effect == Effect::Keeps {
        return false;
    }
    record.status = Status::Deleted;
    if effect == Effect::Gone {
        return false;
    }
    record.deleted_by = record.requests;
    true
}

/// The value after `Bearer`, in whatever case.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, value) = header.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| value.trim_ascii())
}
