//! What a host and its server tell of themselves, in numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::metrics::noop::NoopMeterProvider;
use opentelemetry::metrics::{Meter, MeterProvider};

use super::Shared;

/// What the server of a host counts.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Connections that were accepted.
    pub(crate) accepted: Tally,
    /// Connections that ended.
    pub(crate) closed: Tally,
    /// Idle connections that were closed to make room for others.
    pub(crate) evicted: Tally,
    /// Times at which accepting paused.
    pub(crate) pauses: Tally,
    /// Requests that the parser refused with a status alone.
    pub(crate) unparsed: Tally,
    /// Panics that ended a connection.
    pub(crate) panics: Tally,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Tally(AtomicU64);

impl Tally {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A meter that measures nothing.
pub(super) fn no_meter() -> Meter {
    NoopMeterProvider::new().meter("mik")
}

/// Makes the numbers of a host observable. They are read when somebody asks; until the host is gone.
pub(super) fn observe(host: &Arc<Shared>) {
    let gauge = |name: &'static str, what: &'static str, read: fn(&Shared) -> u64| {
        let weak = Arc::downgrade(host);
        host.meter
            .u64_observable_gauge(name)
            .with_description(what)
            .with_callback(move |to| {
                if let Some(host) = weak.upgrade() {
                    to.observe(read(&host), &[]);
                }
            })
            .build();
    };
    gauge("mik.calls.in_flight", "Calls of modules and scripts in flight", |host| {
        host.in_flight.load(Ordering::Relaxed) as u64
    });
    gauge("mik.server.connections", "Open connections", |host| {
        host.traffic.accepted.read().saturating_sub(host.traffic.closed.read())
    });
    gauge("mik.cache.entries", "Loaded modules", |host| {
        host.current.load().modules.as_ref().map_or(0, |modules| modules.counts().1 as u64)
    });
    gauge("mik.cache.bytes", "Bytes of all loaded modules", |host| {
        host.current.load().modules.as_ref().map_or(0, |modules| modules.bytes() as u64)
    });
    gauge("mik.modules", "Modules that are known", |host| {
        host.current.load().modules.as_ref().map_or(0, |modules| modules.counts().0 as u64)
    });
    let counter = |name: &'static str, what: &'static str, read: fn(&Traffic) -> &Tally| {
        let weak = Arc::downgrade(host);
        host.meter
            .u64_observable_counter(name)
            .with_description(what)
            .with_callback(move |to| {
                if let Some(host) = weak.upgrade() {
                    to.observe(read(&host.traffic).read(), &[]);
                }
            })
            .build();
    };
    counter("mik.server.accepted", "Connections that were accepted", |all| &all.accepted);
    counter("mik.server.evicted", "Idle connections closed to make room", |all| &all.evicted);
    counter("mik.server.accept_pauses", "Times at which accepting paused", |all| &all.pauses);
    counter("mik.server.unparsed", "Requests that the parser refused", |all| &all.unparsed);
    counter("mik.server.panics", "Panics that ended a connection", |all| &all.panics);
}
