//! A server that answers every request with the same bytes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What the server does when it has answered.
#[derive(Clone, Copy)]
pub(super) enum After {
    /// Waits for the next request.
    Keep,
    /// Closes the connection.
    Close,
}

pub(super) struct Upstream {
    pub(super) port: u16,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

struct Seen {
    accepted: AtomicUsize,
    requests: Mutex<Vec<String>>,
    closed: Semaphore,
}

impl Upstream {
    pub(super) async fn start(answer: &'static str, after: After) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen {
            accepted: AtomicUsize::new(0),
            requests: Mutex::default(),
            closed: Semaphore::new(0),
        });
        let log = seen.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                log.accepted.fetch_add(1, Ordering::SeqCst);
                let log = log.clone();
                tokio::spawn(async move {
                    serve(stream, answer, after, &log).await;
                    log.closed.add_permits(1);
                });
            }
        });
        Self { port, seen, task }
    }

    pub(super) fn authority(&self, host: &str) -> String {
        format!("{host}:{}", self.port)
    }

    pub(super) fn uri(&self, host: &str, path: &str) -> String {
        format!("http://{}{path}", self.authority(host))
    }

    /// Connections that were accepted.
    pub(super) fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::SeqCst)
    }

    /// Requests that arrived as a whole, head and body as they came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// Waits until one more connection has ended.
    pub(super) async fn closed(&self) {
        let closed = timeout(Duration::from_secs(10), self.seen.closed.acquire());
        closed.await.expect("the connection was not closed").unwrap().forget();
    }

    /// Stops listening and returns the port that is free now.
    pub(super) async fn stop(self) -> u16 {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.port
    }
}

async fn serve(mut stream: TcpStream, answer: &str, after: After, seen: &Seen) {
    while let Some(request) = read(&mut stream).await {
        seen.requests.lock().unwrap().push(request);
        if stream.write_all(answer.as_bytes()).await.is_err() || matches!(after, After::Close) {
            return;
        }
    }
}

/// One request, head and body; `None` where the connection ends before it does.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
            let complete = match length {
                Some(length) => body.len() >= length.parse().unwrap(),
                None if head.contains("transfer-encoding: chunked") => body.ends_with("0\r\n\r\n"),
                None => true,
            };
            if complete {
                return Some(text);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => text.push_str(std::str::from_utf8(&buffer[..n]).unwrap()),
        }
    }
}
