//! Connections: HTTP/1.1 and HTTP/2 without TLS, who may ask, and what is asked.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Error, Result, anyhow};
use azr_core::limits::FUEL_PER_SECOND;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request,
    body::{Body as _, Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, EXPECT, HeaderMap},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use serde_json::json;
use tokio::{
    net::{TcpSocket, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use super::{
    Server,
    admission::Body,
    judging::{Call, Detail},
    metrics::Metrics,
    routes::{self, Question, Response, Sent},
};

/// Streams of one HTTP/2 connection at once: more than clients open.
const STREAMS_MAX: u32 = 4096;
/// Whoever does not send a request's head for so long is cut off.
const HEAD_DEADLINE: Duration = Duration::from_secs(60);
/// And a body's rest.
const BODY_DEADLINE: Duration = Duration::from_secs(120);
/// How much of a refused body is read before the answer. Most clients look for one only when they have sent everything.
const DISCARDED_MAX: usize = 256 << 20;
/// Connections at once; each holds a descriptor.
const CONNECTIONS_MAX: usize = 8192;

/// Connections that wait to be accepted. Trainers open hundreds at once, and the kernel resets what does not fit.
const BACKLOG: u32 = 4096;

const OPENAPI: &str = include_str!("openapi.json");

/// Takes an address. Nobody can connect to it yet.
pub(super) fn bind(address: SocketAddr) -> Result<TcpSocket> {
    let bound = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // A server that is started again finds its port still waiting for the packets of the last one.
        socket.set_reuseaddr(true)?;
        socket.bind(address).map(|()| socket)
    };
    bound().map_err(|error| cannot_listen(address, error))
}

fn cannot_listen(address: SocketAddr, error: io::Error) -> Error {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program does: end it, or give another port with --listen (0 takes a free one)"
        }
        io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
        _ => "",
    };
    anyhow!("cannot listen on {address}: {error}{help}")
}

/// Serves until SIGTERM, Ctrl-C or `ends`, then ends what was begun.
pub(super) async fn serve(
    socket: TcpSocket,
    stop_within: Duration,
    ends: impl Future,
    server: Arc<Server>,
) -> Result<()> {
    let mut ends = std::pin::pin!(ends);
    let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupted = signal(SignalKind::interrupt()).context("cannot wait for Ctrl-C")?;
    let address = socket.local_addr()?;
    let listener = socket.listen(BACKLOG).map_err(|error| cannot_listen(address, error))?;
    println!("listening on http://{}", listener.local_addr()?);
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, Arc::clone(&server), stopping.clone()));
                }
                // Out of descriptors, most likely: connections that end give some back.
                Err(error) => log(&json!({ "event": "accept", "error": error.to_string() })),
            },
            Some(_) = connections.join_next() => {}
            _ = terminated.recv() => break,
            _ = interrupted.recv() => break,
            _ = &mut ends => break,
        }
    }
    drop(listener);
    stop.send_replace(true);
    let waiting = server.admission.waiting();
    // Servers that a client starts for itself end in silence.
    if waiting > 0 || server.log_requests {
        log(&json!({ "event": "stopping", "waiting": waiting }));
    }
    let ended = tokio::time::timeout(stop_within, async { while connections.join_next().await.is_some() {} });
    tokio::select! {
        ended = ended => {
            ended.with_context(|| format!("requests were not answered within {} s", stop_within.as_secs()))?;
        }
        _ = terminated.recv() => log(&json!({ "event": "stopped", "waiting": server.admission.waiting() })),
        _ = interrupted.recv() => log(&json!({ "event": "stopped", "waiting": server.admission.waiting() })),
    }
    Ok(())
}

/// A line of JSON on stderr.
fn log(line: &serde_json::Value) {
    eprintln!("{line}");
}

async fn connection(stream: TcpStream, peer: SocketAddr, server: Arc<Server>, mut stopping: watch::Receiver<bool>) {
    // Answers are written at once; waiting for more to send would only delay them. Without it they still arrive.
    let _ = stream.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
    let service = service_fn(|request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(respond(&server, request, peer.ip()).await) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = async { stopping.wait_for(|stopping| *stopping).await.map_or((), drop) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let (Err(error), true) = (result, server.log_requests) {
        log(&json!({ "event": "connection", "client": peer.to_string(), "error": error.to_string() }));
    }
}

async fn respond(server: &Arc<Server>, request: Request<Incoming>, client: IpAddr) -> hyper::Response<Full<Bytes>> {
    let began = Instant::now();
    let route = route(server, &request);
    let name = route.as_ref().map_or("unknown", Route::name);
    let only_head = request.method() == Method::HEAD;
    let response = match route {
        Err(refusal) => discard(request, refusal).await,
        Ok(Route::Health) => Response::new(200, "text/plain", "ok\n"),
        Ok(_) if !allowed(server.token.as_deref(), request.headers()) => {
            let brought = match request.headers().contains_key(AUTHORIZATION) {
                true => "brings another token than this server's",
                false => "brings no token, and this server has one",
            };
            let what = format!("the request {brought} (--token-file); send Authorization: Bearer TOKEN");
            let mut response = Response::refusal(401, what);
            response.headers.push(("www-authenticate", "Bearer".into()));
            discard(request, response).await
        }
        Ok(Route::Ping) => Response::json(&"pong"),
        Ok(Route::Envs) => Response::json(&envs(server)),
        Ok(Route::OpenApi) => Response::new(200, "application/json", OPENAPI),
        Ok(Route::Metrics) => metrics(&server.metrics, server.admission.waiting()),
        Ok(Route::Question(question)) => match sent(server, request, client).await {
            Ok(sent) => routes::answer(server, question, sent).await,
            Err(refusal) => refusal,
        },
    };
    let took = began.elapsed();
    server.metrics.answered(name, response.status, took);
    if server.log_requests || response.status >= 400 {
        log(&json!({
            "event": "request", "route": name, "client": client.to_string(), "status": response.status,
            "seconds": took.as_secs_f64(), "detail": detail(&response),
        }));
    }
    let Response { status, content_type, headers, body } = response;
    let mut answer = hyper::Response::builder().status(status).header(CONTENT_TYPE, content_type);
    for (name, value) in headers {
        answer = answer.header(name, value);
    }
    answer
        .body(Full::from(if only_head { Vec::new() } else { body }))
        .expect("names and values of headers are digits, words and digests")
}

/// What a refusal says.
fn detail(response: &Response) -> Option<serde_json::Value> {
    match response.status {
        400.. => serde_json::from_slice::<serde_json::Value>(&response.body).ok()?.get("detail").cloned(),
        _ => None,
    }
}

/// What can be asked for.
enum Route {
    Health,
    Ping,
    Envs,
    OpenApi,
    Metrics,
    Question(Question),
}

impl Route {
    /// For counting and for the log: few, whatever clients ask for.
    fn name(&self) -> &'static str {
        match self {
            Self::Health => "/healthz",
            Self::Ping => "/v1/ping",
            Self::Envs => "/v1/envs",
            Self::OpenApi => "/openapi.json",
            Self::Metrics => "/metrics",
            Self::Question(Question::RunCode) => "/run_code",
            Self::Question(Question::Judge(_, call, _)) => {
                Call::ALL.iter().find(|(_, known)| known == call).expect("all calls are listed").0
            }
        }
    }
}

fn route(server: &Server, request: &Request<Incoming>) -> Result<Route, Response> {
    let path = request.uri().path();
    let route = match path {
        "/healthz" => Route::Health,
        "/v1/ping" => Route::Ping,
        "/v1/envs" => Route::Envs,
        "/openapi.json" => Route::OpenApi,
        "/metrics" => Route::Metrics,
        "/run_code" => Route::Question(Question::RunCode),
        _ => Route::Question(judge(server, path, request.uri().query())?),
    };
    let wanted = if matches!(route, Route::Question(_)) { Method::POST } else { Method::GET };
    let method = if *request.method() == Method::HEAD { &Method::GET } else { request.method() };
    if *method != wanted {
        let mut response = Response::refusal(405, format!("{path} answers {wanted} only"));
        response.headers.push(("allow", wanted.to_string()));
        return Err(response);
    }
    Ok(route)
}

fn judge(server: &Server, path: &str, query: Option<&str>) -> Result<Question, Response> {
    let unknown = || {
        let what =
            format!("there is nothing at {path}; programs go to /run_code, and /openapi.json says what else there is");
        Response::refusal(404, what)
    };
    let (name, call) = path.strip_prefix("/v1/envs/").and_then(|rest| rest.split_once('/')).ok_or_else(unknown)?;
    let env = server.envs.iter().position(|env| env.description().name == name).ok_or_else(|| {
        let names: Vec<&str> = server.envs.iter().map(|env| &*env.description().name).collect();
        Response::refusal(404, format!("there is no environment {name:?} here; these are: {}", names.join(", ")))
    })?;
    let (_, call) = Call::ALL.into_iter().find(|(known, _)| *known == call).ok_or_else(|| {
        let calls = Call::ALL.map(|(known, _)| known).join(", ");
        Response::refusal(404, format!("an environment has no call {call:?}; these are: {calls}"))
    })?;
    let detail = match query {
        None | Some("" | "ledger=false") => Detail::Conclusion,
        Some("ledger=true") => Detail::Ledger,
        Some(other) => return Err(Response::refusal(422, format!("{other:?} means nothing; ledger=true does"))),
    };
    Ok(Question::Judge(env, call, detail))
}

/// A place for the body of a request that may be read.
fn admitted(server: &Server, request: &Request<Incoming>) -> Result<Body, Response> {
    let kind = request.headers().get(CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap_or("something else"));
    if !kind.split(';').next().unwrap_or(kind).trim().eq_ignore_ascii_case("application/json") {
        let came = if kind.is_empty() { "came without one".to_owned() } else { format!("came as {kind}") };
        let what = format!("the body must be sent as Content-Type: application/json; it {came}");
        return Err(Response::refusal(415, what));
    }
    let Some(length) = request.body().size_hint().exact() else {
        return Err(Response::refusal(411, "the request must say its Content-Length"));
    };
    Ok(server.admission.body(length)?)
}

/// Reads what a refused client still sends: a connection that is closed before takes the refusal with it.
async fn discard(request: Request<Incoming>, refusal: Response) -> Response {
    // Whoever asks before it sends has sent nothing, and reading would tell it to.
    if !request.headers().contains_key(EXPECT) {
        let mut body = request.into_body();
        let mut left = DISCARDED_MAX;
        let reading = async {
            while let Some(Ok(frame)) = body.frame().await
                && left > 0
            {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            }
        };
        // The refusal is the same for whoever sends it too slowly.
        let _ = tokio::time::timeout(BODY_DEADLINE, reading).await;
    }
    refusal
}

/// The whole body, when there is room for it.
async fn sent(server: &Server, request: Request<Incoming>, client: IpAddr) -> Result<Sent, Response> {
    let place = match admitted(server, &request) {
        Ok(place) => place,
        Err(refusal) => return Err(discard(request, refusal).await),
    };
    let body = tokio::time::timeout(BODY_DEADLINE, request.into_body().collect()).await;
    let body = body.map_err(|_| Response::refusal(408, format!("no body within {} s", BODY_DEADLINE.as_secs())))?;
    let body = body.map_err(|error| Response::refusal(400, format!("the body did not arrive: {error}")))?;
    Ok(Sent { bytes: body.to_bytes().to_vec(), place, client })
}

/// Whether a request brings the token, if one is needed.
fn allowed(token: Option<&str>, headers: &HeaderMap) -> bool {
    let Some(token) = token else { return true };
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, credentials) = value.split_once(' ')?;
        match &*scheme.to_ascii_lowercase() {
            "bearer" => Some(credentials.trim().to_owned()),
            "basic" => {
                let pair = String::from_utf8(BASE64.decode(credentials.trim()).ok()?).ok()?;
                Some(pair.split_once(':')?.1.to_owned())
            }
            _ => None,
        }
    });
    given.is_some_and(|given| same(given.as_bytes(), token.as_bytes()))
}

/// Equality that takes as long for any two texts of one length.
fn same(given: &[u8], token: &[u8]) -> bool {
    given.len() == token.len() && given.iter().zip(token).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn envs(server: &Server) -> serde_json::Value {
    let envs = server.envs.iter().map(|env| {
        let description = env.description();
        json!({
            "name": description.name,
            "version": description.version,
            "digest": env.digest(),
            "executors": env.executor_digests(),
            "kinds": description.kinds.iter().map(|kind| &kind.name).collect::<Vec<_>>(),
        })
    });
    json!({
        "engine": azr_sandbox::ENGINE,
        "fuel_per_second": FUEL_PER_SECOND,
        "environments": envs.collect::<Vec<_>>(),
    })
}

fn metrics(metrics: &Metrics, waiting: usize) -> Response {
    Response::new(200, "text/plain; version=0.0.4", metrics.text(waiting))
}
