//! An engine whose one module, `t`, answers by path; and a server around it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{
    Body, BoxFuture, Call, CallError, Capabilities, Drained, Engine, Host, LoadError, Module,
    ModuleSource, Request, Response, Server, ServerLimits,
};

/// What the handlers have seen.
#[derive(Default)]
pub(super) struct Seen {
    /// Calls that reached the module.
    pub(super) calls: AtomicUsize,
    /// Calls whose future or body was dropped before its end.
    pub(super) cancelled: AtomicUsize,
    /// Bytes taken from response bodies.
    pub(super) produced: AtomicUsize,
    /// Values that were dropped after their answer.
    pub(super) dropped: AtomicUsize,
}

impl Seen {
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// Counts a call as cancelled unless it is disarmed.
struct Cancelled(Option<Arc<Seen>>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(seen) = &self.0 {
            seen.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Counted(Arc<Seen>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

struct ByPath(Arc<Seen>);

impl Engine for ByPath {
    fn name(&self) -> &str {
        "by-path"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, _: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        Ok(Arc::new(Self(self.0.clone())))
    }
}

impl Module for ByPath {
    fn footprint(&self) -> usize {
        1
    }

    fn handle(
        self: Arc<Self>,
        request: Request,
        _: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(handle(self.0.clone(), request))
    }
}

async fn handle(seen: Arc<Seen>, request: Request) -> Result<Response, CallError> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(Body::empty());
    *response.body_mut() = match head.uri.path() {
        "/hello" => "hello".into(),
        "/large" => Bytes::from(vec![b'x'; 32 << 20]).into(),
        "/seen" => format!("{} {:?}", head.uri, head.headers).into(),
        // Reads all, and takes a body that breaks off for the whole.
        "/collect" => {
            let mut body = body;
            let mut all = Vec::new();
            while let Some(Ok(frame)) = body.frame().await {
                all.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            }
            Bytes::from(all).into()
        }
        "/echo" => Body::stream(body),
        "/ignore" => "ignored".into(),
        "/first" => {
            let mut body = body;
            let _ = body.frame().await;
            "first".into()
        }
        "/late" => {
            tokio::time::sleep(Duration::from_millis(600)).await;
            body.collect().await?.to_bytes().into()
        }
        // Notices nothing by itself: only a client that leaves ends it.
        "/hang-on" => {
            let _guard = Cancelled(Some(seen));
            let _ = body.collect().await;
            std::future::pending().await
        }
        "/wait" => {
            let _guard = Cancelled(Some(seen));
            std::future::pending().await
        }
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "slow".into()
        }
        "/endless" => endless(seen),
        "/drip" => frames(vec![(0, Ok("one")), (300, Ok("two")), (300, Ok("three"))]),
        "/break" => frames(vec![(0, Ok("one")), (50, Err(CallError::Trap("broken".into())))]),
        "/panic" => panic!("in the call"),
        "/panic-body" => {
            let panics = futures_util::stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                panic!("in the body")
            });
            Body::stream(StreamBody::new(panics))
        }
        "/later" => {
            crate::server::drop_after_flush(Counted(seen.clone()));
            format!("{}", seen.dropped.load(Ordering::Relaxed)).into()
        }
        path => {
            let status = path.trim_start_matches('/').parse().unwrap_or(404);
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            "with a body".into()
        }
    };
    Ok(response)
}

fn frames(list: Vec<(u64, Result<&'static str, CallError>)>) -> Body {
    let frames = futures_util::stream::unfold(list.into_iter(), |mut list| async {
        let (after, item) = list.next()?;
        tokio::time::sleep(Duration::from_millis(after)).await;
        Some((item.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))), list))
    });
    Body::stream(StreamBody::new(frames))
}

/// 64 KiB a frame, always ready.
fn endless(seen: Arc<Seen>) -> Body {
    struct Endless(Arc<Seen>, #[expect(dead_code, reason = "counts when dropped")] Cancelled);
    impl http_body::Body for Endless {
        type Data = Bytes;
        type Error = CallError;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
            static CHUNK: [u8; 64 << 10] = [b'x'; 64 << 10];
            self.0.produced.fetch_add(CHUNK.len(), Ordering::Relaxed);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&CHUNK)))))
        }
    }
    Body::stream(Endless(seen.clone(), Cancelled(Some(seen))))
}

/// A server in the background.
pub(super) struct Running {
    pub(super) addr: SocketAddr,
    pub(super) seen: Arc<Seen>,
    pub(super) host: Host,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Drained>,
    _modules: tempfile::TempDir,
}

impl Running {
    pub(super) async fn start(limits: ServerLimits) -> Self {
        let modules = tempfile::tempdir().unwrap();
        std::fs::write(modules.path().join("t.wasm"), b"\0asm").unwrap();
        let seen = Arc::<Seen>::default();
        let host = Host::builder()
            .engine(ByPath(seen.clone()))
            .modules_dir(modules.path())
            .limits(limits)
            .build()
            .unwrap();
        let server = Server::new(host.clone()).bind("127.0.0.1:0").await.unwrap();
        let addr = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let signal = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(server.serve_until(signal));
        Self { addr, seen, host, stop: Some(stop), task, _modules: modules }
    }

    pub(super) async fn plain() -> Self {
        Self::start(ServerLimits::default()).await
    }

    /// Tells the server to end.
    pub(super) fn signal(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits for the end.
    pub(super) async fn ended(self) -> Drained {
        tokio::time::timeout(super::wire::LONG, self.task).await.expect("the end").unwrap()
    }

    /// Drops what serves, as a second signal does.
    pub(super) fn abort(&self) {
        self.task.abort();
    }
}
