//! The last look at a response: it is framed so that no client can misread where it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use http::{StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::body::BodyFault;
use super::service::Link;
use crate::framing::content_length;
use crate::{Body, CallError, RequestId, Response};

/// What of a request bears on how its response is framed.
pub(super) struct Asked {
    /// The method was HEAD.
    pub(super) head: bool,
    /// Nothing may follow, whatever the answer.
    pub(super) last: bool,
    /// The request's body, if it had one.
    pub(super) body: Option<BodyFault>,
}

/// Makes a response of the host's fit to be sent.
pub(super) fn finish(
    mut response: Response,
    mut asked: Asked,
    link: Arc<Link>,
) -> http::Response<Outbound> {
    if let Some(error) = asked.body.as_ref().and_then(BodyFault::error) {
        // A handler may take a body that broke off for a short one. Its answer is to another request.
        if response.extensions().get() != Some(&error.kind()) {
            response = error.into_response(&RequestId::generate());
        }
        asked.body = None;
    }
    let mut response = match framed(response, asked.head) {
        Ok(response) => response,
        Err(reason) => {
            tracing::warn!(peer = %link.peer, "response not sent: {reason}");
            CallError::Trap(reason.into()).into_response(&RequestId::generate())
        }
    };
    // HTTP/1.0 has no chunks: a body of unknown length ends with its connection, whatever the client asked for.
    let http10 = link.state.is_http10();
    let ends_it = http10 && response.body().size_hint().exact().is_none();
    if asked.last || ends_it || asked.body.as_ref().is_some_and(BodyFault::is_abandoned) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let is_last = response.headers().get(CONNECTION).is_some_and(|value| value == "close");
    if is_last {
        link.state.set_last_response();
    }
    // hyper writes the version that the client speaks, but panics on some that it does not know. It adds
    // `keep-alive` for a client of HTTP/1.0 that wants it, unless the answer is of that version.
    *response.version_mut() = if is_last && http10 { Version::HTTP_10 } else { Version::HTTP_11 };
    response.map(|body| Outbound { body, fault: asked.body, link, failed: None })
}

/// One final status, one length that is the body's, and a body only where there may be one.
fn framed(mut response: Response, head: bool) -> Result<Response, &'static str> {
    let status = response.status();
    if status.is_informational() {
        return Err("informational status");
    }
    // Not `Body::length`: what was promised is what hyper will hold the body to.
    let length = response.body().size_hint().exact();
    let headers = response.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    let declared = content_length(headers)?;
    if head {
        if let (None, Some(length @ 1..)) = (declared, length) {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        return Ok(bodiless(response));
    }
    if matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    ) {
        headers.remove(CONTENT_LENGTH);
        return Ok(bodiless(response));
    }
    match (declared, length) {
        (Some(declared), Some(length)) if declared != length => {
            headers.insert(CONTENT_LENGTH, length.into());
            Ok(response)
        }
        // A body that turns out longer or shorter than was said ends in an error, not in a lie.
        (Some(declared), None) => Ok(response.map(|body| body.with_length(declared))),
        _ => Ok(response),
    }
}

fn bodiless(response: Response) -> Response {
    let (head, body) = response.into_parts();
    body.discard();
    Response::from_parts(head, Body::empty())
}

/// A response body on its way out. When it is dropped, the response is over.
pub(super) struct Outbound {
    body: Body,
    fault: Option<BodyFault>,
    link: Arc<Link>,
    /// The error that ends it, while what came before is still being written.
    failed: Option<CallError>,
}

impl Outbound {
    fn fault(&self) -> Option<CallError> {
        self.fault.as_ref().and_then(BodyFault::error)
    }
}

impl HttpBody for Outbound {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        // The request broke off after the head was sent: what can be told is that this is no answer.
        let error = self.fault().or_else(|| match &frame {
            Some(Err(error)) => Some(error.clone()),
            _ => None,
        });
        match error {
            // hyper throws away what it has not written when a body fails. The client is to see that
            // there was an answer, and that it broke off: only then it knows not to try again.
            Some(error) => {
                self.failed = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.failed.is_none() && self.fault().is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        let open = self.fault.as_ref().is_some_and(BodyFault::is_open);
        self.link.state.answered(open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::StreamBody;

    fn response(status: u16, headers: &[(&'static str, &'static str)], body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        response
    }

    fn stream() -> Body {
        let frame = Ok(Frame::data(Bytes::from_static(b"abc")));
        Body::stream(StreamBody::new(futures_util::stream::iter([frame])))
    }

    #[test]
    fn what_cannot_be_framed_is_not_sent() {
        for (status, headers) in [
            (101, vec![]),
            (103, vec![]),
            (200, vec![("content-length", "+3")]),
            (200, vec![("content-length", "3,3")]),
            (200, vec![("content-length", "")]),
            (200, vec![("content-length", "3"), ("content-length", "3")]),
        ] {
            assert!(
                framed(response(status, &headers, "abc".into()), false).is_err(),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn a_wrong_length_gives_way_to_the_true_one() {
        let framed =
            framed(response(200, &[("content-length", "5")], "abc".into()), false).unwrap();
        assert_eq!(framed.headers()[CONTENT_LENGTH], "3");
    }

    #[test]
    fn a_declared_length_binds_a_stream() {
        let framed = framed(response(200, &[("content-length", "5")], stream()), false).unwrap();
        assert_eq!(framed.body().length(), Some(5));
    }

    #[test]
    fn head_keeps_the_length_and_loses_the_body() {
        for (headers, length) in [
            (vec![("content-length", "5")], Some("5")),
            (vec![], Some("3")),
            (vec![("transfer-encoding", "chunked")], Some("3")),
        ] {
            let framed = framed(response(200, &headers, "abc".into()), true).unwrap();
            assert_eq!(framed.body().length(), Some(0));
            let sent = framed.headers().get(CONTENT_LENGTH).map(|value| value.to_str().unwrap());
            assert_eq!(sent, length);
            assert!(!framed.headers().contains_key(TRANSFER_ENCODING));
        }
        let framed = framed(response(200, &[], stream()), true).unwrap();
        assert!(!framed.headers().contains_key(CONTENT_LENGTH), "unknown");
    }

    #[test]
    fn some_statuses_have_no_body() {
        for status in [204, 205, 304] {
            let framed =
                framed(response(status, &[("content-length", "3")], "abc".into()), false).unwrap();
            assert_eq!(framed.body().length(), Some(0));
            assert!(!framed.headers().contains_key(CONTENT_LENGTH));
        }
    }
}
