//! The progress bar: on a terminal, for more than one token.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use mpt_tokens::{BatchHandle, BatchSummary};

use crate::delete::rate::Rate;

pub(crate) struct Progress {
    bar: ProgressBar,
    counts: Arc<Mutex<Counts>>,
    /// Whether lines on standard output would be written across the bar.
    shares_terminal: bool,
}

impl Progress {
    /// A bar for `count` tokens, or for nobody knows how many.
    pub(crate) fn new(show: bool, count: Option<u64>, batch: BatchHandle) -> Progress {
        let counts = Arc::new(Mutex::new(Counts {
            summary: BatchSummary::default(),
            rate: Rate::new(Instant::now()),
        }));
        if !show {
            let bar = ProgressBar::hidden();
            return Progress { bar, counts, shares_terminal: false };
        }
        let template = match count {
            Some(_) => "{bar:16} {human_pos}/{human_len}  {rate}  ETA {left}  {state}",
            None => "{spinner} {human_pos}  {rate}  {state}",
        };
        let shown = Arc::clone(&counts);
        let per_second = {
            let counts = Arc::clone(&counts);
            move || lock(&counts).rate.per_second(Instant::now())
        };
        let rate = per_second.clone();
        let style = ProgressStyle::with_template(template)
            .expect("the template is a good one")
            .with_key("state", move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
                // The bar has nobody to tell that it could not be drawn.
                let _ = text.write_str(&state(&lock(&shown).summary, &batch));
            })
            .with_key("rate", move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
                let _ = write!(text, "{:.0}/s", rate());
            })
            .with_key("left", move |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let left = state.len().unwrap_or_default().saturating_sub(state.pos());
                let _ = text.write_str(&eta(left, per_second()));
            });
        let bar = ProgressBar::with_draw_target(count, ProgressDrawTarget::stderr_with_hz(10))
            .with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar, counts, shares_terminal: io::stdout().is_terminal() }
    }

    /// Writes a line with the bar out of the way, and moves the bar on.
    pub(crate) fn advance<T>(&self, summary: &BatchSummary, write: impl FnOnce() -> T) -> T {
        let mut counts = lock(&self.counts);
        counts.summary = *summary;
        counts.rate.note(Instant::now(), summary.total);
        drop(counts);
        let written = if self.shares_terminal { self.bar.suspend(write) } else { write() };
        self.bar.set_position(summary.total + summary.duplicates + summary.already_done);
        written
    }

    /// Writes whole lines to standard error with the bar out of the way, from whatever thread.
    pub(crate) fn lines(&self) -> impl Fn(&str) + Send + use<> {
        let bar = self.bar.clone();
        // Without a standard error there is nobody to tell.
        move |text| drop(bar.suspend(|| io::stderr().write_all(text.as_bytes())))
    }

    /// Writes a line to standard error with the bar out of the way, from whatever thread.
    pub(crate) fn teller(&self) -> impl FnOnce(&str) + Send + use<> {
        let bar = self.bar.clone();
        move |text| {
            if bar.is_finished() {
                // The run has ended meanwhile, and the summary is next.
                return;
            }
            // Without a bar the cursor stands after `^C`.
            let start = if bar.is_hidden() && io::stderr().is_terminal() { "\n" } else { "" };
            // Without a standard error there is nobody to tell.
            let line = format!("{start}{text}\n");
            let _ = bar.suspend(|| io::stderr().write_all(line.as_bytes()));
        }
    }

    pub(crate) fn end(self) {
        self.bar.finish_and_clear();
    }
}

/// What the bar shows.
struct Counts {
    summary: BatchSummary,
    rate: Rate,
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long it takes yet, in words.
fn eta(left: u64, per_second: f64) -> String {
    if left > 0 && per_second <= 0.0 {
        return "-".to_owned();
    }
    #[allow(clippy::cast_precision_loss, reason = "no list is that long")]
    let seconds = if left == 0 { 0.0 } else { (left as f64 / per_second).ceil() };
    let left = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    humantime::format_duration(left).to_string()
}

fn state(counts: &BatchSummary, batch: &BatchHandle) -> String {
    let mut parts = Vec::new();
    for (count, word) in [
        (counts.deleted, "deleted"),
        (counts.gone, "gone"),
        (counts.not_deleted, "not_deleted"),
        (counts.unknown, "unknown"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let put_off = batch.put_off();
    if put_off > 0 {
        parts.push(format!("{put_off} put off"));
    }
    if let Some(outage) = batch.outage() {
        let since = Duration::from_secs(outage.since.elapsed().as_secs());
        parts.push(format!("waiting for the API, {}", humantime::format_duration(since)));
    } else if let Some(pause) = batch.pause() {
        parts.push(format!(
            "paused {:.0} s by the API ({})",
            pause.left.as_secs_f64().ceil(),
            pause.http_status
        ));
    } else if batch.rate().is_some() {
        parts.push("at the API's rate".to_owned());
    }
    parts.join(", ")
}
