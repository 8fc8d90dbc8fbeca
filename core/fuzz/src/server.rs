//! Bytes on a connection, before a real server.
//!
//! However they are cut into packets: no more answers come than a strict reader sees requests, what a handler
//! sees is one of these and whole, every answer is well framed, and the connection ends.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt;
use mik_core::units::ByteSize;
use mik_core::{
    Body, BoxFuture, Call, CallError, Capabilities, Engine, Host, LoadError, Module, ModuleSource,
    Request, Response, Server, ServerLimits,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::requests::{Rest, Seen};
use super::responses;

/// A bound on hanging.
const LONG: Duration = Duration::from_secs(10);
/// How long an answer is waited for that need not come: what a strict reader takes for a request, the server may
/// take for the beginning of one.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a handler saw of one request: method, path, and its body where it read all of it.
type Handled = (String, String, Option<Vec<u8>>);

/// A server whose module `t` reads the body at every path but `/ignore`, where it does not look at it.
struct Running {
    runtime: Runtime,
    addr: SocketAddr,
    handled: Arc<Mutex<Vec<Handled>>>,
    _modules: tempfile::TempDir,
}

/// One for all inputs. It runs only while one is looked at, so that what it does belongs to that.
static SERVER: LazyLock<Mutex<Running>> = LazyLock::new(|| Mutex::new(Running::start()));

/// Sends the bytes, whole and in two pieces.
pub(super) fn check(input: &[u8]) {
    let server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = Seen::of(input);
    let whole = server.answers(input, &seen, input.len());
    // Anywhere, and the same for the same input.
    let sum =
        input.iter().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    let in_two = server.answers(input, &seen, sum % (input.len() + 1));
    assert_eq!(whole, in_two, "{:?}", seen.requests);
}

impl Running {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let modules = tempfile::tempdir().unwrap();
        std::fs::write(modules.path().join("t.wasm"), b"\0asm").unwrap();
        let handled = Arc::<Mutex<Vec<Handled>>>::default();
        // So small that inputs of some kilobytes get past them.
        let limits = ServerLimits {
            head_fields: 16,
            head_bytes: ByteSize::kib(2),
            target_bytes: 256,
            body_bytes: ByteSize::kib(1),
            ..ServerLimits::default()
        };
        let addr = runtime.block_on(async {
            let host = Host::builder()
                .engine(Recorder(handled.clone()))
                .modules_dir(modules.path())
                .limits(limits)
                .build()
                .unwrap();
            let server = Server::new(host).bind("127.0.0.1:0").await.unwrap();
            let addr = server.local_addr();
            tokio::spawn(server.serve_until(std::future::pending()));
            addr
        });
        Self { runtime, addr, handled, _modules: modules }
    }

    /// The statuses that come for the requests in these bytes, sent in two pieces, the second of which begins at
    /// `cut`.
    fn answers(&self, input: &[u8], seen: &Seen, cut: usize) -> Vec<u16> {
        self.handled.lock().unwrap().clear();
        let methods: Vec<_> = seen.requests.iter().map(|request| request.method.as_str()).collect();
        let sent = self.runtime.block_on(async {
            let exchange = exchange(self.addr, [&input[..cut], &input[cut..]], &methods);
            timeout(LONG, exchange).await.expect("an end")
        });
        let answers = responses::read(&sent, &methods);
        let most = seen.answers();
        assert!(
            answers.len() <= most,
            "{} answers to {most}: {}",
            answers.len(),
            sent.escape_ascii()
        );
        assert!(
            seen.requests.is_empty() || !answers.is_empty(),
            "no answer to {:?}",
            seen.requests.first()
        );
        self.check_handled(seen);
        // What comes of one that is cut off depends on when its end is seen.
        answers.iter().take(seen.requests.len()).map(|answer| answer.status).collect()
    }

    /// What was handled are requests that there are, in their order. After them one that is broken may have
    /// come to a handler, but not its whole body.
    fn check_handled(&self, seen: &Seen) {
        let handled = self.handled.lock().unwrap();
        let mut requests = seen.requests.iter();
        for (index, (method, path, body)) in handled.iter().enumerate() {
            let is_it = requests.any(|request| {
                request.method == *method
                    && request.target.contains(path.as_str())
                    && body.as_ref().is_none_or(|body| *body == request.body)
            });
            let is_broken =
                seen.rest == Rest::Broken && index + 1 == handled.len() && body.is_none();
            assert!(is_it || is_broken, "handled {method} {path} {body:?} of {:?}", seen.requests);
        }
    }
}

/// Sends both pieces and returns all that comes back. The sending side is closed once all answers are there, or
/// none comes for a while: before that, it would be a client that leaves.
async fn exchange(addr: SocketAddr, pieces: [&[u8]; 2], methods: &[&str]) -> Vec<u8> {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    // Does not wait for late packets when it is closed: ports are few.
    stream.set_zero_linger().expect("a socket");
    for piece in pieces {
        // The server may close early: then the rest does not matter.
        let _ = stream.write_all(piece).await;
        // Now it reads what there is.
        tokio::task::yield_now().await;
    }
    let mut sent = Vec::new();
    let is_there = |sent: &[u8]| {
        let whole = responses::read(sent, methods).iter().filter(|answer| answer.is_whole).count();
        whole >= methods.len()
    };
    while !is_there(&sent) {
        match timeout(PATIENCE, stream.read_buf(&mut sent)).await {
            Ok(Ok(1..)) => {}
            // The end.
            Ok(_) => return sent,
            Err(_) => break,
        }
    }
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut sent).await;
    sent
}

/// An engine that notes what its modules are asked.
struct Recorder(Arc<Mutex<Vec<Handled>>>);

impl Engine for Recorder {
    fn name(&self) -> &str {
        "recorder"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, _: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        Ok(Arc::new(Self(self.0.clone())))
    }
}

impl Module for Recorder {
    fn footprint(&self) -> usize {
        1
    }

    fn handle(
        self: Arc<Self>,
        request: Request,
        _: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let (method, path) = (head.method.to_string(), head.uri.path().to_owned());
            let note = |body| self.0.lock().unwrap().push((method, path.clone(), body));
            if path == "/ignore" {
                note(None);
                return Ok(Response::new(Body::from("ignored")));
            }
            match body.collect().await {
                Ok(body) => note(Some(body.to_bytes().to_vec())),
                Err(_) => note(None),
            }
            Ok(Response::new(Body::from("done")))
        })
    }
}
