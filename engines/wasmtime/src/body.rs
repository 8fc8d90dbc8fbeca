//! The body of a guest's response: reading it runs the guest.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body::{Body as HttpBody, SizeHint};
use http_body_util::BodyExt;
use mik_core::{Body, CallError};
use tokio::time::Instant;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use crate::errors::from_wasi;
use crate::hooks::Frame;
use crate::running::{Running, finish};

/// The most that is copied together into one frame.
const JOIN: usize = 64 << 10;

/// A response body whose guest may still be running.
pub(crate) struct GuestBody {
    running: Option<Running>,
    source: HyperOutgoingBody,
    silence: Duration,
    /// What `content-length` promised, less what was handed on.
    left: Option<u64>,
    /// A frame was handed on last: the time until the reader comes back is not the guest's.
    read: bool,
    over: bool,
}

impl GuestBody {
    pub(crate) fn new(
        running: Running,
        source: HyperOutgoingBody,
        silence: Duration,
        length: Option<u64>,
    ) -> Self {
        Self { running: Some(running), source, silence, left: length, read: true, over: false }
    }

    /// Runs the guest; `Err` when it failed.
    fn run(&mut self, cx: &mut Context<'_>) -> Result<(), CallError> {
        let Some(running) = &mut self.running else { return Ok(()) };
        if std::mem::take(&mut self.read) {
            running.allow_until(Instant::now() + self.silence);
        }
        match running.poll(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(result) => {
                self.running = None;
                result
            }
        }
    }

    fn fail(&mut self, error: CallError) -> Poll<Option<Result<Frame, CallError>>> {
        self.over = true;
        self.running = None;
        Poll::Ready(Some(Err(error)))
    }

    /// The response is complete, its guest need not be.
    fn complete(&mut self) {
        self.over = true;
        if let Some(running) = self.running.take() {
            finish(running);
        }
    }
}

impl HttpBody for GuestBody {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame, CallError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Err(error) = self.run(cx) {
            return self.fail(error);
        }
        match self.source.frame().poll_unpin(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.read = true;
                if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
                    *left = left.saturating_sub(data.len() as u64);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => self.fail(from_wasi(error)),
            Poll::Ready(None) => {
                self.complete();
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for GuestBody {
    fn drop(&mut self) {
        // A reader that knows the length does not ask for the end.
        if !self.over && self.left == Some(0) {
            self.complete();
        }
    }
}

/// The body of a guest that has returned before its response was sent: all of it is here. One frame with
/// its exact length where it fits, so that it need not be chunked.
pub(crate) fn collect(mut source: HyperOutgoingBody) -> Result<Body, CallError> {
    let mut frames = Vec::new();
    while let Some(Some(frame)) = source.frame().now_or_never() {
        frames.push(frame.map_err(from_wasi)?);
    }
    let sizes = || frames.iter().map(|frame| frame.data_ref().map(Bytes::len));
    let total = sizes().try_fold(0, |sum, size| Some(sum + size?));
    Ok(match (frames.len(), total) {
        (0, _) => Body::empty(),
        (1, Some(_)) => Body::from(frames.remove(0).into_data().unwrap_or_default()),
        (_, Some(total)) if total <= JOIN => {
            let mut joined = BytesMut::with_capacity(total);
            for data in frames.iter().filter_map(Frame::data_ref) {
                joined.extend_from_slice(data);
            }
            Body::from(joined.freeze())
        }
        _ => {
            let frames = futures_util::stream::iter(frames.into_iter().map(Ok));
            Body::stream(http_body_util::StreamBody::new(frames))
        }
    })
}
