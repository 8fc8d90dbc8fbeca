//! Calls that have failed, made again.

mod budget;
mod reasons;
mod replay;
mod table;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::{Method, StatusCode};
use mik_core::opentelemetry::metrics::{Counter, Meter};
use mik_core::{
    BoxFuture, ByTarget, Call, CallError, Middleware, Next, Request, Response, Rings, Settings,
    SettingsError, Target,
};
use tokio::time::{Instant, sleep};

use self::budget::{Budget, Income};
use self::reasons::{Cause, Reasons, asked_pause};
use self::replay::Replay;
use self::table::Table;
use crate::label::label;
use crate::per_target::PerTarget;
use crate::table::{Made, schema_of};

/// Makes a call again that has failed, where that can do no harm.
///
/// It stands in the call ring, outside of the breaker, which judges each attempt. What is tried again:
/// requests with an idempotent method (RFC 9110, 9.2.2: GET, HEAD, OPTIONS, TRACE, PUT, DELETE), and with
/// `idempotency_key` those that have an `Idempotency-Key` field; whose body lies ready or of whose stream at
/// most 64 KiB were read; that failed for one of the causes in `on`, or were answered with one of
/// `statuses`. It is decided when the head is there: once it is passed on, nothing is tried again. If the
/// last attempt fails too, its answer is passed on.
///
/// Between two attempts it waits a random time, at first up to `delay`, doubled each time up to `max_delay`,
/// or what a `retry-after` asks for. Where the deadline leaves no time for that, it gives up at once. Retries
/// of one target are at most the share `budget` of its calls and `min_per_second`, so that they cannot
/// multiply an outage.
///
/// ```toml
/// [middleware.retry]
/// attempts = 3                     # in all
/// on = ["trap", "connect"]         # and "timeout", "overloaded"
/// statuses = [502, 503, 504]
/// budget = 0.2
///
/// [modules.orders.retry]
/// attempts = 2
/// ```
///
/// ```ignore
/// Host::builder().middleware(Retry::new().attempts(2))
/// ```
#[derive(Debug)]
pub struct Retry {
    plans: ByTarget<Plan>,
    upstream: bool,
    budgets: Arc<PerTarget<Mutex<Budget>>>,
    counters: OnceLock<Counters>,
}

/// What holds for one target.
#[derive(Debug, Clone, PartialEq)]
struct Plan {
    attempts: usize,
    idempotency_key: bool,
    reasons: Reasons,
    delay: Duration,
    max_delay: Duration,
    income: Income,
}

#[derive(Debug)]
struct Counters {
    attempts: Counter<u64>,
    exhausted: Counter<u64>,
}

impl Retry {
    /// Three attempts in all, after traps and answers with 502, 503 and 504.
    pub fn new() -> Self {
        Self::of(ByTarget::all(Plan::default()), false)
    }

    /// So many attempts in all.
    #[must_use]
    pub fn attempts(self, attempts: usize) -> Self {
        self.with(|plan| plan.attempts = attempts)
    }

    /// The answers that are tried again.
    #[must_use]
    pub fn statuses(self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.with(|plan| plan.reasons.statuses = statuses.into_iter().collect())
    }

    /// The longest wait before the second attempt, and before any.
    #[must_use]
    pub fn delay(self, first: Duration, longest: Duration) -> Self {
        self.with(|plan| (plan.delay, plan.max_delay) = (first, longest.max(first)))
    }

    /// Retries are at most this share of a target's calls, and so many a second besides.
    #[must_use]
    pub fn budget(self, share: f64, per_second: u32) -> Self {
        self.with(|plan| plan.income = Income { share: share.clamp(0.0, 1.0), per_second })
    }

    /// Tries requests with an `Idempotency-Key` field again, whatever their method.
    #[must_use]
    pub fn idempotency_key(self) -> Self {
        self.with(|plan| plan.idempotency_key = true)
    }

    /// Tries requests to outgoing hosts again as well.
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
                "outgoing hosts are shared by all modules: set `upstream` in [middleware.retry]",
            ));
        }
        Ok(Arc::new(Self::of(tables.try_map(Table::plan)?, upstream)))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    fn of(plans: ByTarget<Plan>, upstream: bool) -> Self {
        Self { plans, upstream, budgets: Arc::default(), counters: OnceLock::new() }
    }

    fn with(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = self.plans.default().cloned().unwrap_or_default();
        change(&mut plan);
        self.plans = ByTarget::all(plan);
        self
    }

    /// Makes the call until it succeeds, or may not be made again.
    async fn attempt(
        &self,
        plan: &Plan,
        request: Request,
        call: Call,
        next: Next,
    ) -> Result<Response, CallError> {
        let target = &call.matched().target;
        let budget =
            self.budgets.of(target, || Mutex::new(Budget::new(plan.income, Instant::now())));
        let with_budget = |work: fn(&mut Budget, Instant) -> bool| {
            work(&mut budget.lock().unwrap_or_else(PoisonError::into_inner), Instant::now())
        };
        with_budget(|budget, now| {
            budget.call(now);
            true
        });
        let (parts, body) = request.into_parts();
        let (mut body, replay) = Replay::split(body);
        let mut delays = plan.delays();
        loop {
            let request = Request::from_parts(parts.clone(), body);
            let result = next.clone().run(request, call.clone()).await;
            let pause = plan.pause(&result, &mut delays, call.deadline());
            let Some(pause) = pause.filter(|_| replay.is_possible()) else {
                replay.stop();
                return result;
            };
            let affordable = with_budget(Budget::retry);
            // The answer that is passed on may still read the request: only now is it taken away.
            let Some(replayed) = affordable.then(|| replay.again()).flatten() else {
                replay.stop();
                self.count(target, |counters| &counters.exhausted);
                return result;
            };
            // What was answered is not passed on: its place and its guest are free now.
            drop(result);
            let since = Instant::now();
            sleep(pause).await;
            call.waited("retry", since);
            self.count(target, |counters| &counters.attempts);
            body = replayed;
        }
    }

    fn count(&self, target: &Target, counter: fn(&Counters) -> &Counter<u64>) {
        if let Some(counters) = self.counters.get() {
            counter(counters).add(1, &[label(target)]);
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

impl Plan {
    /// Whether to do what is asked twice is the same as to do it once.
    fn allows(&self, request: &Request) -> bool {
        request.method().is_idempotent()
            || (self.idempotency_key
                && *request.method() != Method::CONNECT
                && request.headers().contains_key("idempotency-key"))
    }

    /// The longest waits before each further attempt.
    fn delays(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.delay)
            .with_max_delay(self.max_delay)
            .with_factor(2.0)
            .with_max_times(self.attempts.saturating_sub(1))
            .build()
    }

    /// How long to wait before the next attempt; `None` where there is to be none.
    fn pause(
        &self,
        result: &Result<Response, CallError>,
        delays: &mut ExponentialBackoff,
        deadline: Instant,
    ) -> Option<Duration> {
        if !self.reasons.hold(result) {
            return None;
        }
        // Anything up to the longest, so that callers who failed together do not come back together.
        let pause = delays.next()?.mul_f64(fastrand::f64());
        let pause = asked_pause(result).map_or(pause, |asked| asked.max(pause));
        let left = deadline.saturating_duration_since(Instant::now());
        (pause < left).then_some(pause)
    }
}

impl Default for Plan {
    fn default() -> Self {
        let statuses = vec![
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        Self {
            attempts: 3,
            idempotency_key: false,
            reasons: Reasons { causes: vec![Cause::Trap, Cause::Connect], statuses },
            delay: Duration::from_millis(25),
            max_delay: Duration::from_secs(1),
            income: Income { share: 0.2, per_second: 10 },
        }
    }
}

impl Middleware for Retry {
    fn name(&self) -> &str {
        "retry"
    }

    fn rings(&self) -> Rings {
        if self.upstream { Rings::CALL | Rings::UPSTREAM } else { Rings::CALL }
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        match self.plans.of(&call.matched().target) {
            Some(plan) if plan.allows(&request) => {
                Box::pin(self.attempt(plan, request, call, next))
            }
            _ => next.run(request, call),
        }
    }

    fn instrument(&self, meter: &Meter) {
        let count = |name: &'static str, what: &'static str| {
            meter.u64_counter(name).with_description(what).build()
        };
        let _ = self.counters.set(Counters {
            attempts: count("mik.retry.attempts", "Attempts after the first"),
            exhausted: count(
                "mik.retry.budget_exhausted",
                "Attempts that the budget did not allow",
            ),
        });
        let budgets = Arc::downgrade(&self.budgets);
        meter
            .u64_observable_gauge("mik.retry.budget")
            .with_description("Further attempts that the budget allows now")
            .with_callback(move |to| {
                let Some(budgets) = budgets.upgrade() else { return };
                budgets.each_named(|target, budget| {
                    let mut budget = budget.lock().unwrap_or_else(PoisonError::into_inner);
                    to.observe(budget.left(Instant::now()), &[label(target)]);
                });
            })
            .build();
    }
}
