//! A response body that breaks off.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body::{Body as HttpBody, Frame, SizeHint};
use mik_core::{Body, CallError, Response};

/// A body that fails after so many bytes, or where it would have ended.
struct Cut {
    body: Body,
    left: u64,
    is_over: bool,
}

/// The response with a body that breaks off after `bytes`, or at its end if that comes before.
pub(super) fn cut(mut response: Response, bytes: u64) -> Response {
    let bytes = match response.body().length() {
        // Of a body that is said to be empty nobody would see that it breaks off.
        Some(0) => {
            response.headers_mut().remove(CONTENT_LENGTH);
            0
        }
        // Who has all that was said would not wait for the end.
        Some(length) => bytes.min(length - 1),
        None => bytes,
    };
    response.map(|body| Body::stream(Cut { body, left: bytes, is_over: false }))
}

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if self.left > 0
            && let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx))
        {
            return Poll::Ready(Some(match frame?.into_data() {
                Ok(mut data) => {
                    data.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
                    self.left -= data.len() as u64;
                    Ok(Frame::data(data))
                }
                Err(trailers) => Ok(trailers),
            }));
        }
        self.is_over = true;
        Poll::Ready(Some(Err(CallError::Trap("injected fault: abort".into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }

    fn size_hint(&self) -> SizeHint {
        match self.body.length() {
            // What is left of it, and nothing where it was empty from the start: see above.
            Some(1..) => self.body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}
