//! The host: routes requests, runs both rings of middleware, and admits, makes and ends calls.

mod builder;
mod endpoint;
mod forward;
mod health;
mod openapi;
mod routes;
mod service;
mod telemetry;
#[cfg(test)]
mod tests;
mod ticket;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use opentelemetry::metrics::Meter;
use tokio::time::Instant;

pub use builder::{BuildError, HostBuilder};
pub(crate) use telemetry::Traffic;
pub(crate) use ticket::Ticket;

use crate::call::Parts;
use crate::caller::Caller;
use crate::catalogue::{Catalogue, Entry, FOR_EVER, Watcher};
use crate::limits::ServerLimits;
use crate::middleware::{Chain, panicked};
use crate::outbound::Outbound;
use crate::{
    Call, CallError, Endpoint, Engine, Matched, ModuleName, Orchestrator, Request, RequestId,
    Response, Ring, SendOptions, Target,
};
use routes::Routes;

/// Serves modules and scripts behind two rings of middleware. Cloning is cheap; all clones are one host.
///
/// A `Host` is a [`tower_service::Service`], so it can live inside another server; [`Server`](crate::Server)
/// is the one that comes with it.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

/// The route of whatever leaves the process.
static UPSTREAM: LazyLock<Arc<str>> = LazyLock::new(|| "upstream".into());

/// What outlives a reconfiguration.
struct Shared {
    current: ArcSwap<Inner>,
    limits: ServerLimits,
    outbound: Outbound,
    in_flight: AtomicUsize,
    draining: AtomicBool,
    started: Instant,
    meter: Meter,
    traffic: Traffic,
    is_observed: AtomicBool,
}

/// What one configuration gives.
pub(crate) struct Inner {
    routes: Routes,
    edge: Arc<Chain>,
    calls: Arc<Chain>,
    upstream: Arc<Chain>,
    engine: Arc<dyn Engine>,
    /// What runs the scripts; `None` where there are none.
    orchestrator: Option<Arc<dyn Orchestrator>>,
    modules: Option<Arc<Catalogue>>,
    scripts: Option<Arc<Catalogue>>,
    watchers: std::sync::Mutex<Vec<Watcher>>,
}

impl Host {
    /// Starts a host from nothing.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// The limits that it was built with.
    pub fn limits(&self) -> &ServerLimits {
        &self.0.limits
    }

    /// Answers one inbound request. It never fails: every error has become a response.
    pub async fn serve(&self, request: Request, peer: Option<SocketAddr>) -> Response {
        self.answer(request, peer, None).await
    }

    /// Answers an inbound request with `error`, through the edge ring: for what a server refuses by
    /// itself, so that logs and metrics see it.
    pub async fn refuse(
        &self,
        error: CallError,
        request: Request,
        peer: Option<SocketAddr>,
    ) -> Response {
        self.answer(request, peer, Some(Arc::new(error))).await
    }

    async fn answer(
        &self,
        mut request: Request,
        peer: Option<SocketAddr>,
        refused: Option<Arc<CallError>>,
    ) -> Response {
        let inner = self.0.current.load_full();
        // Before anything is added to it: a client must not name what is taken away again.
        forward::clean_request(&mut request);
        let started = Instant::now();
        let call = Call(Arc::new(Parts {
            request_id: RequestId::generate(),
            started,
            deadline: started + FOR_EVER,
            depth: 0,
            peer,
            trace: None,
            matched: inner.routes.resolve(request.uri().path(), &inner),
            parent: None,
            grants: Arc::default(),
            caller: Caller::new(self.clone()),
            ticket: None,
            refused,
            span: None,
            is_hurried: false,
            held: None,
        }));
        let request_id = call.0.request_id.clone();
        let chain = inner.edge.run(request, call);
        // Also what panics before it has come to a future.
        match AssertUnwindSafe(chain).catch_unwind().await {
            Ok(result) => result,
            Err(panic) => Err(panicked(&*panic, &request_id)),
        }
        .unwrap_or_else(|error| error.into_response(&request_id))
    }

    /// Calls a module or a script on behalf of `parent`: the one way in for requests from the network,
    /// for scripts, and for modules that call each other.
    ///
    /// # Errors
    /// Typed, as the call ring left them.
    pub async fn call(
        &self,
        target: Target,
        mut request: Request,
        parent: &Call,
    ) -> Result<Response, CallError> {
        let inner = self.0.current.load_full();
        let Some((entry, catalogue)) = inner.find(&target) else {
            return Err(CallError::NotFound(format!("no such {target}").into()));
        };
        forward::clean_request(&mut request);
        let depth = parent.0.depth + 1;
        if depth > self.0.limits.depth {
            return Err(CallError::Loop(self.0.limits.depth));
        }
        let ticket = Arc::new(Ticket::admit(self, &entry, catalogue)?);
        let settings = entry.settings();
        let started = Instant::now();
        let call = Call(Arc::new(Parts {
            request_id: parent.0.request_id.clone(),
            started,
            deadline: parent.0.deadline.min(started + settings.timeout),
            depth,
            peer: parent.0.peer,
            trace: parent.0.trace.clone(),
            matched: entry.matched().clone(),
            // At the edge nobody has been called yet.
            parent: (depth > 1).then(|| parent.0.matched.clone()),
            grants: settings.grants.clone(),
            caller: parent.0.caller.clone(),
            ticket: Some(ticket.clone()),
            refused: None,
            span: None,
            is_hurried: parent.0.is_hurried,
            held: None,
        }));
        let response = inner.calls.run(request, call).await?;
        // The call is in flight until its body has ended.
        Ok(response
            .map(|body| if body.is_over() { body } else { body.on_end(move |_| drop(ticket)) }))
    }

    /// Sends a request out of the process on behalf of `parent`.
    pub(crate) async fn send_upstream(
        &self,
        mut request: Request,
        parent: &Call,
        options: SendOptions,
    ) -> Result<Response, CallError> {
        let inner = self.0.current.load_full();
        if inner.upstream.names().next().is_none() {
            return self.0.outbound.send(request, parent, options).await;
        }
        let authority = request.uri().authority().map_or("", |authority| authority.as_str());
        let authority = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        request.extensions_mut().insert(options);
        let mut call = parent.clone();
        let parts = Arc::make_mut(&mut call.0);
        parts.started = Instant::now();
        parts.matched = Arc::new(Matched {
            route: UPSTREAM.clone(),
            target: Target::Upstream(authority.into()),
            engine: None,
            prefix: None,
        });
        inner.upstream.run(request, call).await
    }

    /// Refuses new requests from now on, with 503 and `connection: close`.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Whether [`drain`](Self::drain) was called.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// Takes over the configuration of `other`. Requests under way finish on the old one; uptime,
    /// limits of the server and the state of draining stay.
    pub fn replace(&self, other: &Self) {
        let next = other.0.current.load_full();
        if self.0.current.load().is_watched() {
            next.watch();
        }
        self.0.current.store(next);
    }

    /// Picks up files that change from now on, and loads a lone module ahead of its first call. A
    /// [`Server`](crate::Server) does this by itself. Must be called within a tokio runtime.
    pub fn watch(&self) {
        self.0.current.load().watch();
        if !self.0.is_observed.swap(true, Ordering::Relaxed) {
            telemetry::observe(&self.0);
        }
    }

    /// The modules that there are, with their files, sorted by name.
    pub fn modules(&self) -> Vec<(ModuleName, std::path::PathBuf)> {
        self.0.current.load().modules.as_ref().map_or_else(Vec::new, |modules| modules.list())
    }

    /// How many modules are known, and how many loaded.
    pub fn module_counts(&self) -> (usize, usize) {
        self.0.current.load().modules.as_ref().map_or((0, 0), |modules| modules.counts())
    }

    /// The scripts that there are, with their files, sorted by name.
    pub fn scripts(&self) -> Vec<(ModuleName, std::path::PathBuf)> {
        self.0.current.load().scripts.as_ref().map_or_else(Vec::new, |scripts| scripts.list())
    }

    /// How many scripts are known, and how many loaded; `None` where none are served.
    pub fn script_counts(&self) -> Option<(usize, usize)> {
        self.0.current.load().scripts.as_ref().map(|scripts| scripts.counts())
    }

    /// The routes that there are, as patterns with what answers.
    pub fn routes(&self) -> Vec<(String, Target)> {
        let inner = self.0.current.load();
        inner.routes.list(&inner)
    }

    /// The names of the middleware of one ring, outermost first.
    pub fn middleware(&self, ring: Ring) -> Vec<String> {
        let inner = self.0.current.load();
        let chain = match ring {
            Ring::Edge => &inner.edge,
            Ring::Call => &inner.calls,
            Ring::Upstream => &inner.upstream,
        };
        chain.names().map(ToOwned::to_owned).collect()
    }

    /// The engine.
    pub fn engine(&self) -> Arc<dyn Engine> {
        self.0.current.load().engine.clone()
    }

    /// What runs the scripts; `None` where none are served.
    pub fn orchestrator(&self) -> Option<Arc<dyn Orchestrator>> {
        self.0.current.load().orchestrator.clone()
    }

    /// Time since the host was built.
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Calls in flight.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    /// The names of all modules, sorted.
    pub(crate) fn module_names(&self) -> Vec<ModuleName> {
        self.0.current.load().modules.as_ref().map_or_else(Vec::new, |modules| modules.names())
    }

    /// Whether there is a module of that name.
    pub(crate) fn has_module(&self, name: &str) -> bool {
        let inner = self.0.current.load();
        inner.modules.as_ref().is_some_and(|modules| modules.find(name).is_some())
    }

    /// A target as its file spells it. Host names have no case: what is not there as it was written is
    /// meant in lower case.
    pub(crate) fn spelt(&self, target: Target) -> Target {
        let (kind, name): (fn(ModuleName) -> Target, _) = match &target {
            Target::Module(name) => (Target::Module, name),
            Target::Script(name) => (Target::Script, name),
            Target::Builtin(_) | Target::Upstream(_) | Target::Nothing => return target,
        };
        let has_case = name.as_str().bytes().any(|b| b.is_ascii_uppercase());
        if !has_case || self.0.current.load().find(&target).is_some() {
            return target;
        }
        ModuleName::new(&name.as_str().to_ascii_lowercase()).map_or(target.clone(), kind)
    }

    pub(crate) fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    /// What its server counts.
    pub(crate) fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    fn endpoint(&self, name: &str) -> Option<Endpoint> {
        self.0.current.load().routes.endpoint(name).cloned()
    }

    fn answers_while_draining(&self, target: &Target) -> bool {
        let Target::Builtin(name) = target else { return false };
        self.endpoint(name).is_some_and(|endpoint| endpoint.while_draining)
    }
}

impl Inner {
    fn find(&self, target: &Target) -> Option<(Arc<Entry>, &Arc<Catalogue>)> {
        let (catalogue, name) = match target {
            Target::Module(name) => (&self.modules, name),
            Target::Script(name) => (&self.scripts, name),
            Target::Builtin(_) | Target::Upstream(_) | Target::Nothing => return None,
        };
        let catalogue = catalogue.as_ref()?;
        Some((catalogue.find(name.as_str())?, catalogue))
    }

    fn watch(&self) {
        let mut watchers = self.watchers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if watchers.is_empty() {
            [&self.modules, &self.scripts].into_iter().flatten().for_each(Catalogue::warm);
            watchers
                .extend([&self.modules, &self.scripts].into_iter().flatten().map(Watcher::start));
        }
    }

    fn is_watched(&self) -> bool {
        !self.watchers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_empty()
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("modules", &self.modules()).finish_non_exhaustive()
    }
}
