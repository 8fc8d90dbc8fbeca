//! What is told of calls of modules and scripts.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;
use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{BoundHistogram, Histogram, Meter};
use mik_core::{Call, Target};

use super::labels::{CANCELLED, SECONDS};
use super::made::{Made, Pair};
use super::page::SERIES;
use crate::exchange::{End, Observer};
use crate::lookup::Lookup;

/// The numbers of calls, whoever makes them.
pub(super) struct Calls {
    modules: Histogram<f64>,
    scripts: Histogram<f64>,
    callees: Lookup<Target, Callee>,
    made: Made,
}

/// A call under way.
pub(super) struct Running {
    callee: Arc<Callee>,
    /// Where a script has made it.
    pair: Option<Arc<Pair>>,
}

/// A module or script, with the series that were needed so far.
pub(super) struct Callee {
    durations: Histogram<f64>,
    name: KeyValue,
    /// The outcome `ok`. Others are too rare to be kept at hand.
    ok: OnceLock<BoundHistogram<f64>>,
}

impl Calls {
    pub(super) fn new(meter: &Meter) -> Self {
        let durations = |name: &'static str, what: &'static str| {
            let builder = meter.f64_histogram(name).with_unit("s").with_description(what);
            builder.with_boundaries(SECONDS.into()).build()
        };
        Self {
            modules: durations(
                "mik.module.call.duration",
                "Time from the call of a module to the end of its response body",
            ),
            scripts: durations(
                "mik.script.call.duration",
                "Time from the call of a script to the end of its response body",
            ),
            callees: Lookup::new(SERIES),
            made: Made::new(meter),
        }
    }

    /// `None` for what is neither a module nor a script.
    pub(super) fn begin(&self, call: &Call) -> Option<Running> {
        let target = &call.matched().target;
        let (durations, key, name) = match target {
            Target::Module(name) => (&self.modules, "mik.module", name),
            Target::Script(name) => (&self.scripts, "mik.script", name),
            Target::Builtin(_) | Target::Upstream(_) | Target::Nothing => return None,
        };
        let make = || Callee {
            durations: durations.clone(),
            name: KeyValue::new(key, Arc::<str>::from(name.as_str())),
            ok: OnceLock::new(),
        };
        Some(Running { callee: self.callees.of(target, make), pair: self.made.begin(call) })
    }
}

impl Callee {
    fn record(&self, seconds: f64, outcome: Option<&'static str>) {
        match outcome {
            None => {
                let bind = || self.durations.bind(&self.labels("ok"));
                self.ok.get_or_init(bind).record(seconds);
            }
            Some(outcome) => self.durations.record(seconds, &self.labels(outcome)),
        }
    }

    fn labels(&self, outcome: &'static str) -> [KeyValue; 2] {
        [self.name.clone(), KeyValue::new("mik.outcome", outcome)]
    }
}

impl Observer for Running {
    fn ended(self, took: Duration, end: &End<'_>) {
        let outcome = match end.failure {
            Some(failure) => Some(failure.name(CANCELLED)),
            None => end.status.filter(StatusCode::is_server_error).map(|_| "5xx"),
        };
        self.callee.record(took.as_secs_f64(), outcome);
        if let Some(pair) = self.pair {
            pair.ended(outcome);
        }
    }
}
