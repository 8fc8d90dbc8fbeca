//! One log line for each request, written when it is over.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, StatusCode};
use mik_core::{
    Call, CallError, Matched, Middleware, Outcome, Request, RequestId, Response, Ring, Rings, Settings,
    Step, Target,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use crate::table::{Made, schema_of};

/// Longest path in a line, in bytes.
const PATH: usize = 256;
/// Longest reason in a line, in bytes.
const REASON: usize = 256;
/// Longest method in a line, in bytes.
const METHOD: usize = 32;

/// Logs one line for each inbound request when it is over: when its response body has ended, or when the
/// client has gone.
///
/// The line is a [`tracing`] event of level `INFO` and target `mik::access` with the fields `method`,
/// `path` (no query; at most 256 bytes, printable ASCII only), `route` (the pattern), `module` or
/// `script`, `engine` (what runs it), `status`, `bytes` (of the response body), `duration_ms`, `request_id`,
/// `peer`, and where they apply `error` (the [`ErrorKind`](mik_core::ErrorKind)), `reason` (what happened, at most 256 bytes) and
/// `aborted` (the head was sent, the body never ended). A client
/// that went away has the status 499. Where nobody listens to that target, a request costs nothing more.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessLog {
    _private: (),
}

/// `[middleware.access-log]`: one log line for each request when it is over.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
struct Table {}

impl AccessLog {
    /// An access log.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let Table {} = settings.parse()?;
        Ok(Arc::new(Self::new()))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }
}

impl Middleware for AccessLog {
    fn name(&self) -> &str {
        "access-log"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn begin<'a>(&'a self, _: Ring, request: &mut Request, call: &mut Call) -> Step<'a> {
        if !tracing::enabled!(target: "mik::access", tracing::Level::INFO) {
            return Step::Pass;
        }
        let line = Line::begin(request, call);
        Step::after(move |answer| match answer {
            Ok(response) => line.follow(response),
            Err(error) => {
                let end = Ended { status: error.kind().status(), bytes: 0, aborted: false };
                line.end(&end, Instant::now(), Some(error));
            }
        })
    }
}

/// The line of one request, in the making. It is written exactly once: by [`Line::end`], or when it is
/// dropped because the request was given up before it had an answer.
struct Line(Option<Seen>);

/// How a request ended.
struct Ended {
    status: StatusCode,
    /// Of the response body.
    bytes: u64,
    /// The head was sent, the body never ended.
    aborted: bool,
}

/// What is known of a request from its start.
struct Seen {
    started: Instant,
    method: Method,
    /// As it is logged. A clone of the URI would keep the connection's read buffer from being used again.
    path: String,
    matched: Arc<Matched>,
    request_id: RequestId,
    peer: Option<SocketAddr>,
}

impl Line {
    fn begin(request: &Request, call: &Call) -> Self {
        Self(Some(Seen {
            started: call.started(),
            method: request.method().clone(),
            path: printable(request.uri().path(), PATH).into_owned(),
            matched: call.matched().clone(),
            request_id: call.request_id().clone(),
            peer: call.peer(),
        }))
    }

    /// Is written when the body of the response has ended.
    fn follow(self, response: &mut Response) {
        let status = response.status();
        let failure = response.extensions().get::<CallError>().cloned();
        response.body_mut().add_on_end(move |end| {
            let (status, failure, aborted) = match end.outcome {
                Outcome::Complete => (status, failure, false),
                Outcome::Failed(failure) => (status, Some(failure), true),
                Outcome::Dropped => {
                    let gone = CallError::ClientGone;
                    (gone.kind().status(), Some(gone), true)
                }
            };
            self.end(&Ended { status, bytes: end.bytes, aborted }, end.at, failure.as_ref());
        });
    }

    fn end(mut self, end: &Ended, at: Instant, failure: Option<&CallError>) {
        if let Some(seen) = self.0.take() {
            seen.write(end, at, failure);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(seen) = self.0.take() {
            // What unwinds through here is answered further out.
            let failure = match std::thread::panicking() {
                true => CallError::Panic("while serving".into()),
                false => CallError::ClientGone,
            };
            let end = Ended { status: failure.kind().status(), bytes: 0, aborted: false };
            seen.write(&end, Instant::now(), Some(&failure));
        }
    }
}

impl Seen {
    fn write(&self, end: &Ended, at: Instant, failure: Option<&CallError>) {
        let matched = &self.matched;
        let (module, script) = match &matched.target {
            Target::Module(name) => (Some(name.as_str()), None),
            Target::Script(name) => (None, Some(name.as_str())),
            Target::Builtin(_) | Target::Upstream(_) | Target::Nothing => (None, None),
        };
        let route = Some(&*matched.route).filter(|route| !route.is_empty());
        let microseconds = at.saturating_duration_since(self.started).as_micros();
        let reason = failure.map(ToString::to_string);
        tracing::info!(
            target: "mik::access",
            method = &*printable(self.method.as_str(), METHOD),
            path = self.path,
            status = end.status.as_u16(),
            bytes = end.bytes,
            duration_ms = microseconds as f64 / 1_000.0,
            route,
            module,
            script,
            engine = matched.engine.as_deref(),
            error = failure.map(|failure| failure.kind().as_str()),
            reason = reason.as_deref().map(|reason| shortened(reason, REASON)),
            aborted = end.aborted.then_some(true),
            request_id = self.request_id.encode(&mut [0; 32]),
            peer = self.peer.map(address).as_deref(),
        );
    }
}

/// An address with its port. The way through `Display` costs several times as much.
fn address(peer: SocketAddr) -> String {
    let SocketAddr::V4(v4) = peer else { return peer.to_string() };
    let mut text = String::with_capacity("255.255.255.255:65535".len());
    let mut number = itoa::Buffer::new();
    for (at, octet) in v4.ip().octets().into_iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        text.push_str(number.format(octet));
    }
    text.push(':');
    text.push_str(number.format(v4.port()));
    text
}

/// The first line of `text`, and at most `max` bytes of it.
fn shortened(text: &str, max: usize) -> &str {
    let line = text.lines().next().unwrap_or_default();
    &line[..line.floor_char_boundary(max)]
}

/// At most `max` bytes of printable ASCII: other bytes are percent-encoded, and a cut is marked by `...`.
fn printable(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(max);
    for byte in text.bytes() {
        let width = if byte.is_ascii_graphic() { 1 } else { 3 };
        if out.len() + width > max {
            out.truncate(out.len().min(max - 3));
            out.push_str("...");
            break;
        }
        match width {
            1 => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
