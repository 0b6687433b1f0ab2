//! Runs the cases by one runner, and compares what it told with what was expected and with what is true.

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use mpt_tokens_sandbox::{Sandbox, Status};
use serde_json::Value;

use crate::cases::{Call, Cancel, Case, Expect, Table, Truth};
use crate::runner::{Request, Runner, Told};
use crate::{CasesOptions, Count, command};

/// The secret part of every token value of the sandbox: nobody may ever show it.
const SECRET: &str = "sandbox-secret";
/// How long an event may take that a case waits for: far above any.
const EVENT: Duration = Duration::from_secs(30);

/// All cases, on a sandbox of their own.
pub(crate) fn run(options: &CasesOptions) -> Result<Count> {
    let table = Table::read(options.case.as_deref())?;
    let world = World::start(&table)?;
    let start = || Runner::start(command(&options.runner)?, &world.sandbox);
    let mut runner = start()?;
    let mut count = Count::default();
    for case in &table.cases {
        let lack = options.lacks.iter().find(|(lack, _)| case.needs.contains(lack));
        if let Some((_, why)) = lack {
            // As pytest tells it: a name without a colon and a space.
            println!("SKIPPED [1] {}, {}: {why}", options.language, case.name.replace(": ", ", "));
            count.skipped += 1;
            continue;
        }
        let wrong = match world.differences(&mut runner, &options.raises, case) {
            Ok(wrong) => wrong,
            Err(why) => {
                runner = start()?;
                vec![format!("{why:#}")]
            }
        };
        count += wrong.is_empty();
        for wrong in wrong {
            println!("FAIL  {}: {wrong}", case.name);
        }
    }
    if let Err(why) = runner.finish() {
        println!("FAIL  the end of the runner: {why:#}");
        count += false;
    }
    Ok(count)
}

/// What the cases run against.
struct World {
    sandbox: Sandbox,
    mute: Mute,
}

impl World {
    fn start(table: &Table) -> Result<Self> {
        let sandbox = Sandbox::builder().secret(SECRET).tokens(table.there()).start();
        Ok(Self {
            sandbox: sandbox.context("the sandbox does not start")?,
            mute: Mute::start().context("the mute server does not start")?,
        })
    }

    /// Runs one case; what was not as expected. An error: the runner is of no more use.
    fn differences(&self, runner: &mut Runner, raises: &str, case: &Case) -> Result<Vec<String>> {
        let before = self.sandbox.stats();
        let mute_before = self.mute.connections();
        let started = Instant::now();
        let since = SystemTime::now();
        runner.ask(&self.request(case))?;
        match case.cancel {
            Some(Cancel::AfterRequests(count)) => {
                let met = self.sandbox.wait_for_requests(&case.ids[0], count, EVENT);
                ensure!(met, "the request to be cancelled never came");
                runner.cancel()?;
            }
            Some(Cancel::AfterConnections(count)) => {
                let met = self.mute.wait_for(mute_before + count, EVENT);
                ensure!(met, "the connection to be cancelled never came");
                runner.cancel()?;
            }
            Some(Cancel::Before) | None => {}
        }
        let mut told: VecDeque<Told> = runner.answer()?.into();
        let took = started.elapsed();

        let mut wrong = Vec::new();
        let stopped = told.iter().position(|told| told.get("stopped").is_ok());
        compare_stop(&mut wrong, stopped.and_then(|place| told.remove(place)).as_ref(), case)?;
        for expect in case.expectations() {
            match take(&mut told, case, &expect)? {
                Some(told) => {
                    compare(&mut wrong, &told, &expect, case, raises)?;
                    compare_time(&mut wrong, &told, since)?;
                }
                None => wrong.push(format!("no outcome for {:?}", expect.id)),
            }
            self.compare_truth(&mut wrong, &expect);
        }
        wrong.extend(told.iter().map(|told| format!("an outcome that nobody expected: {told:?}")));

        for bystander in case.bystanders() {
            let truth = self.sandbox.truth(bystander);
            if truth.status == Status::Deleted || truth.requests != 0 {
                wrong.push(format!("another token, {bystander:?}, was touched: {truth:?}"));
            }
        }
        let stats = self.sandbox.stats();
        let strays = stats.strays - before.strays;
        if strays != case.strays {
            wrong.push(format!(
                "{strays} requests for other resources, the last: {:?}",
                self.sandbox.strays().last()
            ));
        }
        if stats.elsewhere != before.elsewhere {
            wrong.push("a redirect was followed".to_owned());
        }
        if took < Duration::from_millis(case.at_least_ms) {
            wrong.push(format!("it took {took:?}: expected {} ms at least", case.at_least_ms));
        }
        Ok(wrong)
    }

    fn request(&self, case: &Case) -> Request {
        let mut request = Request::default();
        request.set(
            "call",
            match case.call {
                Call::Each => "each",
                Call::Burn => "burn",
                Call::Batch => "batch",
                Call::BurnBatch => "burn_batch",
            },
        );
        for id in &case.ids {
            match case.call {
                Call::Burn | Call::BurnBatch => request.set("id", self.sandbox.value_of(id)),
                Call::Each | Call::Batch => request.set("id", case.bytes(id)),
            }
        }
        let tls = self.sandbox.base_url().replace("http:", "https:");
        let fill = |text: &str| {
            text.replace("{sandbox}", &self.sandbox.base_url())
                .replace("{tls}", &tls)
                .replace("{mute}", &self.mute.base_url)
                .replace("{token}", &self.sandbox.api_token())
        };
        for (name, value) in &case.options {
            match value {
                Value::String(text) => request.set(name, fill(text)),
                Value::Bool(yes) => request.set(name, if *yes { "1" } else { "0" }),
                other => request.set(name, other.to_string()),
            }
        }
        if let Some(own) = &case.own {
            request.set("api_token", self.sandbox.value_of(own));
        }
        match case.cancel {
            Some(Cancel::Before) => request.set("cancel", "before"),
            Some(_) => request.set("cancel", "during"),
            None => {}
        }
        if let Some(count) = case.stop_after {
            request.set("stop_after", count.to_string());
        }
        request
    }

    fn compare_truth(&self, wrong: &mut Vec<String>, expect: &Expected<'_>) {
        let truth = self.sandbox.truth(expect.id);
        let status = match truth.status {
            Status::Active => Truth::Active,
            Status::Deleted => Truth::Deleted,
            Status::Unknown => Truth::Absent,
        };
        // A scenario's token is there from the start, but the sandbox meets it only with its first request.
        let untouched =
            status == Truth::Absent && expect.rest.truth == Truth::Active && truth.requests == 0;
        if status != expect.rest.truth && !untouched {
            wrong.push(format!("the token is {status:?}: expected {:?}", expect.rest.truth));
        }
        if truth.requests != expect.rest.requests {
            wrong.push(format!("{} requests: expected {}", truth.requests, expect.rest.requests));
        }
    }
}

/// Compares what was told of a batch that stopped. One that was left early, or cancelled, need not tell.
fn compare_stop(wrong: &mut Vec<String>, told: Option<&Told>, case: &Case) -> Result<()> {
    let Some(expected) = &case.stopped else {
        if let Some(told) = told.filter(|_| case.stop_after.is_none() && case.cancel.is_none()) {
            wrong.push(format!("the batch stopped: {told:?}"));
        }
        return Ok(());
    };
    let Some(told) = told else {
        wrong.push(format!("nothing says that the batch stopped: expected {expected}"));
        return Ok(());
    };
    let untried = (told.get("skipped")?.parse()?, told.get("not_pulled")?.parse()?);
    if told.get("stopped")? != expected || case.untried.is_some_and(|those| those != untried) {
        wrong.push(format!("{told:?}: expected {expected}, {:?}", case.untried));
    }
    for name in ["stopped_code", "stopped_message"] {
        if told.get(name)?.is_empty() {
            wrong.push(format!("{told:?}: expected a {name}"));
        }
    }
    Ok(())
}

/// An expectation with the id it is for.
struct Expected<'a> {
    id: &'a str,
    rest: &'a Expect,
}

impl Case {
    /// In a batch a duplicate is expected once.
    fn expectations(&self) -> Vec<Expected<'_>> {
        let mut ids: Vec<&str> = Vec::new();
        for id in &self.ids {
            if !self.call.is_batch() || !ids.contains(&&**id) {
                ids.push(id);
            }
        }
        ids.into_iter().zip(&self.expect).map(|(id, rest)| Expected { id, rest }).collect()
    }

    /// Tokens that nobody may touch: those that are there beside the ids, and ids that nothing is expected of.
    fn bystanders(&self) -> impl Iterator<Item = &String> {
        let beside = self.there.iter().filter(|id| !self.ids.contains(id));
        let expected: Vec<_> = self.expectations().iter().map(|expected| expected.id).collect();
        beside.chain(self.ids.iter().filter(move |id| !expected.contains(&id.as_str())))
    }
}

/// The outcome for an expectation: the next one of calls in a row, the one with its id of a batch.
fn take(told: &mut VecDeque<Told>, case: &Case, expect: &Expected<'_>) -> Result<Option<Told>> {
    if !case.call.is_batch() || matches!(expect.rest.id, Some(None)) {
        return Ok(told.pop_front());
    }
    for (position, one) in told.iter().enumerate() {
        if one.get("id")? == expect.id {
            return Ok(told.remove(position));
        }
    }
    Ok(None)
}

fn compare(
    wrong: &mut Vec<String>,
    told: &Told,
    expect: &Expected<'_>,
    case: &Case,
    raises: &str,
) -> Result<()> {
    let rest = expect.rest;
    let number = |value: Option<u16>| value.map(|n| n.to_string()).unwrap_or_default();
    let mut fields = vec![
        ("outcome", rest.outcome.clone()),
        ("code", rest.code.clone()),
        ("http_status", number(rest.http_status)),
        ("attempts", rest.attempts.to_string()),
        ("title", rest.title.clone().unwrap_or_default()),
    ];
    // A call that was refused, or cancelled before its first attempt, may count or not.
    if let Some(rounds) = rest.rounds.or((rest.attempts > 0).then_some(1)) {
        fields.push(("rounds", rounds.to_string()));
    }
    let retryable = rest.retryable.unwrap_or(rest.outcome == "unknown");
    fields.push(("retryable", u8::from(retryable).to_string()));
    match &rest.id {
        None => fields.push(("id", expect.id.to_owned())),
        Some(Some(id)) => fields.push(("id", id.clone())),
        Some(None) => {}
    }
    if let Some(detail) = &rest.detail {
        fields.push(("detail", detail.clone().unwrap_or_default()));
    }
    // One call that fails raises what the language raises; in a batch a failure is an outcome like any other.
    let success = matches!(&*rest.outcome, "deleted" | "gone");
    let made = rest.id != Some(None);
    let raised = !success && (!case.call.is_batch() || !made);
    fields.push(("raised", if raised { raises } else { "" }.to_owned()));
    for (name, expected) in fields {
        let got = told.get(name)?;
        if got != expected {
            wrong.push(format!("{name} is {got:?}: expected {expected:?}"));
        }
    }

    let retry_after = told.get("retry_after")?;
    if retry_after.parse().ok() != rest.retry_after {
        wrong.push(format!("retry_after is {retry_after:?}: expected {:?}", rest.retry_after));
    }
    let trace_id = told.get("trace_id")?;
    let traced = trace_id.len() == 32 && trace_id.bytes().all(|b| b.is_ascii_hexdigit());
    if traced != (rest.attempts > 0) && !(rest.code == "cancelled" && traced) {
        wrong.push(format!("trace_id is {trace_id:?}, after {} attempts", rest.attempts));
    }
    let message = told.get("message")?;
    if message.is_empty() || case.plain_message && message.chars().any(char::is_control) {
        wrong.push(format!("message is {message:?}"));
    }
    if told.get("shown")?.is_empty() {
        wrong.push("nothing shows the client and the outcome".to_owned());
    }
    for field in told.fields() {
        if field.contains(SECRET) {
            wrong.push(format!("the secret is shown: {field:?}"));
        }
    }
    Ok(())
}

/// An outcome is settled while its case runs. Its time is in whole milliseconds, rounded down.
fn compare_time(wrong: &mut Vec<String>, told: &Told, since: SystemTime) -> Result<()> {
    let text = told.get("settled_at_ms")?;
    let at = text.parse().ok().map(|ms| UNIX_EPOCH + Duration::from_millis(ms));
    let earliest = since - Duration::from_millis(1);
    if !at.is_some_and(|at| (earliest..=SystemTime::now()).contains(&at)) {
        wrong.push(format!("settled_at_ms is {text:?}: expected a time while the case ran"));
    }
    Ok(())
}

/// A server that accepts connections and says nothing: a handshake with it never ends.
struct Mute {
    base_url: String,
    met: Arc<(Mutex<u64>, Condvar)>,
}

impl Mute {
    /// Its thread ends with the process.
    fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let base_url = format!("https://{}", listener.local_addr()?);
        let met = Arc::new((Mutex::new(0), Condvar::new()));
        let counted = Arc::clone(&met);
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for connection in listener.incoming() {
                open.push(connection);
                *counted.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                counted.1.notify_all();
            }
        });
        Ok(Self { base_url, met })
    }

    fn connections(&self) -> u64 {
        *self.met.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, count: u64, limit: Duration) -> bool {
        let met = self.met.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.met.1.wait_timeout_while(met, limit, |met| *met < count);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}
