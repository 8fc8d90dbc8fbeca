//! The chain that runs the middleware of one ring.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;

use super::{After, Middleware, Ring, Step};
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
        mut request: Request,
        mut call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(async move {
            let Self { chain, mut index } = self;
            let ring = chain.ring;
            let mut afters: Vec<After<'_>> = Vec::new();
            let (mut answer, request_id) = loop {
                let Some(layer) = chain.layers.get(index) else {
                    let request_id = call.request_id().clone();
                    break (
                        guarded((chain.innermost)(request, call), &request_id).await,
                        request_id,
                    );
                };
                index += 1;
                let begin = AssertUnwindSafe(|| layer.begin(ring, &mut request, &mut call));
                match catch_unwind(begin) {
                    Ok(Step::Pass) => {}
                    Ok(Step::After(after)) => {
                        if afters.capacity() == 0 {
                            afters.reserve(chain.layers.len());
                        }
                        afters.push(after);
                    }
                    Ok(Step::Answer(answer)) => break (answer, call.request_id().clone()),
                    Ok(Step::Handle) => {
                        let request_id = call.request_id().clone();
                        let next = Self { chain: chain.clone(), index };
                        let answer = guarded(layer.handle(request, call, next), &request_id).await;
                        break (answer, request_id);
                    }
                    Err(panic) => {
                        let request_id = call.request_id().clone();
                        break (Err(panicked(&*panic, &request_id)), request_id);
                    }
                }
            };
            while let Some(after) = afters.pop() {
                seal(ring, &mut answer, &request_id);
                let work = AssertUnwindSafe(|| after(&mut answer));
                if let Err(panic) = catch_unwind(work) {
                    answer = Err(panicked(&*panic, &request_id));
                }
            }
            seal(ring, &mut answer, &request_id);
            answer
        })
    }
}

/// At the edge an error is a response.
fn seal(ring: Ring, answer: &mut Result<Response, CallError>, request_id: &RequestId) {
    if ring == Ring::Edge
        && let Err(error) = answer
    {
        *answer = Ok(error.clone().into_response(request_id));
    }
}

/// Runs a step; a panic is an error.
async fn guarded(
    step: BoxFuture<'_, Result<Response, CallError>>,
    request_id: &RequestId,
) -> Result<Response, CallError> {
    let result = AssertUnwindSafe(step).catch_unwind().await;
    result.unwrap_or_else(|panic| Err(panicked(&*panic, request_id)))
}

/// The error that a panic is, and its line in the log.
pub(crate) fn panicked(panic: &(dyn Any + Send), request_id: &RequestId) -> CallError {
    let message = panic_text(panic).unwrap_or("unknown");
    tracing::error!(%request_id, "panic while serving: {message}");
    CallError::Panic(message.into())
}

/// What a panic says, where it says it in words.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.chain.names().skip(self.index);
        f.debug_list().entries(rest).finish()
    }
}
