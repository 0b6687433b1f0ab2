//! One attempt on the real network: request out, answer in, and what of it is known.

use std::fmt::{self, Write as _};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ureq::Agent;
use ureq::config::{AutoHeaderValue, Config};
use ureq::http::header::{DATE, HOST, HeaderMap, HeaderValue, RETRY_AFTER};
use ureq::http::uri::InvalidUri;
use ureq::http::{Method, Request, Uri};

use crate::call::answer::Answer;
use crate::call::io::{AttemptOrder, CallIo};
use crate::http::credential::Credential;
use crate::http::pool::{NotMade, Pool};
use crate::http::request::RequestFrame;
use crate::http::tls::{CaBundle, Identity, Trust};
use crate::http::transport::answer::Received;
use crate::http::transport::attempt::AttemptContext;
use crate::http::transport::connectors;
use crate::http::transport::limits::Limits;
use crate::http::transport::observed::{Observed, Phase};
use crate::http::transport::route::Route;
use crate::http::{proxy, retry_after, sender, shown_headers, tls};
use crate::input::api_token::ApiToken;
use crate::input::endpoint::Endpoint;
use crate::input::random;
use crate::input::redact::Secrets;
use crate::outcome::code::Code;
use crate::outcome::problem::ProblemDetails;
use crate::wait::process::{self, Step};
use crate::wait::wait::{Cancels, Wake};

/// Idle connections kept: as many as a batch may use at once.
const MAX_IDLE: usize = 256;
/// What is read at once from below. Whole answers are put together above, where their length is bounded.
const READ_AT_ONCE: usize = 16 * 1024;
/// The request without the parts that vary in length.
const REQUEST_FRAME: usize = 4 * 1024;

/// The longest token value that a request is made room for beside the client's own, in bytes.
pub(crate) const MAX_VALUE: usize = 4 * 1024;

/// What the requests of a client have in common, and its connections.
pub(crate) struct Network {
    endpoint: Endpoint,
    /// `None` where each call brings its own.
    credential: Option<Arc<Credential>>,
    secrets: Secrets,
    frame: RequestFrame,
    /// What ureq gets in the place of every request.
    stand_in: Result<Request<()>, InvalidUri>,
    user_agent: String,
    proxy: Option<ureq::Proxy>,
    ca: CaBundle,
    identity: Option<Identity>,
    route: Route,
    pools: Pool,
}

impl Network {
    pub(crate) fn new(
        endpoint: Endpoint,
        token: Option<ApiToken>,
        user_agent: String,
        proxy: Option<ureq::Proxy>,
        ca: CaBundle,
        identity: Option<Identity>,
        route: Route,
    ) -> Network {
        let credential = token.map(|token| Arc::new(Credential::new(token)));
        let stand_in = endpoint.base_url().parse().map(|uri: Uri| {
            let mut request = Request::new(());
            (*request.method_mut(), *request.uri_mut()) = (Method::DELETE, uri);
            // Else ureq makes one in every call. It is not what is sent.
            request.headers_mut().insert(HOST, HeaderValue::from_static("a"));
            request
        });
        Network {
            frame: RequestFrame::new(&endpoint, &user_agent),
            stand_in,
            endpoint,
            secrets: Secrets::new(credential.as_ref().map(|it| Arc::clone(it.token()))),
            credential,
            user_agent,
            proxy,
            ca,
            identity,
            route,
            pools: Pool::default(),
        }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn token(&self) -> Option<&ApiToken> {
        self.credential.as_ref().map(|credential| &**credential.token())
    }

    /// What no text of this client may show.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn credential(&self) -> Option<&Arc<Credential>> {
        self.credential.as_ref()
    }

    /// The agent of the process with this id. The trust store is read first, which counts as a part of connecting.
    fn agent(
        &self,
        process: u32,
        order: &AttemptOrder<'_>,
        cancels: &Cancels,
    ) -> Result<&Agent, NotMade> {
        let pool = self.pools.of(process);
        match pool.agent() {
            Some(agent) => Ok(agent),
            None => self.new_agent(pool, order.deadline.min(order.connect_deadline), cancels),
        }
    }

    #[cold]
    fn new_agent<'a>(
        &self,
        pool: &'a Pool,
        until: Instant,
        cancels: &Cancels,
    ) -> Result<&'a Agent, NotMade> {
        // A proxy may want TLS, too.
        let trust = if self.endpoint.is_https() || self.proxy.is_some() {
            let (ca, identity) = (self.ca.clone(), self.identity.clone());
            pool.read(self.ca.is_at_hand(), move || ca.trust(identity.as_ref()), until, cancels)?
        } else {
            Trust::default()
        };
        Ok(pool.make(trust, |trust| connectors::agent(self.config(), trust.config.clone())))
    }

    fn config(&self) -> Config {
        let own = self.token().map_or(0, |token| token.expose().len());
        let longest = MAX_VALUE.max(own);
        Agent::config_builder()
            // A redirect must never be followed: ureq, like most, turns a DELETE into a GET on the way.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(self.proxy.clone())
            // For a proxy: the requests have all headers already.
            .user_agent(match self.proxy {
                Some(_) => AutoHeaderValue::from(self.user_agent.as_str()),
                None => AutoHeaderValue::None,
            })
            .accept(AutoHeaderValue::None)
            .accept_encoding(AutoHeaderValue::None)
            .input_buffer_size(READ_AT_ONCE)
            .output_buffer_size(REQUEST_FRAME + longest + self.user_agent.len())
            .max_idle_connections(MAX_IDLE)
            .max_idle_connections_per_host(MAX_IDLE)
            .build()
    }

    fn exchange(
        &self,
        order: &AttemptOrder<'_>,
        credential: &Arc<Credential>,
        cancels: &Cancels,
    ) -> Answer {
        let _step = Step::begin();
        let agent = match self.agent(process::id(), order, cancels) {
            Ok(agent) => agent,
            Err(why) => return not_made(why),
        };
        let stand_in = match &self.stand_in {
            Ok(stand_in) => stand_in.clone(),
            Err(error) => return not_sent(Code::InvalidConfig, true, error.to_string()),
        };
        let request = self.frame.request(order.id, &order.traceparent);
        let limits = Limits {
            deadline: order.deadline,
            connect_deadline: order.connect_deadline,
            cancels: cancels.clone(),
            route: self.route.clone(),
            room: self.room(request.len() + credential.len()),
        };
        let attempt = AttemptContext::new(limits, Arc::clone(credential), request, order.begun);
        let result = attempt.scope(|| agent.run(stand_in));
        let observed = &attempt.observed;
        match (observed.take_answer(), result) {
            // A complete answer is worth more than what came after it.
            (Some(answer), _) => self.answer(answer, observed),
            (None, Err(error)) => self.failure(&error, observed),
            (None, Ok(_)) => self.failure(&ureq::Error::ConnectionFailed, observed),
        }
    }

    /// The room that a request of this length needs: a buffer must hold it whole. What ureq gets in its place is shorter.
    fn room(&self, request: usize) -> usize {
        match &self.proxy {
            // What is asked of the proxy must fit, too, and is ureq's.
            Some(_) => usize::MAX,
            None => request,
        }
    }

    fn answer(&self, received: Received, observed: &Observed) -> Answer {
        let Received { status, fields, body, closes, .. } = received;
        // Servers say it of a connection that is idle for long, and it may cross a request on its way (RFC 9110,
        // section 15.5.9): only on a new connection that it ends is it a word about this request.
        if status == 408 && (observed.reused() || !closes) {
            return Answer::Failed {
                code: Code::ConnectionLost,
                sent: true,
                permanent: false,
                status: Some(status),
                detail: "408 was said of the connection, perhaps before the request came"
                    .to_owned(),
            };
        }
        let (read, form) = ProblemDetails::read(&body).unzip();
        let headers = shown_headers::told(&fields, status, &self.secrets);
        Answer::Status {
            status,
            from_api: sender::is_the_api(status, &fields, &body, form),
            problem: read.map(|problem| problem.redacted(&self.secrets)),
            retry_after: wanted_wait(&fields),
            request_id: shown_headers::request_id(&headers),
            headers,
        }
    }

    /// Which code a failed attempt has. From what the transport saw, not from the kind of error: those cannot tell
    /// a refused connection from a lost one.
    fn failure(&self, error: &ureq::Error, observed: &Observed) -> Answer {
        let (sent, status) = (observed.sent(), observed.status());
        let failed = |code, permanent| Answer::Failed {
            code,
            sent,
            permanent,
            status,
            detail: self.secrets.redact(&self.describe(error)),
        };
        match observed.stopped() {
            Some(Wake::Cancelled) => return failed(Code::Cancelled, true),
            Some(Wake::TimedOut | Wake::Ready) => {
                let detail = match observed.phase() {
                    Phase::Resolve => "while the host's name was looked up",
                    Phase::Connect => "while connecting",
                    Phase::Tunnel => "while the proxy was asked",
                    Phase::Tls => "during the TLS handshake",
                    Phase::Exchange if status.is_some() => "while the answer was read",
                    Phase::Exchange if !sent => "before the request was sent",
                    Phase::Exchange => "while the answer was awaited",
                };
                return Answer::Failed {
                    code: Code::Timeout,
                    sent,
                    permanent: false,
                    status,
                    detail: detail.to_owned(),
                };
            }
            None => {}
        }
        match observed.phase() {
            Phase::Resolve => failed(Code::ResolveFailed, false),
            Phase::Connect => failed(Code::ConnectFailed, false),
            Phase::Tunnel => match observed.take_refusal() {
                None => failed(Code::ProxyFailed, is_verdict_on_tls(error)),
                Some(answer) => Answer::Failed {
                    code: Code::ProxyFailed,
                    sent,
                    // A proxy that said no will say it again, unless it was busy.
                    permanent: (400..500).contains(&answer.status)
                        && !matches!(answer.status, 408 | 429),
                    status: None,
                    detail: proxy::refusal::describe(
                        answer.status,
                        &answer.fields,
                        self.proxy.as_ref().is_some_and(|proxy| proxy.username().is_some()),
                    ),
                },
            },
            Phase::Tls => failed(Code::TlsFailed, is_verdict_on_tls(error)),
            Phase::Exchange if !sent => failed(Code::ConnectFailed, false),
            Phase::Exchange => match error {
                ureq::Error::Io(_) => failed(Code::ConnectionLost, false),
                _ => failed(Code::UnexpectedResponse, false),
            },
        }
    }

    /// The cause in words.
    fn describe(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::Io(error) => match tls_error(error) {
                Some(error) => self.describe_tls(error),
                None if error.kind() == io::ErrorKind::UnexpectedEof => {
                    "the other side closed the connection".to_owned()
                }
                None => error.to_string(),
            },
            ureq::Error::HostNotFound => "it has no address".to_owned(),
            ureq::Error::ConnectProxyFailed(why) => why.clone(),
            ureq::Error::Tls(why) => (*why).to_owned(),
            ureq::Error::TlsRequired => "the connection is not encrypted".to_owned(),
            ureq::Error::ConnectionFailed => "there is no connection".to_owned(),
            ureq::Error::Timeout(_) => "a deadline passed".to_owned(),
            ureq::Error::LargeResponseHeader(_, most) => {
                format!("the head of the answer is larger than {most} bytes")
            }
            ureq::Error::Protocol(why) => why.to_string(),
            ureq::Error::Other(why) => why.to_string(),
            other => other.to_string(),
        }
    }

    fn describe_tls(&self, error: &rustls::Error) -> String {
        let mut text = tls::describe(error);
        if tls::is_about_trust(error) {
            let pool = self.pools.of(process::id());
            let troubles = pool.trust().map(|trust| self.ca.troubles(trust)).unwrap_or_default();
            if !troubles.is_empty() {
                let _ = write!(text, " ({troubles})");
            }
        }
        text
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("endpoint", &self.endpoint.base_url())
            .field("token", &self.token())
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

/// The answer of an attempt that ended before its request went out.
fn not_sent(code: Code, permanent: bool, detail: String) -> Answer {
    Answer::Failed { code, sent: false, permanent, status: None, detail }
}

#[cold]
fn not_made(why: NotMade) -> Answer {
    match why {
        NotMade::Untrusting(why) => not_sent(Code::TlsFailed, true, why),
        NotMade::Unread(why) => not_sent(Code::TlsFailed, false, why),
        NotMade::Stopped(Wake::Cancelled) => {
            not_sent(Code::Cancelled, true, "the call was cancelled".to_owned())
        }
        NotMade::Stopped(Wake::TimedOut | Wake::Ready) => {
            not_sent(Code::Timeout, false, "while the trust store was read".to_owned())
        }
    }
}

fn wanted_wait(headers: &HeaderMap) -> Option<Duration> {
    let field = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    retry_after::parse(field, date, SystemTime::now())
}

/// A certificate or a protocol version that was judged; a connection that broke is not such a verdict.
fn is_verdict_on_tls(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(error) => tls_error(error).is_some(),
        ureq::Error::Tls(_) => true,
        _ => false,
    }
}

/// What rustls said, where it did.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The network and the clock, for one call.
pub(crate) struct NetworkIo<'a> {
    pub(crate) network: &'a Network,
    pub(crate) credential: &'a Arc<Credential>,
    pub(crate) cancels: Cancels,
}

impl CallIo for NetworkIo<'_> {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn random(&self) -> f64 {
        random::share()
    }

    fn is_cancelled(&self) -> bool {
        self.cancels.is_cancelled()
    }

    fn pause(&self, duration: Duration) -> bool {
        self.cancels.pause(duration) != Wake::Cancelled
    }

    fn exchange(&self, order: &AttemptOrder<'_>) -> Answer {
        self.network.exchange(order, self.credential, &self.cancels)
    }
}
