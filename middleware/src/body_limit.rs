//! A limit on request bodies that is smaller than the server's.

use std::future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::{Body as HttpBody, Frame, SizeHint};
use mik_core::opentelemetry::metrics::Meter;
use mik_core::units::ByteSize;
use mik_core::values::{Size, TIB};
use mik_core::{
    Body, BoxFuture, ByTarget, Call, CallError, ClientFault, Matched, Middleware, Next, Request,
    Response, Rings, Settings,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::request_body::{Refusals, judged};
use crate::table::{Made, schema_of};

/// Refuses request bodies past a limit with 413, for all targets or for single ones. It stands at the edge.
///
/// A declared length past the limit is refused before anything else runs. A body of unknown length breaks
/// off at the limit: the answer is 413 whatever the handler says, and if its head is already out, its body
/// breaks off as well. Where `compression` inflates request bodies, the limit is that of the inflated body.
/// The limit of the server (`server.limits.body_bytes`, 10 MiB) holds beside it.
///
/// ```toml
/// [middleware.body-limit]
/// bytes = "1MiB"                # the default
///
/// [modules.upload]
/// body-limit = "8MiB"
/// ```
///
/// ```
/// use mik_core::units::ByteSize;
/// use mik_middleware::BodyLimit;
///
/// let host = mik_core::Host::builder().middleware(BodyLimit::new(ByteSize::kib(64)));
/// ```
///
/// It counts what it refuses in `mik.body_limit.refused`, by module or script.
#[derive(Debug, Clone)]
pub struct BodyLimit {
    limits: ByTarget<u64>,
    refusals: Refusals,
}

/// `[middleware.body-limit]`: request bodies past a limit are refused with 413.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// The most bytes that a request body may have. One that is inflated counts as it is then.
    bytes: Size<0, TIB>,
}

impl Default for Table {
    fn default() -> Self {
        Self { bytes: Size::new(ByteSize::mib(1)) }
    }
}

impl BodyLimit {
    /// Refuses bodies of more than `bytes`.
    pub fn new(bytes: ByteSize) -> Self {
        Self::by_target(ByTarget::all(bytes.get()))
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let limits = settings.by_target::<Table>()?;
        Ok(Arc::new(Self::by_target(limits.try_map(|table| Ok(table.bytes.get().get()))?)))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    fn by_target(limits: ByTarget<u64>) -> Self {
        Self { limits, refusals: Refusals::default() }
    }
}

impl Middleware for BodyLimit {
    fn name(&self) -> &str {
        "body-limit"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn handle<'a>(
        &'a self,
        mut request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let Some(&limit) = self.limits.of(&call.matched().target) else {
            return next.run(request, call);
        };
        let length = request.body().length();
        if length.or_else(|| declared(request.headers())).is_some_and(|length| length > limit) {
            self.refusals.count(call.matched(), &[]);
            return Box::pin(future::ready(Err(CallError::BodyTooLarge(limit))));
        }
        // A body of known length is never longer.
        if length.is_some() {
            return next.run(request, call);
        }
        let fault = ClientFault::of(&mut request);
        let refusals = self.refusals.clone();
        let (matched, found) = (call.matched().clone(), fault.clone());
        let request = request.map(|body| {
            Body::stream(Limited { body, limit, left: limit, fault, refusals, matched })
        });
        Box::pin(judged(found, next.run(request, call)))
    }

    fn instrument(&self, meter: &Meter) {
        self.refusals.count_with(
            meter
                .u64_counter("mik.body_limit.refused")
                .with_unit("{request}")
                .with_description("Requests whose body was larger than the limit of body-limit")
                .build(),
        );
    }
}

/// The length that a header declares, where the body does not know its own.
fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body of unknown length that may not grow past a limit.
struct Limited {
    body: Body,
    limit: u64,
    left: u64,
    fault: ClientFault,
    refusals: Refusals,
    matched: Arc<Matched>,
}

impl Limited {
    fn refuse(&mut self) -> CallError {
        // What is left of it is not read.
        self.body = Body::empty();
        self.refusals.count(&self.matched, &[]);
        let error = CallError::BodyTooLarge(self.limit);
        self.fault.set(error.clone());
        error
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let len = frame.data_ref().map_or(0, |data| data.len() as u64);
            match self.left.checked_sub(len) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(self.refuse()))),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
