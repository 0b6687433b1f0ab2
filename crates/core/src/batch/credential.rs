//! Whether the API still accepts the API token: a 401 may be about one id only, and the answer for another id tells.
//! No I/O.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::outcome::outcome::{Attempt, Outcome};

/// What is known of the API token, from the answers for all ids of a batch.
#[derive(Debug, Default)]
pub(crate) struct Credential {
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    doubt: Option<Doubt>,
    /// How many doubts there were.
    doubts: u64,
    /// The token in use was deleted, as was asked for: a 401 after that is no news.
    deleted: bool,
    /// How many wait for a call that may settle the doubt.
    waiting: usize,
}

/// The last answer that said anything about the API token was a 401.
#[derive(Debug)]
struct Doubt {
    number: u64,
    /// A call that began since then is under way.
    asking: bool,
}

/// What an answer says about the API token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// It is accepted: whoever answered went by what it may do, or by what there is.
    Accepted,
    /// 401.
    Refused,
    /// It was the token to be deleted, and it is dead.
    Deleted,
    /// Nothing: no answer, a gateway's, or one that may come before anybody looks at the API token.
    Nothing,
}

impl Says {
    pub(crate) fn of(outcome: &Outcome, own_token: bool) -> Says {
        if own_token && outcome.is_success() {
            return Says::Deleted;
        }
        let Some(last) = outcome.attempts().last().filter(|last| last.failure.is_none()) else {
            return Says::Nothing;
        };
        match (last.http_status, Attempt::api_status(last)) {
            (Some(401), _) => Says::Refused,
            (Some(204 | 403 | 409), _) | (_, Some(404 | 410)) => Says::Accepted,
            _ => Says::Nothing,
        }
    }
}

/// Leave to make a call. It ends when it is dropped, at the latest.
#[derive(Debug)]
pub(crate) struct Leave<'a> {
    credential: &'a Credential,
    /// The doubt in which the call began.
    doubt: Option<u64>,
    /// Whether another call had to be waited for.
    pub(crate) waited: bool,
}

impl Credential {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the API token is in doubt and a call that may settle it is under way, unless the batch is stopped.
    pub(crate) fn begin(&self, is_stopped: impl Fn() -> bool) -> Leave<'_> {
        let mut waited = false;
        let mut state = self.state();
        while state.doubt.as_ref().is_some_and(|doubt| doubt.asking) && !is_stopped() {
            waited = true;
            state.waiting += 1;
            state = self.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        let doubt = state.doubt.as_mut().map(|doubt| {
            doubt.asking = true;
            doubt.number
        });
        Leave { credential: self, doubt, waited }
    }

    /// Lets those look again who wait: the batch is stopped.
    pub(crate) fn wake(&self) {
        drop(self.state());
        self.settled.notify_all();
    }
}

impl Leave<'_> {
    /// Notes what came of the call. Returns true if the API token is not accepted any more: two ids got a 401, and no
    /// answer between them accepted it.
    pub(crate) fn end(self, says: Says) -> bool {
        let mut state = self.credential.state();
        match says {
            Says::Nothing => false,
            Says::Accepted => {
                state.doubt = None;
                false
            }
            Says::Deleted => {
                state.doubt = None;
                state.deleted = true;
                false
            }
            Says::Refused if state.deleted => false,
            Says::Refused if state.doubt.is_some() => true,
            Says::Refused => {
                state.doubts += 1;
                state.doubt = Some(Doubt { number: state.doubts, asking: false });
                false
            }
        }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut state = self.credential.state();
        if let Some(doubt) = &mut state.doubt
            && self.doubt == Some(doubt.number)
        {
            doubt.asking = false;
        }
        let has_waiting = state.waiting > 0;
        drop(state);
        // To wake nobody is a system call, too.
        if has_waiting {
            self.credential.settled.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use rstest::rstest;

    use super::*;

    fn says(word: char) -> Says {
        match word {
            '+' => Says::Accepted,
            '-' => Says::Refused,
            'd' => Says::Deleted,
            '?' => Says::Nothing,
            other => panic!("{other}"),
        }
    }

    /// The answers for ids one after the other, and after how many the API token is given up.
    #[rstest]
    #[case::one("-", None)]
    #[case::two("--", Some(2))]
    #[case::later("+++--", Some(5))]
    #[case::of_one_token("+-+", None)]
    #[case::alternating("-+-+-+-+", None)]
    #[case::nothing_between("-??-", Some(4))]
    #[case::nothing_after("-???", None)]
    #[case::the_own_token_before("+d-", None)]
    #[case::the_own_token_between("-d--", None)]
    fn two_ids_in_a_row_say_that_the_token_is_not_accepted(
        #[case] answers: &str,
        #[case] given_up: Option<usize>,
    ) {
        let credential = Credential::default();
        let dead = answers.chars().map(|word| credential.begin(|| false).end(says(word)));
        assert_eq!(dead.into_iter().position(|dead| dead).map(|at| at + 1), given_up);
    }

    #[test]
    fn in_doubt_one_call_begins_at_a_time() {
        let credential = Credential::default();
        let before = credential.begin(|| false);
        credential.begin(|| false).end(Says::Refused);
        let asking = credential.begin(|| panic!("nobody asks yet"));
        assert!(!asking.waited);
        let (send, looked) = mpsc::channel();
        std::thread::scope(|scope| {
            let credential = &credential;
            let next = scope.spawn(move || {
                let leave = credential.begin(|| {
                    send.send(()).unwrap();
                    false
                });
                (leave.waited, leave.end(Says::Accepted))
            });
            // It waits: for the end of the one that asks, and of no other.
            looked.recv().unwrap();
            assert!(!before.end(Says::Nothing));
            looked.recv().unwrap();
            assert!(!asking.end(Says::Nothing));
            assert_eq!(next.join().unwrap(), (true, false));
        });
        assert!(!credential.begin(|| false).end(Says::Refused), "the doubt was settled");
    }

    #[test]
    fn what_began_before_the_doubt_settles_it() {
        let credential = Credential::default();
        let (accepted, refused) = (credential.begin(|| false), credential.begin(|| false));
        credential.begin(|| false).end(Says::Refused);
        let asking = credential.begin(|| false);
        assert!(!accepted.end(Says::Accepted));
        assert!(!credential.begin(|| panic!("there is no doubt")).waited);
        assert!(!refused.end(Says::Refused), "it is the first again");
        drop(credential.begin(|| panic!("nobody asks in this doubt")));
        assert!(asking.end(Says::Refused));
    }

    #[test]
    fn who_waits_is_let_go_when_the_batch_is_stopped() {
        let credential = Credential::default();
        credential.begin(|| false).end(Says::Refused);
        let _asking = credential.begin(|| false);
        let stopped = AtomicBool::new(false);
        let (send, looked) = mpsc::channel();
        std::thread::scope(|scope| {
            let (credential, stopped) = (&credential, &stopped);
            let waits = scope.spawn(move || {
                // It says that it looked after it has: what it saw is no race, and it keeps the lock until it waits.
                let is_stopped = || {
                    let is_stopped = stopped.load(Ordering::SeqCst);
                    let _ = send.send(());
                    is_stopped
                };
                credential.begin(is_stopped).waited
            });
            looked.recv().unwrap();
            stopped.store(true, Ordering::SeqCst);
            credential.wake();
            assert!(waits.join().unwrap());
        });
    }
}
