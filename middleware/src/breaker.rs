//! A circuit breaker for each module, and for each outgoing host when asked.

mod circuit;
mod gate;
mod pass;
mod table;
mod verdict;
mod window;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mik_core::opentelemetry::metrics::Meter;
use mik_core::{
    ByTarget, Call, CallError, Middleware, Request, Ring, Rings, Settings, SettingsError, Step,
};

use self::circuit::{Policy, Rate};
use self::gate::{Gate, Transitions};
use self::table::Table;
use self::verdict::Counted;
use crate::label::label;
use crate::per_target::PerTarget;
use crate::table::{Made, schema_of};

/// Refuses calls of what has failed too often, until one call has shown that it works again.
///
/// Each module and each script has a circuit of its own in the call ring. It opens after `consecutive`
/// failures in a row, or when within `window` the share `rate` of at least `min_calls` calls has failed.
/// While it is open, calls are answered 503 `circuit-open` with `retry-after`, without a guest. After
/// `open`, exactly one call is let through to probe. If it succeeds, the circuit closes; if it fails, the
/// circuit opens again, `factor` times longer each time up to `max_open`, give or take a tenth; if it ends
/// without saying anything (the client left, it was refused for want of a place), the next call probes.
///
/// A call is judged when its response body has ended: to trap after half a body is a failure. `failures`
/// says what counts. What never counts is what others are to blame for: a client that left or sent half a
/// request, limits of the host, time that the client itself has cut.
///
/// With `upstream = true` each outgoing host has a circuit too, which all modules share. The 1,024 hosts
/// used last are remembered.
///
/// ```toml
/// [middleware.breaker]
/// consecutive = 5
/// rate = 0.5               # and half of at least 20 calls in 10 s
/// window = "10s"
/// min_calls = 20
/// open = "5s"
/// max_open = "60s"
/// failures = ["trap", "timeout", "5xx"]
///
/// [modules.orders.breaker]
/// failures = ["trap"]
/// ```
///
/// ```ignore
/// Host::builder().middleware(Breaker::new().consecutive(3).open(Duration::from_secs(1)))
/// ```
#[derive(Debug)]
pub struct Breaker {
    settings: ByTarget<Setting>,
    upstream: bool,
    gates: Arc<PerTarget<Gate>>,
    transitions: Transitions,
}

/// What holds for one target.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Setting {
    policy: Policy,
    counted: Counted,
}

impl Breaker {
    /// A breaker with the defaults: it opens for 5 seconds after 5 failures in a row.
    pub fn new() -> Self {
        Self::of(ByTarget::all(Setting::default()), false)
    }

    /// Opens after so many failures in a row; 0 for "however many".
    #[must_use]
    pub fn consecutive(self, failures: u32) -> Self {
        self.with(|setting| setting.policy.consecutive = failures)
    }

    /// Opens when within `window` the share `share` of at least `min_calls` calls has failed.
    #[must_use]
    pub fn rate(self, share: f64, window: Duration, min_calls: u32) -> Self {
        self.with(|setting| setting.policy.rate = Some(Rate { share, window, min_calls }))
    }

    /// Stays open for this long the first time.
    #[must_use]
    pub fn open(self, time: Duration) -> Self {
        self.with(|setting| {
            setting.policy.open = time;
            setting.policy.max_open = setting.policy.max_open.max(time);
        })
    }

    /// Stays open `factor` times longer after each probe that failed, and never longer than `max`.
    #[must_use]
    pub fn grow(self, factor: f64, max: Duration) -> Self {
        self.with(|setting| {
            setting.policy.factor = factor.max(1.0);
            setting.policy.max_open = max.max(setting.policy.open);
        })
    }

    /// Whether traps, timeouts and answers with 5xx count as failures; all three do at first.
    #[must_use]
    pub fn counting(self, traps: bool, timeouts: bool, statuses: bool) -> Self {
        let counted = Counted { trap: traps, timeout: timeouts, status: statuses };
        self.with(|setting| setting.counted = counted)
    }

    /// Guards outgoing hosts as well.
    #[must_use]
    pub fn upstream(mut self) -> Self {
        self.upstream = true;
        self
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let tables = settings.by_target::<Table>()?;
        let upstream = tables.default().is_some_and(|table| table.upstream);
        if !upstream && tables.named().any(|(_, table)| table.is_some_and(|table| table.upstream)) {
            return Err(SettingsError::new(
                "outgoing hosts are shared by all modules: set `upstream` in [middleware.breaker]",
            ));
        }
        Ok(Arc::new(Self::of(tables.try_map(|table| table.setting())?, upstream)))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    fn of(settings: ByTarget<Setting>, upstream: bool) -> Self {
        let transitions = Arc::new(OnceLock::new());
        Self { settings, upstream, gates: Arc::default(), transitions }
    }

    fn with(mut self, change: impl FnOnce(&mut Setting)) -> Self {
        let mut setting = self.settings.default().copied().unwrap_or_default();
        change(&mut setting);
        self.settings = ByTarget::all(setting);
        self
    }

    /// The circuit of what `call` reaches; `None` where it has none.
    fn gate(&self, call: &Call) -> Option<Arc<Gate>> {
        let target = &call.matched().target;
        let Setting { policy, counted } = *self.settings.of(target)?;
        let new = || Gate::new(target.clone(), policy, counted, self.transitions.clone());
        Some(self.gates.of(target, new))
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Setting {
    fn default() -> Self {
        let counted = Counted { trap: true, timeout: true, status: true };
        let policy = Policy {
            consecutive: 5,
            rate: None,
            open: Duration::from_secs(5),
            max_open: Duration::from_secs(60),
            factor: 2.0,
        };
        Self { policy, counted }
    }
}

impl Middleware for Breaker {
    fn name(&self) -> &str {
        "breaker"
    }

    fn rings(&self) -> Rings {
        if self.upstream { Rings::CALL | Rings::UPSTREAM } else { Rings::CALL }
    }

    fn begin<'a>(&'a self, _: Ring, request: &mut Request, call: &mut Call) -> Step<'a> {
        let Some(gate) = self.gate(call) else { return Step::Pass };
        let mut pass = match gate.enter(call) {
            Ok(pass) => pass,
            Err(retry_after) => {
                let target = call.matched().target.clone();
                return Step::Answer(Err(CallError::CircuitOpen { target, retry_after }));
            }
        };
        pass.watch(request, call);
        Step::after(move |answer| match answer {
            Ok(response) => pass.answered(response),
            Err(error) => pass.failed(error),
        })
    }

    fn instrument(&self, meter: &Meter) {
        let transitions = meter
            .u64_counter("mik.breaker.transitions")
            .with_description("Times that a circuit changed, by what it changed to")
            .build();
        let _ = self.transitions.set(transitions);
        let gates = Arc::downgrade(&self.gates);
        meter
            .u64_observable_gauge("mik.breaker.state")
            .with_description("Circuits of modules and scripts: 0 closed, 1 half open, 2 open")
            .with_callback(move |to| {
                if let Some(gates) = gates.upgrade() {
                    gates.each_named(|target, gate| {
                        to.observe(gate.kind() as u64, &[label(target)]);
                    });
                }
            })
            .build();
    }
}
