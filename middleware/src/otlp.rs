//! Traces, sent to a collector over OTLP.

mod client;
mod config;
mod exporter;
mod sink;
mod span;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use http::{HeaderMap, HeaderName, HeaderValue};
use mik_core::opentelemetry::metrics::Meter;
use mik_core::{
    BoxFuture, Call, CallError, Middleware, Next, Request, Response, Ring, Rings, Settings,
    SettingsError, TraceContext,
};

use crate::exchange::Exchange;
use crate::table::{Made, schema_of};
use config::Table;
pub use config::{InvalidOtlp, OtlpConfig};
use sink::Sink;
use span::{OpenSpan, Place, Waits};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// What a server tells of the trace (<https://w3c.github.io/trace-context/#traceresponse-header>).
const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
/// Trace flags: somebody keeps what happens here.
const SAMPLED: u8 = 1;

/// The process's own way to the collector: it stays when `mik.toml` is read again and says the same.
static SHARED: Mutex<Weak<Sink>> = Mutex::new(Weak::new());

/// Sends traces to a collector over OTLP/HTTP: a span for each inbound request, each call of a module or
/// script, each request that leaves, and each time that a middleware waited.
///
/// A client's decision to sample is followed; of the traces that start here, `sample` is the share that is
/// sent. Spans hang below one another through modules and scripts: each guest and each upstream server is
/// given the span around it in `traceparent`. A span ends with the response body. It holds the path, not the
/// query; the client's address and the request id, no other header but `host` and `user-agent`.
///
/// Spans wait in a queue of 2,048 and are sent by a thread of their own. A collector that is down or slow
/// costs a line in the log and the spans that no longer fit, which `mik_traces_dropped_total` counts.
/// What waits at the end of the process is sent within two seconds.
///
/// Where the table says nothing, the standard variables count: `OTEL_EXPORTER_OTLP_ENDPOINT`,
/// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`,
/// `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_SCHEDULE_DELAY`.
///
/// Ring: all, inside of `trace`, which reads the context of clients and without which every trace starts
/// here.
/// ```toml
/// [middleware.otlp]
/// endpoint = "http://127.0.0.1:4318/v1/traces"
/// service_name = "shop"
/// sample = 0.1
/// headers = { authorization = { from = "OTLP_TOKEN" } }    # a variable of mik's environment
/// ```
/// In Rust: `Host::builder().middleware(Otlp::new(OtlpConfig::default())?)`.
#[derive(Clone)]
pub struct Otlp {
    sink: Arc<Sink>,
    sample: f64,
    respond: bool,
}

impl Otlp {
    /// Sends traces as `config` says. Nothing is sent, and no thread started, before a host is built.
    ///
    /// # Errors
    /// When the endpoint cannot be one.
    pub fn new(config: OtlpConfig) -> Result<Self, InvalidOtlp> {
        let OtlpConfig { sample, respond, .. } = config;
        config.check()?;
        Ok(Self { sink: Sink::new(config)?, sample, respond })
    }

    /// Sends what waits, and returns when that is done or has failed. It blocks.
    pub fn flush(&self) {
        self.sink.flush();
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let config = settings.parse::<Table>()?.into_config().map_err(SettingsError::new)?;
        config.check().map_err(|error| SettingsError::new(error.to_string()))?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let (sample, respond) = (config.sample, config.respond);
        let sink = match shared.upgrade().filter(|sink| sink.is_for(&config)) {
            Some(sink) => sink,
            None => Sink::new(config).map_err(|error| SettingsError::new(error.to_string()))?,
        };
        *shared = Arc::downgrade(&sink);
        Ok(Arc::new(Self { sink, sample, respond }))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    /// Where the span of an inbound request stands; `None` if it is not sampled.
    fn at_edge(&self, call: &Call) -> Option<Place> {
        match call.trace() {
            Some(given) if given.is_remote => {
                (given.flags & SAMPLED != 0).then(|| Place::below(given))
            }
            Some(new) => self.samples(new.trace_id).then(|| Place::first(new)),
            None => {
                let new = TraceContext::generate(0);
                self.samples(new.trace_id).then(|| Place::first(&new))
            }
        }
    }

    /// Decides by the trace, so that all who are asked with the same share decide alike.
    fn samples(&self, trace_id: u128) -> bool {
        const BITS: u32 = 63;
        let random = (trace_id as u64) >> (u64::BITS - BITS);
        (random as f64) < self.sample * (1_u64 << BITS) as f64
    }
}

/// Where the span of a call, or of a request that leaves, stands; `None` if the trace is not sampled.
fn within(request: &Request, call: &Call) -> Option<Place> {
    let around = call.trace().filter(|trace| trace.flags & SAMPLED != 0)?;
    // A guest with spans of its own says in which of them it calls.
    let guest = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let guest = guest.and_then(TraceContext::parse);
    let span = guest.filter(|guest| guest.trace_id == around.trace_id).map(|guest| guest.span_id);
    let parent = TraceContext { span_id: span.unwrap_or(around.span_id), ..around.clone() };
    Some(Place::below(&TraceContext { is_remote: false, ..parent }))
}

/// Puts a request below the span at `place`.
fn set(headers: &mut HeaderMap, place: &Place) -> Option<HeaderValue> {
    let parent = HeaderValue::try_from(place.own.to_string()).ok()?;
    headers.insert(TRACEPARENT, parent.clone());
    if place.own.state.is_none() {
        headers.remove(TRACESTATE);
    }
    Some(parent)
}

impl Middleware for Otlp {
    fn name(&self) -> &str {
        "otlp"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE | Rings::CALL | Rings::UPSTREAM
    }

    fn handle<'a>(
        &'a self,
        mut request: Request,
        mut call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let ring = next.ring();
        let place = match ring {
            Ring::Edge => self.at_edge(&call),
            Ring::Call | Ring::Upstream => within(&request, &call),
        };
        let Some(place) = place else {
            if ring == Ring::Edge && call.trace().is_none() {
                // Decided once for the whole trace.
                call = call.with_trace(TraceContext::generate(0));
            }
            return next.run(request, call);
        };
        let span = OpenSpan::new(&self.sink, ring, &request, &call, &place);
        let told = set(request.headers_mut(), &place);
        let waits = Waits::new(self.sink.clone(), place.own.clone());
        let call = call.with_trace(place.own).with_span(Arc::new(waits));
        let exchange = Exchange::start(call.started(), span).run(next.run(request, call));
        let Some(told) = told.filter(|_| self.respond && ring == Ring::Edge) else {
            return exchange;
        };
        Box::pin(async move {
            let mut response = exchange.await?;
            response.headers_mut().insert(TRACERESPONSE, told);
            Ok(response)
        })
    }

    fn instrument(&self, meter: &Meter) {
        self.sink.start();
        let sink = Arc::downgrade(&self.sink);
        meter
            .u64_observable_counter("mik.traces.dropped")
            .with_unit("{span}")
            .with_description("Spans that were lost because the collector was too slow")
            .with_callback(move |to| {
                if let Some(sink) = sink.upgrade() {
                    to.observe(sink.dropped(), &[]);
                }
            })
            .build();
    }
}

impl std::fmt::Debug for Otlp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Otlp").field("sample", &self.sample).finish_non_exhaustive()
    }
}
