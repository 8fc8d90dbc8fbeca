//! Spans, from their start to the data that is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{HOST, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, Method};
use mik_core::opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use mik_core::opentelemetry::{InstrumentationScope, KeyValue};
use mik_core::{Call, Request, Ring, Span, Target, TraceContext};
use opentelemetry_sdk::trace::SpanData;
use tokio::time::Instant;

use super::SAMPLED;
use super::sink::Sink;
use crate::exchange::{End, Failure, Observer};

/// Longest text of an attribute that comes from outside, in bytes.
const TEXT: usize = 256;

/// Where in a trace a span stands.
pub(super) struct Place {
    /// Its own context: what hangs below it is told this.
    pub(super) own: TraceContext,
    /// The span that it hangs below.
    parent: Option<u64>,
    is_remote: bool,
}

/// A span that has not ended.
pub(super) struct OpenSpan {
    sink: Arc<Sink>,
    data: Box<SpanData>,
}

/// Makes spans of what middleware waited for within a call.
pub(super) struct Waits {
    sink: Arc<Sink>,
    own: TraceContext,
}

impl Place {
    /// A span below that of `parent`.
    pub(super) fn below(parent: &TraceContext) -> Self {
        let mut own = TraceContext { is_remote: false, ..parent.child() };
        own.flags &= SAMPLED;
        Self { own, parent: Some(parent.span_id), is_remote: parent.is_remote }
    }

    /// The first span of a trace.
    pub(super) fn first(new: &TraceContext) -> Self {
        let mut own = new.child();
        own.flags |= SAMPLED;
        Self { own, parent: None, is_remote: false }
    }

    /// The data of a span that stands here.
    fn span(&self, kind: SpanKind, name: String, started: SystemTime) -> SpanData {
        let own = &self.own;
        let state = own.state.as_deref().and_then(|state| state.parse::<TraceState>().ok());
        SpanData {
            span_context: SpanContext::new(
                TraceId::from(own.trace_id),
                SpanId::from(own.span_id),
                TraceFlags::new(own.flags),
                false,
                state.unwrap_or_default(),
            ),
            parent_span_id: self.parent.map_or(SpanId::INVALID, SpanId::from),
            parent_span_is_remote: self.is_remote,
            span_kind: kind,
            name: name.into(),
            start_time: started,
            end_time: started,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder("mik").build(),
        }
    }
}

impl OpenSpan {
    pub(super) fn new(
        sink: &Arc<Sink>,
        ring: Ring,
        request: &Request,
        call: &Call,
        place: &Place,
    ) -> Self {
        let method = method(request.method());
        let target = &call.matched().target;
        let (kind, name, more) = match ring {
            Ring::Edge => {
                let route = Some(&call.matched().route).filter(|route| !route.is_empty());
                let verb = method.unwrap_or("HTTP");
                let name = route.map_or(verb.to_owned(), |route| format!("{verb} {route}"));
                (SpanKind::Server, name, inbound(request, call))
            }
            Ring::Call => (SpanKind::Internal, target.to_string(), called(call)),
            Ring::Upstream => {
                let name = method.unwrap_or("HTTP").to_owned();
                (SpanKind::Client, name, outgoing(request, target))
            }
        };
        let mut data = place.span(kind, name, SystemTime::now());
        data.attributes = more;
        let method = KeyValue::new("http.request.method", method.unwrap_or("_OTHER"));
        data.attributes.push(method);
        Self { sink: sink.clone(), data: Box::new(data) }
    }

    /// Whether the end of an exchange is a failure of what this span stands for.
    fn is_error(&self, end: &End<'_>) -> bool {
        let is_server = self.data.span_kind == SpanKind::Server;
        let worst = if self.data.span_kind == SpanKind::Client { 400 } else { 500 };
        match end.failure {
            Some(Failure::Gone) => false,
            // What the client did wrong is no failure of the server.
            Some(Failure::Kind(kind)) if is_server => kind.status().is_server_error(),
            Some(_) => true,
            None => end.status.is_some_and(|status| status.as_u16() >= worst),
        }
    }
}

impl Observer for OpenSpan {
    fn ended(mut self, took: Duration, end: &End<'_>) {
        let is_server = self.data.span_kind == SpanKind::Server;
        let is_error = self.is_error(end);
        let data = &mut *self.data;
        data.end_time = data.start_time + took;
        if let Some(status) = end.status {
            let status = i64::from(status.as_u16());
            data.attributes.push(KeyValue::new("http.response.status_code", status));
            let bytes = i64::try_from(end.bytes).unwrap_or(i64::MAX);
            data.attributes.push(KeyValue::new("http.response.body.size", bytes));
        }
        if let Some(failure) = &end.failure {
            let gone = if is_server { failure.kind().as_str() } else { "cancelled" };
            data.attributes.push(KeyValue::new("error.type", failure.name(gone)));
        }
        if is_error {
            let told = end.failure.map(|failure| cut(&failure.told()).to_owned());
            data.status = Status::error(told.unwrap_or_default());
        }
        self.sink.take(*self.data);
    }
}

/// What is told of an inbound request.
fn inbound(request: &Request, call: &Call) -> Vec<KeyValue> {
    let headers = request.headers();
    let host = text(headers, &HOST).map(|host| KeyValue::new("server.address", host));
    let agent = text(headers, &USER_AGENT).map(|agent| KeyValue::new("user_agent.original", agent));
    let peer = call.peer().as_ref().map(SocketAddr::ip);
    let peer = peer.map(|peer| KeyValue::new("network.peer.address", peer.to_string()));
    let route = Some(call.matched().route.clone()).filter(|route| !route.is_empty());
    let route = route.map(|route| KeyValue::new("http.route", route));
    let mut all = vec![
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", cut(request.uri().path()).to_owned()),
        KeyValue::new("mik.request_id", call.request_id().to_string()),
    ];
    all.extend([host, agent, peer, route].into_iter().flatten());
    all
}

/// What is told of a call.
fn called(call: &Call) -> Vec<KeyValue> {
    let mut all = vec![KeyValue::new("mik.depth", i64::from(call.depth()))];
    match &call.matched().target {
        Target::Module(name) => all.push(KeyValue::new("mik.module", name.to_string())),
        Target::Script(name) => all.push(KeyValue::new("mik.script", name.to_string())),
        Target::Builtin(_) | Target::Upstream(_) | Target::Nothing => {}
    }
    all.extend(call.matched().engine.clone().map(|engine| KeyValue::new("mik.engine", engine)));
    all
}

/// What is told of a request that leaves.
fn outgoing(request: &Request, target: &Target) -> Vec<KeyValue> {
    let authority = match target {
        Target::Upstream(authority) => &**authority,
        _ => "",
    };
    let parsed = authority.parse::<Authority>().ok();
    let plain = request.uri().scheme() != Some(&Scheme::HTTPS);
    let (scheme, default) = if plain { ("http", 80) } else { ("https", 443) };
    let host = parsed.as_ref().map_or(authority, Authority::host);
    let port = parsed.as_ref().and_then(Authority::port_u16).unwrap_or(default);
    // The query, and what stands before an `@`, may hold secrets.
    let url = format!("{scheme}://{authority}{}", request.uri().path());
    vec![
        KeyValue::new("server.address", cut(host).to_owned()),
        KeyValue::new("server.port", i64::from(port)),
        KeyValue::new("url.full", cut(&url).to_owned()),
    ]
}

impl Waits {
    pub(super) fn new(sink: Arc<Sink>, own: TraceContext) -> Self {
        Self { sink, own }
    }
}

impl Span for Waits {
    fn waited(&self, name: &str, since: Instant) {
        let ended = SystemTime::now();
        let started = ended.checked_sub(since.elapsed()).unwrap_or(ended);
        let place = Place::below(&self.own);
        let mut data = place.span(SpanKind::Internal, format!("wait {name}"), started);
        data.end_time = ended;
        data.attributes = vec![KeyValue::new("mik.middleware", name.to_owned())];
        self.sink.take(data);
    }
}

/// One of the ten methods of HTTP.
fn method(method: &Method) -> Option<&'static str> {
    Some(match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::PATCH => "PATCH",
        Method::QUERY => "QUERY",
        _ => return None,
    })
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|value| cut(value).to_owned())
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT)]
}
