//! What one call may see and use.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use crate::caller::{Caller, SendOptions};
use crate::grants::Grants;
use crate::host::Ticket;
use crate::trace::{TraceContext, write_hex};
use crate::{BoxFuture, CallError, ModuleName, Request, Response};

/// Identifies one request in the log, in error bodies and towards guests.
///
/// Either made here (128 random bits, written as 32 hexadecimal digits) or taken from the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestId(Id);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Id {
    Made(u128),
    Given(Arc<str>),
}

impl RequestId {
    /// Longest id that is accepted from outside, in bytes.
    pub const MAX_LEN: usize = 128;

    /// A new random id. It is no secret: the generator is fast, not cryptographic.
    pub fn generate() -> Self {
        Self(Id::Made(fastrand::u128(..)))
    }

    /// Takes an id from outside: 1 to 128 of `A-Z a-z 0-9 - _ . ~ : / + = @`. `None` for anything else.
    pub fn from_client(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~:/+=@".contains(&b);
        let fits = (1..=Self::MAX_LEN).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(Id::Given(text.into())))
    }

    /// The id as text, in `buffer` where it must be written first.
    pub fn encode<'a>(&'a self, buffer: &'a mut [u8; 32]) -> &'a str {
        match &self.0 {
            Id::Made(bits) => {
                write_hex(buffer, &bits.to_be_bytes());
                std::str::from_utf8(buffer).unwrap_or_default()
            }
            Id::Given(text) => text,
        }
    }

    /// The id as the value of a header field.
    pub fn to_header(&self) -> HeaderValue {
        // The characters of an id are all allowed in a header.
        let value = HeaderValue::from_str(self.encode(&mut [0; 32]));
        value.unwrap_or(HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; 32]))
    }
}

/// What the host resolved a request to, before any middleware ran.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Matched {
    /// The route as a pattern of bounded variety, such as `/run/orders/*`: fit for a metric label.
    pub route: Arc<str>,
    /// What will answer.
    pub target: Target,
    /// The engine or orchestrator that runs it, where one does.
    pub engine: Option<Arc<str>>,
    /// The part of the path that the target does not see; it is told in `x-forwarded-prefix`.
    pub(crate) prefix: Option<HeaderValue>,
}

impl Matched {
    pub(crate) fn new(route: &str, target: Target) -> Self {
        Self { route: route.into(), target, engine: None, prefix: None }
    }
}

/// What answers a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A WebAssembly component.
    Module(ModuleName),
    /// A script.
    Script(ModuleName),
    /// Something that the host serves itself, such as `health`.
    Builtin(&'static str),
    /// Another server: an authority such as `api.example.com:8080`, in lower case.
    Upstream(Arc<str>),
    /// Nothing: the answer is an error.
    Nothing,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(name) => write!(f, "module {name}"),
            Self::Script(name) => write!(f, "script {name}"),
            Self::Builtin(name) => f.write_str(name),
            Self::Upstream(authority) => write!(f, "upstream {authority}"),
            Self::Nothing => f.write_str("nothing"),
        }
    }
}

/// One call on its way through the rings: what it may see and use. Cloning is cheap.
///
/// As long as a clone lives, the call counts as in flight.
#[derive(Clone)]
pub struct Call(pub(crate) Arc<Parts>);

/// What a [`Call`] carries. It is behind a pointer, because each middleware hands the call on.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) request_id: RequestId,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
    pub(crate) depth: u8,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) matched: Arc<Matched>,
    /// The module or script that made the call.
    pub(crate) parent: Option<Arc<Matched>>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) caller: Caller,
    pub(crate) ticket: Option<Arc<Ticket>>,
    /// The answer, where it was decided before the request reached the host.
    pub(crate) refused: Option<Arc<CallError>>,
    pub(crate) span: Option<Arc<dyn Span>>,
    pub(crate) is_hurried: bool,
    /// What is given back when the last clone of this call is gone.
    pub(crate) held: Option<Arc<dyn Any + Send + Sync>>,
}

/// What a tracing middleware lets others add to the span of a call.
pub trait Span: Send + Sync {
    /// The middleware `name` has waited since `since`: in a queue, for a retry.
    fn waited(&self, name: &str, since: Instant);
}

impl Call {
    /// A call outside any host: no peer, no grants, no way out. For the tests of engines and
    /// middleware.
    pub fn detached(time: Duration) -> Self {
        Self(Arc::new(Parts {
            request_id: RequestId::generate(),
            started: Instant::now(),
            deadline: Instant::now() + time,
            depth: 0,
            peer: None,
            trace: None,
            matched: Arc::new(Matched::new("", Target::Nothing)),
            parent: None,
            grants: Arc::default(),
            caller: Caller::nowhere(),
            ticket: None,
            refused: None,
            span: None,
            is_hurried: false,
            held: None,
        }))
    }

    /// The same, as if it had been resolved to `target` by `route`.
    #[must_use]
    pub fn detached_to(mut self, route: &str, target: Target) -> Self {
        Arc::make_mut(&mut self.0).matched = Arc::new(Matched::new(route, target));
        self
    }

    /// The same, as if `parent` had made it.
    #[must_use]
    pub fn detached_by(mut self, parent: Target) -> Self {
        Arc::make_mut(&mut self.0).parent = Some(Arc::new(Matched::new("", parent)));
        self
    }

    /// The same call as of another client: the one behind the proxy that has connected.
    #[must_use]
    pub fn with_peer(mut self, peer: SocketAddr) -> Self {
        Arc::make_mut(&mut self.0).peer = Some(peer);
        self
    }

    /// The id of the inbound request that this call belongs to.
    pub fn request_id(&self) -> &RequestId {
        &self.0.request_id
    }

    /// When it began: the request at the edge, the call of a module in the rings within.
    pub fn started(&self) -> Instant {
        self.0.started
    }

    /// When the response head must be there. A nested call never outlives its caller's deadline.
    pub fn deadline(&self) -> Instant {
        self.0.deadline
    }

    /// Whether the answer, an error, was decided before the request reached the host. A middleware that
    /// answers in place of others lets it pass.
    pub fn is_refused(&self) -> bool {
        self.0.refused.is_some()
    }

    /// How many calls lie above this one: 0 at the edge, 1 for the module that it reaches.
    pub fn depth(&self) -> u8 {
        self.0.depth
    }

    /// The client's address, where the request came over a socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// The W3C trace context, once a middleware has set it.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.trace.as_ref()
    }

    /// The route and what answers.
    pub fn matched(&self) -> &Arc<Matched> {
        &self.0.matched
    }

    /// The module or script that made this call; `None` for a request from the network.
    pub fn parent(&self) -> Option<&Arc<Matched>> {
        self.0.parent.as_ref()
    }

    /// The modules of this host that the call's grants let it reach at `http://NAME.mik.internal/`,
    /// sorted.
    pub fn modules(&self) -> Vec<ModuleName> {
        let Some(host) = self.0.caller.host() else { return Vec::new() };
        let mut names = host.module_names();
        names.retain(|name| self.0.grants.may_call(name.as_str()));
        names
    }

    /// Whether the module `name` is among [`modules`](Self::modules). Nothing is kept of names that are
    /// not there.
    pub fn has_module(&self, name: &str) -> bool {
        let Some(host) = self.0.caller.host() else { return false };
        host.has_module(name) && self.0.grants.may_call(name)
    }

    /// What the called module may use.
    pub fn grants(&self) -> &Arc<Grants> {
        &self.0.grants
    }

    /// Sends a request of the guest's: to another module at `http://NAME.mik.internal/`, or out through
    /// the allow-list. The answer of a module that failed is an `Err` with the typed error.
    pub fn send(
        &self,
        request: Request,
        options: SendOptions,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        self.0.caller.send(request, self, options)
    }

    /// The same call with an earlier deadline; a later one changes nothing.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        Arc::make_mut(&mut self.0).deadline = self.0.deadline.min(deadline);
        self
    }

    /// The same call once its response head is out: what it does from then on must be done within
    /// `time` from now.
    #[must_use]
    pub fn after_head(mut self, time: Duration) -> Self {
        Arc::make_mut(&mut self.0).deadline = Instant::now() + time;
        self
    }

    /// The same call under another request id.
    #[must_use]
    pub fn with_request_id(mut self, id: RequestId) -> Self {
        self.set_request_id(id);
        self
    }

    /// Gives the call another request id.
    pub fn set_request_id(&mut self, id: RequestId) {
        Arc::make_mut(&mut self.0).request_id = id;
    }

    /// The same call with a trace context.
    #[must_use]
    pub fn with_trace(mut self, trace: TraceContext) -> Self {
        self.set_trace(trace);
        self
    }

    /// Gives the call a trace context.
    pub fn set_trace(&mut self, trace: TraceContext) {
        Arc::make_mut(&mut self.0).trace = Some(trace);
    }

    /// The same call, whose waiting is told to `span`.
    #[must_use]
    pub fn with_span(mut self, span: Arc<dyn Span>) -> Self {
        Arc::make_mut(&mut self.0).span = Some(span);
        self
    }

    /// Tells whoever traces this call that the middleware `name` has waited since `since`.
    pub fn waited(&self, name: &str, since: Instant) {
        if let Some(span) = &self.0.span {
            span.waited(name, since);
        }
    }

    /// The same call, which keeps `held` until its last clone is gone: a place that must not be given to
    /// another while what was called still works, even after its answer has ended.
    #[must_use]
    pub fn holding(mut self, held: Arc<dyn Any + Send + Sync>) -> Self {
        self.hold(held);
        self
    }

    /// Keeps `held` until the last clone of the call is gone.
    pub fn hold(&mut self, held: Arc<dyn Any + Send + Sync>) {
        let parts = Arc::make_mut(&mut self.0);
        parts.held = Some(match parts.held.take() {
            None => held,
            Some(before) => Arc::new((before, held)),
        });
    }

    /// The same call, whose time the client itself has cut.
    #[must_use]
    pub fn hurried(mut self) -> Self {
        Arc::make_mut(&mut self.0).is_hurried = true;
        self
    }

    /// Whether the client has cut the time of this call, or of one above it. That it runs out then says
    /// nothing about what was called.
    pub fn is_hurried(&self) -> bool {
        self.0.is_hurried
    }

    /// The same call with other grants.
    #[must_use]
    pub fn with_grants(mut self, grants: Arc<Grants>) -> Self {
        Arc::make_mut(&mut self.0).grants = grants;
        self
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("request_id", &format_args!("{}", self.0.request_id))
            .field("depth", &self.0.depth)
            .field("matched", &self.0.matched)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_outside_are_bounded() {
        assert_eq!(RequestId::from_client("abc-1").unwrap().to_string(), "abc-1");
        for bad in ["", "a b", "a\"b", "ä", "a\nb", &"x".repeat(129)] {
            assert!(RequestId::from_client(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn generated_ids_are_32_hex_digits_and_differ() {
        let (a, b) = (RequestId::generate().to_string(), RequestId::generate().to_string());
        assert_eq!(a.len(), 32);
        assert_ne!(a, b);
    }

    #[tokio::test]
    async fn a_deadline_only_moves_forward() {
        let call = Call::detached(Duration::from_secs(1));
        let first = call.deadline();
        assert_eq!(call.clone().with_deadline(first + Duration::from_secs(1)).deadline(), first);
        let earlier = first - Duration::from_millis(500);
        assert_eq!(call.with_deadline(earlier).deadline(), earlier);
    }

    #[tokio::test]
    async fn what_a_call_holds_goes_with_its_last_clone() {
        let [first, second] = [Arc::new(()), Arc::new(())];
        let call = Call::detached(Duration::from_secs(1)).holding(first.clone());
        let call = call.holding(second.clone());
        let clone = call.clone();
        drop(call);
        assert_eq!([Arc::strong_count(&first), Arc::strong_count(&second)], [2, 2]);
        drop(clone);
        assert_eq!([Arc::strong_count(&first), Arc::strong_count(&second)], [1, 1]);
    }
}
