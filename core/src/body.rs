//! The one body type of requests and responses.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use crate::error::CallError;

/// A streaming body. Nothing is buffered unless somebody asks for it.
///
/// Its end is observable: whatever must happen when a call is over (a permit goes back, a line is
/// logged, the breaker learns the verdict) hangs on [`Body::on_end`].
#[derive(Default)]
pub struct Body {
    source: Source,
    /// Bytes that must still come, where a `content-length` promised a number.
    promised: Option<u64>,
    sent: u64,
    ends: Vec<EndHook>,
}

type EndHook = Box<dyn FnOnce(End) + Send>;
type DynBody = dyn HttpBody<Data = Bytes, Error = CallError> + Send;

#[derive(Default)]
enum Source {
    #[default]
    Empty,
    Full(Bytes),
    Stream(Pin<Box<DynBody>>),
}

/// How a body ended.
#[derive(Debug, Clone)]
pub struct End {
    /// Whether all of it was handed on.
    pub outcome: Outcome,
    /// Data bytes that were handed on.
    pub bytes: u64,
    /// When: one look at the clock for all who want to know.
    pub at: Instant,
}

/// Whether a body was handed on as a whole.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// All of it.
    Complete,
    /// It broke off with this error.
    Failed(CallError),
    /// Whoever read it stopped reading: the client went away or did not want the rest.
    Dropped,
}

impl Body {
    /// A body without content.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A body that streams from `source`.
    pub fn stream(source: impl HttpBody<Data = Bytes, Error = CallError> + Send + 'static) -> Self {
        if source.is_end_stream() {
            return Self::empty();
        }
        Self::of(Source::Stream(Box::pin(source)))
    }

    fn of(source: Source) -> Self {
        Self { source, promised: None, sent: 0, ends: Vec::new() }
    }

    /// Promises exactly `length` data bytes. A source that gives more or fewer ends with an error, so
    /// that a connection is never left with a message of the wrong length.
    #[must_use]
    pub fn with_length(mut self, length: u64) -> Self {
        self.promised = Some(length);
        self
    }

    /// Calls `hook` once, when the body has been handed on, has failed, or is dropped. Hooks run in the
    /// order in which they were added.
    #[must_use]
    pub fn on_end(mut self, hook: impl FnOnce(End) + Send + 'static) -> Self {
        self.add_on_end(hook);
        self
    }

    /// The same as [`on_end`](Self::on_end), where the body stays where it is.
    pub fn add_on_end(&mut self, hook: impl FnOnce(End) + Send + 'static) {
        if self.ends.capacity() == 0 {
            // As many as the middleware that are on by default add.
            self.ends.reserve(6);
        }
        self.ends.push(Box::new(hook));
    }

    /// The same body once more, where that costs nothing: empty and full bodies. The copy has no
    /// end hooks.
    pub fn try_clone(&self) -> Option<Self> {
        let source = match &self.source {
            Source::Empty => Source::Empty,
            Source::Full(bytes) => Source::Full(bytes.clone()),
            Source::Stream(_) => return None,
        };
        let mut copy = Self::of(source);
        copy.promised = self.promised;
        Some(copy)
    }

    /// Drops the content as if it had been handed on: for answers to HEAD, and where a status has no
    /// body.
    pub fn discard(mut self) {
        self.source = Source::Empty;
        self.end(|| Outcome::Complete);
    }

    /// Whether nothing is left to be handed on.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.source, Source::Empty) && self.ends.is_empty()
    }

    /// The exact number of data bytes, where it is known.
    pub fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Empty => Some(0),
            Source::Full(bytes) => Some(bytes.len() as u64),
            Source::Stream(stream) => self.promised.or_else(|| stream.size_hint().exact()),
        }
    }

    fn end(&mut self, outcome: impl FnOnce() -> Outcome) {
        if self.ends.is_empty() {
            return;
        }
        let end = End { outcome: outcome(), bytes: self.sent, at: Instant::now() };
        for hook in self.ends.drain(..) {
            hook(end.clone());
        }
    }

    /// Checks a data frame against the promised length.
    fn count(&mut self, len: u64) -> Result<(), CallError> {
        self.sent += len;
        match self.promised {
            Some(promised) if self.sent > promised => {
                Err(CallError::Trap("body longer than its content-length".into()))
            }
            _ => Ok(()),
        }
    }

    fn is_short(&self) -> bool {
        self.promised.is_some_and(|promised| self.sent < promised)
    }

    fn fail(&mut self, error: CallError) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        self.source = Source::Empty;
        self.promised = None;
        self.end(|| Outcome::Failed(error.clone()));
        Poll::Ready(Some(Err(error)))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let this = &mut *self;
        let frame = match &mut this.source {
            Source::Empty => None,
            Source::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                this.source = Source::Empty;
                (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)))
            }
            Source::Stream(stream) => loop {
                match std::task::ready!(stream.as_mut().poll_frame(cx)) {
                    // An empty frame says nothing, and not every reader copes with one.
                    Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
                    frame => break frame,
                }
            },
        };
        match frame {
            Some(Ok(frame)) => {
                let len = frame.data_ref().map_or(0, |data| data.len() as u64);
                if let Err(error) = this.count(len) {
                    return this.fail(error);
                }
                // A reader that knows the length does not come back for the end.
                if frame.is_data() && this.is_end_stream() {
                    this.end(|| Outcome::Complete);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => this.fail(error),
            None if this.is_short() => {
                this.fail(CallError::Trap("body shorter than its content-length".into()))
            }
            None => {
                this.source = Source::Empty;
                this.end(|| Outcome::Complete);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => !self.is_short(),
            Source::Full(bytes) => bytes.is_empty() && !self.is_short(),
            Source::Stream(stream) => stream.is_end_stream() && !self.is_short(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.source, self.promised) {
            (_, Some(promised)) => SizeHint::with_exact(promised - self.sent.min(promised)),
            (Source::Empty, None) => SizeHint::with_exact(0),
            (Source::Full(bytes), None) => SizeHint::with_exact(bytes.len() as u64),
            (Source::Stream(stream), None) => stream.size_hint(),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        let complete = self.is_end_stream() || self.promised == Some(self.sent);
        // The source goes first: what hangs on the end may count on the guest being gone.
        self.source = Source::Empty;
        self.end(|| if complete { Outcome::Complete } else { Outcome::Dropped });
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::of(if bytes.is_empty() { Source::Empty } else { Source::Full(bytes) })
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Empty => "empty",
            Source::Full(_) => "full",
            Source::Stream(_) => "stream",
        };
        f.debug_struct("Body").field("source", &source).field("length", &self.length()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, StreamBody};
    use std::sync::{Arc, Mutex};

    type Seen = Arc<Mutex<Vec<End>>>;

    fn watched(body: Body) -> (Body, Seen) {
        let seen = Seen::default();
        let log = seen.clone();
        (body.on_end(move |end| log.lock().unwrap().push(end)), seen)
    }

    fn chunks(chunks: &'static [&'static str]) -> Body {
        let frames =
            chunks.iter().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))));
        Body::stream(StreamBody::new(futures_util::stream::iter(frames)))
    }

    fn one(seen: &Seen) -> End {
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "exactly one end");
        seen[0].clone()
    }

    #[tokio::test]
    async fn a_body_read_to_its_end_is_complete() {
        for body in [Body::from("hello"), chunks(&["he", "llo"]), chunks(&["hello"]).with_length(5)]
        {
            let (body, seen) = watched(body);
            assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
            let end = one(&seen);
            assert!(matches!(end.outcome, Outcome::Complete));
            assert_eq!(end.bytes, 5);
        }
    }

    #[tokio::test]
    async fn a_body_that_nobody_reads_is_dropped_unless_it_was_empty() {
        let (body, seen) = watched(Body::from("hello"));
        drop(body);
        assert!(matches!(one(&seen).outcome, Outcome::Dropped));
        let (body, seen) = watched(Body::empty());
        drop(body);
        assert!(matches!(one(&seen).outcome, Outcome::Complete));
        let (body, seen) = watched(chunks(&["a", "b"]));
        body.discard();
        assert!(matches!(one(&seen).outcome, Outcome::Complete));
    }

    #[tokio::test]
    async fn a_reader_that_knows_the_length_need_not_ask_for_the_end() {
        let (mut body, seen) = watched(chunks(&["hel", "lo"]).with_length(5));
        body.frame().await.unwrap().unwrap();
        body.frame().await.unwrap().unwrap();
        drop(body);
        assert!(matches!(one(&seen).outcome, Outcome::Complete));
    }

    #[tokio::test]
    async fn a_wrong_length_is_an_error() {
        for promised in [4, 6] {
            let (body, seen) = watched(chunks(&["he", "llo"]).with_length(promised));
            assert!(body.collect().await.is_err());
            assert!(matches!(one(&seen).outcome, Outcome::Failed(CallError::Trap(_))));
        }
    }

    #[tokio::test]
    async fn hooks_run_in_the_order_they_were_added() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut body = Body::from("x");
        for i in 0..3 {
            let order = order.clone();
            body = body.on_end(move |_| order.lock().unwrap().push(i));
        }
        drop(body);
        assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn only_bodies_at_hand_can_be_cloned() {
        assert!(Body::empty().try_clone().is_some());
        assert_eq!(Body::from("abc").try_clone().unwrap().length(), Some(3));
        assert!(chunks(&["a"]).try_clone().is_none());
    }
}
