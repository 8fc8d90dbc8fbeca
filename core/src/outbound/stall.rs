//! Bounds on silence, with timers that are touched only while somebody waits.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Tells a wait that has lasted too long from one that has just begun.
pub(super) struct Stall {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl Stall {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, timer: None, waiting: false }
    }

    /// Notes that what was waited for has come.
    pub(super) fn progress(&mut self) {
        self.waiting = false;
    }

    /// Waits; ready when the wait has lasted for the limit without [`Stall::progress`].
    pub(super) fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.waiting {
            self.waiting = true;
            timer.as_mut().reset(Instant::now() + limit);
        }
        timer.as_mut().poll(cx)
    }
}

/// A connection that fails when a write makes no progress within a time: a peer that stops reading
/// would otherwise hold it for ever, even after everybody here has gone.
pub(super) struct WriteBound<S> {
    stream: S,
    stall: Stall,
}

impl<S> WriteBound<S> {
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, stall: Stall::new(limit) }
    }

    fn poll_bound<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut S, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match poll(&mut self.stream, cx) {
            Poll::Pending => self.stall.poll_wait(cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
            ready => {
                self.stall.progress();
                ready
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteBound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteBound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_bound(cx, |stream, cx| Pin::new(stream).poll_write(cx, data))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_bound(cx, |stream, cx| Pin::new(stream).poll_write_vectored(cx, data))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_bound(cx, |stream, cx| Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_bound(cx, |stream, cx| Pin::new(stream).poll_shutdown(cx))
    }
}

impl<S: Connection> Connection for WriteBound<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_write_that_nobody_reads_ends() {
        let (near, _far) = duplex(4);
        let mut near = WriteBound::new(near, LIMIT);
        let start = Instant::now();
        let error = near.write_all(b"hello").await.unwrap_err();
        assert_eq!((error.kind(), start.elapsed()), (io::ErrorKind::TimedOut, LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_is_read_slowly_goes_on() {
        let (near, mut far) = duplex(1);
        let mut near = WriteBound::new(near, LIMIT);
        let start = Instant::now();
        let reading = async {
            for _ in 0..5 {
                sleep(LIMIT - Duration::from_secs(1)).await;
                far.read_u8().await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(near.write_all(b"hello"), reading);
        written.unwrap();
        assert!(start.elapsed() > LIMIT * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn reading_is_not_bound() {
        let (near, mut far) = duplex(1);
        let mut near = WriteBound::new(near, LIMIT);
        let writing = async {
            sleep(LIMIT * 3).await;
            far.write_u8(7).await.unwrap();
        };
        let (read, ()) = tokio::join!(near.read_u8(), writing);
        assert_eq!(read.unwrap(), 7);
    }
}
