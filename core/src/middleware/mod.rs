//! The contract of a middleware.

mod chain;
mod endpoint;
mod rings;
mod step;
mod tower;

use opentelemetry::metrics::Meter;

use crate::{BoxFuture, Call, CallError, Request, Response};

pub use chain::Next;
pub(crate) use chain::{Chain, Innermost, panic_text, panicked};
pub use endpoint::{BarePrefix, Endpoint};
pub use rings::{Ring, Rings};
pub use step::{After, Step};
pub use tower::{RestOfChain, TowerLayer};

/// Something that stands around calls: it may answer in their place, change what goes in or out, wait,
/// or watch.
pub trait Middleware: Send + Sync {
    /// The name of its table in `mik.toml`, such as `rate-limit`.
    fn name(&self) -> &str;

    /// Where it stands.
    fn rings(&self) -> Rings;

    /// What it does with a request before it goes on, where it need not wait for anything. Only if it says
    /// [`Step::Handle`], which it does unless written otherwise, [`handle`](Self::handle) is called.
    ///
    /// This is the cheap way: no future of its own, no request that is moved.
    fn begin<'a>(&'a self, _ring: Ring, _request: &mut Request, _call: &mut Call) -> Step<'a> {
        Step::Handle
    }

    /// Handles one request: usually `next.run(request, call).await` with something before or after.
    /// [`Next::ring`] says in which ring.
    ///
    /// A call is over when its response *body* ends, not when this future does; see
    /// [`Body::on_end`](crate::Body::on_end).
    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        next.run(request, call)
    }

    /// A path that it answers itself, such as `/metrics`. Requests for it pass the edge ring like all
    /// others.
    fn endpoint(&self) -> Option<Endpoint> {
        None
    }

    /// Where a host's parts report their numbers. The first middleware of a host that has a meter gives
    /// it to all of them.
    fn meter(&self) -> Option<Meter> {
        None
    }

    /// Called when the host is built, before the first request: the time to make instruments.
    fn instrument(&self, _meter: &Meter) {}
}
