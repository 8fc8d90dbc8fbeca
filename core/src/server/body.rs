//! The body of a request on its way in: limited in size and time, and read away when nobody wants it.

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::service::Link;
use super::state::later;
use crate::{Body, CallError};

/// Bytes of an unread body that are read away to keep the connection.
const UNREAD_BYTES: u64 = 64 << 10;

/// Fields that must not come after a body: they frame or route a message, say who sends it and on what
/// conditions, or how its content is to be read (RFC 9110, 6.5.1).
const NO_TRAILERS: [HeaderName; 22] = [
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::MAX_FORWARDS,
    header::PROXY_AUTHORIZATION,
    header::RANGE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What became of a request body. It rides in the extensions of each request that has one, so that an
/// answer to the whole request can be told from one to a body that broke off.
#[derive(Clone)]
pub(crate) struct BodyFault(Arc<Fate>);

struct Fate {
    state: AtomicU8,
    limit: u64,
    time: Duration,
}

const OPEN: u8 = 0;
const ENDED: u8 = 1;
const ABANDONED: u8 = 2;
const TOO_LARGE: u8 = 3;
const TOO_SLOW: u8 = 4;
const MALFORMED: u8 = 5;
const GONE: u8 = 6;

impl BodyFault {
    fn new(limit: u64, time: Duration) -> Self {
        Self(Arc::new(Fate { state: AtomicU8::new(OPEN), limit, time }))
    }

    fn set(&self, state: u8) {
        self.0.state.store(state, Ordering::Release);
    }

    fn state(&self) -> u8 {
        self.0.state.load(Ordering::Acquire)
    }

    /// The client's fault with the body, if there is one: too large, too slow, malformed, or cut off.
    /// Whatever answer a handler gave, this is the true one.
    pub(crate) fn error(&self) -> Option<CallError> {
        match self.state() {
            TOO_LARGE => Some(CallError::BodyTooLarge(self.0.limit)),
            TOO_SLOW => Some(CallError::BodyTimeout(self.0.time)),
            MALFORMED => Some(CallError::Malformed("request body")),
            GONE => Some(CallError::ClientGone),
            _ => None,
        }
    }

    /// Whether more of the body may come and be read.
    pub(super) fn is_open(&self) -> bool {
        self.state() == OPEN
    }

    /// Whether the rest of the body will not be read, so that the connection must end.
    pub(super) fn is_abandoned(&self) -> bool {
        self.state() == ABANDONED
    }
}

/// The body of one request, as the host sees it.
pub(super) struct Inbound {
    /// `None` when it has ended or failed.
    incoming: Option<Incoming>,
    link: Arc<Link>,
    fault: BodyFault,
    left: u64,
    /// The client waits for `100 Continue`, which hyper sends when the body is first polled.
    expects: bool,
    /// Time spent waiting for the client before `since`.
    waited: Duration,
    since: Option<Instant>,
    /// Armed when first needed, for the earliest moment at which the time can be up.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Inbound {
    /// Puts the limits of the host on `incoming`.
    pub(super) fn open(incoming: Incoming, link: &Arc<Link>, expects: bool) -> (Body, BodyFault) {
        let limits = link.host.limits();
        let fault = BodyFault::new(limits.body_bytes.get(), limits.body_time);
        let body = Self {
            incoming: Some(incoming),
            link: link.clone(),
            fault: fault.clone(),
            left: limits.body_bytes.get(),
            expects,
            waited: Duration::ZERO,
            since: None,
            sleep: None,
        };
        (Body::stream(body), fault)
    }

    fn end(&mut self) {
        self.incoming = None;
        self.fault.set(ENDED);
    }

    fn fail(&mut self, state: u8) -> CallError {
        self.fault.set(state);
        self.incoming = None;
        match state {
            GONE => self.link.state.set_client_gone(),
            _ => self.link.state.set_input_unread(),
        }
        self.fault.error().unwrap_or(CallError::ClientGone)
    }

    /// Takes note that the client keeps us waiting. Ready when its time is up.
    ///
    /// Only waiting counts: a handler that reads late does not use up the client's time.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let due = later(since, self.fault.0.time.saturating_sub(self.waited));
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        ready!(sleep.as_mut().poll(cx));
        while sleep.deadline() < due {
            sleep.as_mut().reset(due);
            ready!(sleep.as_mut().poll(cx));
        }
        Poll::Ready(())
    }

    fn accept(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, CallError> {
        if is_cut(&frame) {
            return Err(self.fail(MALFORMED));
        }
        let ended = match frame.data_ref() {
            None => true,
            Some(data) => {
                let Some(left) = self.left.checked_sub(data.len() as u64) else {
                    return Err(self.fail(TOO_LARGE));
                };
                self.left = left;
                self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
            }
        };
        if ended {
            self.end();
        }
        match frame.into_trailers() {
            Ok(trailers) => Ok(Frame::trailers(plain_trailers(trailers))),
            Err(frame) => Ok(frame),
        }
    }
}

impl HttpBody for Inbound {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        this.expects = false;
        let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) else {
            ready!(this.poll_time(cx));
            return Poll::Ready(Some(Err(this.fail(TOO_SLOW))));
        };
        if let Some(since) = this.since.take() {
            this.waited += since.elapsed();
        }
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(this.accept(frame)),
            Some(Err(error)) => {
                tracing::debug!(peer = %this.link.peer, %error, cause = error.source(), "request body");
                Some(Err(this.fail(kind(&error))))
            }
            None => {
                this.end();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        let Some(incoming) = self.incoming.take() else { return };
        let small = incoming.size_hint().exact().is_none_or(|rest| rest <= UNREAD_BYTES);
        if small && !self.expects {
            let fault = self.fault.clone();
            self.link.state.leave(Leftover { incoming, left: UNREAD_BYTES, fault });
        } else {
            self.fault.set(ABANDONED);
            self.link.state.set_input_unread();
        }
    }
}

/// What a handler did not read of a body. The connection reads a little of it away, so that it can be
/// kept.
pub(super) struct Leftover {
    incoming: Incoming,
    left: u64,
    fault: BodyFault,
}

impl Leftover {
    /// Ready with whether the body has ended; if not, it is too much or broken.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let ended = loop {
            match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
                Some(Ok(frame)) if is_cut(&frame) => break false,
                Some(Ok(frame)) => {
                    let len = frame.data_ref().map_or(0, |data| data.len() as u64);
                    match self.left.checked_sub(len) {
                        Some(left) => self.left = left,
                        None => break false,
                    }
                }
                Some(Err(_)) => break false,
                None => break true,
            }
        };
        self.fault.set(if ended { ENDED } else { ABANDONED });
        Poll::Ready(ended)
    }
}

/// What an error of hyper's says about the client.
fn kind(error: &hyper::Error) -> u8 {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => MALFORMED,
        _ => GONE,
    }
}

/// Whether trailers were sent but none were read: hyper takes a bare LF for their end, and skips what follows,
/// which another reader takes for a request.
fn is_cut(frame: &Frame<Bytes>) -> bool {
    frame.trailers_ref().is_some_and(HeaderMap::is_empty)
}

fn plain_trailers(mut trailers: HeaderMap) -> HeaderMap {
    for name in &NO_TRAILERS {
        trailers.remove(name);
    }
    trailers
}
