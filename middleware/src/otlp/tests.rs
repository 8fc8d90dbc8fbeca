//! Spans of real calls, as a collector gets them.

mod collector;
mod delivery;

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mik_core::{Body, Grants, ModuleSettings, SendOptions};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;
use crate::rig::{Rig, Served, get, text};
use collector::{Collector, SentSpan};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A way to `collector` for all that starts here.
fn to(collector: &Collector) -> Otlp {
    let endpoint = Some(collector.endpoint().parse().unwrap());
    Otlp::new(OtlpConfig { endpoint, ..OtlpConfig::default() }).unwrap()
}

/// Sets the context of a client at the edge, as `trace` does.
struct Client(Option<&'static str>);

impl Middleware for Client {
    fn name(&self) -> &str {
        "client"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn handle<'a>(
        &'a self,
        mut request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let flags = self.0.unwrap_or("new");
        let trace = match flags {
            "new" => TraceContext::generate(0),
            flags => TraceContext::parse(&format!("00-{TRACE}-{PARENT}-{flags}")).unwrap(),
        };
        let headers = request.headers_mut();
        headers.insert(TRACEPARENT, HeaderValue::try_from(trace.to_string()).unwrap());
        next.run(request, call.with_trace(trace))
    }
}

/// Hands a call on to the URL in the query; says what `traceparent` it was given.
async fn forward(request: Request, call: Call) -> Result<Response, CallError> {
    let seen = request.headers().get(TRACEPARENT).cloned();
    let mut response = match request.uri().query() {
        Some(url) => call.send(get(url), SendOptions::default()).await?,
        None => Response::new(Body::from("hello")),
    };
    if let Some(seen) = seen {
        response.headers_mut().append("x-seen", seen);
    }
    Ok(response)
}

fn allowed(rig: Rig) -> Served {
    rig.build_with(|builder| {
        let hosts = ["*.mik.internal", "127.0.0.1"].map(|host| host.parse().unwrap());
        let allowed_hosts = hosts.into_iter().collect();
        let grants = Arc::new(Grants { allowed_hosts, ..Grants::default() });
        builder.module_defaults(ModuleSettings { grants, ..ModuleSettings::default() })
    })
}

/// A server that says which `traceparent` it was sent, and its port.
async fn origin() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let line = head.lines().find_map(|line| line.strip_prefix("traceparent: ")).unwrap();
            let answer = format!(
                "HTTP/1.1 404 Not Found\r\nx-seen: {line}\r\nconnection: close\r\ncontent-length: 4\r\n\r\ngone"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    port
}

fn one<'a>(spans: &'a [SentSpan], name: &str) -> &'a SentSpan {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name}: {spans:#?}");
    found[0]
}

#[tokio::test]
async fn spans_hang_below_one_another_from_the_client_to_the_upstream() {
    let collector = Collector::start();
    let otlp = to(&collector);
    let rig = Rig::default().with(Client(Some("01"))).with(otlp.clone());
    let host = allowed(rig.module("front", forward).module("back", forward));
    let port = origin().await;
    let target =
        format!("/run/front/a?http://back.mik.internal/b?http://127.0.0.1:{port}/c?secret");
    let mut request = get(&target);
    request.headers_mut().insert("host", HeaderValue::from_static("shop.example"));
    let response = host.send(request).await;
    assert_eq!(response.status(), 404);
    let told = response.headers()[TRACERESPONSE].to_str().unwrap().to_owned();
    let seen = response.headers().get_all("x-seen").iter();
    let seen: Vec<_> = seen.map(|value| value.to_str().unwrap().to_owned()).collect();
    assert_eq!(text(response).await, "gone");
    otlp.flush();
    let spans = collector.spans();
    let names = ["GET /run/front/*", "module front", "module back", "GET"];
    let [request, front, back, upstream] = names.map(|name| one(&spans, name));
    assert_eq!(spans.len(), 4, "{spans:#?}");
    assert!(spans.iter().all(|span| span.trace == TRACE));
    let parents = [request, front, back, upstream].map(|span| span.parent.as_str());
    assert_eq!(parents, [PARENT, &request.id, &front.id, &back.id]);
    assert_eq!([request, front, back, upstream].map(|span| span.kind), [2, 1, 1, 3]);
    let context = |span: &SentSpan| format!("00-{TRACE}-{}-01", span.id);
    assert_eq!(told, context(request));
    assert_eq!(seen, [context(upstream), context(back), context(front)]);
    let attribute = |span: &SentSpan, key: &str| span.attributes.get(key).cloned();
    for (span, key, value) in [
        (request, "http.request.method", "GET"),
        (request, "http.route", "/run/front/*"),
        (request, "url.path", "/run/front/a"),
        (request, "server.address", "shop.example"),
        (request, "network.peer.address", "192.0.2.1"),
        (request, "http.response.status_code", "404"),
        (request, "http.response.body.size", "4"),
        (front, "mik.module", "front"),
        (front, "mik.engine", "closures"),
        (back, "mik.depth", "2"),
        (upstream, "server.address", "127.0.0.1"),
        (upstream, "server.port", &port.to_string()),
        (upstream, "url.full", &format!("http://127.0.0.1:{port}/c")),
        (upstream, "http.response.status_code", "404"),
    ] {
        assert_eq!(attribute(span, key).as_deref(), Some(value), "{key}: {span:#?}");
    }
    assert!(!format!("{spans:?}").contains("secret"), "no query");
    // For whom it was sent to, a 404 is no failure; for whom it came from, it is.
    assert_eq!([request, front, back, upstream].map(|span| span.status), [0, 0, 0, 2]);
}

#[tokio::test]
async fn a_guest_with_spans_of_its_own_is_the_parent() {
    let collector = Collector::start();
    let otlp = to(&collector);
    let rig = Rig::default().with(Client(Some("01"))).with(otlp.clone()).says("back", "hello");
    let host = allowed(rig.module("front", |request: Request, call: Call| async move {
        let mut nested = get("http://back.mik.internal/");
        let own = format!("00-{}-00000000000000aa-01", request.uri().query().unwrap());
        nested.headers_mut().insert(TRACEPARENT, HeaderValue::try_from(own).unwrap());
        call.send(nested, SendOptions::default()).await
    }));
    let foreign = "11111111111111111111111111111111";
    for trace in [TRACE, foreign] {
        let _ = text(host.get(&format!("/run/front?{trace}")).await).await;
    }
    otlp.flush();
    let spans = collector.spans();
    let of = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let (front, back) = (of("module front"), of("module back"));
    assert_eq!(back[0].parent, "00000000000000aa");
    assert_eq!(back[1].parent, front[1].id, "what it says of another trace counts for nothing");
    assert!(spans.iter().all(|span| span.trace == TRACE));
}

#[tokio::test]
async fn each_end_is_told() {
    let collector = Collector::start();
    let otlp = to(&collector);
    let host = Rig::default()
        .with(otlp.clone())
        .says("ok", "hello")
        .module("fails", |_, _| async {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            Ok(response)
        })
        .module("traps", |_, _| async { Err(CallError::Trap("unreachable".into())) })
        .module("half", |_, _| async {
            let frames =
                [Ok(Frame::data(Bytes::from("part"))), Err(CallError::Trap("late".into()))];
            Ok(Response::new(Body::stream(StreamBody::new(futures_util::stream::iter(frames)))))
        })
        .module("stuck", |_, _| pending())
        .module("panics", |_, _| async { panic!("a module that panics") })
        .build();
    for module in ["ok", "fails", "traps", "half", "panics"] {
        let _ = host.get(&format!("/run/{module}")).await.into_body().collect().await;
    }
    assert!(tokio::time::timeout(Duration::ZERO, host.get("/run/stuck")).await.is_err());
    let mut strange = get("/nowhere");
    *strange.method_mut() = Method::from_bytes(b"BREW").unwrap();
    let _ = text(host.send(strange).await).await;
    otlp.flush();
    let spans = collector.spans();
    let failure = |name: &str| {
        let span = one(&spans, name);
        let error = span.attributes.get("error.type").map(String::as_str).unwrap_or_default();
        (span.status, error.to_owned(), span.told.clone())
    };
    for (name, status, error, told) in [
        ("GET /run/ok/*", 0, "", ""),
        ("GET /run/fails/*", 2, "", ""),
        ("module fails", 2, "", ""),
        ("GET /run/traps/*", 2, "trap", "The handler failed"),
        ("module traps", 2, "trap", "guest trapped: unreachable"),
        ("GET /run/half/*", 2, "trap", "guest trapped: late"),
        ("module half", 2, "trap", "guest trapped: late"),
        ("GET /run/stuck/*", 0, "client-gone", ""),
        ("module stuck", 0, "cancelled", ""),
        ("GET /run/panics/*", 2, "panic", "Internal error"),
        ("HTTP", 0, "not-found", ""),
    ] {
        assert_eq!(failure(name), (status, error.to_owned(), told.to_owned()), "{name}");
    }
    assert_eq!(one(&spans, "HTTP").attributes["http.request.method"], "_OTHER");
    // Without `trace` every one is the first of its trace.
    assert!(spans.iter().filter(|span| span.kind == 2).all(|span| span.parent.is_empty()));
}

/// Waits, and tells of it.
struct Slow;

impl Middleware for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn rings(&self) -> Rings {
        Rings::CALL
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        Box::pin(async move {
            let since = Instant::now();
            tokio::time::sleep(Duration::from_secs(3)).await;
            call.waited("slow", since);
            next.run(request, call).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn middleware_that_waited_have_a_span_below_that_of_the_call() {
    let collector = Collector::start();
    let otlp = to(&collector);
    let host = Rig::default().with(otlp.clone()).with(Slow).says("ok", "hello").build();
    let _ = text(host.get("/run/ok").await).await;
    otlp.flush();
    let spans = collector.spans();
    let (wait, module) = (one(&spans, "wait slow"), one(&spans, "module ok"));
    assert_eq!((&wait.parent, &wait.trace, wait.kind), (&module.id, &module.trace, 1));
    let three = 3_000_000_000..3_100_000_000;
    assert!(three.contains(&wait.nanoseconds) && three.contains(&module.nanoseconds), "{spans:#?}");
}

#[tokio::test]
async fn a_span_ends_with_the_body() {
    let collector = Collector::start();
    let otlp = to(&collector);
    let host = Rig::default().with(otlp.clone()).says("ok", "hello").build();
    let response = host.get("/run/ok").await;
    otlp.flush();
    assert_eq!(collector.spans(), []);
    let _ = text(response).await;
    otlp.flush();
    assert_eq!(collector.spans().len(), 2);
}

#[tokio::test]
async fn the_client_decides_for_its_traces_and_the_share_for_new_ones() {
    for (client, sample, spans, flags) in [
        (Some("01"), 0.0, 2, "01"),
        (Some("00"), 1.0, 0, "00"),
        (None, 1.0, 2, "01"),
        (None, 0.0, 0, "00"),
    ] {
        let collector = Collector::start();
        let endpoint = Some(collector.endpoint().parse().unwrap());
        let config = OtlpConfig { endpoint, sample, ..OtlpConfig::default() };
        let otlp = Otlp::new(config).unwrap();
        let rig = Rig::default().with(Client(client)).with(otlp.clone());
        let host = allowed(rig.module("ok", forward));
        let response = host.get("/run/ok").await;
        let seen = response.headers()["x-seen"].to_str().unwrap().to_owned();
        assert_eq!(response.headers().contains_key(TRACERESPONSE), spans > 0);
        let _ = text(response).await;
        otlp.flush();
        assert_eq!(collector.spans().len(), spans, "{client:?} {sample}");
        assert!(seen.ends_with(flags), "{client:?} {sample}: {seen}");
    }
}

#[cfg(feature = "trace")]
#[tokio::test]
async fn what_trace_reads_is_the_parent_and_what_it_tells_is_the_span() {
    let collector = Collector::start();
    let otlp = to(&collector);
    let host = Rig::default().made("trace", "").with(otlp.clone()).says("ok", "hello").build();
    let mut request = get("/run/ok");
    let given = HeaderValue::try_from(format!("00-{TRACE}-{PARENT}-01")).unwrap();
    request.headers_mut().insert(TRACEPARENT, given);
    request.headers_mut().insert(TRACESTATE, HeaderValue::from_static("a=1,b=2"));
    let first = host.send(request).await;
    let second = host.get("/run/ok").await;
    let told = [&first, &second].map(|response| response.headers()[TRACERESPONSE].clone());
    let _ = (text(first).await, text(second).await);
    otlp.flush();
    let spans = collector.spans();
    let requests: Vec<_> = spans.iter().filter(|span| span.kind == 2).collect();
    for (span, told) in requests.iter().zip(told) {
        assert_eq!(told.to_str().unwrap(), format!("00-{}-{}-01", span.trace, span.id));
    }
    assert_eq!((requests[0].trace.as_str(), requests[0].parent.as_str()), (TRACE, PARENT));
    assert!(requests[1].parent.is_empty(), "{requests:#?}");
    let of_first = spans.iter().filter(|span| span.trace == TRACE);
    assert!(of_first.map(|span| span.state.as_str()).eq(["a=1,b=2"; 2]), "{spans:#?}");
}

proptest! {
    #[test]
    fn a_larger_share_takes_what_a_smaller_one_takes(trace: u128, a in 0.0..=1.0, b in 0.0..=1.0) {
        let with = |sample| Otlp { sample, ..Otlp::new(OtlpConfig::default()).unwrap() };
        let (small, large) = if a < b { (a, b) } else { (b, a) };
        prop_assert!(!with(small).samples(trace) || with(large).samples(trace));
        prop_assert!(with(1.0).samples(trace) && !with(0.0).samples(trace));
    }
}

#[test]
fn a_share_is_kept() {
    let otlp = Otlp { sample: 0.25, ..Otlp::new(OtlpConfig::default()).unwrap() };
    let taken = (0..10_000).filter(|_| otlp.samples(TraceContext::generate(0).trace_id)).count();
    assert!((2_000..3_000).contains(&taken), "{taken}");
}
