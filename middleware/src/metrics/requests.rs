//! What is told of inbound requests.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Method;
use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{BoundHistogram, Counter, Histogram, Meter};
use mik_core::{Call, ErrorKind, Request};

use super::labels::{CLASSES, SECONDS, class};
use super::page::SERIES;
use crate::exchange::{End, Failure, Observer};
use crate::lookup::Lookup;

/// The methods that are told by name: those of RFC 9110, PATCH and QUERY.
const METHODS: [&str; 11] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
    "other",
];

/// Errors that say: not now.
const REJECTIONS: [ErrorKind; 4] =
    [ErrorKind::RateLimited, ErrorKind::CircuitOpen, ErrorKind::Overloaded, ErrorKind::Draining];

/// The numbers of inbound requests.
pub(super) struct Requests {
    shared: Arc<Instruments>,
    routes: Lookup<Arc<str>, Route>,
}

struct Instruments {
    durations: Histogram<f64>,
    rejections: Counter<u64>,
    active: Arc<AtomicI64>,
}

/// One route, with the series that were needed so far.
pub(super) struct Route {
    shared: Arc<Instruments>,
    pattern: Arc<str>,
    /// By method and class of the status, without an error. Others are too rare to be kept at hand.
    bound: [[OnceLock<BoundHistogram<f64>>; CLASSES.len()]; METHODS.len()],
}

/// A request under way. As long as it lives, it counts as active.
pub(super) struct Active {
    route: Arc<Route>,
    method: usize,
}

impl Requests {
    pub(super) fn new(meter: &Meter) -> Self {
        let durations = meter
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_description("Time from the request to the end of the response body")
            .with_boundaries(SECONDS.into())
            .build();
        let rejections = meter
            .u64_counter("mik.rejections")
            .with_unit("{request}")
            .with_description("Requests that were turned away for the time being")
            .build();
        let active = Arc::<AtomicI64>::default();
        let observed = active.clone();
        meter
            .i64_observable_up_down_counter("http.server.active_requests")
            .with_unit("{request}")
            .with_description("Requests whose response has not ended")
            .with_callback(move |to| to.observe(observed.load(Ordering::Relaxed), &[]))
            .build();
        Self {
            shared: Arc::new(Instruments { durations, rejections, active }),
            routes: Lookup::new(SERIES),
        }
    }

    pub(super) fn begin(&self, request: &Request, call: &Call) -> Active {
        let pattern = &call.matched().route;
        let make = || Route::new(self.shared.clone(), pattern.clone());
        let route = self.routes.of(pattern, make);
        self.shared.active.fetch_add(1, Ordering::Relaxed);
        Active { route, method: method(request.method()) }
    }
}

/// The place in [`METHODS`] of a method.
fn method(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::DELETE => 4,
        Method::CONNECT => 5,
        Method::OPTIONS => 6,
        Method::TRACE => 7,
        Method::PATCH => 8,
        Method::QUERY => 9,
        _ => METHODS.len() - 1,
    }
}

impl Route {
    fn new(shared: Arc<Instruments>, pattern: Arc<str>) -> Self {
        Self { shared, pattern, bound: Default::default() }
    }

    fn record(&self, seconds: f64, method: usize, class: usize, error: Option<&'static str>) {
        let labels = || {
            [
                KeyValue::new("http.request.method", METHODS[method]),
                KeyValue::new("http.response.status_class", CLASSES[class]),
                KeyValue::new("http.route", self.pattern.clone()),
            ]
        };
        let Some(error) = error else {
            let bind = || self.shared.durations.bind(&labels());
            return self.bound[method][class].get_or_init(bind).record(seconds);
        };
        let [method, class, route] = labels();
        let error = KeyValue::new("error.type", error);
        self.shared.durations.record(seconds, &[error, method, class, route]);
    }

    fn reject(&self, error: &'static str) {
        let route = KeyValue::new("http.route", self.pattern.clone());
        self.shared.rejections.add(1, &[KeyValue::new("error.type", error), route]);
    }
}

impl Observer for Active {
    fn ended(self, took: Duration, end: &End<'_>) {
        let error = end.failure.map(|failure| failure.name(ErrorKind::ClientGone.as_str()));
        if let Some(error) = error
            && REJECTIONS.iter().any(|kind| kind.as_str() == error)
        {
            self.route.reject(error);
        }
        // A client that has left counts as 499, whatever it was sent.
        let gone = matches!(end.failure, Some(Failure::Gone));
        let failed = end.failure.map(|failure| failure.kind().status());
        let status = end.status.filter(|_| !gone).or(failed);
        self.route.record(took.as_secs_f64(), self.method, status.map_or(0, class), error);
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.route.shared.active.fetch_sub(1, Ordering::Relaxed);
    }
}
