//! One log line for each request, written when it is over.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode, Uri};
use mik_core::{
    BoxFuture, Call, CallError, ErrorKind, Matched, Middleware, Next, Outcome, Request, RequestId,
    Response, Rings, Settings, SettingsError, Target,
};
use serde::Deserialize;

/// Longest path in a line, in bytes.
const PATH: usize = 256;
/// Longest method in a line, in bytes.
const METHOD: usize = 32;

/// Logs one line for each inbound request when it is over: when its response body has ended, or when the
/// client has gone.
///
/// The line is a [`tracing`] event of level `INFO` and target `mik::access` with the fields `method`,
/// `path` (no query; at most 256 bytes, printable ASCII only), `route` (the pattern), `module` or
/// `script`, `status`, `bytes` (of the response body), `duration_ms`, `request_id`, `peer`, and where they
/// apply `error` (the [`ErrorKind`]) and `aborted` (the head was sent, the body never ended). A client
/// that went away has the status 499. Where nobody listens to that target, a request costs nothing more.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessLog {
    _private: (),
}

/// `[middleware.access-log]`: nothing to set.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Table {}

impl AccessLog {
    /// An access log.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn from_settings(settings: &Settings) -> Result<Arc<dyn Middleware>, SettingsError> {
        let Table {} = settings.parse()?;
        Ok(Arc::new(Self::new()))
    }
}

impl Middleware for AccessLog {
    fn name(&self) -> &str {
        "access-log"
    }

    fn rings(&self) -> Rings {
        Rings::Edge
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        if !tracing::enabled!(target: "mik::access", tracing::Level::INFO) {
            return next.run(request, call);
        }
        let line = Line::begin(&request, &call);
        Box::pin(async move {
            let response = match next.run(request, call).await {
                Ok(response) => response,
                Err(error) => {
                    line.end(error.kind().status(), Some(error.kind()), 0, false);
                    return Err(error);
                }
            };
            let status = response.status();
            let error = response.extensions().get::<ErrorKind>().copied();
            Ok(response.map(|body| {
                body.on_end(move |end| match end.outcome {
                    Outcome::Complete => line.end(status, error, end.bytes, false),
                    Outcome::Failed(failure) => {
                        line.end(status, Some(failure.kind()), end.bytes, true);
                    }
                    Outcome::Dropped => line.end_as(ErrorKind::ClientGone, end.bytes, true),
                })
            }))
        })
    }
}

/// The line of one request, in the making. It is written exactly once: by [`Line::end`], or when it is
/// dropped because the request was given up before it had an answer.
struct Line(Option<Seen>);

/// What is known of a request from its start.
struct Seen {
    started: Instant,
    method: Method,
    uri: Uri,
    matched: Matched,
    request_id: RequestId,
    peer: Option<SocketAddr>,
}

impl Line {
    fn begin(request: &Request, call: &Call) -> Self {
        Self(Some(Seen {
            started: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            matched: call.matched().clone(),
            request_id: call.request_id().clone(),
            peer: call.peer(),
        }))
    }

    fn end(mut self, status: StatusCode, error: Option<ErrorKind>, bytes: u64, aborted: bool) {
        if let Some(seen) = self.0.take() {
            seen.write(status, error, bytes, aborted);
        }
    }

    fn end_as(self, kind: ErrorKind, bytes: u64, aborted: bool) {
        self.end(kind.status(), Some(kind), bytes, aborted);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(seen) = self.0.take() {
            // What unwinds through here is answered further out.
            let panics = std::thread::panicking();
            let kind = if panics { ErrorKind::Panic } else { ErrorKind::ClientGone };
            seen.write(kind.status(), Some(kind), 0, false);
        }
    }
}

impl Seen {
    fn write(&self, status: StatusCode, error: Option<ErrorKind>, bytes: u64, aborted: bool) {
        let (module, script) = match &self.matched.target {
            Target::Module(name) => (Some(name.as_str()), None),
            Target::Script(name) => (None, Some(name.as_str())),
            Target::Builtin(_) | Target::Nothing => (None, None),
        };
        let route = Some(&*self.matched.route).filter(|route| !route.is_empty());
        let milliseconds = self.started.elapsed().as_secs_f64() * 1_000.0;
        tracing::info!(
            target: "mik::access",
            method = &*printable(self.method.as_str(), METHOD),
            path = &*printable(self.uri.path(), PATH),
            status = status.as_u16(),
            bytes,
            // Whole microseconds.
            duration_ms = (milliseconds * 1_000.0).round() / 1_000.0,
            route,
            module,
            script,
            error = error.map(ErrorKind::as_str),
            aborted = aborted.then_some(true),
            request_id = %self.request_id,
            peer = self.peer.map(tracing::field::display),
        );
    }
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
