//! A request of which more is wanted than its heads: bodies, a state, the end.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use mik_core::{Body, CallError, Outcome, Request, Response};
use mik_plugin::abi;

use super::body::{Mode, Watched};
use super::hook::{Seen, Verdict};
use super::instance::{Chunk, Instance, Side, State};

/// One request, for as long as a hook may still be called for it. When the last one that holds it lets go,
/// the plugin is told the end.
pub(super) struct Exchange {
    instance: Arc<Instance>,
    seen: Seen,
    turn: Mutex<Turn>,
}

/// Whoever holds this calls a hook: the two bodies of a request may move on different threads.
struct Turn {
    state: State,
    asked: u32,
    /// Set when a chunk was refused: nothing of this request goes on.
    refused: Option<CallError>,
    /// The answer to be given instead, while that is possible.
    reply: Option<Box<Response>>,
    /// Whoever waits for the response.
    waiting: Option<Waker>,
    /// Whoever reads a request body of which a chunk was refused.
    reading: Option<Waker>,
    end: abi::End,
}

impl Exchange {
    pub(super) fn new(instance: Arc<Instance>, seen: Seen, state: State, asked: u32) -> Arc<Self> {
        let end = abi::End {
            size: size_of::<abi::End>() as u32,
            outcome: abi::END_GONE,
            status: 0,
            reserved: 0,
            bytes: 0,
        };
        let turn =
            Turn { state, asked, refused: None, reply: None, waiting: None, reading: None, end };
        Arc::new(Self { instance, seen, turn: Mutex::new(turn) })
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the plugin between the request body and whoever reads it.
    pub(super) fn watch_request(self: &Arc<Self>, request: &mut Request) -> Verdict {
        let asked = self.turn().asked;
        let mode = Mode::of(asked, abi::ASK_REQUEST_BODY, abi::ASK_REQUEST_BODY_CHANGES);
        let body = std::mem::take(request.body_mut());
        match self.watch(Side::Request, mode, body, request.headers_mut()) {
            Ok(body) => *request.body_mut() = body,
            Err(error) => return self.refusal().unwrap_or(Verdict::Failed(error)),
        }
        Verdict::Go
    }

    /// Waits for the response, unless a chunk of the request is refused meanwhile.
    pub(super) async fn unless_refused(
        &self,
        next: impl Future<Output = Result<Response, CallError>>,
    ) -> Result<Response, Verdict> {
        if self.turn().asked & abi::ASK_REQUEST_BODY == 0 {
            return next.await.map_err(Verdict::Failed);
        }
        let mut next = pin!(next);
        poll_fn(|cx| {
            // Before, so that whoever refuses a chunk knows that somebody waits; after, because it may have
            // been refused right now.
            let mut refused = self.refused(Side::Response, cx);
            let mut polled = Poll::Pending;
            if refused.is_none() {
                polled = next.as_mut().poll(cx);
                refused = self.refused(Side::Response, cx);
            }
            match refused {
                Some(error) => Poll::Ready(Err(self.refusal().unwrap_or(Verdict::Failed(error)))),
                None => polled.map_err(Verdict::Failed),
            }
        })
        .await
    }

    /// Calls the hook of the response head.
    pub(super) fn response_head(&self, response: &mut Response) -> Verdict {
        let turn = &mut *self.turn();
        let (verdict, asked) = self.instance.response_head(&self.seen, response, &mut turn.state);
        turn.asked |= asked;
        verdict
    }

    /// The answer, of which the end is told: `response`, unless the verdict on it says otherwise.
    pub(super) fn respond(
        self: Arc<Self>,
        verdict: Verdict,
        mut response: Response,
    ) -> Result<Response, CallError> {
        match verdict {
            Verdict::Go => {
                let asked = self.turn().asked;
                let mode = Mode::of(asked, abi::ASK_RESPONSE_BODY, abi::ASK_RESPONSE_BODY_CHANGES);
                // Should a chunk of the request be refused from now on, the response breaks off.
                let mode = match asked & abi::ASK_REQUEST_BODY {
                    0 => mode,
                    _ => mode.or(Some(Mode::Guard)),
                };
                let body = std::mem::take(response.body_mut());
                match self.watch(Side::Response, mode, body, response.headers_mut()) {
                    Ok(body) => *response.body_mut() = body,
                    Err(error) => return Err(self.failed(error)),
                }
            }
            Verdict::Reply(reply) => response = reply,
            Verdict::Failed(error) => return Err(self.failed(error)),
        }
        Ok(self.until_end(response))
    }

    /// A body with the plugin in between. What is empty already has ended, and says so at once.
    fn watch(
        self: &Arc<Self>,
        side: Side,
        mode: Option<Mode>,
        body: Body,
        headers: &mut HeaderMap,
    ) -> Result<Body, CallError> {
        let Some(mode) = mode else { return Ok(body) };
        if mode == Mode::Change {
            headers.remove(CONTENT_LENGTH);
        }
        if !http_body::Body::is_end_stream(&body) {
            // Whoever knows the length stops reading there, and has read all.
            let length = body.length().filter(|_| mode != Mode::Change);
            let body = Body::stream(Watched::new(body, self.clone(), side, mode));
            return Ok(match length {
                Some(length) => body.with_length(length),
                None => body,
            });
        }
        match mode {
            Mode::Guard => Ok(body),
            Mode::Read | Mode::Change => match self.chunk(side, None, mode)? {
                // What answers HEAD has no body, so its length would be that of nothing.
                Some(bytes) if side == Side::Request || !self.seen.is_head() => {
                    Ok(Body::from(Bytes::from(bytes)))
                }
                _ => Ok(body),
            },
        }
    }

    /// Shows a chunk to the plugin, or the end of a body; says what goes on in its place.
    pub(super) fn chunk(
        &self,
        side: Side,
        chunk: Option<&[u8]>,
        mode: Mode,
    ) -> Result<Option<Vec<u8>>, CallError> {
        let turn = &mut *self.turn();
        if let Some(error) = &turn.refused {
            return Err(error.clone());
        }
        let may_write = mode == Mode::Change;
        match self.instance.chunk(side, &self.seen, &mut turn.state, chunk, may_write) {
            Chunk::Same => Ok(None),
            Chunk::Other(bytes) => Ok(Some(bytes)),
            Chunk::Refused(reply, error) => {
                turn.refused = Some(error.clone());
                turn.reply = reply;
                if let Some(waiting) = &turn.waiting {
                    waiting.wake_by_ref();
                }
                Err(error)
            }
        }
    }

    /// Why nothing goes on, if a chunk was refused. Whoever waits for the response is woken when one is.
    pub(super) fn refused(&self, side: Side, cx: &Context<'_>) -> Option<CallError> {
        let turn = &mut *self.turn();
        let waits = side == Side::Response && turn.asked & abi::ASK_REQUEST_BODY != 0;
        let is_known = |waker: &Waker| waker.will_wake(cx.waker());
        if waits && turn.refused.is_none() && !turn.waiting.as_ref().is_some_and(is_known) {
            turn.waiting = Some(cx.waker().clone());
        }
        turn.refused.clone()
    }

    /// Whether somebody waits for the response, who has been told that a chunk was refused. When the
    /// response is over, whoever reads the request is woken.
    pub(super) fn is_awaited(&self, reader: &Context<'_>) -> bool {
        let turn = &mut *self.turn();
        if turn.waiting.is_some() {
            turn.reading = Some(reader.waker().clone());
        }
        turn.waiting.is_some()
    }

    /// What is answered where a chunk of the request was refused before there was a response.
    fn refusal(&self) -> Option<Verdict> {
        self.turn().reply.take().map(|reply| Verdict::Reply(*reply))
    }

    fn failed(&self, error: CallError) -> CallError {
        self.note(abi::END_FAILED, error.kind().status(), 0);
        error
    }

    /// Holds on to the request until its response has ended.
    fn until_end(self: Arc<Self>, response: Response) -> Response {
        let status = response.status();
        response.map(|body| {
            body.on_end(move |end| {
                let outcome = match end.outcome {
                    Outcome::Complete => abi::END_COMPLETE,
                    Outcome::Failed(_) => abi::END_FAILED,
                    Outcome::Dropped => abi::END_GONE,
                };
                self.note(outcome, status, end.bytes);
            })
        })
    }

    fn note(&self, outcome: u32, status: StatusCode, bytes: u64) {
        let turn = &mut *self.turn();
        turn.end = abi::End { outcome, status: status.as_u16().into(), bytes, ..turn.end };
        turn.waiting = None;
        if let Some(reading) = turn.reading.take() {
            reading.wake();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let turn = self.turn.get_mut().unwrap_or_else(PoisonError::into_inner);
        if turn.asked & abi::ASK_END != 0 || self.instance.must_keep(0, &turn.state) {
            self.instance.end(&self.seen, &mut turn.state, &turn.end);
        }
    }
}
