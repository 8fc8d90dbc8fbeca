//! One run of a program.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{StatusCode, request};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mik_core::{Body, Call, CallError, Request, Response};
use tokio::time::{sleep, timeout};

use crate::Program;
use crate::steps::set;
use crate::text::Value;

/// What is done in one go.
const STEPS: u32 = 64;

/// A program that runs for one request. It has no task of its own: it goes on while somebody waits for what comes
/// [`next`](Self::next), so a client that does not read stops it, and dropping it is its end.
pub(crate) struct Run {
    pub(crate) program: Arc<Program>,
    pub(crate) call: Call,
    pub(crate) request: Arc<request::Parts>,
    pub(crate) query: Vec<(String, String)>,
    /// The request's body, until something takes it.
    pub(crate) body: Body,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
    /// Whether the head of the answer is out.
    pub(crate) is_answered: bool,
    /// A body on its way into the answer.
    pub(crate) pours: Option<Body>,
    /// The answer to the last call.
    pub(crate) called: Option<Response>,
    /// What `hold` has taken.
    pub(crate) held: Vec<u8>,
    /// Bytes of the fields that were set.
    pub(crate) fields: usize,
    /// The line that is next, and how often it was repeated.
    pub(crate) line: usize,
    pub(crate) turn: u64,
    /// How much was done; it begins anew some time.
    pub(crate) steps: u32,
}

/// What a run comes to.
pub(crate) enum Next {
    /// The head may go out, the body is not there yet.
    Head,
    Frame(Frame<Bytes>),
    End,
}

impl Run {
    pub(crate) fn new(program: Arc<Program>, request: Request, call: Call) -> Self {
        let (request, body) = request.into_parts();
        let query = request.uri.query().unwrap_or_default();
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let text = (CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Self {
            program,
            call,
            request: Arc::new(request),
            query,
            body,
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([text]),
            trailers: HeaderMap::new(),
            is_answered: false,
            pours: None,
            called: None,
            held: Vec::new(),
            fields: 0,
            line: 0,
            turn: 0,
            steps: 0,
        }
    }

    /// The answer, with what has come first.
    pub(crate) fn respond(mut self, first: Next) -> Response {
        self.is_answered = true;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        *response.headers_mut() = std::mem::take(&mut self.headers);
        *response.body_mut() = match first {
            Next::End => Body::empty(),
            Next::Head => self.into_body(None),
            Next::Frame(frame) => match frame.into_data() {
                // The whole of it, and so its length is known.
                Ok(data) if self.is_over() => data.into(),
                Ok(data) => self.into_body(Some(Frame::data(data))),
                Err(frame) => self.into_body(Some(frame)),
            },
        };
        response
    }

    /// The rest of the run as a body, which must not be silent for too long.
    fn into_body(self, first: Option<Frame<Bytes>>) -> Body {
        let rest = stream::unfold(Some(self), |run| async {
            let mut run = run?;
            loop {
                match timeout(run.program.limits.silence, run.next()).await {
                    Ok(Ok(Next::Head)) => {}
                    Ok(Ok(Next::Frame(frame))) => return Some((Ok(frame), Some(run))),
                    Ok(Ok(Next::End)) => return None,
                    Ok(Err(error)) => return Some((Err(run.failed(error)), None)),
                    Err(_) => {
                        let error = CallError::Timeout("silent for too long");
                        return Some((Err(run.failed(error)), None));
                    }
                }
            }
        });
        Body::stream(StreamBody::new(stream::iter(first.map(Ok)).chain(rest)))
    }

    /// Logs why it failed, unless that is the client's doing: a client does not learn it.
    pub(crate) fn failed(&self, error: CallError) -> CallError {
        let kind = error.kind();
        if kind.status().is_server_error() {
            tracing::error!(
                target: "mik::guest",
                module = %self.program.name,
                request_id = %self.call.request_id(),
                kind = kind.as_str(),
                "guest failed: {error}"
            );
        }
        error
    }

    fn is_over(&self) -> bool {
        self.line >= self.program.lines.len() && self.pours.is_none() && self.trailers.is_empty()
    }

    /// Goes on until there is something for the client.
    pub(crate) async fn next(&mut self) -> Result<Next, CallError> {
        let program = self.program.clone();
        loop {
            self.breathe().await;
            if let Some(data) = self.pour().await? {
                return Ok(Next::Frame(Frame::data(data)));
            }
            let Some(line) = program.lines.get(self.line) else {
                let trailers = std::mem::take(&mut self.trailers);
                let is_end = trailers.is_empty();
                return Ok(if is_end { Next::End } else { Next::Frame(Frame::trailers(trailers)) });
            };
            let applies = line
                .only_if
                .iter()
                .all(|(name, value)| self.parameter(name).as_deref().unwrap_or_default() == value);
            let turns = match &line.repeat {
                Some(repeat) => repeat.count.as_ref().map(|count| self.value(count)).transpose()?,
                None => Some(1),
            };
            if !applies || turns.is_some_and(|turns| self.turn >= turns) {
                (self.line, self.turn) = (self.line + 1, 0);
                continue;
            }
            if let Some(repeat) = line.repeat.as_ref().filter(|_| self.turn > 0) {
                let pause = self.value(&repeat.pause)?;
                if !pause.is_zero() {
                    sleep(pause).await;
                }
            }
            let next = self.execute(&line.instruction).await?;
            self.turn += 1;
            if line.repeat.is_none() {
                (self.line, self.turn) = (self.line + 1, 0);
            }
            if let Some(next) = next {
                return Ok(next);
            }
        }
    }

    /// Lets others at the thread now and then: nothing else can stop a program that never waits. This leaves the
    /// task its budget, unlike `consume_budget`: what is sent to the client is sent by the same task.
    pub(crate) async fn breathe(&mut self) {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS) {
            tokio::task::yield_now().await;
        }
    }

    /// The next piece of a body that goes into the answer; its trailers become ours.
    async fn pour(&mut self) -> Result<Option<Bytes>, CallError> {
        while let Some(body) = &mut self.pours {
            match body.frame().await.transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => return Ok(Some(data)),
                Some(Err(frame)) => {
                    for (name, value) in frame.into_trailers().iter().flatten() {
                        set(&mut self.trailers, name.as_str(), value.as_bytes())?;
                    }
                }
                None => self.pours = None,
            }
        }
        Ok(None)
    }

    pub(crate) fn value<T>(&self, value: &Value<T>) -> Result<T, CallError> {
        value.fill(|name| self.parameter(name))
    }

    /// A parameter of the query, or what the run knows by that name.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        match (name, &self.called) {
            ("turn", _) => Some(self.turn.to_string()),
            ("status", Some(called)) => Some(called.status().as_u16().to_string()),
            _ => Some(self.query.iter().find(|(key, _)| key == name)?.1.clone()),
        }
    }
}
