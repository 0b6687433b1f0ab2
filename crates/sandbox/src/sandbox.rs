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

/// A running sandbox. It serves on a thread of its own, and stops when dropped: every connection is
/// then closed and the port is free again.
///
/// It may be shared between threads.
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

    /// Sets a sandbox up.
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

    /// `http://127.0.0.1:<port>`: what `MPT_API_BASE_URL` wants.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The value of the main token, [`MAIN_TOKEN_ID`]: what `MPT_API_TOKEN` wants.
    pub fn api_token(&self) -> String {
        self.value_of(MAIN_TOKEN_ID)
    }

    /// The value of any token. It authenticates while the token is there.
    pub fn value_of(&self, id: &str) -> String {
        self.server.options.value_of(id)
    }

    /// What is true of one token.
    pub fn truth(&self, id: &str) -> Truth {
        self.server.memory.truth(id.as_bytes())
    }

    /// The totals.
    pub fn stats(&self) -> Stats {
        self.server.memory.lock().stats
    }

    /// The first hundred requests for another resource than one token, as `METHOD target`;
    /// [`Stats::strays`] counts all.
    pub fn strays(&self) -> Vec<String> {
        self.server.memory.lock().strays.iter().cloned().collect()
    }

    /// The last requests, oldest first: as many as [`Builder::record`] asked for.
    pub fn recorded(&self) -> Vec<RecordedRequest> {
        self.server.memory.lock().recorded.iter().cloned().collect()
    }

    /// Begins an outage, in the place of one that there may be; it has begun when this returns. A request that is
    /// under way may have deleted its token; its answer is lost.
    pub fn begin_outage(&self, outage: Outage) {
        self.order(Some(outage));
    }

    /// Ends an outage, if there is one; when this returns, the sandbox is there again, on its port, and knows
    /// everything that it knew.
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

    /// Waits until `count` `DELETE` requests have named `id`, at most for `limit`; whether they
    /// have. So a test can act while a request is held, without guessing when.
    pub fn wait_for_requests(&self, id: &str, count: u32, limit: Duration) -> bool {
        let enough = |state: &crate::state::State| state.truth(id.as_bytes()).requests >= count;
        self.server.memory.wait_until(limit, enough)
    }

    /// Waits until `done` holds of the totals, at most for `limit`; whether it does. It looks whenever a `DELETE` has
    /// come, or a request that is never answered.
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
