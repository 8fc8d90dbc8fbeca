//! A request body that is inflated as it streams.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_compression::codecs::DecodeV2;
use async_compression::core::util::{PartialBuffer, WriteBuffer};
use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use mik_core::opentelemetry::KeyValue;
use mik_core::{Body, CallError, ClientFault, Matched};

use super::coding::Coding;
use super::inflate::InflateLimits;
use super::turn::Turn;
use crate::request_body::Refusals;

/// The most bytes of a frame.
const CHUNK: usize = 16 << 10;
/// What a body may inflate to whatever its ratio: small ones that repeat themselves are decent.
const ANY_RATIO: u64 = 64 << 10;
/// gzip members and zstd frames that a body may have whatever its size. Past that, one for each KiB that
/// they give: an empty one costs more to decode than to send.
const MEMBERS: u64 = 1_000;

const CORRUPT: CallError = CallError::Malformed("request body");

/// A body that inflates another one as it is read, within limits. What is wrong with that one is told to
/// the fault of the request.
pub(super) struct Inflated {
    body: Body,
    coding: Coding,
    decoder: Box<dyn DecodeV2 + Send>,
    limits: InflateLimits,
    input: Bytes,
    /// Made when it is first needed.
    output: Box<[u8]>,
    place: Place,
    /// The decoder may have more to give without further input.
    is_full: bool,
    /// Bytes that were declared, those that have come, and those that they gave.
    declared: u64,
    received: u64,
    given: u64,
    members: u64,
    turn: Turn,
    trailers: Option<HeaderMap>,
    fault: ClientFault,
    matched: Arc<Matched>,
    refusals: Refusals,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start, or after a whole member.
    Between,
    Within,
    Over,
}

impl Inflated {
    pub(super) fn new(
        body: Body,
        coding: Coding,
        limits: InflateLimits,
        (fault, matched, refusals): (ClientFault, Arc<Matched>, Refusals),
    ) -> Self {
        Self {
            declared: body.length().unwrap_or(0),
            body,
            coding,
            decoder: coding.decoder(),
            limits,
            input: Bytes::new(),
            output: Box::default(),
            place: Place::Between,
            is_full: false,
            received: 0,
            given: 0,
            members: 0,
            turn: Turn::default(),
            trailers: None,
            fault,
            matched,
            refusals,
        }
    }

    fn take(&mut self, frame: Option<Result<Frame<Bytes>, CallError>>) -> Result<(), CallError> {
        match frame.transpose()?.map(Frame::into_data) {
            Some(Ok(data)) => {
                self.received += data.len() as u64;
                self.input = data;
            }
            Some(Err(frame)) => self.trailers = frame.into_trailers().ok(),
            None if self.place == Place::Between => self.place = Place::Over,
            None => return Err(CORRUPT),
        }
        Ok(())
    }

    /// Decodes into `output`, and says how many bytes.
    fn decode(&mut self) -> Result<usize, CallError> {
        if self.place == Place::Between {
            self.begin()?;
        }
        if self.output.is_empty() {
            self.output = vec![0; CHUNK].into_boxed_slice();
        }
        let piece = &self.input[..self.input.len().min(CHUNK)];
        let mut input = PartialBuffer::new(piece);
        let mut output = WriteBuffer::new_initialized(&mut self.output);
        let result = self.decoder.decode(&mut input, &mut output);
        let (read, given) = (input.written_len(), output.written_len());
        self.is_full = output.has_no_spare_space();
        let is_stuck = read == 0 && given == 0;
        match result {
            Ok(true) => {
                self.place = Place::Between;
                self.is_full = false;
            }
            // What it still held, if anything, and that there is no more input: no fault of the data. Where
            // there is one, it is told again with the next input or at the end of the body.
            _ if piece.is_empty() => {}
            Ok(false) if !is_stuck => {}
            _ => return Err(CORRUPT),
        }
        self.input.advance(read);
        self.turn.spend(read);
        self.given += given as u64;
        self.within_limits()?;
        Ok(given)
    }

    /// Begins another member.
    fn begin(&mut self) -> Result<(), CallError> {
        self.members += 1;
        let is_first = self.members == 1;
        if self.input.first().is_some_and(|first| is_first && self.coding.is_too_wide(*first)) {
            return Err(CallError::Coding);
        }
        if !is_first {
            let is_one = self.coding == Coding::Br;
            if is_one || self.members > MEMBERS + self.given / 1_024 {
                return Err(CORRUPT);
            }
            self.decoder.reinit().map_err(|_| CORRUPT)?;
        }
        self.place = Place::Within;
        Ok(())
    }

    fn within_limits(&self) -> Result<(), CallError> {
        let most = self.limits.max_inflated.get();
        let by_ratio = self.declared.max(self.received).saturating_mul(self.limits.max_ratio);
        match most.min(by_ratio.max(ANY_RATIO)) {
            limit if self.given > limit => Err(CallError::BodyTooLarge(limit)),
            _ => Ok(()),
        }
    }

    fn fail(&mut self, error: CallError) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        self.place = Place::Over;
        self.input = Bytes::new();
        // What is left of it is not read.
        self.body = Body::empty();
        self.fault.set(error.clone());
        refuse(&error, &self.matched, &self.refusals);
        Poll::Ready(Some(Err(error)))
    }
}

impl HttpBody for Inflated {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let this = &mut *self;
        while this.place != Place::Over {
            if this.turn.is_over() {
                this.turn.pass(cx);
                return Poll::Pending;
            }
            if this.input.is_empty() && !this.is_full {
                let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
                    this.turn.rest();
                    return Poll::Pending;
                };
                if let Err(error) = this.take(frame) {
                    return this.fail(error);
                }
                continue;
            }
            match this.decode() {
                Ok(0) => {}
                Ok(given) => {
                    let data = Bytes::copy_from_slice(&this.output[..given]);
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Err(error) => return this.fail(error),
            }
        }
        Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.place == Place::Over && self.trailers.is_none()
    }
}

/// Counts a request that is refused with `error`.
pub(super) fn refuse(error: &CallError, matched: &Matched, refusals: &Refusals) {
    let reason = match error {
        CallError::Coding => "coding",
        CallError::BodyTooLarge(_) => "size",
        CallError::Malformed(_) => "corrupt",
        // Nothing that is ours to count.
        _ => return,
    };
    refusals.count(matched, &[KeyValue::new("mik.reason", reason)]);
}
