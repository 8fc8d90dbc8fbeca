//! What is told of requests that leave the process.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::uri::{Authority, Scheme};
use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{BoundHistogram, Histogram, Meter};
use mik_core::{Call, Request, Target};

use super::labels::{CANCELLED, CLASSES, SECONDS, class};
use crate::exchange::{End, Observer};
use crate::lookup::Lookup;

/// Servers that are told by name. A guest that may call every host decides what hosts there are.
const SERVERS: usize = 100;

/// The numbers of outgoing requests.
pub(super) struct Upstreams {
    durations: Histogram<f64>,
    servers: Lookup<(Arc<str>, u16), Server>,
    others: Arc<Server>,
}

/// A server that guests call, with the series that were needed so far.
pub(super) struct Server {
    durations: Histogram<f64>,
    labels: Vec<KeyValue>,
    /// By class of the status, without an error. Others are too rare to be kept at hand.
    bound: [OnceLock<BoundHistogram<f64>>; CLASSES.len()],
}

impl Upstreams {
    pub(super) fn new(meter: &Meter) -> Self {
        let durations = meter
            .f64_histogram("http.client.request.duration")
            .with_unit("s")
            .with_description("Time from an outgoing request to the end of its response body")
            .with_boundaries(SECONDS.into())
            .build();
        let others = vec![KeyValue::new("server.address", "other")];
        Self {
            others: Arc::new(Server::new(durations.clone(), others)),
            durations,
            servers: Lookup::new(SERVERS),
        }
    }

    pub(super) fn begin(&self, request: &Request, call: &Call) -> Arc<Server> {
        let Target::Upstream(authority) = &call.matched().target else {
            return self.others.clone();
        };
        let plain = request.uri().scheme() != Some(&Scheme::HTTPS);
        let key = (authority.clone(), if plain { 80 } else { 443 });
        let make = || Server::new(self.durations.clone(), labels(authority, key.1));
        self.servers.find(&key, make).unwrap_or_else(|| self.others.clone())
    }
}

/// The address and port of an authority.
fn labels(authority: &str, default: u16) -> Vec<KeyValue> {
    let parsed = authority.parse::<Authority>().ok();
    let host = parsed.as_ref().map_or(authority, Authority::host).to_owned();
    let port = parsed.as_ref().and_then(Authority::port_u16).unwrap_or(default);
    vec![KeyValue::new("server.address", host), KeyValue::new("server.port", i64::from(port))]
}

impl Server {
    fn new(durations: Histogram<f64>, labels: Vec<KeyValue>) -> Self {
        Self { durations, labels, bound: Default::default() }
    }

    fn labels(&self, more: impl IntoIterator<Item = KeyValue>) -> Vec<KeyValue> {
        more.into_iter().chain(self.labels.iter().cloned()).collect()
    }
}

impl Observer for Arc<Server> {
    fn ended(self, took: Duration, end: &End<'_>) {
        let seconds = took.as_secs_f64();
        let class = end.status.map(class);
        let status = class.map(|c| KeyValue::new("http.response.status_class", CLASSES[c]));
        match (end.failure, class) {
            (None, Some(class)) => {
                let bind = || self.durations.bind(&self.labels(status));
                self.bound[class].get_or_init(bind).record(seconds);
            }
            (failure, _) => {
                let name = failure.map(|failure| failure.name(CANCELLED));
                let error = name.map(|name| KeyValue::new("error.type", name));
                self.durations.record(seconds, &self.labels(error.into_iter().chain(status)));
            }
        }
    }
}
