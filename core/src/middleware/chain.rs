//! The chain that runs the middleware of one ring.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{Middleware, Ring};
use crate::{BoxFuture, Call, CallError, Request, RequestId, Response};

/// The innermost step of a chain: what the middleware stand around.
pub(crate) type Innermost =
    Arc<dyn Fn(Request, Call) -> BoxFuture<'static, Result<Response, CallError>> + Send + Sync>;

/// Middleware in order, outermost first, and what they stand around.
pub(crate) struct Chain {
    ring: Ring,
    layers: Vec<Arc<dyn Middleware>>,
    innermost: Innermost,
}

impl Chain {
    /// Those of `all` that stand in `ring`.
    pub(crate) fn new(
        ring: Ring,
        all: &[(Arc<dyn Middleware>, super::Rings)],
        innermost: Innermost,
    ) -> Arc<Self> {
        let here = all.iter().filter(|(_, rings)| rings.contains(ring));
        let layers = here.map(|(layer, _)| layer.clone()).collect();
        Arc::new(Self { ring, layers, innermost })
    }

    pub(crate) fn run(
        self: &Arc<Self>,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Next { chain: self.clone(), index: 0 }.run(request, call)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|layer| layer.name())
    }
}

/// The rest of the chain behind a middleware. It is owned and can be cloned, so that a retry may run
/// it more than once.
#[derive(Clone)]
pub struct Next {
    chain: Arc<Chain>,
    index: usize,
}

impl Next {
    /// The ring that this chain is.
    pub fn ring(&self) -> Ring {
        self.chain.ring
    }

    /// Runs what is left of the chain. A panic in there is an `Err` like any other failure. At the edge
    /// this never returns `Err`: a failure has become a response that carries its
    /// [`ErrorKind`](crate::ErrorKind) and the [`CallError`] itself in the extensions.
    pub fn run(
        self,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        let ring = self.ring();
        let chain = self.chain;
        let skips = |layer: &Arc<dyn Middleware>| layer.skips(ring, &request, &call);
        let mut index = self.index;
        while chain.layers.get(index).is_some_and(skips) {
            index += 1;
        }
        let request_id = call.request_id().clone();
        if index >= chain.layers.len() {
            return Box::pin(guarded((chain.innermost)(request, call), ring, request_id));
        }
        Box::pin(async move {
            let next = Self { chain: chain.clone(), index: index + 1 };
            // What is called is moved no further than into its own future: this runs for each layer of each
            // request, and requests are large.
            let future = chain.layers[index].handle(request, call, next);
            guarded(future, ring, request_id).await
        })
    }
}

/// Runs a step; a panic is an error, and at the edge an error is a response.
async fn guarded(
    step: BoxFuture<'_, Result<Response, CallError>>,
    ring: Ring,
    request_id: RequestId,
) -> Result<Response, CallError> {
    let result = match AssertUnwindSafe(step).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(panicked(&*panic, &request_id)),
    };
    match (ring, result) {
        (Ring::Edge, Err(error)) => Ok(error.into_response(&request_id)),
        (_, result) => result,
    }
}

/// The error that a panic is, and its line in the log.
pub(crate) fn panicked(panic: &(dyn Any + Send), request_id: &RequestId) -> CallError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("unknown");
    tracing::error!(%request_id, "panic while serving: {message}");
    CallError::Panic(message.into())
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.chain.names().skip(self.index);
        f.debug_list().entries(rest).finish()
    }
}
