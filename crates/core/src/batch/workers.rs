//! The workers of a batch, and the queue of jobs and reports between them and the calling thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::batch::credential::{Credential, Says};
use crate::batch::job::{Done, Job};
use crate::batch::patience::Outage;
use crate::batch::rate_limiter::RateLimiter;
use crate::batch::stopped::{Stopped, given_up, wants_no_calls};
use crate::call::io::{Permit, Throttle};
use crate::client::burn::{burnt, proof_in};
use crate::client::client::Client;
use crate::client::options::DeleteOptions;
use crate::client::prove::Before;
use crate::input::api_token::ApiToken;
use crate::journal::journal::Journal;
use crate::outcome::code::OutcomeKind;
use crate::outcome::event::Event;
use crate::outcome::outcome::{Attempt, Outcome, Proof, ProofBasis};
use crate::wait::cancel::Cancel;
use crate::wait::process;
use crate::wait::wait::{Cancels, Wake};

/// A client and options to try ids with, and what ends the waits before a call.
pub(crate) struct CallSettings {
    pub(crate) client: Client,
    pub(crate) options: DeleteOptions,
    pub(crate) cancels: Cancels,
}

impl CallSettings {
    pub(crate) fn new(client: Client, options: DeleteOptions, halt: &Cancel) -> CallSettings {
        let cancels =
            Cancels::new(client.cancel_handle(), options.cancel.as_ref()).and(halt.clone());
        CallSettings { client, options, cancels }
    }

    /// Whether the caller cancelled: a batch that was only stopped lets the calls under way finish.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.client.cancel_handle().is_cancelled()
            || self.options.cancel.as_ref().is_some_and(Cancel::is_cancelled)
    }
}

/// What the workers and the calling thread share.
pub(crate) struct Workers {
    /// The process that it belongs to.
    pid: u32,
    settings: CallSettings,
    rate_limiter: RateLimiter,
    credential: Credential,
    journal: Option<Journal>,
    /// Ends the waits of those who have not started a call.
    halt: Cancel,
    queue: Mutex<Queue>,
    /// Whether `stop` in the queue is set, and whether `done` there has any: asked for each id, so without the lock.
    is_stopped: AtomicBool,
    has_done: AtomicBool,
    work: Condvar,
    news: Condvar,
    /// How many jobs are put off, and the outage that is waited for: for [`BatchHandle`](crate::BatchHandle).
    noted: Mutex<(usize, Option<Outage>)>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    done: VecDeque<Done>,
    /// What the workers' calls tell, for the calling thread to pass on.
    events: Vec<Event>,
    /// Workers that wait for a job.
    idle: usize,
    /// The calling thread waits for news.
    is_awaited: bool,
    stop: Option<Stopped>,
    closed: bool,
}

impl Workers {
    /// `longest_pause`: a server that wants to be left alone for longer ends the batch.
    pub(crate) fn new(
        settings: CallSettings,
        journal: Option<Journal>,
        halt: Cancel,
        longest_pause: Duration,
    ) -> Workers {
        Workers {
            pid: process::current(),
            settings,
            rate_limiter: RateLimiter::new(Instant::now(), longest_pause),
            credential: Credential::default(),
            journal,
            halt,
            queue: Mutex::default(),
            is_stopped: AtomicBool::new(false),
            has_done: AtomicBool::new(false),
            work: Condvar::new(),
            news: Condvar::new(),
            noted: Mutex::default(),
        }
    }

    /// Whether this is a forked child: the workers are not here, and what they share may be locked for ever.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.pid != process::current()
    }

    pub(crate) fn rate_limiter(&self) -> &RateLimiter {
        &self.rate_limiter
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what the calling thread has put off, and why.
    pub(crate) fn note(&self, put_off: usize, outage: Option<Outage>) {
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = (put_off, outage);
    }

    pub(crate) fn noted(&self) -> (usize, Option<Outage>) {
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job; returns true if there are more jobs than idle workers.
    pub(crate) fn order(&self, job: Job) -> bool {
        let mut queue = self.queue();
        queue.jobs.push_back(job);
        if queue.idle > 0 {
            self.work.notify_one();
        }
        queue.jobs.len() > queue.idle
    }

    /// Takes the next job: for a batch without workers.
    pub(crate) fn take_job(&self) -> Option<Job> {
        self.queue().jobs.pop_front()
    }

    /// Takes the jobs back that no worker has begun.
    pub(crate) fn take_back(&self) -> VecDeque<Job> {
        std::mem::take(&mut self.queue().jobs)
    }

    /// All reports that are ready, and the events before them.
    pub(crate) fn take_done(&self) -> (Vec<Event>, VecDeque<Done>) {
        let mut queue = self.queue();
        self.has_done.store(false, Ordering::Release);
        (std::mem::take(&mut queue.events), std::mem::take(&mut queue.done))
    }

    /// Keeps an event for the calling thread.
    pub(crate) fn keep_event(&self, event: Event) {
        let mut queue = self.queue();
        queue.events.push(event);
        self.tell_of_news(queue);
    }

    /// Wakes the calling thread, if it waits: to wake nobody is a system call, too.
    fn tell_of_news(&self, mut queue: MutexGuard<'_, Queue>) {
        if std::mem::take(&mut queue.is_awaited) {
            drop(queue);
            self.news.notify_one();
        }
    }

    pub(crate) fn has_done(&self) -> bool {
        self.has_done.load(Ordering::Acquire)
    }

    /// Waits until a report is ready, or for as long as `limit`. Returns how many jobs the workers have then.
    pub(crate) fn wait_for_news(&self, limit: Option<Duration>) -> usize {
        let mut queue = self.queue();
        // Whoever gives a limit looks again by itself.
        while queue.done.is_empty() && queue.events.is_empty() {
            queue.is_awaited = true;
            queue = match limit {
                None => self.news.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(limit) => {
                    let waited = self.news.wait_timeout(queue, limit);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            queue.is_awaited = false;
            if limit.is_some() {
                break;
            }
        }
        queue.jobs.len()
    }

    /// No job is started any more. The first reason counts.
    pub(crate) fn stop(&self, why: Stopped) {
        if self.is_elsewhere() {
            return;
        }
        {
            let stop = &mut self.queue().stop;
            if stop.is_some() {
                return;
            }
            *stop = Some(why.clone());
            self.is_stopped.store(true, Ordering::Release);
        }
        self.halt.cancel();
        self.credential.wake();
        // No lock is held: a logger may wait for the calling thread.
        if !why.is_wanted() {
            log::warn!(target: "mpt_tokens::batch", "the batch stops: {why}");
        }
    }

    /// Why no job is started any more.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        let is_stopped = self.is_stopped.load(Ordering::Acquire);
        let stop = if is_stopped { self.queue().stop.clone() } else { None };
        stop.or_else(|| self.settings.cancels.is_cancelled().then_some(Stopped::Cancelled))
    }

    /// Lets the workers go once nothing is left to do.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.work.notify_all();
    }

    pub(crate) fn spawn(self: &Arc<Workers>) -> std::io::Result<JoinHandle<()>> {
        let workers = Arc::clone(self);
        thread::Builder::new().name("mpt-tokens-batch".to_owned()).spawn(move || workers.serve())
    }

    fn serve(&self) {
        let mut queue = self.queue();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                let outcome = self.carry_out(&job, &self.settings);
                queue = self.queue();
                queue.done.push_back(Done { job, outcome });
                self.has_done.store(true, Ordering::Release);
                if queue.is_awaited {
                    self.tell_of_news(queue);
                    queue = self.queue();
                }
            } else if queue.closed {
                return;
            } else {
                queue.idle += 1;
                queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }

    /// Tries one id, unless the batch was stopped.
    pub(crate) fn carry_out(&self, job: &Job, settings: &CallSettings) -> Outcome {
        if let (Some(outcome), Some(value)) = (&job.known_dead, &job.value) {
            let why = self.stopped().or_else(|| self.wait_for_turn(settings).err());
            let proof = match why {
                Some(why) => Proof::not_asked_for(&job.id, &why.cause()),
                None => self.proof(
                    job,
                    value,
                    match settings.options.burn {
                        true => burnt(outcome.kind()),
                        false => Before::Nothing,
                    },
                    settings,
                    &settings.options,
                ),
            };
            let rounds = outcome.rounds + 1;
            return Outcome { proof: Some(Box::new(proof)), rounds, ..(**outcome).clone() };
        }
        if let Some(why) = self.stopped() {
            return given_up(job, &why);
        }
        if let Err(why) = self.wait_for_turn(settings) {
            return given_up(job, &why);
        }
        let leave = self.credential.begin(|| self.stopped().is_some());
        if leave.waited
            && let Err(why) = self.stopped().map_or_else(|| self.wait_for_turn(settings), Err)
        {
            return given_up(job, &why);
        }
        if let (Some(journal), Some(intent)) = (&self.journal, job.intent)
            && let Err(why) = journal.commit(intent)
        {
            let why = Stopped::Journal(why.to_string());
            self.stop(why.clone());
            return given_up(job, &why);
        }
        let options = DeleteOptions {
            lost_before: job.lost(),
            attempts_before: job.attempts(),
            has_own_reserve: job.probe,
            trace_parent: Some(job.trace),
            missing_ok: job.missing_ok.or(settings.options.missing_ok),
            ..settings.options.clone()
        };
        let throttle: Option<&dyn Throttle> = Some(&self.rate_limiter);
        let burns = options.burn;
        let mut outcome = job.told(match &job.value {
            Some(value) if burns => settings.client.burn_unproven(value, &options, throttle),
            _ => settings.client.outcome(&job.id, &options, throttle),
        });
        let own_token = settings.client.is_own_token(&job.id);
        // What is said of a value that is burnt is said of no other.
        let says = if burns { Says::Nothing } else { Says::of(&outcome, own_token) };
        if leave.end(says) {
            self.stop(Stopped::Unauthorized);
        }
        if let Some(value) = &job.value
            && outcome.is_success()
        {
            // A batch that is stopped asks for the proofs of what it has deleted all the same.
            let proof = match self.wait_for_turn(settings) {
                _ if burns && outcome.kind() == OutcomeKind::Gone => proof_in(&outcome),
                Err(Stopped::Paused(pause)) => {
                    Proof::not_asked_for(&job.id, &wants_no_calls(&pause))
                }
                // A call that is to be ended finds out by itself.
                _ => {
                    // What the API's 404 has said already need not be asked again.
                    let last = outcome.attempts().last().and_then(Attempt::api_status);
                    let before = match last {
                        _ if burns => burnt(outcome.kind()),
                        Some(404 | 410) => Before::Absent,
                        _ => Before::Nothing,
                    };
                    self.proof(job, value, before, settings, &options)
                }
            };
            outcome.proof = Some(Box::new(proof));
        }
        outcome
    }

    /// Proves one value of a token, and the others of it as long as they are proven.
    fn proof(
        &self,
        job: &Job,
        value: &ApiToken,
        before: Before,
        settings: &CallSettings,
        options: &DeleteOptions,
    ) -> Proof {
        let prove = |value: &ApiToken, before: Before| {
            settings.client.proof(&job.id, value, before, options, Some(&self.rate_limiter))
        };
        let mut proof = prove(value, before);
        for value in job.other_values.iter().filter(|_| !options.burn) {
            if !proof.is_proven() {
                break;
            }
            proof = prove(
                value,
                match proof.basis() {
                    Some(ProofBasis::Control) => Before::Absent,
                    _ => Before::Nothing,
                },
            );
        }
        proof
    }

    fn wait_for_turn(&self, settings: &CallSettings) -> Result<(), Stopped> {
        let pause = |left| settings.cancels.pause(left) != Wake::Cancelled;
        let pause = match self.rate_limiter.wait(None, Instant::now, pause) {
            Permit::Go => return Ok(()),
            Permit::Late => self.rate_limiter.pause(),
            Permit::Ended => None,
        };
        let Some(pause) = pause else {
            return Err(self.stopped().unwrap_or(Stopped::Cancelled));
        };
        self.stop(Stopped::Paused(pause));
        Err(Stopped::Paused(pause))
    }
}
