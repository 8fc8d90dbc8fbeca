//! A body that a plugin watches, chunk by chunk.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use mik_core::{Body, CallError};

use super::exchange::Exchange;
use super::instance::Side;

/// What the plugin does with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing; but the body breaks off when a chunk of the other one is refused.
    Guard,
    /// It reads.
    Read,
    /// It reads, and may change what it reads.
    Change,
}

impl Mode {
    /// What was asked for, if anything.
    pub(super) fn of(asked: u32, read: u32, change: u32) -> Option<Self> {
        match asked {
            asked if asked & change == change => Some(Self::Change),
            asked if asked & read == read => Some(Self::Read),
            _ => None,
        }
    }
}

/// A body on its way through a plugin. It holds one chunk at most.
pub(super) struct Watched {
    body: Body,
    exchange: Arc<Exchange>,
    side: Side,
    mode: Mode,
    /// The plugin has been told the end.
    is_told: bool,
    /// Nothing comes after `held`.
    is_over: bool,
    /// Trailers that wait for what the plugin wrote at the end.
    held: Option<Frame<Bytes>>,
}

impl Watched {
    pub(super) fn new(body: Body, exchange: Arc<Exchange>, side: Side, mode: Mode) -> Self {
        let is_told = mode == Mode::Guard;
        Self { body, exchange, side, mode, is_told, is_over: false, held: None }
    }

    /// The frame that goes on in place of this one; `None` if none does.
    fn frame(&mut self, frame: Frame<Bytes>) -> Result<Option<Frame<Bytes>>, CallError> {
        if self.mode == Mode::Guard {
            return Ok(Some(frame));
        }
        match frame.into_data() {
            Ok(data) => self.data(data),
            Err(trailers) => {
                self.is_over = true;
                Ok(Some(match self.end()? {
                    Some(last) => {
                        self.held = Some(trailers);
                        last
                    }
                    None => trailers,
                }))
            }
        }
    }

    fn data(&mut self, data: Bytes) -> Result<Option<Frame<Bytes>>, CallError> {
        let data = match self.exchange.chunk(self.side, Some(&data), self.mode)? {
            Some(other) => Bytes::from(other),
            None => data,
        };
        // Whoever knows the length does not come back for the end.
        let is_last =
            || self.body.is_end_stream() || self.body.size_hint().exact().is_some_and(|n| n == 0);
        if self.mode == Mode::Read && is_last() {
            self.end()?;
        }
        Ok((!data.is_empty()).then(|| Frame::data(data)))
    }

    /// Tells the plugin that the body has ended; what it writes then comes last.
    fn end(&mut self) -> Result<Option<Frame<Bytes>>, CallError> {
        if std::mem::replace(&mut self.is_told, true) {
            return Ok(None);
        }
        let last = self.exchange.chunk(self.side, None, self.mode)?;
        Ok(last.filter(|bytes| !bytes.is_empty()).map(|bytes| Frame::data(bytes.into())))
    }

    fn fail(&mut self, error: CallError) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        self.is_over = true;
        self.held = None;
        // Nobody works on for a body that has broken off.
        self.body = Body::empty();
        Poll::Ready(Some(Err(error)))
    }

    /// Ends a body of which a chunk was refused. The handler is not to see that: it is given up, and what
    /// it made of a broken request would count against it. Only where nobody waits for it any more it
    /// gets the error, so that it ends.
    fn refuse(
        &mut self,
        error: CallError,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        match self.side {
            Side::Request if self.exchange.is_awaited(cx) => Poll::Pending,
            _ => self.fail(error),
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let this = &mut *self;
        loop {
            if let Some(frame) = this.held.take() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            if let Some(error) = this.exchange.refused(this.side, cx) {
                return this.refuse(error, cx);
            }
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => this.frame(frame),
                Some(Err(error)) => return this.fail(error),
                None => {
                    this.is_over = true;
                    this.end()
                }
            };
            match frame {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(None) => {}
                Err(error) => return this.refuse(error, cx),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_done = match self.mode {
            Mode::Guard | Mode::Read => self.body.is_end_stream(),
            Mode::Change => self.is_over,
        };
        is_done && self.is_told && self.held.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.mode {
            Mode::Guard | Mode::Read => self.body.size_hint(),
            Mode::Change => SizeHint::default(),
        }
    }
}
