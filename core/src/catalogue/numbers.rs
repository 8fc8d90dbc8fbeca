//! What a catalogue counts.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundCounter, Counter, Histogram, Meter};

/// Upper bounds of the buckets of loads, in seconds: milliseconds from the store, seconds to compile.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// The instruments of one catalogue.
#[derive(Clone)]
pub(crate) struct Numbers {
    /// Calls that found what they call loaded.
    pub(super) hits: BoundCounter<u64>,
    /// Calls that had to wait for it to be loaded.
    pub(super) misses: Counter<u64>,
    /// What was unloaded to make room.
    pub(super) evictions: Counter<u64>,
    loads: Histogram<f64>,
    /// The attribute that says what was loaded.
    name: &'static str,
}

impl Numbers {
    pub(crate) fn new(meter: &Meter) -> Self {
        let count = |name: &'static str, what: &'static str| {
            let counter = meter.u64_counter(name).with_description(what).build();
            // So that it is on the page before it first counts.
            counter.add(0, &[]);
            counter
        };
        Self {
            // Counted for each call: without a lookup.
            hits: count("mik.cache.hits", "Calls that found their module loaded").bind(&[]),
            misses: count("mik.cache.misses", "Calls that waited for their module to be loaded"),
            evictions: count("mik.cache.evictions", "Modules that were unloaded to make room"),
            loads: durations(
                meter,
                "mik.module.load.duration",
                "Time to load a module, compiled or from disk",
            ),
            name: "mik.module",
        }
    }

    /// The same for scripts.
    pub(crate) fn of_scripts(&self, meter: &Meter) -> Self {
        let loads = durations(meter, "mik.script.load.duration", "Time to load a script");
        Self { loads, name: "mik.script", ..self.clone() }
    }

    pub(super) fn loaded(&self, name: &str, took: Duration, is_ok: bool) {
        let outcome = if is_ok { "ok" } else { "error" };
        let labels =
            [KeyValue::new(self.name, name.to_owned()), KeyValue::new("mik.outcome", outcome)];
        self.loads.record(took.as_secs_f64(), &labels);
    }
}

fn durations(meter: &Meter, name: &'static str, what: &'static str) -> Histogram<f64> {
    let builder = meter.f64_histogram(name).with_unit("s").with_description(what);
    builder.with_boundaries(SECONDS.into()).build()
}
