//! Every phase of a call, cancelled and timed out: each test waits for the event that the phase has begun.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mpt_tokens::{
    Attempt, BatchOptions, Cancel, Client, ClientBuilder, Code, DeleteOptions, Outcome, OutcomeKind,
};
use rstest::rstest;

use crate::support::log::{assert_no_leak, quiet};
use crate::support::pki::Authority;
use crate::support::proxy::{Manner, Proxy};
use crate::support::raw::{Conn, NO_CONTENT, Server, http};
use crate::support::{HOST, ID, SOON, TOKEN, builder, builder_at, checked, delete};

/// How far a call gets before nothing goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stuck {
    Resolving,
    Connecting,
    Proxy,
    Handshake,
    Sending,
    Waiting,
    ReadingHead,
    ReadingBody,
    BackingOff,
}

impl Stuck {
    /// Whether the request may have left by then.
    fn is_sent(self) -> bool {
        use Stuck::*;
        matches!(self, Sending | Waiting | ReadingHead | ReadingBody | BackingOff)
    }
}

/// A world in which every call gets stuck there.
struct CallIo {
    builder: ClientBuilder,
    /// Says that a call got there.
    reached: Receiver<()>,
    /// What must live as long as the call.
    _alive: Box<dyn std::any::Any>,
}

fn world(stuck: Stuck) -> CallIo {
    let (say, reached) = mpsc::channel();
    let (builder, alive): (ClientBuilder, Box<dyn std::any::Any>) = match stuck {
        Stuck::Resolving => {
            let (release, held) = mpsc::channel::<()>();
            let held = Mutex::new(held);
            let builder = builder(format!("https://{HOST}")).lookup(move |_, _| {
                say.send(()).unwrap();
                // Until the test is over and `release` gone.
                let _ = held.lock().unwrap().recv();
                Ok(Vec::new())
            });
            (builder, Box::new(release))
        }
        Stuck::Connecting => {
            let hole = BlackHole::dig();
            let address = hole.address();
            thread::spawn(move || say_when_connecting(address, &say));
            (builder(format!("http://{address}")), Box::new(hole))
        }
        Stuck::Proxy => {
            let proxy = Proxy::start(Manner::Silent, "127.0.0.1:1".parse().unwrap());
            let builder = builder(format!("https://{HOST}")).proxy(proxy.url());
            let proxy = Arc::new(proxy);
            let waiting = Arc::clone(&proxy);
            thread::spawn(move || {
                waiting.server().wait_for_requests(1);
                say.send(()).unwrap();
            });
            (builder, Box::new(proxy))
        }
        Stuck::Handshake => {
            let server = Server::start(move |conn, _| {
                conn.read_some();
                let _ = say.send(());
                conn.until_closed();
            });
            (builder_at(server.tls_url(), server.address()), Box::new(server))
        }
        Stuck::Sending => {
            let server = Server::start(move |conn, _| {
                // One look, and nothing is taken any more: the socket's buffers fill up.
                conn.socket().peek(&mut [0]).unwrap();
                let _ = say.send(());
                conn.until_shut_down();
            });
            // Longer than what the sockets of both sides hold.
            let endless = format!("{TOKEN}{}", "x".repeat(8 << 20));
            (builder(server.url()).api_token(endless), Box::new(server))
        }
        Stuck::Waiting => answering(say, |_| ()),
        Stuck::ReadingHead => answering(say, |conn| drip(conn, "HTTP/1.1 204 No Content\r\nX: ")),
        Stuck::ReadingBody => answering(say, |conn| {
            drip(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 60000\r\n\r\n")
        }),
        Stuck::BackingOff => answering(say, |conn| {
            conn.send(http("503 Service Unavailable", "Retry-After: 20\r\n", ""));
        }),
    };
    // The platform's trust store is read before all of that, which may take as long as some of the limits here.
    let builder = builder.ca_bundle(Authority::new("nobody's").bundle().only());
    CallIo { builder, reached, _alive: alive }
}

/// A server that reads the request, does that, says so, and then waits.
fn answering(say: Sender<()>, what: fn(&mut Conn<'_>)) -> (ClientBuilder, Box<dyn std::any::Any>) {
    let server = Server::start(move |conn, _| {
        if conn.request().is_some() {
            let _ = say.send(());
            what(conn);
            conn.until_closed();
        }
    });
    (builder(server.url()), Box::new(server))
}

/// Something all the time, never enough.
fn drip(conn: &mut Conn<'_>, begin: &str) {
    conn.send(begin);
    while conn.send("y") {
        thread::sleep(Duration::from_millis(5));
    }
}

/// A listener whose queue is full, so that it takes no connection and refuses none.
struct BlackHole {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    fn dig() -> BlackHole {
        use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
        // On Windows, whoever makes the first socket must start their library: the standard library does.
        drop(TcpListener::bind("127.0.0.1:0").unwrap());
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        listen(&socket, 0).unwrap();
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        // Bounded: a queue of none holds one or two.
        for _ in 0..64 {
            match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                Ok(stream) => waiting.push(stream),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                    return BlackHole { listener, _waiting: waiting };
                }
            }
        }
        panic!("the queue does not fill up");
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}

/// Says so when a connection to this address is being opened (`SYN_SENT` in the system's table).
fn say_when_connecting(address: SocketAddr, say: &Sender<()>) {
    let port = format!("{:04X}", address.port());
    let began = Instant::now();
    while began.elapsed() < SOON {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let connecting = table.lines().any(|line| {
            let mut fields = line.split_whitespace().skip(2);
            let remote = fields.next().unwrap_or_default();
            remote.ends_with(&format!(":{port}")) && fields.next() == Some("02")
        });
        if connecting {
            let _ = say.send(());
            return;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn assert_ended(outcome: &Outcome, code: Code, stuck: Stuck) {
    let kind = if stuck.is_sent() { OutcomeKind::Unknown } else { OutcomeKind::NotDeleted };
    assert_eq!((outcome.code(), outcome.kind()), (code, kind), "{outcome:?}");
    assert_eq!(outcome.attempts().len(), 1, "{outcome:?}");
    assert_eq!(outcome.attempts()[0].sent, stuck.is_sent(), "{outcome:?}");
    assert_no_leak();
}

/// Which of the handles that end a call is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handle {
    Client,
    Call,
    Polling,
}

#[rstest]
fn cancelled(
    #[values(
        Stuck::Resolving,
        Stuck::Connecting,
        Stuck::Proxy,
        Stuck::Handshake,
        Stuck::Sending,
        Stuck::Waiting,
        Stuck::ReadingHead,
        Stuck::ReadingBody,
        Stuck::BackingOff
    )]
    stuck: Stuck,
    #[values(Handle::Client, Handle::Call, Handle::Polling)] handle: Handle,
) {
    let world = world(stuck);
    let asked = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let cancel = match handle {
        Handle::Client | Handle::Call => Cancel::new(),
        Handle::Polling => {
            let asked = Arc::clone(&asked);
            Cancel::polling(Duration::from_millis(20), move || {
                asked.load(std::sync::atomic::Ordering::SeqCst)
            })
        }
    };
    let (client, options) = match handle {
        Handle::Client => (world.builder.cancel(cancel.clone()), DeleteOptions::new()),
        Handle::Call | Handle::Polling => (world.builder, DeleteOptions::new().cancel(&cancel)),
    };
    let client = client.build().unwrap();
    let call = thread::spawn(move || {
        let _quiet = (stuck == Stuck::Sending).then(quiet);
        let outcome: Outcome = client.delete_token_with(ID, &options).into();
        (outcome, Instant::now())
    });
    world.reached.recv_timeout(SOON).unwrap();
    let cancelled = Instant::now();
    match handle {
        Handle::Polling => asked.store(true, std::sync::atomic::Ordering::SeqCst),
        Handle::Client | Handle::Call => cancel.cancel(),
    }
    let (outcome, ended) = call.join().unwrap();
    assert!(ended - cancelled < SOON, "{outcome:?}");
    if stuck == Stuck::BackingOff {
        // Between the event and the pause the answer is still read: cancelled there or in the pause.
        assert_eq!(
            (outcome.code(), outcome.kind()),
            (Code::Cancelled, OutcomeKind::Unknown),
            "{outcome:?}"
        );
    } else {
        assert_ended(&checked(outcome), Code::Cancelled, stuck);
    }
    assert!(cancel.is_cancelled());
}

const LIMIT: Duration = Duration::from_millis(150);
/// To write eight megabytes down takes a build without optimization a moment, and an emulated one many.
const LONG_LIMIT: Duration =
    Duration::from_millis(if option_env!("MPT_TOKENS_SLOW").is_some() { 15_000 } else { 1_500 });

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Attempt,
    Connect,
    Total,
}

#[rstest]
fn timed_out(
    #[values(
        Stuck::Resolving,
        Stuck::Connecting,
        Stuck::Proxy,
        Stuck::Handshake,
        Stuck::Sending,
        Stuck::Waiting,
        Stuck::ReadingHead,
        Stuck::ReadingBody
    )]
    stuck: Stuck,
    #[values(Limit::Attempt, Limit::Connect, Limit::Total)] limit: Limit,
) {
    let world = world(stuck);
    let limited = if stuck == Stuck::Sending { LONG_LIMIT } else { LIMIT };
    let _quiet = (stuck == Stuck::Sending).then(quiet);
    let client = match limit {
        Limit::Attempt => world.builder.attempt_timeout(limited).attempts(1),
        // It ends with the connection: what comes after has the attempt's limit.
        Limit::Connect if stuck.is_sent() => {
            world.builder.connect_timeout(limited / 2).attempt_timeout(limited).attempts(1)
        }
        Limit::Connect => world.builder.connect_timeout(limited).attempts(1),
        Limit::Total => world.builder.timeout(limited),
    }
    .build()
    .unwrap();
    let outcome = delete(&client);
    assert_ended(&outcome, Code::Timeout, stuck);
    assert!(outcome.elapsed() >= limited, "{outcome:?}");
    assert!(outcome.elapsed() < limited + SOON, "{outcome:?}");
}

/// A pause that would pass the deadline is not begun: the report comes at once, and says how long to wait.
#[test]
fn a_pause_longer_than_the_deadline() {
    let world = world(Stuck::BackingOff);
    let outcome = delete(&world.builder.timeout(Duration::from_secs(10)).build().unwrap());
    assert_eq!(
        (outcome.code(), outcome.kind()),
        (Code::ServerError, OutcomeKind::Unknown),
        "{outcome:?}"
    );
    assert_eq!(outcome.retry_after(), Some(Duration::from_secs(20)));
    assert!(outcome.elapsed() < SOON, "{outcome:?}");
}

/// The message of a deadline says where the time went.
#[rstest]
#[case(Stuck::Resolving, "while the host's name was looked up")]
#[case(Stuck::Connecting, "while connecting")]
#[case(Stuck::Proxy, "while the proxy was asked")]
#[case(Stuck::Handshake, "during the TLS handshake")]
#[case(Stuck::Waiting, "while the answer was awaited")]
#[case(Stuck::ReadingBody, "while the answer was read")]
fn the_phase_is_told(#[case] stuck: Stuck, #[case] words: &str) {
    let world = world(stuck);
    let outcome = delete(&world.builder.timeout(LIMIT).build().unwrap());
    assert!(outcome.message().contains(words), "{}", outcome.message());
}

/// Every attempt has its limit, and each is made.
#[test]
fn every_attempt_times_out() {
    let world = world(Stuck::Waiting);
    let client = world.builder.attempt_timeout(LIMIT).attempts(3).build().unwrap();
    let outcome = delete(&client);
    assert_eq!((outcome.code(), outcome.kind()), (Code::Timeout, OutcomeKind::Unknown));
    assert_eq!(outcome.attempts().len(), 3);
    for attempt in outcome.attempts() {
        assert_eq!((attempt.sent, attempt.failure), (true, Some(Code::Timeout)));
        assert!(attempt.elapsed >= LIMIT, "{attempt:?}");
    }
}

fn client_of_nobody(cancel: &Cancel) -> Client {
    builder(format!("https://{HOST}"))
        .lookup(|_, _| panic!("nothing may be looked up"))
        .cancel(cancel.clone())
        .build()
        .unwrap()
}

/// A handle that is cancelled before the call: nothing is tried at all, however often it is used again.
#[test]
fn cancelled_before_the_call() {
    let cancel = Cancel::new();
    let client = client_of_nobody(&cancel);
    cancel.cancel();
    cancel.cancel();
    for _ in 0..3 {
        let outcome = delete(&client);
        assert_eq!((outcome.code(), outcome.kind()), (Code::Cancelled, OutcomeKind::NotDeleted));
        assert!(outcome.attempts().is_empty());
    }
    let lost_before = DeleteOptions::new().after_lost_answer(true);
    let outcome: Outcome = client.delete_token_with(ID, &lost_before).into();
    assert_eq!((outcome.code(), outcome.kind()), (Code::Cancelled, OutcomeKind::Unknown));
}

/// A new handle on the same client works although the client's own is cancelled; the connection is kept.
#[test]
fn another_handle() {
    let server = Server::start(|conn, _| conn.answer_all(NO_CONTENT));
    let client = builder(server.url()).build().unwrap();
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    client.cancel_handle().cancel();
    assert_eq!(delete(&client).code(), Code::Cancelled);
    let fresh = client.with_cancel(Cancel::new());
    assert_eq!(delete(&fresh).kind(), OutcomeKind::Deleted);
    assert_eq!((server.connections(), server.requests()), (1, 2));
}

/// One call is cancelled by its own handle, others on the same client go on.
#[test]
fn one_call_of_two() {
    let (say, reached) = mpsc::channel();
    let server = Server::start(move |conn, _| {
        while let Some(head) = conn.request() {
            if head.contains("TKN-held") {
                say.send(()).unwrap();
                return conn.until_closed();
            }
            conn.send(NO_CONTENT);
        }
    });
    let client = builder(server.url()).build().unwrap();
    let cancel = Cancel::new();
    let held = thread::spawn({
        let (client, options) = (client.clone(), DeleteOptions::new().cancel(&cancel));
        move || Outcome::from(client.delete_token_with("TKN-held-1", &options))
    });
    reached.recv_timeout(SOON).unwrap();
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    cancel.cancel();
    let outcome = held.join().unwrap();
    assert_eq!((outcome.code(), outcome.kind()), (Code::Cancelled, OutcomeKind::Unknown));
    assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
}

/// A handle that asks seldom is still cancelled at once by another thread.
#[test]
fn polling_is_cancelled_from_elsewhere() {
    let world = world(Stuck::Waiting);
    let cancel = Cancel::polling(Duration::from_secs(25), || false);
    let client = world.builder.cancel(cancel.clone()).build().unwrap();
    let call = thread::spawn(move || delete(&client));
    world.reached.recv_timeout(SOON).unwrap();
    cancel.cancel();
    let outcome = call.join().unwrap();
    assert_ended(&outcome, Code::Cancelled, Stuck::Waiting);
    assert!(outcome.elapsed() < SOON, "{outcome:?}");
}

/// The calls of a batch that wait together because the server said so: cancelled, not one waits on.
#[rstest]
fn a_shared_pause_is_cancelled(#[values(1, 4)] concurrency: usize) {
    let server = Server::start(|conn, _| {
        conn.answer_all(http("429 Too Many Requests", "Retry-After: 20\r\n", ""));
    });
    let client = builder(server.url()).build().unwrap();
    let cancel = Cancel::new();
    let options = BatchOptions::new().concurrency(concurrency).cancel(&cancel);
    let batch = client.batch((0..8).map(|n| format!("TKN-{n}")), &options).unwrap();
    let handle = batch.handle();
    let (outcomes, took) = thread::scope(|scope| {
        scope.spawn(|| {
            let began = Instant::now();
            while handle.pause().is_none() && began.elapsed() < SOON {
                thread::sleep(Duration::from_millis(2));
            }
            cancel.cancel();
        });
        let began = Instant::now();
        let outcomes: Vec<Outcome> = batch.collect();
        (outcomes, began.elapsed())
    });
    assert!(took < SOON + SOON, "{took:?}");
    assert!(!outcomes.is_empty());
    for outcome in outcomes {
        assert!(matches!(outcome.code(), Code::Cancelled | Code::Skipped), "{outcome:?}");
        // The pause begins with the first answer: the others may still be on their way.
        let under_way = |last: &Attempt| last.sent && last.http_status.is_none();
        let kind = match outcome.attempts().last().is_some_and(under_way) {
            true => OutcomeKind::Unknown,
            false => OutcomeKind::NotDeleted,
        };
        assert_eq!(outcome.kind(), kind, "{outcome:?}");
    }
}

/// What is asked runs on the thread of the call, and nowhere else.
#[test]
fn polling_asks_on_the_calling_thread() {
    let world = world(Stuck::Waiting);
    let threads = Arc::new(Mutex::new(Vec::new()));
    let cancel = Cancel::polling(Duration::from_millis(5), {
        let threads = Arc::clone(&threads);
        move || {
            let mut threads = threads.lock().unwrap();
            threads.push(thread::current().id());
            threads.len() == 5
        }
    });
    let outcome = delete(&world.builder.cancel(cancel).build().unwrap());
    assert_eq!(outcome.code(), Code::Cancelled);
    assert_eq!(*threads.lock().unwrap(), [thread::current().id(); 5]);
}

/// The addresses of a host: what is dead, refuses or is there, in this order.
#[derive(Clone, Copy, Debug)]
enum Address {
    Dead,
    Refusing,
    Alive,
    /// Of the other family, and refusing.
    RefusingV6,
}

#[rstest]
#[case::alive(&[Address::Alive], true)]
#[case::dead_first(&[Address::Dead, Address::Alive], true)]
#[case::refusing_first(&[Address::Refusing, Address::Alive], true)]
#[case::the_other_family_first(&[Address::RefusingV6, Address::Alive], true)]
#[case::several_dead(&[Address::Dead, Address::Dead, Address::Refusing, Address::Dead, Address::Alive], true)]
#[case::alive_first(&[Address::Alive, Address::Dead], true)]
#[case::all_refusing(&[Address::Refusing, Address::RefusingV6, Address::Refusing], false)]
#[case::dead_and_refusing(&[Address::Dead, Address::Refusing], false)]
#[case::none(&[], false)]
fn several_addresses(#[case] addresses: &'static [Address], #[case] works: bool) {
    let server = Server::start(|conn, _| conn.answer_all(NO_CONTENT));
    let hole = BlackHole::dig();
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let found: Vec<SocketAddr> = addresses
        .iter()
        .map(|address| match address {
            Address::Dead => hole.address(),
            Address::Refusing => refusing,
            Address::Alive => server.address(),
            Address::RefusingV6 => SocketAddr::new("::1".parse().unwrap(), refusing.port()),
        })
        .collect();
    let dead = addresses.iter().any(|address| matches!(address, Address::Dead));
    let client = builder(format!("http://{HOST}"))
        .allow_plain_http(true)
        .lookup(move |_, _| Ok(found.clone()))
        .connect_timeout(if works { Duration::from_secs(20) } else { Duration::from_millis(600) })
        .attempts(1)
        .build()
        .unwrap();
    let outcome = delete(&client);
    if works {
        assert_eq!(outcome.kind(), OutcomeKind::Deleted, "{outcome:?}");
        assert!(outcome.elapsed() < SOON, "a dead address ate the time: {outcome:?}");
    } else {
        let code = match (addresses.is_empty(), dead) {
            (true, _) => Code::ResolveFailed,
            (false, true) => Code::Timeout,
            (false, false) => Code::ConnectFailed,
        };
        assert_eq!(
            (outcome.code(), outcome.kind()),
            (code, OutcomeKind::NotDeleted),
            "{outcome:?}"
        );
        assert!(!outcome.attempts()[0].sent);
        assert_eq!(server.connections(), 0);
    }
}

/// A look-up that fails is tried again, as a connection that is refused is; nothing was sent.
#[test]
fn a_host_that_is_not_there() {
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let client = builder(format!("https://{HOST}"))
        .lookup({
            let asked = Arc::clone(&asked);
            move |host, port| {
                assert_eq!((host, port), (HOST, 443));
                asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                Err(io::Error::other("no such host"))
            }
        })
        .build()
        .unwrap();
    let outcome = delete(&client);
    assert_eq!((outcome.code(), outcome.kind()), (Code::ResolveFailed, OutcomeKind::NotDeleted));
    assert_eq!((outcome.attempts().len(), asked.load(std::sync::atomic::Ordering::SeqCst)), (4, 4));
}

/// A look-up that panics is a failed look-up.
#[test]
fn a_look_up_that_panics() {
    let client = builder(format!("https://{HOST}"))
        .lookup(|_, _| panic!("on purpose"))
        .attempts(1)
        .build()
        .unwrap();
    let outcome = delete(&client);
    assert_eq!((outcome.code(), outcome.kind()), (Code::ResolveFailed, OutcomeKind::NotDeleted));
}

/// A name is looked up when a connection is opened, not for every call; an address never.
#[test]
fn names_are_looked_up_once_a_connection() {
    let server = Server::start(|conn, _| conn.answer_all(NO_CONTENT));
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let address = server.address();
    let client = builder(format!("http://{HOST}:{}", address.port()))
        .allow_plain_http(true)
        .lookup({
            let asked = Arc::clone(&asked);
            move |_, _| {
                asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                Ok(vec![address])
            }
        })
        .build()
        .unwrap();
    for _ in 0..5 {
        assert_eq!(delete(&client).kind(), OutcomeKind::Deleted);
    }
    assert_eq!((asked.load(std::sync::atomic::Ordering::SeqCst), server.connections()), (1, 1));
    let by_address =
        builder(server.url()).lookup(|_, _| panic!("an address was looked up")).build().unwrap();
    assert_eq!(delete(&by_address).kind(), OutcomeKind::Deleted);
    // Nor are the names of this machine: a name server could send the API token elsewhere, in plain text.
    for name in ["localhost", "api.localhost", "LOCALHOST."] {
        let by_own_name = builder(format!("http://{name}:{}", server.address().port()))
            .lookup(|_, _| panic!("a name of this machine was looked up"))
            .build()
            .unwrap();
        assert_eq!(delete(&by_own_name).kind(), OutcomeKind::Deleted, "{name}");
    }
}
