//! The contract of a middleware, and the chain that runs them.

use std::fmt;
use std::sync::Arc;

use crate::{BoxFuture, Call, CallError, Request, Response};

/// Something that stands around calls: it may answer in their place, change what goes in or out, wait,
/// or watch.
pub trait Middleware: Send + Sync {
    /// The name of its table in `mik.toml`, such as `rate-limit`.
    fn name(&self) -> &str;

    /// Where it belongs.
    fn rings(&self) -> Rings;

    /// Handles one request: usually `next.run(request, call).await` with something before or after.
    ///
    /// A call is over when its response *body* ends, not when this future does; see
    /// [`Body::on_end`](crate::Body::on_end).
    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>>;
}

/// Where a middleware stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rings {
    /// Around each inbound HTTP request. Errors have become responses there.
    Edge,
    /// Around each call of a module or script, whoever makes it. Errors are typed there.
    Call,
    /// Around both.
    Both,
    /// Around one of them as configured; the edge unless said otherwise.
    Either,
}

/// One of the two rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ring {
    /// Around each inbound HTTP request.
    Edge,
    /// Around each call of a module or script.
    Call,
}

/// The innermost step of a chain: what the middleware stand around.
pub(crate) type Endpoint =
    Arc<dyn Fn(Request, Call) -> BoxFuture<'static, Result<Response, CallError>> + Send + Sync>;

/// Middleware in order, outermost first, and what they stand around.
pub(crate) struct Chain {
    ring: Ring,
    layers: Vec<Arc<dyn Middleware>>,
    endpoint: Endpoint,
}

impl Chain {
    pub(crate) fn new(
        ring: Ring,
        layers: Vec<Arc<dyn Middleware>>,
        endpoint: Endpoint,
    ) -> Arc<Self> {
        Arc::new(Self { ring, layers, endpoint })
    }

    pub(crate) fn run(
        self: &Arc<Self>,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        if self.layers.is_empty() && self.ring == Ring::Call {
            return (self.endpoint)(request, call);
        }
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
    /// Runs what is left of the chain. At the edge this never returns `Err`: a failure has become a
    /// response that carries its [`ErrorKind`](crate::ErrorKind) in the extensions.
    pub fn run(
        self,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(async move {
            let request_id = call.request_id.clone();
            let result = match self.chain.layers.get(self.index) {
                Some(layer) => {
                    let next = Self { chain: self.chain.clone(), index: self.index + 1 };
                    layer.handle(request, call, next).await
                }
                None => (self.chain.endpoint)(request, call).await,
            };
            match (self.chain.ring, result) {
                (Ring::Edge, Err(error)) => Ok(error.into_response(&request_id)),
                (_, result) => result,
            }
        })
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.chain.names().skip(self.index);
        f.debug_list().entries(rest).finish()
    }
}
