//! A response body that is compressed as it streams.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use async_compression::codecs::EncodeV2;
use async_compression::core::util::{PartialBuffer, WriteBuffer};
use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{Counter, Meter};
use mik_core::{Body, CallError};

use super::coding::{Coding, Levels};
use super::turn::Turn;

/// The most bytes of a frame, and the most that are encoded in one go.
const CHUNK: usize = 16 << 10;

/// A body that compresses another one as it is read.
///
/// Where the other one has nothing at the moment, what it gave so far is flushed: events arrive when they
/// are sent. Its trailers come after the end; its error comes after all that it gave before.
pub(super) struct Compressed {
    work: Work,
    /// Made when it is first needed.
    output: Box<[u8]>,
    sizes: Sizes,
}

struct Work {
    body: Body,
    encoder: Box<dyn EncodeV2 + Send>,
    input: Bytes,
    step: Step,
    /// Something was encoded since the last flush.
    is_unflushed: bool,
    turn: Turn,
    trailers: Option<HeaderMap>,
    failed: Option<CallError>,
}

enum Step {
    Encode,
    Flush,
    Finish,
    End,
}

impl Compressed {
    pub(super) fn new(body: Body, coding: Coding, levels: &Levels, traffic: Traffic) -> Self {
        let work = Work {
            body,
            encoder: coding.encoder(levels),
            input: Bytes::new(),
            step: Step::Encode,
            is_unflushed: false,
            turn: Turn::default(),
            trailers: None,
            failed: None,
        };
        Self { work, output: Box::default(), sizes: Sizes { coding, from: 0, to: 0, traffic } }
    }
}

impl HttpBody for Compressed {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let this = &mut *self;
        if this.output.is_empty() {
            this.output = vec![0; CHUNK].into_boxed_slice();
        }
        let mut output = WriteBuffer::new_initialized(&mut this.output);
        let filled = this.work.fill(&mut output, &mut this.sizes, cx);
        let written = output.written();
        if !written.is_empty() {
            this.sizes.to += written.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(written)))));
        }
        ready!(filled);
        let Work { failed, trailers, .. } = &mut this.work;
        Poll::Ready(match failed.take() {
            Some(error) => Some(Err(error)),
            None => trailers.take().map(|trailers| Ok(Frame::trailers(trailers))),
        })
    }

    fn is_end_stream(&self) -> bool {
        let Work { step, failed, trailers, .. } = &self.work;
        matches!(step, Step::End) && failed.is_none() && trailers.is_none()
    }
}

impl Work {
    /// Fills `output` as far as possible: until it is full, the body has nothing at the moment, or all is
    /// done.
    fn fill(
        &mut self,
        output: &mut WriteBuffer<'_>,
        sizes: &mut Sizes,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        while !output.has_no_spare_space() {
            let done = match self.step {
                Step::Encode if self.input.is_empty() => {
                    match Pin::new(&mut self.body).poll_frame(cx) {
                        Poll::Pending if self.is_unflushed => self.step = Step::Flush,
                        Poll::Pending => {
                            self.turn.rest();
                            return Poll::Pending;
                        }
                        Poll::Ready(frame) => self.take(frame),
                    }
                    Ok(())
                }
                Step::Encode if self.turn.is_over() => {
                    // What is there is handed on first.
                    if output.written().is_empty() {
                        self.turn.pass(cx);
                    }
                    return Poll::Pending;
                }
                Step::Encode => self.encode(output, sizes),
                Step::Flush => self.flush(output),
                Step::Finish => self.encoder.finish(output).map(|is_done| {
                    if is_done {
                        self.step = Step::End;
                    }
                }),
                Step::End => break,
            };
            if let Err(error) = done {
                self.fail(CallError::Panic(format!("compressing failed: {error}").into()));
            }
        }
        Poll::Ready(())
    }

    fn take(&mut self, frame: Option<Result<Frame<Bytes>, CallError>>) {
        match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => self.input = data,
            Some(Ok(Err(frame))) => self.trailers = frame.into_trailers().ok(),
            Some(Err(error)) if self.is_unflushed => {
                self.failed = Some(error);
                self.step = Step::Flush;
            }
            Some(Err(error)) => self.fail(error),
            None => self.step = Step::Finish,
        }
    }

    fn encode(&mut self, output: &mut WriteBuffer<'_>, sizes: &mut Sizes) -> io::Result<()> {
        let piece = &self.input[..self.input.len().min(CHUNK)];
        let mut piece = PartialBuffer::new(piece);
        self.encoder.encode(&mut piece, output)?;
        let read = piece.written_len();
        self.input.advance(read);
        self.is_unflushed = true;
        self.turn.spend(read);
        sizes.from += read as u64;
        Ok(())
    }

    fn flush(&mut self, output: &mut WriteBuffer<'_>) -> io::Result<()> {
        if self.encoder.flush(output)? {
            self.is_unflushed = false;
            self.step = if self.failed.is_some() { Step::End } else { Step::Encode };
        }
        Ok(())
    }

    fn fail(&mut self, error: CallError) {
        self.failed = Some(error);
        self.step = Step::End;
    }
}

/// Bytes before and after, as the metrics count them.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic(Arc<OnceLock<[Counter<u64>; 2]>>);

/// Bytes of one body, counted when it is over.
struct Sizes {
    coding: Coding,
    from: u64,
    to: u64,
    traffic: Traffic,
}

impl Traffic {
    pub(super) fn count_with(&self, meter: &Meter) {
        let counter = |name: &'static str, what: &'static str| {
            meter.u64_counter(name).with_unit("By").with_description(what).build()
        };
        let _ = self.0.set([
            counter("mik.compression.in", "Bytes of response bodies before compression"),
            counter("mik.compression.out", "Bytes of the same bodies after compression"),
        ]);
    }
}

impl Drop for Sizes {
    fn drop(&mut self) {
        if let Some([from, to]) = self.traffic.0.get() {
            let label = [KeyValue::new("mik.coding", self.coding.as_str())];
            from.add(self.from, &label);
            to.add(self.to, &label);
        }
    }
}
