//! Every way a request can end, and the line that it leaves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use mik_core::{Body, BoxFuture, Capabilities, Engine, Host, LoadError, Module, ModuleSource};
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;

/// An engine whose components are one word: what they do.
struct Words;

struct Word(String);

impl Engine for Words {
    fn name(&self) -> &str {
        "words"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, source: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        Ok(Arc::new(Word(String::from_utf8_lossy(source.bytes).into_owned())))
    }
}

impl Module for Word {
    fn footprint(&self) -> usize {
        1
    }

    fn handle(
        self: Arc<Self>,
        _: Request,
        _: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(async move {
            let part = || Ok(Frame::data(Bytes::from_static(b"part")));
            match self.0.as_str() {
                "hello" => Ok(Response::new(Body::from("hello"))),
                "empty" => Ok(Response::new(Body::empty())),
                "trap" => Err(CallError::Trap("unreachable".into())),
                "half" => {
                    let frames = [part(), Err(CallError::Trap("unreachable".into()))];
                    Ok(Response::new(Body::stream(StreamBody::new(stream_of(frames)))))
                }
                "long" => Ok(Response::new(Body::stream(
                    Full::new(Bytes::from_static(b"long")).map_err(|never| match never {}),
                ))),
                "panic" => panic!("a module that panics"),
                _ => std::future::pending().await,
            }
        })
    }
}

/// A stream of these frames, none of them late.
fn stream_of<const N: usize>(
    frames: [Result<Frame<Bytes>, CallError>; N],
) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, CallError>> {
    futures_util::stream::iter(frames)
}

type Fields = BTreeMap<&'static str, String>;

/// Collects the access lines of this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Fields>>>);

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "mik::access" {
            let mut fields = Reader(Fields::new());
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }
    }
}

struct Reader(Fields);

impl Visit for Reader {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Lines {
    fn listen() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let subscriber = tracing_subscriber::registry().with(lines.clone());
        (lines, tracing::subscriber::set_default(subscriber))
    }

    /// The one line that there must be.
    fn one(&self) -> Fields {
        let lines = self.0.lock().unwrap();
        assert_eq!(lines.len(), 1, "exactly one line: {lines:?}");
        lines[0].clone()
    }
}

struct Served {
    host: Host,
    _files: tempfile::TempDir,
}

fn serving(word: &str) -> Served {
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("word.wasm"), word).unwrap();
    let host = Host::builder()
        .engine(Words)
        .modules_dir(files.path())
        .middleware(AccessLog::new())
        .build()
        .unwrap();
    Served { host, _files: files }
}

impl Served {
    async fn get(&self, target: &str) -> Response {
        let request = http::Request::get(target).body(Body::empty()).unwrap();
        let peer = "192.0.2.1:5555".parse().unwrap();
        self.host.serve(request, Some(peer)).await
    }
}

#[tokio::test]
async fn a_served_request_leaves_one_line_when_its_body_ends() {
    let (lines, _guard) = Lines::listen();
    let response = serving("hello").get("/run/word/a?secret=1").await;
    assert!(lines.0.lock().unwrap().is_empty(), "the body has not ended yet");
    response.into_body().collect().await.unwrap();
    let line = lines.one();
    let expected = [
        ("method", "GET"),
        ("path", "/run/word/a"),
        ("route", "/run/word/*"),
        ("module", "word"),
        ("status", "200"),
        ("bytes", "5"),
        ("peer", "192.0.2.1:5555"),
    ];
    for (field, value) in expected {
        assert_eq!(line[field], value, "{field}");
    }
    assert_eq!(line["request_id"].len(), 32);
    assert!(line["duration_ms"].parse::<f64>().unwrap() >= 0.0);
    assert!(!line.contains_key("error") && !line.contains_key("aborted"), "{line:?}");
}

#[tokio::test]
async fn an_empty_body_ends_too() {
    let (lines, _guard) = Lines::listen();
    drop(serving("empty").get("/run/word").await);
    let line = lines.one();
    assert_eq!((&*line["status"], &*line["bytes"]), ("200", "0"));
    assert!(!line.contains_key("error"));
}

#[tokio::test]
async fn an_error_names_its_kind() {
    let (lines, _guard) = Lines::listen();
    serving("trap").get("/run/word/").await.into_body().collect().await.unwrap();
    let line = lines.one();
    assert_eq!((&*line["status"], &*line["error"]), ("500", "trap"));
    assert!(!line.contains_key("aborted"), "the error response itself was sent as a whole");
}

#[tokio::test]
async fn a_path_without_a_route_is_logged_too() {
    let (lines, _guard) = Lines::listen();
    serving("hello").get("/none").await.into_body().collect().await.unwrap();
    let line = lines.one();
    assert_eq!((&*line["status"], &*line["error"]), ("404", "not-found"));
    assert!(!line.contains_key("module") && !line.contains_key("route"), "{line:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_aborted() {
    let (lines, _guard) = Lines::listen();
    assert!(serving("half").get("/run/word/").await.into_body().collect().await.is_err());
    let line = lines.one();
    assert_eq!((&*line["status"], &*line["bytes"], &*line["error"]), ("200", "4", "trap"));
    assert_eq!(line["aborted"], "true");
}

#[tokio::test]
async fn a_client_that_leaves_during_the_body_is_499() {
    let (lines, _guard) = Lines::listen();
    drop(serving("long").get("/run/word/").await);
    let line = lines.one();
    assert_eq!(
        (&*line["status"], &*line["error"], &*line["aborted"]),
        ("499", "client-gone", "true")
    );
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_is_499() {
    let (lines, _guard) = Lines::listen();
    let served = serving("wait");
    let wait = tokio::time::timeout(Duration::from_millis(50), served.get("/run/word/"));
    assert!(wait.await.is_err());
    let line = lines.one();
    assert_eq!((&*line["status"], &*line["error"], &*line["bytes"]), ("499", "client-gone", "0"));
}

#[tokio::test]
async fn a_panic_is_no_client_that_left() {
    let (lines, _guard) = Lines::listen();
    let response = serving("panic").get("/run/word/").await;
    assert_eq!(response.status(), 500);
    drop(response.into_body().collect().await);
    let line = lines.one();
    assert_eq!((&*line["status"], &*line["error"]), ("500", "panic"));
    assert_eq!(line["reason"], "panic: a module that panics");
}

#[test]
fn texts_are_bounded_and_printable() {
    assert!(matches!(printable("/a%20b", PATH), Cow::Borrowed("/a%20b")));
    assert_eq!(printable("/ä\u{1b}", PATH), "/%C3%A4%1B");
    let long = "/".repeat(300);
    assert!(matches!(printable(&long[..PATH], PATH), Cow::Borrowed(_)));
    let cut = printable(&long, PATH);
    assert_eq!(cut.len(), PATH);
    assert!(cut.ends_with("/..."));
    assert!(printable(&"ä".repeat(300), PATH).len() <= PATH);
}

#[test]
fn its_table_is_strict() {
    let read = |text: &str| AccessLog::from_settings(&Settings::at(text, &["t"])).map(|_| ());
    assert!(read("[t]").is_ok());
    assert!(read("").is_ok());
    assert!(read("[t]\nlevel = 1").is_err());
}
