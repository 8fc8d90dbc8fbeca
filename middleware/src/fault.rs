//! Faults for drills: delays, errors, broken answers and panics, by chance.

mod cut;
mod plan;
mod table;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;
use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{Counter, Meter};
use mik_core::{
    Body, BoxFuture, ByTarget, Call, CallError, Middleware, Next, Request, Response, Ring, Rings,
    Settings, SettingsError,
};
use tokio::time::{Instant, sleep_until};

use self::cut::cut;
use self::plan::{Failure, Faults, Plan};
use self::table::Table;
use crate::label::label;
use crate::table::{Made, schema_of};

/// Injects faults, to see how everything around them copes: never on by itself, and loud in the log.
///
/// Each call meets each kind of fault at its `rate`: 0 is never, 1 always. `delay` waits before the call is
/// made. `error` answers in its place, with a `status` as if the module had answered, or with the `kind` of
/// a failure. `abort` breaks the answer off, after so many bytes of its body or at its end. `panic` panics.
/// With `seed`, the n-th call always meets the same.
///
/// It stands in the call ring, closest to the module, or with `ring = "edge"` in the edge ring.
///
/// ```toml
/// [middleware.fault]
/// seed = 42
/// delay = { rate = 0.1, time = "200ms" }
/// error = { rate = 0.02, status = 503 }      # or kind = "trap"
///
/// [modules.orders.fault]
/// abort = { rate = 0.01, after = "4KiB" }
/// panic = { rate = 0.001 }
/// ```
///
/// ```ignore
/// Host::builder().middleware(Fault::new(42).delay(0.1, Duration::from_millis(200)))
/// ```
#[derive(Debug)]
pub struct Fault {
    plans: ByTarget<Plan>,
    injected: OnceLock<Counter<u64>>,
}

impl Fault {
    /// No faults yet; those that are added come in the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self::of(ByTarget::all(Plan::new(Ring::Call, seed)))
    }

    /// Waits `time` at `rate`.
    #[must_use]
    pub fn delay(self, rate: f64, time: Duration) -> Self {
        self.with(|plan| plan.delay = Some((rate, time)))
    }

    /// Answers with `status` at `rate`.
    #[must_use]
    pub fn status(self, rate: f64, status: StatusCode) -> Self {
        self.with(|plan| plan.error = Some((rate, Failure::Status(status))))
    }

    /// Fails with `error` at `rate`.
    #[must_use]
    pub fn error(self, rate: f64, error: CallError) -> Self {
        self.with(|plan| plan.error = Some((rate, Failure::Kind(error))))
    }

    /// Breaks answers off at `rate`, after so many bytes of the body.
    #[must_use]
    pub fn abort(self, rate: f64, after: u64) -> Self {
        self.with(|plan| plan.abort = Some((rate, after)))
    }

    /// Panics at `rate`.
    #[must_use]
    pub fn panic(self, rate: f64) -> Self {
        self.with(|plan| plan.panic = Some(rate))
    }

    /// Strikes in the edge ring.
    #[must_use]
    pub fn at_the_edge(self) -> Self {
        self.with(|plan| plan.ring = Ring::Edge)
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let plans = settings.by_target::<Table>()?.try_map(Table::plan)?;
        let fault = Self::of(plans);
        if fault.each().all(Plan::is_harmless) {
            return Err(SettingsError::new(
                "it would inject nothing: give it `delay`, `error`, `abort` or `panic`",
            ));
        }
        Ok(Arc::new(fault))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    fn of(plans: ByTarget<Plan>) -> Self {
        Self { plans, injected: OnceLock::new() }
    }

    fn with(self, change: impl FnOnce(&mut Plan)) -> Self {
        let plan = self.plans.default().cloned();
        let mut plan = plan.unwrap_or_else(|| Plan::new(Ring::Call, 0));
        change(&mut plan);
        Self::of(ByTarget::all(plan))
    }

    fn each(&self) -> impl Iterator<Item = &Plan> {
        self.plans.named().filter_map(|(_, plan)| plan).chain(self.plans.default())
    }

    /// Says what befalls this call.
    fn tell(&self, faults: &Faults, call: &Call) {
        let target = &call.matched().target;
        for fault in faults.names() {
            tracing::warn!(request_id = %call.request_id(), called = %target, "injected fault: {fault}");
            if let Some(injected) = self.injected.get() {
                injected.add(1, &[label(target), KeyValue::new("mik.fault", fault)]);
            }
        }
    }
}

impl Middleware for Fault {
    fn name(&self) -> &str {
        "fault"
    }

    fn rings(&self) -> Rings {
        self.each().fold(Rings::NONE, |rings, plan| rings | plan.ring.into())
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let plan = self.plans.of(&call.matched().target);
        let Some(plan) = plan.filter(|plan| plan.ring == next.ring()) else {
            return next.run(request, call);
        };
        let faults = plan.next();
        if faults.is_none() {
            return next.run(request, call);
        }
        self.tell(&faults, &call);
        Box::pin(async move {
            if let Some(delay) = faults.delay {
                let since = Instant::now();
                sleep_until(call.deadline().min(since + delay)).await;
                call.waited("fault", since);
                if Instant::now() >= call.deadline() {
                    return Err(CallError::Timeout("injected fault: delay"));
                }
            }
            if faults.panic {
                panic!("injected fault");
            }
            let response = match faults.error {
                Some(Failure::Kind(error)) => return Err(error),
                Some(Failure::Status(status)) => {
                    let mut response = Response::new(Body::from("injected fault\n"));
                    *response.status_mut() = status;
                    response
                }
                None => next.run(request, call).await?,
            };
            Ok(match faults.abort {
                Some(bytes) => cut(response, bytes),
                None => response,
            })
        })
    }

    fn instrument(&self, meter: &Meter) {
        for plan in self.each().filter(|plan| !plan.is_harmless()) {
            let (ring, seed) = (plan.ring, plan.seed);
            tracing::warn!(%ring, seed, "FAULTS ARE BEING INJECTED into calls: {plan}");
        }
        let injected = meter
            .u64_counter("mik.fault.injected")
            .with_description("Faults that were injected")
            .build();
        let _ = self.injected.set(injected);
    }
}
