//! How many calls of one module may be in flight, and how many may wait.

mod places;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mik_core::opentelemetry::metrics::{Counter, Meter};
use mik_core::values::{Count, MINUTE, Time};
use mik_core::{
    BoxFuture, ByTarget, Call, CallError, Middleware, Next, Request, Response, Ring, Rings,
    Settings, Step, Target,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use self::places::{Limit, Place, Places};
use crate::label::label;
use crate::per_target::PerTarget;
use crate::table::{Made, schema_of};

/// Limits how many calls of one module or script are in flight, so that none takes all that the host can
/// do.
///
/// It stands in the call ring. A call is in flight until its response body has ended and its guest has
/// returned. What is more than `limit` is answered 503 `overloaded` with `retry-after`, unless `queue` lets
/// some wait: in the order of coming, for at most `wait`, and never past their deadline. A call that
/// another guest makes never waits, or two that call each other could wait for ever.
///
/// ```toml
/// [middleware.concurrency]
/// limit = 100
/// queue = 50
/// wait = "500ms"
///
/// [modules.orders]
/// concurrency = 20         # short for { limit = 20 }
/// ```
///
/// ```ignore
/// Host::builder().middleware(Concurrency::new(20).queue(50, Duration::from_millis(500)))
/// ```
#[derive(Debug)]
pub struct Concurrency {
    limits: ByTarget<Limit>,
    places: Arc<PerTarget<Places>>,
    rejections: OnceLock<Counter<u64>>,
}

/// `[middleware.concurrency]`: how many calls of one module may be in flight, and how many may wait.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// Calls of one module or script in flight; one more waits or is answered 503. Default 100.
    limit: Count<1, 1_000_000>,
    /// Calls that may wait for a place; one more is answered 503. Default 0.
    queue: Count<0, 1_000_000>,
    /// The longest that a call waits. Default 1s.
    wait: Time<1, MINUTE>,
}

impl Default for Table {
    fn default() -> Self {
        let wait = Time::new(Duration::from_secs(1));
        Self { limit: Count::new(100), queue: Count::new(0), wait }
    }
}

impl Concurrency {
    /// At most `limit` calls of each module, but at least one, and no queue.
    pub fn new(limit: usize) -> Self {
        let wait = Duration::from_secs(1);
        Self::of(ByTarget::all(Limit { places: limit.max(1), queue: 0, wait }))
    }

    /// Lets up to `length` more wait, each for at most `wait`.
    #[must_use]
    pub fn queue(self, length: usize, wait: Duration) -> Self {
        match self.limits.default() {
            Some(limit) => Self::of(ByTarget::all(Limit { queue: length, wait, ..*limit })),
            None => self,
        }
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let tables = settings.by_target::<Table>()?;
        let limits = tables.try_map(|table| {
            let (places, queue) = (table.limit.as_usize(), table.queue.as_usize());
            Ok(Limit { places, queue, wait: table.wait.get() })
        })?;
        Ok(Arc::new(Self::of(limits)))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    fn of(limits: ByTarget<Limit>) -> Self {
        Self { limits, places: Arc::default(), rejections: OnceLock::new() }
    }

    /// The places of what `call` reaches; `None` where their number is not limited.
    fn places(&self, call: &Call) -> Option<Arc<Places>> {
        let target = &call.matched().target;
        let limit = *self.limits.of(target)?;
        Some(self.places.of(target, || Places::new(limit)))
    }

    /// A place for `call`, for which it may wait.
    async fn place(&self, places: &Places, call: &Call) -> Result<Place, CallError> {
        if let Some(place) = places.take() {
            return Ok(place);
        }
        if places.has_queue() && call.depth() <= 1 {
            let since = Instant::now();
            let place = places.wait(call.deadline()).await;
            call.waited("concurrency", since);
            if let Some(place) = place {
                return Ok(place);
            }
        }
        let target = &call.matched().target;
        if let Some(rejections) = self.rejections.get() {
            rejections.add(1, &[label(target)]);
        }
        Err(CallError::Overloaded(match target {
            Target::Script(_) => "too many requests in flight for this script",
            _ => "too many requests in flight for this module",
        }))
    }
}

/// Gives the place back when the answer has ended. The call holds it as well: a guest may go on working
/// after that.
fn give_back(place: Arc<Place>, answer: &mut Result<Response, CallError>) {
    if let Ok(response) = answer {
        response.body_mut().add_on_end(move |_| drop(place));
    }
}

impl Middleware for Concurrency {
    fn name(&self) -> &str {
        "concurrency"
    }

    fn rings(&self) -> Rings {
        Rings::CALL
    }

    fn begin<'a>(&'a self, _: Ring, _: &mut Request, call: &mut Call) -> Step<'a> {
        let Some(places) = self.places(call) else { return Step::Pass };
        match places.take() {
            Some(place) => {
                let place = Arc::new(place);
                call.hold(place.clone());
                Step::after(move |answer| give_back(place, answer))
            }
            // It waits, or learns that it need not.
            None => Step::Handle,
        }
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let Some(places) = self.places(&call) else { return next.run(request, call) };
        Box::pin(async move {
            let place = Arc::new(self.place(&places, &call).await?);
            let mut answer = next.run(request, call.holding(place.clone())).await;
            give_back(place, &mut answer);
            answer
        })
    }

    fn instrument(&self, meter: &Meter) {
        let rejections = meter
            .u64_counter("mik.concurrency.rejections")
            .with_description("Calls refused because too many were in flight")
            .build();
        let _ = self.rejections.set(rejections);
        let places = Arc::downgrade(&self.places);
        meter
            .u64_observable_gauge("mik.concurrency.waiting")
            .with_description("Calls that wait for a place")
            .with_callback(move |to| {
                let Some(places) = places.upgrade() else { return };
                places.each_named(|target, places| {
                    if places.has_queue() {
                        to.observe(places.waiting() as u64, &[label(target)]);
                    }
                });
            })
            .build();
    }
}
