//! What a run still does when its answer is on the way.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use mik_core::{Body, CallError, Response};

use super::{Answer, Run};
use crate::Vm;

type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body that the script writes: reading it keeps the script going.
pub(super) struct Tail {
    body: Body,
    /// What is left of the run; `None` once it is over.
    rest: Option<Rest>,
}

impl Tail {
    /// The response, with what is left of the run. Where the body needs the run, it owns it; else the rest
    /// has a task of its own, and counts as in flight until it is done.
    pub(super) fn behind<V: Vm>(answer: Answer, run: Run<V>) -> Response {
        let Answer { response, is_written } = answer;
        if run.is_over {
            return response;
        }
        let rest: Rest = Box::pin(finish(run));
        if is_written {
            return response.map(|body| Body::stream(Self { body, rest: Some(rest) }));
        }
        tokio::spawn(rest);
        response
    }
}

/// Drives a run to its end. Silence ends it as well.
async fn finish<V: Vm>(mut run: Run<V>) {
    let silence = run.script.limits.silence;
    while !run.is_over {
        let deadline = run.extend(silence);
        if let Err(error) = run.turn(deadline).await {
            // A promise that nothing settles needs no words: its answer has been given.
            if !matches!(error, CallError::NoResponse(_)) {
                tracing::warn!(
                    target: "mik::script",
                    script = %run.script.name,
                    request_id = %run.call.request_id(),
                    "after its answer: {error}"
                );
            }
            return;
        }
    }
}

impl HttpBody for Tail {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let this = &mut *self;
        if let Some(rest) = &mut this.rest
            && rest.as_mut().poll(cx).is_ready()
        {
            this.rest = None;
        }
        let frame = std::task::ready!(Pin::new(&mut this.body).poll_frame(cx));
        if frame.is_none()
            && let Some(rest) = this.rest.take()
        {
            // The client has everything; what the script still does for itself may go on.
            tokio::spawn(rest);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
