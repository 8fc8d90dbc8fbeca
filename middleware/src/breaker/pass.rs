//! One call that was let through, until it is known how it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body::Body as _;
use mik_core::{Body, CallError, ErrorKind, Outcome, Request, Response};
use tokio::time::Instant;

use super::circuit::{Admission, Verdict};
use super::gate::Gate;
use super::verdict::Failure;
use crate::hurry::Hurried;

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
    /// Whether the body of the request broke off, where it is one that can.
    broken_off: Option<Arc<AtomicBool>>,
}

impl Pass {
    pub(super) fn new(gate: Arc<Gate>, admission: Admission, deadline: Instant) -> Self {
        Self {
            gate,
            admission,
            is_settled: false,
            deadline: Some(deadline),
            is_hurried: false,
            broken_off: None,
        }
    }

    /// Looks at what in the request may later explain a failure.
    pub(super) fn watch(&mut self, mut request: Request) -> Request {
        self.is_hurried = request.extensions().get::<Hurried>().is_some();
        if request.body().try_clone().is_some() {
            return request;
        }
        let broken_off = Arc::new(AtomicBool::new(false));
        self.broken_off = Some(broken_off.clone());
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = body.on_end(move |end| {
            if matches!(end.outcome, Outcome::Failed(_)) {
                broken_off.store(true, Ordering::Relaxed);
            }
        });
        request
    }

    /// The call has failed without an answer.
    pub(super) fn failed(mut self, error: &CallError) {
        let verdict = self.blame(error);
        self.settle(verdict);
    }

    /// The call has been answered: what is still open is settled when the body ends.
    pub(super) fn answered(mut self, response: Response) -> Response {
        let verdict = self.gate.counted.status(response.status());
        // Whether all of a failure is read makes no difference.
        if verdict == Verdict::Failure || is_whole(response.body()) {
            self.settle(verdict);
            return response;
        }
        self.deadline = None;
        self.gate.answered(self.admission);
        response.map(|body| {
            body.on_end(move |end| {
                let verdict = match &end.outcome {
                    Outcome::Complete => Verdict::Success,
                    Outcome::Failed(error) => self.blame(error),
                    Outcome::Dropped => Verdict::Neither,
                };
                self.settle(verdict);
            })
        })
    }

    fn blame(&self, error: &CallError) -> Verdict {
        let is_clients = match error.kind() {
            ErrorKind::Timeout => self.is_hurried,
            // A guest need not cope with half a request.
            _ => self.broken_off.as_ref().is_some_and(|broken| broken.load(Ordering::Relaxed)),
        };
        if is_clients { Verdict::Neither } else { self.gate.counted.error(error) }
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
        } else if is_late && !self.is_hurried {
            // Whoever gave up did so because it took too long.
            self.gate.counted.failure(Failure::Timeout)
        } else {
            Verdict::Neither
        };
        self.settle(verdict);
    }
}
