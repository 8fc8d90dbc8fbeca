//! One call that was let through, until it is known how it ended.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use mik_core::{Body, Call, CallError, ErrorKind, Outcome, Request, Response, SendOptions};
use tokio::time::Instant;

use super::circuit::{Admission, Verdict};
use super::gate::Gate;
use super::verdict::Failure;

/// A call that was let through. It gives its verdict exactly once: when its end is told, or when it is
/// dropped before.
pub(super) struct Pass {
    gate: Arc<Gate>,
    admission: Admission,
    is_settled: bool,
    /// When the head must be there; `None` once it is.
    deadline: Option<Instant>,
    /// The client has cut the call's time.
    is_hurried: bool,
    /// What becomes of the body of the request, where it is one that streams.
    upload: Option<Arc<Upload>>,
}

/// What is known of a request body on its way.
#[derive(Default)]
struct Upload {
    /// Whether whoever reads it waits for more of it.
    is_awaited: AtomicBool,
    broke_off: AtomicBool,
}

/// A request body that tells how it comes along.
struct Watched {
    body: Body,
    upload: Arc<Upload>,
}

/// The shortest time that a guest may give an upstream server without being taken to blame for what it
/// does not do within it.
const HASTY: Duration = Duration::from_secs(1);

/// Whether the guest itself gives an outgoing request next to no time.
fn is_hasty(request: &Request) -> bool {
    let Some(options) = request.extensions().get::<SendOptions>() else { return false };
    let times = [options.connect, options.first_byte, options.between_bytes];
    times.into_iter().flatten().any(|time| time < HASTY)
}

impl Pass {
    pub(super) fn new(gate: Arc<Gate>, admission: Admission, deadline: Instant) -> Self {
        Self {
            gate,
            admission,
            is_settled: false,
            deadline: Some(deadline),
            is_hurried: false,
            upload: None,
        }
    }

    /// Looks at what may later explain a failure.
    pub(super) fn watch(&mut self, request: &mut Request, call: &Call) {
        self.is_hurried = call.is_hurried() || is_hasty(request);
        if request.body().try_clone().is_none() {
            let body = std::mem::take(request.body_mut());
            let upload = Arc::<Upload>::default();
            self.upload = Some(upload.clone());
            *request.body_mut() = Body::stream(Watched { body, upload });
        }
    }

    /// The call has failed without an answer.
    pub(super) fn failed(mut self, error: &CallError) {
        let verdict = self.blame(error);
        self.settle(verdict);
    }

    /// The call has been answered: what is still open is settled when the body ends.
    pub(super) fn answered(mut self, response: &mut Response) {
        let verdict = self.gate.counted.status(response.status());
        // Whether all of a failure is read makes no difference.
        if verdict == Verdict::Failure || is_whole(response.body()) {
            self.settle(verdict);
            return;
        }
        self.deadline = None;
        self.gate.answered(self.admission);
        response.body_mut().add_on_end(move |end| {
            let verdict = match &end.outcome {
                Outcome::Complete => Verdict::Success,
                Outcome::Failed(error) => self.blame(error),
                Outcome::Dropped => Verdict::Neither,
            };
            self.settle(verdict);
        });
    }

    fn blame(&self, error: &CallError) -> Verdict {
        let is_clients = match error.kind() {
            ErrorKind::Timeout => self.is_clients_time(),
            // A guest need not cope with half a request.
            _ => self.upload.as_ref().is_some_and(|it| it.broke_off.load(Ordering::Relaxed)),
        };
        if is_clients { Verdict::Neither } else { self.gate.counted.error(error) }
    }

    /// Whether time that ran out is the client's: it has cut it, or kept the guest waiting for its body.
    fn is_clients_time(&self) -> bool {
        let waits = |it: &Arc<Upload>| it.is_awaited.load(Ordering::Relaxed);
        self.is_hurried || self.upload.as_ref().is_some_and(waits)
    }

    fn settle(&mut self, verdict: Verdict) {
        if !std::mem::replace(&mut self.is_settled, true) {
            self.gate.settle(self.admission, verdict);
        }
    }
}

/// Whether all of it is there, so that nothing can go wrong with it any more.
fn is_whole(body: &Body) -> bool {
    body.try_clone().is_some() && body.size_hint().exact() == body.length()
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let verdict = if std::thread::panicking() {
            self.gate.counted.failure(Failure::Trap)
        } else if is_late && !self.is_clients_time() {
            // Whoever gave up did so because it took too long.
            self.gate.counted.failure(Failure::Timeout)
        } else {
            Verdict::Neither
        };
        self.settle(verdict);
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.upload.is_awaited.store(polled.is_pending(), Ordering::Relaxed);
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            self.upload.broke_off.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
