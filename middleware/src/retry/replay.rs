//! A request body that can be sent again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use mik_core::{Body, CallError};

/// The most of a stream that is kept, in bytes. When more than this has been read, it cannot be replayed.
pub(super) const KEPT: usize = 64 << 10;

/// The body of a request, for as many attempts as there are.
pub(super) enum Replay {
    /// It lies ready as a whole; what is kept here is a copy.
    Whole(Body),
    /// It is kept while it is read.
    Taped(Arc<Mutex<Tape>>),
}

impl Replay {
    /// Takes the body apart into that of the first attempt, and what those after it need.
    pub(super) fn split(body: Body) -> (Body, Self) {
        match body.try_clone() {
            Some(copy) => (body, Self::Whole(copy)),
            None => {
                let tape = Arc::new(Mutex::new(Tape::of(body)));
                (Body::stream(Reader { tape: tape.clone(), attempt: 0 }), Self::Taped(tape))
            }
        }
    }

    /// Whether the body can be sent again as of now.
    pub(super) fn is_possible(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Taped(tape) => lock(tape).is_whole(),
        }
    }

    /// The body once more from its beginning; `None` where too much was read, or where it broke off. From
    /// now on, earlier attempts cannot read it any more.
    pub(super) fn again(&self) -> Option<Body> {
        match self {
            Self::Whole(copy) => copy.try_clone(),
            Self::Taped(tape) => {
                let attempt = lock(tape).rewind()?;
                Some(Body::stream(Reader { tape: tape.clone(), attempt }))
            }
        }
    }

    /// Keeps no more of it: there will be no other attempt.
    pub(super) fn stop(&self) {
        if let Self::Taped(tape) = self {
            lock(tape).stop();
        }
    }
}

/// What was read of a stream, and the stream.
pub(super) struct Tape {
    source: Body,
    state: State,
    kept: BytesMut,
    /// Whether all that was read is in `kept`.
    is_complete: bool,
    /// How much of `kept` the present attempt has read.
    position: usize,
    trailers: Option<HeaderMap>,
    /// The present attempt has had the trailers.
    is_over: bool,
    attempt: usize,
    /// All bytes that there will be, where that was said, less what the present attempt has read.
    left: Option<u64>,
    length: Option<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Ended,
    Failed,
}

impl Tape {
    fn of(source: Body) -> Self {
        let length = source.length();
        Self {
            source,
            state: State::Open,
            kept: BytesMut::new(),
            is_complete: true,
            position: 0,
            trailers: None,
            is_over: false,
            attempt: 0,
            left: length,
            length,
        }
    }

    fn is_whole(&self) -> bool {
        self.is_complete && self.state != State::Failed
    }

    fn rewind(&mut self) -> Option<usize> {
        if !self.is_whole() {
            return None;
        }
        (self.position, self.is_over, self.left) = (0, false, self.length);
        self.attempt += 1;
        Some(self.attempt)
    }

    fn stop(&mut self) {
        self.is_complete = false;
        if self.position == self.kept.len() {
            (self.kept, self.position) = (BytesMut::new(), 0);
        }
    }

    fn keep(&mut self, data: &Bytes) {
        if self.is_complete && self.kept.len() + data.len() <= KEPT {
            self.kept.extend_from_slice(data);
            self.position = self.kept.len();
        } else {
            self.stop();
        }
    }

    /// The next frame for the present attempt: first what others have read, then what nobody has.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        if self.position < self.kept.len() {
            let data = Bytes::copy_from_slice(&self.kept[self.position..]);
            self.position = self.kept.len();
            if !self.is_complete {
                self.stop();
            }
            return self.give(data);
        }
        if self.state == State::Open {
            match ready!(Pin::new(&mut self.source).poll_frame(cx)) {
                None => self.state = State::Ended,
                Some(Err(error)) => {
                    self.state = State::Failed;
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.keep(&data);
                        return self.give(data);
                    }
                    Err(frame) => {
                        self.state = State::Ended;
                        self.trailers = frame.into_trailers().ok();
                    }
                },
            }
        }
        if std::mem::replace(&mut self.is_over, true) {
            return Poll::Ready(None);
        }
        Poll::Ready(self.trailers.clone().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn give(&mut self, data: Bytes) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_at_end(&self) -> bool {
        let is_read = self.position == self.kept.len();
        is_read
            && match self.state {
                State::Open => self.source.is_end_stream(),
                State::Ended => self.is_over || self.trailers.is_none(),
                State::Failed => true,
            }
    }
}

/// The body of one attempt.
struct Reader {
    tape: Arc<Mutex<Tape>>,
    attempt: usize,
}

impl HttpBody for Reader {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let mut tape = lock(&self.tape);
        if tape.attempt != self.attempt {
            // Whoever still reads it belongs to an attempt that was given up.
            return Poll::Ready(Some(Err(CallError::ClientGone)));
        }
        tape.poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        let tape = lock(&self.tape);
        tape.attempt == self.attempt && tape.is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.tape).left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn lock(tape: &Mutex<Tape>) -> MutexGuard<'_, Tape> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};
    use proptest::prelude::*;

    type Frames = Vec<Result<Frame<Bytes>, CallError>>;

    fn streaming(frames: Frames) -> Body {
        Body::stream(StreamBody::new(stream::iter(frames)))
    }

    fn data(size: usize, byte: u8) -> Result<Frame<Bytes>, CallError> {
        Ok(Frame::data(Bytes::from(vec![byte; size])))
    }

    /// Reads frames until so many bytes have come.
    fn read(body: &mut Body, bytes: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < bytes {
            let frame = body.frame().now_or_never().unwrap().unwrap().unwrap();
            all.extend_from_slice(frame.data_ref().unwrap());
        }
        all
    }

    fn rest(body: Body) -> Result<(Bytes, Option<HeaderMap>), CallError> {
        let collected = body.collect().now_or_never().unwrap()?;
        let trailers = collected.trailers().cloned();
        Ok((collected.to_bytes(), trailers))
    }

    proptest! {
        /// However much each attempt reads: the next one reads the same from the beginning, as long as
        /// no more than 64 KiB were read.
        #[test]
        fn each_attempt_reads_the_same(
            sizes in prop::collection::vec(1_usize..30_000, 1..8),
            reads in prop::collection::vec(0_usize..100_000, 1..5),
            length: bool,
        ) {
            let frames = (1..).zip(&sizes).map(|(byte, size)| data(*size, byte));
            let all: Vec<u8> =
                (1..).zip(&sizes).flat_map(|(byte, size)| vec![byte; *size]).collect();
            let mut source = streaming(frames.collect());
            if length {
                source = source.with_length(all.len() as u64);
            }
            let (mut body, replay) = Replay::split(source);
            let mut most = 0;
            for bytes in reads {
                prop_assert_eq!(body.length(), length.then_some(all.len() as u64));
                let seen = read(&mut body, bytes.min(all.len()));
                prop_assert_eq!(&seen[..], &all[..seen.len()]);
                most = most.max(seen.len());
                match replay.again() {
                    Some(again) => {
                        prop_assert!(most <= KEPT, "{} were read", most);
                        prop_assert!(body.frame().now_or_never().unwrap().is_none_or(|old| old.is_err()));
                        body = again;
                    }
                    None => {
                        prop_assert!(most > KEPT, "only {} were read", most);
                        let (end, _) = rest(body).unwrap();
                        prop_assert_eq!(&end[..], &all[seen.len()..]);
                        return Ok(());
                    }
                }
            }
            prop_assert_eq!(&rest(body).unwrap().0[..], &all[..]);
        }
    }

    #[test]
    fn trailers_come_each_time() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "1".parse().unwrap());
        let frames = vec![data(3, b'a'), Ok(Frame::trailers(trailers.clone()))];
        let (body, replay) = Replay::split(streaming(frames));
        let expected = (Bytes::from_static(b"aaa"), Some(trailers));
        assert_eq!(rest(body).unwrap(), expected);
        assert_eq!(rest(replay.again().unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_body_that_broke_off_is_not_sent_again() {
        let (body, replay) =
            Replay::split(streaming(vec![data(3, b'a'), Err(CallError::ClientGone)]));
        assert!(rest(body).is_err());
        assert!(replay.again().is_none());
    }

    #[test]
    fn nothing_is_kept_once_there_will_be_no_other_attempt() {
        let (mut body, replay) = Replay::split(streaming(vec![data(3, b'a'), data(3, b'b')]));
        read(&mut body, 3);
        replay.stop();
        assert_eq!(rest(body).unwrap().0, "bbb");
        let Replay::Taped(tape) = &replay else { panic!("a stream is taped") };
        assert!(lock(tape).kept.is_empty());
        assert!(replay.again().is_none());
    }

    #[test]
    fn what_lies_ready_is_copied() {
        let (body, replay) = Replay::split(Body::from("abc"));
        assert_eq!(rest(body).unwrap().0, "abc");
        for _ in 0..3 {
            assert_eq!(rest(replay.again().unwrap()).unwrap().0, "abc");
        }
    }
}
