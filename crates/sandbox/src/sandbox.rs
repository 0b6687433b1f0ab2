//! The running sandbox, as the program or test that started it holds it.

use crate::options::{Builder, MAIN_TOKEN_ID, Options};
use crate::outage::{Order, Outage, Port, accept, follow};
use crate::server::Server;
use crate::state::{Memory, RecordedRequest, Stats, Truth};
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// How many tasks run before the sockets are looked at again. With many more, requests that came in a
/// bunch stay one for ever, and with a delay of 20 ms the last of them is answered 1 ms late; with
/// many fewer, a busy server looks at the sockets more than it serves them.
const EVENT_INTERVAL: u32 = 16;

/// A running sandbox. It serves on its own thread and stops when dropped: every connection is then closed,
/// and the port is free again.
///
/// Threads may share it.
///
/// ```
/// let sandbox = mpt_tokens_sandbox::Sandbox::start()?;
/// println!("MPT_API_BASE_URL={}", sandbox.base_url());
/// println!("MPT_API_TOKEN={}", sandbox.api_token());
/// assert_eq!(sandbox.truth("TKN-ok-0001").requests, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Sandbox {
    server: Arc<Server>,
    orders: mpsc::UnboundedSender<Order>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The process that the thread lives in.
    process: u32,
}

impl Sandbox {
    /// Starts a sandbox with every default.
    ///
    /// # Errors
    /// When no port is free or a thread cannot be started.
    pub fn start() -> io::Result<Self> {
        Sandbox::builder().start()
    }

    /// Returns a builder with the defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn with(options: Options) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .event_interval(EVENT_INTERVAL)
            .build()?;
        let port = {
            let _entered = runtime.enter();
            Port::listen(options.port)?
        };
        let memory = Memory::new(options.clone());
        let plan = options.outage;
        let outage = watch::Sender::new(None);
        let server = Arc::new(Server { memory, options, port: port.number(), outage });
        let (orders, ordered) = mpsc::unbounded_channel();
        let planned = orders.downgrade();
        let (stop, stopped) = oneshot::channel::<()>();
        let accepting = Arc::clone(&server);
        let serve = move || {
            runtime.block_on(async {
                if let Some(plan) = plan {
                    tokio::spawn(follow(plan, planned));
                }
                tokio::select! {
                    () = accept(port, accepting, ordered) => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = thread::Builder::new().name("sandbox".to_owned()).spawn(serve)?;
        let process = std::process::id();
        Ok(Sandbox { server, orders, stop: Some(stop), thread: Some(thread), process })
    }

    /// `http://127.0.0.1:<port>`: the value for `MPT_API_BASE_URL`.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The value of the main token, [`MAIN_TOKEN_ID`]: the value for `MPT_API_TOKEN`.
    pub fn api_token(&self) -> String {
        self.value_of(MAIN_TOKEN_ID)
    }

    /// Returns the value of any token. It authenticates while the token exists.
    pub fn value_of(&self, id: &str) -> String {
        self.server.options.value_of(id)
    }

    /// Returns the state of one token.
    pub fn truth(&self, id: &str) -> Truth {
        self.server.memory.truth(id.as_bytes())
    }

    /// The totals.
    pub fn stats(&self) -> Stats {
        self.server.memory.lock().stats
    }

    /// Returns the first hundred requests for anything other than one token, as `METHOD target`;
    /// [`Stats::strays`] counts all of them.
    pub fn strays(&self) -> Vec<String> {
        self.server.memory.lock().strays.iter().cloned().collect()
    }

    /// Returns the last requests, oldest first: at most as many as [`Builder::record`] says.
    pub fn recorded(&self) -> Vec<RecordedRequest> {
        self.server.memory.lock().recorded.iter().cloned().collect()
    }

    /// Starts an outage, which replaces any other; it has started when this returns. A request under way may
    /// have deleted its token; its answer is lost.
    pub fn begin_outage(&self, outage: Outage) {
        self.order(Some(outage));
    }

    /// Ends an outage, if there is one. When this returns, the sandbox is back on its port, with all its
    /// data.
    pub fn end_outage(&self) {
        self.order(None);
    }

    fn order(&self, outage: Option<Outage>) {
        // In a forked child nobody serves, and nobody would answer.
        if std::process::id() == self.process {
            let (done, ordered) = oneshot::channel();
            let sent = self.orders.send(Order { outage, done });
            // Where the thread has ended by a panic, it was printed there, and nobody listens any more.
            let _ = sent.map(|()| ordered.blocking_recv());
        }
    }

    /// Waits until `count` `DELETE` requests have named `id`, at most for `limit`. Returns true if they have.
    /// This lets a test act while a request is delayed, without guessing when.
    pub fn wait_for_requests(&self, id: &str, count: u32, limit: Duration) -> bool {
        let enough = |state: &crate::state::State| state.truth(id.as_bytes()).requests >= count;
        self.server.memory.wait_until(limit, enough)
    }

    /// Waits until `done` is true of the totals, at most for `limit`. Returns true if it is. It checks
    /// whenever a `DELETE`, or a request that is never answered, has arrived.
    pub fn wait_for_stats(&self, limit: Duration, done: impl Fn(&Stats) -> bool) -> bool {
        self.server.memory.wait_until(limit, |state| done(&state.stats))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::process::id() != self.process {
            // A forked child has this value but not the thread: to wait for it would be for ever,
            // and the sockets are the parent's to close.
            std::mem::forget((self.stop.take(), self.thread.take()));
            return;
        }
        // The receiver is gone already if the thread has ended: then there is nothing to stop.
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let Some(thread) = self.thread.take() {
            // A panic there was printed there; dropping must not panic again.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}
