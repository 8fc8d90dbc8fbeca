//! The body of a response that somebody waits for, within a time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::head;
use super::stall::Stall;
use crate::{CallError, UpstreamError};

/// A response body that may not stay silent for longer than a limit while somebody waits for it. The
/// time that the reader takes does not count.
pub(crate) struct Paced<S: HttpBody> {
    /// `None` once it has ended.
    source: Option<S>,
    stall: Stall,
    failed: fn(&S::Error) -> CallError,
}

impl<S: HttpBody> Paced<S> {
    /// `failed` says what an error of the source means.
    pub(crate) fn new(source: S, limit: Duration, failed: fn(&S::Error) -> CallError) -> Self {
        Self { source: Some(source), stall: Stall::new(limit), failed }
    }
}

impl<S: HttpBody<Data = Bytes> + Unpin> HttpBody for Paced<S> {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let this = &mut *self;
        let Some(source) = &mut this.source else {
            return Poll::Ready(None);
        };
        let end = match Pin::new(source).poll_frame(cx) {
            Poll::Ready(Some(Ok(mut frame))) => {
                this.stall.progress();
                if let Some(trailers) = frame.trailers_mut() {
                    head::trailers(trailers);
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Some(Err(error))) => Some(Err((this.failed)(&error))),
            Poll::Ready(None) => None,
            Poll::Pending => {
                std::task::ready!(this.stall.poll_wait(cx));
                Some(Err(UpstreamError::BodyTimeout.into()))
            }
        };
        // Dropping a body that has not ended closes its connection.
        this.source = None;
        Poll::Ready(end)
    }

    fn is_end_stream(&self) -> bool {
        self.source.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.source.as_ref().map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}
