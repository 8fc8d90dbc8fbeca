//! A response body that must be complete by some time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use mik_core::{Body, CallError};
use tokio::time::{Instant, Sleep, sleep_until};

/// A body that breaks off when its time is up.
struct Total {
    /// `None` once it has broken off.
    body: Option<Body>,
    sleep: Pin<Box<Sleep>>,
}

/// `body`, if it is complete by `end`. One that lies ready as a whole stays as it is.
pub(super) fn within(body: Body, end: Instant) -> Body {
    match body.try_clone() {
        Some(_) => body,
        None => Body::stream(Total { body: Some(body), sleep: Box::pin(sleep_until(end)) }),
    }
}

impl HttpBody for Total {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        // Also while the body never pauses.
        if self.body.is_some() && self.sleep.as_mut().poll(cx).is_ready() {
            self.body = None;
            return Poll::Ready(Some(Err(CallError::Timeout("the answer took too long in all"))));
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        Poll::Ready(ready!(Pin::new(body).poll_frame(cx)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}
