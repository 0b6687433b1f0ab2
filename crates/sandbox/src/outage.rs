//! An outage of the whole sandbox: when it is, and what becomes of the connections meanwhile.

use crate::server::{Server, connection};
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::sleep;

/// How many connections may wait to be accepted: a test opens several hundred at once.
const BACKLOG: u32 = 4_096;

/// How a sandbox is away during an outage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outage {
    /// Nobody listens: open connections are closed without an answer, new ones are refused.
    Refused,
    /// Connections stay open and new ones are taken, and no request is carried out or answered. The requests that came
    /// meanwhile are never answered, not even after the outage.
    Silent,
}

/// An outage at a set time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) after: Duration,
    pub(crate) lasts: Duration,
    pub(crate) outage: Outage,
}

/// Begins an outage, or ends it; answered when it is so.
pub(crate) struct Order {
    pub(crate) outage: Option<Outage>,
    pub(crate) done: oneshot::Sender<()>,
}

/// A port of 127.0.0.1, listened on or not.
pub(crate) struct Port {
    address: SocketAddr,
    listener: Option<TcpListener>,
    /// Keeps the port while nobody listens, where the system allows a second socket for that.
    _keeper: Option<TcpSocket>,
}

impl Port {
    /// Listens on this port, or on a free one for 0.
    pub(crate) fn listen(port: u16) -> io::Result<Port> {
        let socket = bound(port)?;
        let address = socket.local_addr()?;
        // Before the other one listens: afterwards the port is taken.
        let keeper = bound(address.port()).ok();
        let listener = Some(socket.listen(BACKLOG)?);
        Ok(Port { address, listener, _keeper: keeper })
    }

    pub(crate) fn number(&self) -> u16 {
        self.address.port()
    }

    async fn listen_again(&mut self) {
        while self.listener.is_none() {
            match bound(self.number()).and_then(|socket| socket.listen(BACKLOG)) {
                Ok(listener) => self.listener = Some(listener),
                // Somebody else has it for a moment.
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

fn bound(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // A port just given up can be taken again at once; on Windows it would mean sharing one.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

/// Accepts connections for ever, but for the outages that are ordered.
pub(crate) async fn accept(
    mut port: Port,
    server: Arc<Server>,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    loop {
        let accepted = async {
            match &port.listener {
                Some(listener) => listener.accept().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            ordered = orders.recv() => {
                let Some(Order { outage, done }) = ordered else { return };
                server.outage.send_replace(outage);
                if outage == Some(Outage::Refused) {
                    port.listener = None;
                    // Each connection ends as soon as it is looked at.
                    while server.memory.lock().stats.open_connections > 0 {
                        yield_now().await;
                    }
                } else {
                    port.listen_again().await;
                }
                // Whoever ordered it may have stopped waiting.
                let _ = done.send(());
            }
            accepted = accepted => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection(stream, Arc::clone(&server)));
                }
                // No file descriptor is free, or the client has left already: both pass.
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

/// Orders an outage at its time, and its end.
pub(crate) async fn follow(plan: Plan, orders: mpsc::WeakUnboundedSender<Order>) {
    let order = |outage| {
        let (done, ordered) = oneshot::channel();
        // Without a sandbox there is nobody to order.
        let _ = orders.upgrade().map(|orders| orders.send(Order { outage, done }));
        ordered
    };
    sleep(plan.after).await;
    let _ = order(Some(plan.outage)).await;
    sleep(plan.lasts).await;
    let _ = order(None).await;
}
