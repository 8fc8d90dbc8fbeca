//! A client that speaks bytes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A bound on hanging.
pub(super) const LONG: Duration = Duration::from_secs(20);

pub(super) struct Client {
    pub(super) stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn closes(&self) -> bool {
        self.head.contains("connection: close\r\n")
    }
}

impl Client {
    pub(super) async fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends what may come too late.
    pub(super) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// A GET of the test module.
    pub(super) async fn get(&mut self, path: &str) -> Reply {
        self.send(get(path)).await;
        self.reply().await
    }

    async fn fill(&mut self) -> std::io::Result<usize> {
        let mut chunk = [0; 16 << 10];
        let n = timeout(LONG, self.stream.read(&mut chunk)).await.expect("no answer in time")?;
        self.buffer.extend_from_slice(&chunk[..n]);
        Ok(n)
    }

    /// The next response; the body by its `content-length` or chunks, or to the end.
    pub(super) async fn reply(&mut self) -> Reply {
        self.try_reply(true).await.expect("a response")
    }

    /// A response without a body.
    pub(super) async fn reply_head(&mut self) -> Reply {
        self.try_reply(false).await.expect("a response")
    }

    pub(super) async fn try_reply(&mut self, with_body: bool) -> Option<Reply> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if self.fill().await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = if !with_body {
            String::new()
        } else if let Some(length) = length {
            self.take(length.parse().unwrap()).await?
        } else if head.contains("transfer-encoding: chunked") {
            self.chunks().await?
        } else {
            while self.fill().await.ok()? > 0 {}
            String::from_utf8(std::mem::take(&mut self.buffer)).unwrap()
        };
        Some(Reply { status, head, body })
    }

    async fn take(&mut self, n: usize) -> Option<String> {
        while self.buffer.len() < n {
            if self.fill().await.ok()? == 0 {
                return None;
            }
        }
        Some(String::from_utf8(self.buffer.drain(..n).collect()).unwrap())
    }

    async fn chunks(&mut self) -> Option<String> {
        let mut body = String::new();
        loop {
            let line = loop {
                match find(&self.buffer, b"\r\n") {
                    Some(end) => break end + 2,
                    None if self.fill().await.ok()? == 0 => return None,
                    None => {}
                }
            };
            let line = self.take(line).await?;
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            body += &self.take(size).await?;
            assert_eq!(self.take(2).await?, "\r\n");
            if size == 0 {
                return Some(body);
            }
        }
    }

    /// Everything until the connection ends, in whatever way.
    pub(super) async fn rest(&mut self) -> String {
        while self.fill().await.is_ok_and(|n| n > 0) {}
        String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned()
    }

    /// Whether the connection ends, without another byte, and not by a reset.
    pub(super) async fn ends_cleanly(&mut self) -> bool {
        self.buffer.is_empty() && self.fill().await.is_ok_and(|n| n == 0)
    }

    /// Whether nothing comes and nothing ends for a while.
    pub(super) async fn stays_open(&mut self, time: Duration) -> bool {
        let mut byte = [0];
        timeout(time, self.stream.read(&mut byte)).await.is_err()
    }
}

pub(super) fn get(path: &str) -> String {
    format!("GET /run/t{path} HTTP/1.1\r\nhost: h\r\n\r\n")
}

/// Sends bytes on a connection of their own and returns all that comes back.
pub(super) async fn exchange(addr: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut client = Client::open(addr).await;
    client.try_send(bytes).await;
    client.rest().await
}

/// The status of each response in what `exchange` returned.
pub(super) fn statuses(answer: &str) -> Vec<u16> {
    let starts = answer.match_indices("HTTP/1.").map(|(at, _)| &answer[at..]);
    starts.filter_map(|head| head.get(9..12)?.parse().ok()).collect()
}

/// Waits until something holds.
pub(super) async fn until(mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, waiting).await.expect("it never held");
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
