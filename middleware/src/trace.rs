//! W3C Trace Context: in which trace a request stands, from the client to guests and upstream servers.

mod state;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use mik_core::{
    Call, Middleware, Request, Ring, Rings, Settings, Step, TraceContext,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::table::{Made, schema_of};
use state::State;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// What a server tells of the trace (<https://w3c.github.io/trace-context/#traceresponse-header>).
const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Reads `traceparent` and `tracestate` as W3C Trace Context has them, hands them to modules, scripts and
/// upstream servers, and tells the client in `traceresponse` which trace it was.
///
/// A valid `traceparent` is passed on as it is; where there is none, or none that is valid, a new trace
/// starts, as it does where `tracestate` has more members than the specification allows. A guest that
/// continues the trace with a span of its own keeps its `traceparent`; what it sends out without one, or
/// with one of another trace, gets that of the call.
///
/// ```toml
/// [middleware.trace]
/// trust = false      # every request starts a new trace: at the border of one's own network
/// ```
///
/// Ring: all. In Rust: `Trace::default()`.
#[derive(Debug, Clone)]
pub struct Trace {
    trust: bool,
    respond: bool,
}

/// `[middleware.trace]`: W3C Trace Context.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// Whether the trace of a client is continued; otherwise each request starts a new one.
    trust: bool,
    /// Whether responses tell their trace in `traceresponse`.
    respond: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self { trust: true, respond: true }
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self { trust: true, respond: true }
    }
}

impl Trace {
    /// With `trust`, the traces of clients are continued; with `respond`, responses tell them.
    pub fn new(trust: bool, respond: bool) -> Self {
        Self { trust, respond }
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let Table { trust, respond } = settings.parse()?;
        Ok(Arc::new(Self { trust, respond }))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    /// The trace that the client is in.
    fn given(&self, headers: &HeaderMap) -> Option<TraceContext> {
        let parent = Some(headers).filter(|_| self.trust).and_then(parent)?;
        match State::read(headers.get_all(TRACESTATE)) {
            State::Valid(state) => Some(TraceContext { state: Some(state), ..parent }),
            State::Absent | State::Invalid => Some(parent),
            State::TooLong => None,
        }
    }
}

/// The one valid `traceparent`.
fn parent(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => TraceContext::parse(value.to_str().ok()?),
        _ => None,
    }
}

/// Puts a request into `trace`.
fn set(headers: &mut HeaderMap, trace: &TraceContext) {
    headers.insert(TRACEPARENT, trace.to_header());
    match trace.state.as_deref().map(HeaderValue::from_str) {
        Some(Ok(state)) => drop(headers.insert(TRACESTATE, state)),
        _ => drop(headers.remove(TRACESTATE)),
    }
}

impl Middleware for Trace {
    fn name(&self) -> &str {
        "trace"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE | Rings::CALL | Rings::UPSTREAM
    }

    fn begin<'a>(&'a self, ring: Ring, request: &mut Request, call: &mut Call) -> Step<'a> {
        match ring {
            // The edge has set it already.
            Ring::Call if call.depth() == 1 => Step::Pass,
            Ring::Call | Ring::Upstream => {
                if let Some(trace) = call.trace() {
                    let own = parent(request.headers());
                    if own.is_none_or(|own| own.trace_id != trace.trace_id) {
                        set(request.headers_mut(), trace);
                    }
                }
                Step::Pass
            }
            Ring::Edge => {
                let given = self.given(request.headers());
                let trace = given.unwrap_or_else(|| TraceContext::generate(0));
                set(request.headers_mut(), &trace);
                // Two values are cheaper than a clone: what is shared must be counted.
                let told = self.respond.then(|| trace.to_header());
                call.set_trace(trace);
                let Some(told) = told else { return Step::Pass };
                Step::after(move |answer| {
                    if let Ok(response) = answer {
                        // One that stands further in and makes spans knows better.
                        response.headers_mut().entry(TRACERESPONSE).or_insert(told);
                    }
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
