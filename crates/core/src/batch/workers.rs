//! The workers of a batch, and the board on which work and reports hang.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::batch::job::{Done, Job};
use crate::batch::rate_limiter::{PATIENCE, Pace};
use crate::batch::stopped::{Stopped, skipped, wants_no_calls};
use crate::call::io::{Entry, Gate};
use crate::client::client::Client;
use crate::client::options::DeleteOptions;
use crate::journal::journal::Journal;
use crate::report::code::Code;
use crate::report::report::{Attempt, Proof, Report};
use crate::wait::cancel::Cancel;
use crate::wait::wait::{Cancels, Wake};

/// A client and options to try ids with, and what ends the waits before a call.
pub(crate) struct Hands {
    pub(crate) client: Client,
    pub(crate) options: DeleteOptions,
    pub(crate) cancels: Cancels,
}

impl Hands {
    pub(crate) fn new(client: Client, options: DeleteOptions, halt: &Cancel) -> Hands {
        let cancels =
            Cancels::new(client.cancel_handle(), options.cancel.as_ref()).and(halt.clone());
        Hands { client, options, cancels }
    }

    /// Whether the caller cancelled: a batch that was only stopped lets the calls under way finish.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.client.cancel_handle().is_cancelled()
            || self.options.cancel.as_ref().is_some_and(Cancel::is_cancelled)
    }
}

/// What the workers and the calling thread share.
pub(crate) struct Crew {
    /// The process that it belongs to.
    pid: u32,
    hands: Hands,
    pace: Pace,
    journal: Option<Journal>,
    /// Ends the waits of those who have not started a call.
    halt: Cancel,
    board: Mutex<Board>,
    work: Condvar,
    news: Condvar,
}

#[derive(Default)]
struct Board {
    jobs: VecDeque<Job>,
    done: VecDeque<Done>,
    /// Workers that wait for a job.
    idle: usize,
    stop: Option<Stopped>,
    closed: bool,
}

impl Crew {
    pub(crate) fn new(hands: Hands, journal: Option<Journal>, halt: Cancel) -> Crew {
        let patience = PATIENCE.max(hands.client.timeout());
        Crew {
            pid: std::process::id(),
            hands,
            pace: Pace::new(Instant::now(), patience),
            journal,
            halt,
            board: Mutex::default(),
            work: Condvar::new(),
            news: Condvar::new(),
        }
    }

    /// Whether this is a forked child: the workers are not here, and what they share may be locked for ever.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.pid != std::process::id()
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hangs a job out; whether there is a job more than there are idle workers.
    pub(crate) fn order(&self, job: Job) -> bool {
        let mut board = self.board();
        board.jobs.push_back(job);
        if board.idle > 0 {
            self.work.notify_one();
        }
        board.jobs.len() > board.idle
    }

    /// Takes the next job: for a batch without workers.
    pub(crate) fn take_job(&self) -> Option<Job> {
        self.board().jobs.pop_front()
    }

    /// All reports that are ready.
    pub(crate) fn take_done(&self) -> VecDeque<Done> {
        std::mem::take(&mut self.board().done)
    }

    pub(crate) fn has_done(&self) -> bool {
        !self.board().done.is_empty()
    }

    /// Waits until a report is ready, or for as long as `limit`.
    pub(crate) fn wait_for_news(&self, limit: Option<Duration>) {
        let board = self.board();
        match limit {
            None => {
                let nothing = |board: &mut Board| board.done.is_empty();
                drop(self.news.wait_while(board, nothing).unwrap_or_else(PoisonError::into_inner));
            }
            // Whoever gives a limit looks again by itself.
            Some(_) if !board.done.is_empty() => {}
            Some(limit) => {
                drop(
                    self.news.wait_timeout(board, limit).unwrap_or_else(PoisonError::into_inner).0,
                );
            }
        }
    }

    /// No job is started any more. The first reason counts.
    pub(crate) fn stop(&self, why: Stopped) {
        if self.is_elsewhere() {
            return;
        }
        self.board().stop.get_or_insert(why);
        self.halt.cancel();
    }

    /// Why no job is started any more.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        let stop = self.board().stop.clone();
        stop.or_else(|| self.hands.cancels.is_cancelled().then_some(Stopped::Cancelled))
    }

    /// Lets the workers go once nothing is left to do.
    pub(crate) fn close(&self) {
        self.board().closed = true;
        self.work.notify_all();
    }

    pub(crate) fn spawn(self: &Arc<Crew>) -> std::io::Result<JoinHandle<()>> {
        let crew = Arc::clone(self);
        thread::Builder::new().name("mpt-tokens-batch".to_owned()).spawn(move || crew.serve())
    }

    fn serve(&self) {
        let mut board = self.board();
        loop {
            if let Some(job) = board.jobs.pop_front() {
                drop(board);
                let report = self.carry_out(&job, &self.hands);
                board = self.board();
                board.done.push_back(Done { job, report });
                if board.done.len() == 1 {
                    self.news.notify_one();
                }
            } else if board.closed {
                return;
            } else {
                board.idle += 1;
                board = self.work.wait(board).unwrap_or_else(PoisonError::into_inner);
                board.idle -= 1;
            }
        }
    }

    /// Tries one id, unless the batch was stopped.
    pub(crate) fn carry_out(&self, job: &Job, hands: &Hands) -> Report {
        if let (Some(report), Some(value)) = (&job.known_dead, &job.value) {
            let why = self.stopped().or_else(|| self.wait_for_turn(hands).err());
            let proof = match why {
                Some(why) => Proof::not_asked_for(&job.id, &why.cause()),
                None => hands.client.proof(&job.id, value, false, &hands.options, Some(&self.pace)),
            };
            return Report { proof: Some(Box::new(proof)), ..(**report).clone() };
        }
        if let Some(why) = self.stopped() {
            return skipped(job, &why);
        }
        if let Err(why) = self.wait_for_turn(hands) {
            return skipped(job, &why);
        }
        if let (Some(journal), Some(intent)) = (&self.journal, job.intent)
            && let Err(why) = journal.commit(intent)
        {
            let why = Stopped::Journal(why.to_string());
            self.stop(why.clone());
            return skipped(job, &why);
        }
        let options = DeleteOptions {
            after_lost_answer: job.after_lost_answer,
            in_doubt: job.in_doubt,
            missing_ok: job.missing_ok.or(hands.options.missing_ok),
            ..hands.options.clone()
        };
        let gate: Option<&dyn Gate> = Some(&self.pace);
        let mut report = hands.client.report(&job.id, &options, gate);
        if report.code() == Code::Unauthorized {
            self.stop(Stopped::Unauthorized);
        }
        if let Some(value) = &job.value
            && report.is_success()
        {
            // A batch that is stopped asks for the proofs of what it has deleted all the same.
            let proof = match self.wait_for_turn(hands) {
                Err(Stopped::Paused(pause)) => {
                    Proof::not_asked_for(&job.id, &wants_no_calls(&pause))
                }
                // A call that is to be ended finds out by itself.
                _ => {
                    // What the API's 404 has said already need not be asked again.
                    let last = report.attempts().last().and_then(Attempt::api_status);
                    let control = matches!(last, Some(404 | 410));
                    hands.client.proof(&job.id, value, control, &options, gate)
                }
            };
            report.proof = Some(Box::new(proof));
        }
        report
    }

    fn wait_for_turn(&self, hands: &Hands) -> Result<(), Stopped> {
        let pause = |left| hands.cancels.pause(left) != Wake::Cancelled;
        match (self.pace.wait(None, Instant::now, pause), self.pace.pause()) {
            (Entry::Go, _) => Ok(()),
            (Entry::Late, Some(pause)) => {
                self.stop(Stopped::Paused(pause));
                Err(Stopped::Paused(pause))
            }
            (Entry::Late | Entry::Ended, _) => Err(self.stopped().unwrap_or(Stopped::Cancelled)),
        }
    }
}
