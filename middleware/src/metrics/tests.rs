//! What the page says after real traffic.

mod exposition;
mod figure;

use std::future::pending;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mik_core::{Body, BoxFuture, CallError, Grants, HostBuilder, LoadError, ModuleSettings, Orchestrator, Response, Script, ScriptSource, SendOptions, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::rig::{Rig, Served, get, make, text, registry};
use exposition::Exposition;

const REQUESTS: &str = "http_server_request_duration_seconds_count";
const MADE: &str = "mik_script_calls_total";
const CALLS: &str = "mik_module_call_duration_seconds_count";

fn stream<const N: usize>(frames: [Result<&'static str, CallError>; N]) -> Body {
    let frames =
        frames.map(|frame| frame.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))));
    Body::stream(StreamBody::new(futures_util::stream::iter(frames)))
}

fn with_status(status: u16) -> Response {
    let mut response = Response::new(Body::from("x"));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// A host with a module for each way in which a call ends.
fn serving(metrics: &Metrics) -> Served {
    let trap = || CallError::Trap("unreachable".into());
    Rig::default()
        .with(metrics.clone())
        .says("ok", "hello")
        .module("answers", |request, _| async move {
            Ok(with_status(request.uri().query().unwrap().parse().unwrap()))
        })
        .module("traps", move |_, _| async move { Err(trap()) })
        .module("full", |_, _| async { Err(CallError::Overloaded("test")) })
        .module("limited", |_, _| async { Err(CallError::RateLimited(Duration::from_secs(1))) })
        .module(
            "half",
            move |_, _| async move { Ok(Response::new(stream([Ok("part"), Err(trap())]))) },
        )
        .module("long", |_, _| async { Ok(Response::new(stream([Ok("a"), Ok("b")]))) })
        .module("stuck", |_, _| pending())
        .module("panics", |_, _| async { panic!("a module that panics") })
        .build()
}

fn read(metrics: &Metrics) -> Exposition {
    Exposition::read(&metrics.text())
}

/// The labels of a request.
fn request<'a>(
    route: &'a str,
    class: &'a str,
    error: Option<&'a str>,
) -> Vec<(&'static str, &'a str)> {
    let mut labels = vec![
        ("http_request_method", "GET"),
        ("http_response_status_class", class),
        ("http_route", route),
    ];
    labels.extend(error.map(|error| ("error_type", error)));
    labels
}

#[tokio::test]
async fn each_way_a_request_can_end_has_its_series() {
    let metrics = Metrics::new();
    let host = serving(&metrics);
    for target in ["ok", "answers/?404", "answers/?302", "answers/?500", "traps", "full", "panics"]
    {
        let _ = host.get(&format!("/run/{target}")).await.into_body().collect().await;
    }
    assert!(host.get("/run/half").await.into_body().collect().await.is_err());
    drop(host.get("/run/long").await);
    assert!(tokio::time::timeout(Duration::ZERO, host.get("/run/stuck")).await.is_err());
    let _ = text(host.get("/nowhere").await).await;
    let page = read(&metrics);
    for (route, class, error) in [
        ("/run/ok/*", "2xx", None),
        ("/run/answers/*", "4xx", None),
        ("/run/answers/*", "3xx", None),
        ("/run/answers/*", "5xx", None),
        ("/run/traps/*", "5xx", Some("trap")),
        ("/run/full/*", "5xx", Some("overloaded")),
        ("/run/panics/*", "5xx", Some("panic")),
        ("/run/half/*", "2xx", Some("trap")),
        ("/run/long/*", "4xx", Some("client-gone")),
        ("/run/stuck/*", "4xx", Some("client-gone")),
        ("", "4xx", Some("not-found")),
    ] {
        let labels = request(route, class, error);
        assert_eq!(page.value(REQUESTS, &labels), 1.0, "{labels:?}: {}", metrics.text());
    }
    assert_eq!(page.series(REQUESTS).len(), 11, "{}", metrics.text());
    for (module, outcome) in [
        ("ok", "ok"),
        ("answers", "5xx"),
        ("traps", "trap"),
        ("full", "overloaded"),
        ("panics", "panic"),
        ("half", "trap"),
        ("long", "cancelled"),
        ("stuck", "cancelled"),
    ] {
        let labels = [("mik_module", module), ("mik_outcome", outcome)];
        assert_eq!(page.value(CALLS, &labels), 1.0, "{labels:?}: {}", metrics.text());
    }
    assert_eq!(page.value(CALLS, &[("mik_module", "answers"), ("mik_outcome", "ok")]), 2.0);
    assert_eq!(page.value("http_server_active_requests", &[]), 0.0);
    assert_eq!(page.series("http_server_active_requests").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_duration_ends_with_the_body() {
    let metrics = Metrics::new();
    let host = Rig::default()
        .with(metrics.clone())
        .module("slow", |_, _| async {
            let frames = futures_util::stream::once(async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                Ok(Frame::data(Bytes::from_static(b"late")))
            });
            Ok(Response::new(Body::stream(StreamBody::new(Box::pin(frames)))))
        })
        .build();
    let response = host.get("/run/slow").await;
    let page = read(&metrics);
    assert_eq!(page.value("http_server_active_requests", &[]), 1.0);
    assert_eq!(page.series(REQUESTS).len(), 0);
    let _ = text(response).await;
    let page = read(&metrics);
    assert_eq!(page.value("http_server_active_requests", &[]), 0.0);
    let labels = request("/run/slow/*", "2xx", None);
    let sum = page.value("http_server_request_duration_seconds_sum", &labels);
    assert!((3.0..3.1).contains(&sum), "{sum}");
}

#[tokio::test]
async fn labels_hold_nothing_that_a_client_sends() {
    let metrics = Metrics::new();
    let host = serving(&metrics);
    for i in 0..1_000 {
        let mut request = get(&format!("/run/ok/{i}%22%7D%0A?{{x}}"));
        *request.method_mut() = Method::from_bytes(format!("M{i}").as_bytes()).unwrap();
        let _ = text(host.send(request).await).await;
        let _ = text(host.get(&format!("/{i}%22%0a/{i}")).await).await;
    }
    let page = read(&metrics);
    assert_eq!(page.series(REQUESTS).len(), 2, "{}", metrics.text());
    let labels = [
        ("http_request_method", "other"),
        ("http_response_status_class", "2xx"),
        ("http_route", "/run/ok/*"),
    ];
    assert_eq!(page.value(REQUESTS, &labels), 1_000.0);
    assert_eq!(page.value(REQUESTS, &request("", "4xx", Some("not-found"))), 1_000.0);
}

#[tokio::test]
async fn rejections_are_counted_by_kind_and_route() {
    let metrics = Metrics::new();
    let host = serving(&metrics);
    for target in ["/run/full", "/run/full", "/run/limited", "/run/traps", "/nowhere"] {
        let _ = text(host.get(target).await).await;
    }
    host.host.drain();
    let _ = text(host.get("/run/ok").await).await;
    let page = read(&metrics);
    for (error, route, count) in [
        ("overloaded", "/run/full/*", 2.0),
        ("rate-limited", "/run/limited/*", 1.0),
        ("draining", "/run/ok/*", 1.0),
    ] {
        let labels = [("error_type", error), ("http_route", route)];
        assert_eq!(page.value("mik_rejections_total", &labels), count, "{error}");
    }
    assert_eq!(page.series("mik_rejections_total").len(), 3);
}

/// Allows modules to call what these entries name.
fn allowing(builder: HostBuilder, hosts: &[String]) -> HostBuilder {
    let allowed_hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    let grants = Arc::new(Grants { allowed_hosts, ..Grants::default() });
    let settings = ModuleSettings { grants, ..ModuleSettings::default() };
    builder.module_defaults(settings.clone()).script_defaults(settings)
}

/// Hands a call on to the URL in the query.
async fn forward(request: Request, call: Call) -> Result<Response, CallError> {
    let url = request.uri().query().unwrap().to_owned();
    call.send(get(&url), SendOptions::default()).await
}

struct Forwarding;

impl Orchestrator for Forwarding {
    fn name(&self) -> &str {
        "forwarding"
    }

    fn capabilities(&self) -> mik_core::Capabilities {
        mik_core::Capabilities::default()
    }

    fn load(&self, _: ScriptSource<'_>) -> Result<Arc<dyn Script>, LoadError> {
        Ok(Arc::new(Self))
    }
}

impl Script for Forwarding {
    fn run(
        self: Arc<Self>,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(forward(request, call))
    }
}

#[tokio::test]
async fn nested_calls_count_like_others() {
    let metrics = Metrics::new();
    let scripts = tempfile::tempdir().unwrap();
    std::fs::write(scripts.path().join("main.js"), "// calls on").unwrap();
    let host = Rig::default()
        .with(metrics.clone())
        .module("front", forward)
        .says("back", "hello")
        .build_with(|builder| {
            let builder = builder.orchestrator(Forwarding).scripts_dir(scripts.path());
            allowing(builder, &["*.mik.internal".to_owned()])
        });
    assert_eq!(text(host.get("/run/front?http://back.mik.internal/").await).await, "hello");
    assert_eq!(text(host.get("/script/main?http://back.mik.internal/").await).await, "hello");
    let page = read(&metrics);
    let module = |module| page.value(CALLS, &[("mik_module", module), ("mik_outcome", "ok")]);
    assert_eq!((module("front"), module("back"), module("main")), (1.0, 2.0, 0.0));
    let scripts = "mik_script_call_duration_seconds_count";
    assert_eq!(page.value(scripts, &[("mik_script", "main"), ("mik_outcome", "ok")]), 1.0);
    let made = [("mik_module", "back"), ("mik_outcome", "ok"), ("mik_script", "main")];
    assert_eq!(page.value(MADE, &made), 1.0, "{}", metrics.text());
    assert_eq!(page.series(MADE).len(), 1, "what a module calls is no call of a script");
    assert_eq!(page.series(REQUESTS).len(), 2, "what is nested is no inbound request");
}

/// A server that answers everything with 200, and its port.
async fn origin() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(1..) = stream.read(&mut buffer).await {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn requests_that_leave_are_timed_by_server() {
    let metrics = Metrics::new();
    let port = origin().await;
    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host = Rig::default()
        .with(metrics.clone())
        .module("front", forward)
        .build_with(|builder| allowing(builder, &["127.0.0.1".to_owned()]));
    for _ in 0..2 {
        let target = format!("/run/front?http://127.0.0.1:{port}/x");
        assert_eq!(text(host.get(&target).await).await, "ok");
    }
    let target = format!("/run/front?http://127.0.0.1:{closed}/");
    assert_eq!(host.get(&target).await.status(), 502);
    let denied = host.get("/run/front?http://203.0.113.1/").await;
    assert_eq!(denied.status(), 502, "denied before the ring");
    let page = read(&metrics);
    let name = "http_client_request_duration_seconds_count";
    let [port, closed] = [port, closed].map(|port| port.to_string());
    let labels = [
        ("http_response_status_class", "2xx"),
        ("server_address", "127.0.0.1"),
        ("server_port", port.as_str()),
    ];
    assert_eq!(page.value(name, &labels), 2.0, "{}", metrics.text());
    let labels =
        [("error_type", "connect"), ("server_address", "127.0.0.1"), ("server_port", &closed)];
    assert_eq!(page.value(name, &labels), 1.0, "{}", metrics.text());
    assert_eq!(page.series(name).len(), 2, "{}", metrics.text());
}

#[tokio::test]
async fn servers_beyond_a_number_are_others() {
    let metrics = Metrics::new();
    for i in 0..500 {
        let target = Target::Upstream(format!("h{i}.example:{}", 1_000 + i).into());
        let call = Call::detached(Duration::from_secs(1)).detached_to("upstream", target);
        let of = metrics.numbers.upstreams.begin(&get("http://h.example/"), &call);
        drop(Exchange::start(call.started(), of));
    }
    let page = read(&metrics);
    let name = "http_client_request_duration_seconds_count";
    assert_eq!(page.series(name).len(), 101);
    assert_eq!(
        page.value(name, &[("server_address", "other"), ("error_type", "cancelled")]),
        400.0
    );
}

#[tokio::test]
async fn modules_beyond_a_number_share_a_series() {
    let metrics = Metrics::new();
    for i in 0..page::SERIES + 100 {
        let target = Target::Module(format!("m{i}").parse().unwrap());
        let call = Call::detached(Duration::from_secs(1)).detached_to("", target);
        drop(Exchange::start(call.started(), metrics.numbers.calls.begin(&call).unwrap()));
    }
    let page = read(&metrics);
    assert_eq!(page.series(CALLS).len(), page::SERIES + 1);
    assert_eq!(page.value(CALLS, &[("otel_metric_overflow", "true")]), 100.0);
}

#[tokio::test]
async fn calls_of_scripts_are_counted_by_how_they_end_and_their_series_are_bounded() {
    let metrics = Metrics::new();
    let script = |name: &str| Target::Script(name.parse().unwrap());
    let module = |name: &str| Target::Module(name.parse().unwrap());
    let end = |parent: &Target, target: Target, answer: Result<Response, CallError>| {
        let call = Call::detached(Duration::from_secs(1)).detached_to("", target);
        let of = metrics.numbers.calls.begin(&call.detached_by(parent.clone())).unwrap();
        Exchange::start(tokio::time::Instant::now(), of).answered(&mut { answer });
    };
    let main = script("main");
    end(&main, module("a"), Ok(with_status(200)));
    end(&main, module("a"), Ok(with_status(404)));
    end(&main, module("a"), Ok(with_status(503)));
    end(&main, module("a"), Err(CallError::Trap("x".into())));
    end(&main, script("other"), Err(CallError::Script { message: "x".into() }));
    end(&module("a"), module("a"), Ok(with_status(200)));
    let page = read(&metrics);
    // Bodies that nobody reads are cancelled.
    for (outcome, count) in [("cancelled", 3.0), ("trap", 1.0)] {
        let labels = [("mik_module", "a"), ("mik_outcome", outcome), ("mik_script", "main")];
        assert_eq!(page.value(MADE, &labels), count, "{outcome}: {}", metrics.text());
    }
    assert_eq!(page.series(MADE).len(), 2, "{}", metrics.text());
    let exception = [("mik_outcome", "exception"), ("mik_script", "other")];
    assert_eq!(page.value("mik_script_call_duration_seconds_count", &exception), 1.0);
    for i in 0..page::SERIES + 100 {
        end(&main, module(&format!("m{i}")), Err(CallError::Draining));
    }
    let page = read(&metrics);
    assert_eq!(page.series(MADE).len(), page::SERIES + 1);
}

#[tokio::test]
async fn the_page_is_for_reading_only_and_never_stored() {
    let metrics = Metrics::new();
    let host = serving(&metrics);
    let response = host.get("/metrics").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    // The request for the page is under way while it is made.
    assert!(text(response).await.contains("\nhttp_server_active_requests 1\n"));
    for (method, status) in [(Method::HEAD, 200), (Method::POST, 405), (Method::DELETE, 405)] {
        let mut request = get("/metrics");
        *request.method_mut() = method.clone();
        assert_eq!(host.send(request).await.status(), status, "{method}");
    }
    assert_eq!(host.get("/metrics/x").await.status(), 404);
    host.host.drain();
    assert_eq!(host.get("/metrics").await.status(), 200, "while draining");
    let labels = request("/metrics", "2xx", None);
    assert!(read(&metrics).value(REQUESTS, &labels) > 0.0, "it is a request like others");
}

#[tokio::test]
async fn what_is_made_from_settings_goes_on_after_a_reload() {
    let registry = registry();
    let build = |path: &str| {
        let table = format!("[middleware.metrics]\npath = \"{path}\"\n");
        Rig::default().made_by(&registry, "metrics", &table).says("goes-on", "hello").build()
    };
    let count = async |host: &Served, path: &str| {
        let page = Exposition::read(&text(host.get(path).await).await);
        page.value(REQUESTS, &request("/run/goes-on/*", "2xx", None))
    };
    let first = build("/metrics");
    first.host.watch();
    let _ = text(first.get("/run/goes-on/").await).await;
    assert_eq!(count(&first, "/metrics").await, 1.0);
    // Everything is instrumented a second time, and both hosts are observed.
    let second = build("/numbers");
    second.host.watch();
    let _ = text(second.get("/run/goes-on/").await).await;
    assert_eq!(count(&second, "/numbers").await, 2.0);
    drop(first);
    let _ = text(second.get("/run/goes-on/").await).await;
    assert_eq!(count(&second, "/numbers").await, 3.0);
    let page = Exposition::read(&text(second.get("/numbers").await).await);
    assert_eq!(page.value("mik_modules", &[]), 1.0);
    assert_eq!(second.get("/metrics").await.status(), 404);
}

#[test]
fn a_table_that_makes_no_sense_is_refused() {
    for (table, told) in [
        ("path = \"metrics\"", "it must start with '/'"),
        ("path = \"/health\"", "/health is the host's own"),
        ("path = \"/run/x\"", "/run is the host's own"),
        ("port = 9090", "unknown field `port`"),
    ] {
        let error = make("metrics", &format!("[middleware.metrics]\n{table}\n")).map(drop);
        let error = error.unwrap_err();
        assert!(error.contains(told), "{table}: {error}");
    }
    assert!(make("metrics", "[middleware.metrics]\npath = \"/healthy\"\n").is_ok());
}

#[tokio::test]
async fn prometheus_accepts_the_page() {
    let metrics = Metrics::new();
    let host = serving(&metrics);
    host.host.watch();
    for target in ["/run/ok", "/run/traps", "/run/full", "/nowhere"] {
        let _ = text(host.get(target).await).await;
    }
    let page = metrics.text();
    Exposition::read(&page);
    let checker = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    let Ok(mut checker) = checker else {
        println!("skipped: there is no promtool here");
        return;
    };
    checker.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    assert!(checker.wait().unwrap().success(), "{page}");
}
