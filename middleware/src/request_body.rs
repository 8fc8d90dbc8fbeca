//! What limits on request bodies share: once a body is found to be wrong, that is the answer, whatever a
//! handler made of what it could read.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::Counter;
use mik_core::{Body, BoxFuture, CallError, ClientFault, ErrorKind, Matched, Response, Target};

/// The answer to a request whose body is watched: `answer`, unless `fault` has found something by then.
/// Once the head is out, the body breaks off instead.
pub(crate) async fn judged(
    fault: ClientFault,
    answer: BoxFuture<'static, Result<Response, CallError>>,
) -> Result<Response, CallError> {
    let answer = answer.await;
    let Some(error) = fault.error() else {
        return Ok(answer?.map(|body| Body::stream(Watched { body, fault })));
    };
    match answer {
        // The host has said so already.
        Ok(response) if response.extensions().get::<ErrorKind>() == Some(&error.kind()) => {
            Ok(response)
        }
        _ => Err(error),
    }
}

/// The body of an answer that was begun before the whole request was read.
struct Watched {
    body: Body,
    fault: ClientFault,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(self.fault.error().map_or(frame, |error| Some(Err(error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.fault.error().is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Counts requests whose body was refused, by what they were for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals(Arc<OnceLock<Counter<u64>>>);

impl Refusals {
    /// Counts with `counter` from now on.
    pub(crate) fn count_with(&self, counter: Counter<u64>) {
        let _ = self.0.set(counter);
    }

    /// Counts one, told apart further by `labels`.
    pub(crate) fn count(&self, matched: &Matched, labels: &[KeyValue]) {
        let Some(counter) = self.0.get() else { return };
        let mut all = labels.to_vec();
        match &matched.target {
            Target::Module(name) => all.push(KeyValue::new("mik.module", name.to_string())),
            Target::Script(name) => all.push(KeyValue::new("mik.script", name.to_string())),
            Target::Builtin(_) | Target::Upstream(_) | Target::Nothing => {}
        }
        counter.add(1, &all);
    }
}
