//! The TLS sessions of a client, which its next connections to the same server resume: less to send, nothing to verify
//! again, and less work for the server.
//!
//! A ticket of TLS 1.3 is used by one connection only (RFC 8446, section C.4), and comes after a handshake. So connections
//! that are opened side by side wait for the tickets of those before them, but only for a moment: a full handshake costs
//! some milliseconds of processor time, and a slow start costs every call that waits for it.
//!
//! A ticket is never used for early data (0-RTT): anybody who recorded it could send it again.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

use crate::wait::wait::{Cancels, Wake};

/// The most tickets that are kept of a server: one for each connection that a batch may open at once.
const MOST_TICKETS: usize = 256;
/// How long the first connection to a server is waited for.
const FIRST: Duration = Duration::from_secs(2);
/// How long the next tickets are waited for after that.
const NEXT: Duration = Duration::from_millis(100);
/// How often a wait looks for a cancel.
const SLICE: Duration = Duration::from_millis(50);

/// What is known of the servers of a client: the one of its base URL, and a proxy.
#[derive(Default)]
pub(super) struct Sessions {
    servers: Mutex<Vec<Server>>,
    changed: Condvar,
}

struct Server {
    name: ServerName<'static>,
    group: Option<NamedGroup>,
    /// One of TLS 1.2, which any number of connections may resume.
    tls12: Option<Tls12ClientSessionValue>,
    /// The newest last.
    tickets: VecDeque<Tls13ClientSessionValue>,
    /// Connections that are being opened and have brought nothing yet.
    pending: Arc<AtomicUsize>,
    /// When the first connection brought a ticket, or an answer without one.
    known_since: Option<Instant>,
}

impl Sessions {
    fn servers(&self) -> MutexGuard<'_, Vec<Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, name: &ServerName<'_>, body: impl FnOnce(&mut Server) -> T) -> T {
        body(server(&mut self.servers(), name))
    }

    /// A session for a connection that is about to be opened, and must be by `deadline`: an earlier one where there is
    /// one, or may soon be. The handshake of its own keeps half of the time at least.
    pub(super) fn begin(
        self: &Arc<Sessions>,
        name: &ServerName<'_>,
        deadline: Instant,
        cancels: &Cancels,
    ) -> Result<Arc<Session>, Wake> {
        let begun = Instant::now();
        let half = begun + deadline.saturating_duration_since(begun) / 2;
        loop {
            let mut servers = self.servers();
            let server = server(&mut servers, name);
            let until = server.known_since.map_or(begun + FIRST, |known| begun.max(known) + NEXT);
            let left = until.min(half).saturating_duration_since(Instant::now());
            let ticket = server.tickets.pop_back();
            if ticket.is_some()
                || server.tls12.is_some()
                || server.pending.load(Ordering::SeqCst) == 0
                || left.is_zero()
            {
                server.pending.fetch_add(1, Ordering::SeqCst);
                return Ok(Arc::new(Session {
                    sessions: Arc::clone(self),
                    name: name.to_owned(),
                    ticket: Mutex::new(ticket),
                    pending: Arc::clone(&server.pending),
                    has_brought: AtomicBool::new(false),
                }));
            }
            let slice = cancels.slice().map_or(SLICE, |slice| slice.min(SLICE));
            drop(self.changed.wait_timeout(servers, left.min(slice)));
            // Whoever asks runs code of the caller: no lock is held here.
            if cancels.is_cancelled() || (cancels.is_polling() && cancels.ask()) {
                return Err(Wake::Cancelled);
            }
        }
    }
}

fn server<'a>(servers: &'a mut Vec<Server>, name: &ServerName<'_>) -> &'a mut Server {
    let at = servers.iter().position(|server| server.name == *name).unwrap_or_else(|| {
        servers.push(Server {
            name: name.to_owned(),
            group: None,
            tls12: None,
            tickets: VecDeque::new(),
            pending: Arc::default(),
            known_since: None,
        });
        servers.len() - 1
    });
    &mut servers[at]
}

/// The session of one connection.
pub(super) struct Session {
    sessions: Arc<Sessions>,
    name: ServerName<'static>,
    /// What it resumes.
    ticket: Mutex<Option<Tls13ClientSessionValue>>,
    pending: Arc<AtomicUsize>,
    has_brought: AtomicBool,
}

impl Session {
    /// Notes that the server has answered: tickets come before that, if any come.
    pub(super) fn is_answered(&self) {
        if !self.has_brought.load(Ordering::SeqCst) {
            self.bring(|_| ());
        }
    }

    /// Notes what the connection brought for others.
    fn bring(&self, note: impl FnOnce(&mut Server)) {
        self.sessions.with(&self.name, |server| {
            note(server);
            server.known_since.get_or_insert_with(Instant::now);
            self.settle();
        });
        self.sessions.changed.notify_all();
    }

    /// It is no longer waited for.
    fn settle(&self) {
        if !self.has_brought.swap(true, Ordering::SeqCst) {
            self.pending.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Without a lock: a forked child that drops it may have a copy of one that is locked for ever.
impl Drop for Session {
    fn drop(&mut self) {
        self.settle();
        self.sessions.changed.notify_all();
    }
}

impl ClientSessionStore for Session {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.sessions.with(&name, |server| server.group = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.sessions.with(name, |server| server.group)
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.bring(|server| server.tls12 = Some(value));
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.sessions.with(name, |server| server.tls12.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.sessions.with(name, |server| server.tls12 = None);
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.bring(|server| {
            if server.tickets.len() == MOST_TICKETS {
                server.tickets.pop_front();
            }
            server.tickets.push_back(ticket);
        });
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::cancel::Cancel;

    fn name() -> ServerName<'static> {
        ServerName::try_from("api.example.com").unwrap()
    }

    /// Who waits asks whether to cancel: a call without time does not come to that.
    #[test]
    fn nobody_waits_for_a_session_past_the_deadline() {
        let sessions = Arc::new(Sessions::default());
        let never = Cancels::new(&Cancel::new(), None);
        let late = Instant::now();
        let first = sessions.begin(&name(), late, &never).unwrap();
        let asked = Cancels::new(&Cancel::polling(Duration::ZERO, || panic!("it waits")), None);
        sessions.begin(&name(), late, &asked).unwrap();
        drop(first);
    }
}
