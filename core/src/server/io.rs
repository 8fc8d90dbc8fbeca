//! The socket as hyper sees it: it notes what comes and goes, so that time limits can hang on it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::service::Link;
use super::unsent::unsent;

/// A socket that tells its connection's state about reads and writes.
pub(super) struct Watched {
    stream: TcpStream,
    link: Arc<Link>,
    written: u64,
    /// How much of it had left when the socket was last asked.
    left: u64,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, link: Arc<Link>) -> Self {
        Self { stream, link, written: 0, left: 0 }
    }

    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    fn wrote(&mut self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(n)) if n > 0 => {
                self.written += n as u64;
                self.link.state.wrote(true);
            }
            Poll::Ready(_) => {}
            Poll::Pending => {
                self.link.state.wrote(false);
                self.look();
            }
        }
        result
    }

    /// Asks, from time to time, whether a write that waits gets ahead. The kernel calls a socket writable only
    /// when a third of its buffer is free, which may be megabytes: a client that reads slowly would look like
    /// one that does not read.
    fn look(&mut self) {
        let state = &self.link.state;
        if !state.wants_look(self.link.host.limits()) {
            return;
        }
        let left = unsent(&self.stream).map_or(0, |bytes| self.written.saturating_sub(bytes));
        state.looked(left > self.left);
        self.left = self.left.max(left);
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.link.state.received();
        }
        result
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Nothing: how a connection is closed is decided when hyper has let go of it.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
