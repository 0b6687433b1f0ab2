//! The progress bar: on a terminal, for more than one token.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use mpt_tokens::{BatchHandle, BatchSummary};

pub(crate) struct Progress {
    bar: ProgressBar,
    counts: Arc<Mutex<BatchSummary>>,
    /// Whether lines on standard output would be written across the bar.
    shares_terminal: bool,
}

impl Progress {
    /// A bar for `count` tokens, or for nobody knows how many.
    pub(crate) fn new(show: bool, count: Option<u64>, batch: BatchHandle) -> Progress {
        let counts = Arc::<Mutex<BatchSummary>>::default();
        if !show {
            let bar = ProgressBar::hidden();
            return Progress { bar, counts, shares_terminal: false };
        }
        let template = match count {
            Some(_) => "{bar:16} {human_pos}/{human_len}  {per_sec}  ETA {eta}  {state}",
            None => "{spinner} {human_pos}  {per_sec}  {state}",
        };
        let shown = Arc::clone(&counts);
        let style = ProgressStyle::with_template(template)
            .expect("the template is a good one")
            .with_key("state", move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
                // The bar has nobody to tell that it could not be drawn.
                let _ = text.write_str(&state(
                    &shown.lock().unwrap_or_else(PoisonError::into_inner),
                    &batch,
                ));
            })
            .with_key("per_sec", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                let _ = write!(text, "{:.0}/s", state.per_sec());
            });
        let bar = ProgressBar::with_draw_target(count, ProgressDrawTarget::stderr_with_hz(10))
            .with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar, counts, shares_terminal: io::stdout().is_terminal() }
    }

    /// Writes a line with the bar out of the way, and moves the bar on.
    pub(crate) fn advance<T>(&self, summary: &BatchSummary, write: impl FnOnce() -> T) -> T {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = *summary;
        let written = if self.shares_terminal { self.bar.suspend(write) } else { write() };
        self.bar.set_position(summary.total + summary.duplicates + summary.already_done);
        written
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
    if let Some(pause) = batch.pause() {
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
