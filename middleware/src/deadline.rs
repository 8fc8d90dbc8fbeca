//! The time that a request may take, everything included.

mod total;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use mik_core::opentelemetry::metrics::{Counter, Meter};
use mik_core::units::parse_duration;
use mik_core::values::{HOUR, Time};
use mik_core::{
    BoxFuture, ByTarget, Call, CallError, ErrorKind, Middleware, Next, Request, Response, Rings,
    Settings, SettingsError, Target,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use crate::label::label;
use crate::table::{Made, schema_of};

/// Ends requests whose response head is not there in time, with 504 `timeout`.
///
/// It stands in the edge ring, so the time holds everything that comes behind: queues, retries, calls that
/// the module makes. All of that sees what is left of it as the deadline of its call. `total` bounds the
/// response body too, which then breaks off.
///
/// With `header`, a client may ask for less time: a whole number of milliseconds, or a time such as `5s` or
/// `250ms`. What is no such time, zero, or more than `time` changes nothing. That a client has cut its own
/// time does not speak against the module, so the breaker does not count it.
///
/// ```toml
/// [middleware.deadline]
/// time = "10s"
/// total = "5m"
/// header = "x-request-timeout"
///
/// [modules.orders]
/// deadline = "2s"          # short for { time = "2s" }
/// ```
///
/// ```ignore
/// Host::builder().middleware(Deadline::new(Duration::from_secs(10)))
/// ```
#[derive(Debug)]
pub struct Deadline {
    limits: ByTarget<Option<Limit>>,
    exceeded: OnceLock<Counter<u64>>,
}

/// What holds for one target.
#[derive(Debug, Clone)]
struct Limit {
    time: Duration,
    total: Option<Duration>,
    header: Option<HeaderName>,
}

/// `[middleware.deadline]`: the time that a request may take, everything included.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// Time to the response head, queues and retries included. Required, here or for a module.
    time: Option<Time<1, HOUR>>,
    /// Time to the end of the response body. Default: no bound.
    total: Option<Time<1, { 24 * HOUR }>>,
    /// The header field by which a client may ask for less than `time`, in milliseconds (`1500`) or with a
    /// unit (`5s`). Default: none.
    header: Option<String>,
}

impl Deadline {
    /// The response head must be there after `time`.
    pub fn new(time: Duration) -> Self {
        Self::of(ByTarget::all(Some(Limit { time, total: None, header: None })))
    }

    /// The response body must be complete after `time`, counted from the beginning too.
    #[must_use]
    pub fn total(self, time: Duration) -> Self {
        self.with(|limit| limit.total = Some(time))
    }

    /// Lets clients ask for less in this field.
    #[must_use]
    pub fn header(self, name: HeaderName) -> Self {
        self.with(|limit| limit.header = Some(name))
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let limits = settings.by_target::<Table>()?.try_map(Table::limit)?;
        let everybody = limits.default().is_some_and(Option::is_some);
        let each = limits.named().all(|(_, limit)| limit.is_none_or(Option::is_some));
        let some = limits.named().any(|(_, limit)| limit.is_some());
        if !(everybody || some && each) {
            return Err(SettingsError::new("say how long, such as `time = \"10s\"`"));
        }
        Ok(Arc::new(Self::of(limits)))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    fn of(limits: ByTarget<Option<Limit>>) -> Self {
        Self { limits, exceeded: OnceLock::new() }
    }

    fn with(self, change: impl FnOnce(&mut Limit)) -> Self {
        let mut limit = self.limits.default().cloned().flatten();
        limit.as_mut().map(change);
        Self::of(ByTarget::all(limit))
    }

    fn count(&self, target: &Target) {
        if let Some(exceeded) = self.exceeded.get() {
            exceeded.add(1, &[label(target)]);
        }
    }
}

impl Table {
    fn limit(self) -> Result<Option<Limit>, SettingsError> {
        let Some(time) = self.time.map(Time::get) else { return Ok(None) };
        let total = self.total.map(Time::get);
        if total.is_some_and(|total| total < time) {
            let message = "`total` must not be shorter than `time`";
            return Err(SettingsError::new(message).of_key("total"));
        }
        let header = self.header.map(|name| {
            HeaderName::try_from(&name).map_err(|_| {
                let message = format!("{name:?} is not the name of a header field");
                SettingsError::new(message).of_key("header")
            })
        });
        Ok(Some(Limit { time, total, header: header.transpose()? }))
    }
}

impl Limit {
    /// What the client asks for, where that is less than it would have.
    fn asked(&self, headers: &HeaderMap) -> Option<Duration> {
        let mut values = headers.get_all(self.header.as_ref()?).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let text = value.to_str().ok()?;
        let time = match text.parse() {
            Ok(milliseconds) => Duration::from_millis(milliseconds),
            Err(_) => parse_duration(text).ok()?,
        };
        (time > Duration::ZERO && time < self.time).then_some(time)
    }
}

impl Middleware for Deadline {
    fn name(&self) -> &str {
        "deadline"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let Some(Some(limit)) = self.limits.of(&call.matched().target) else {
            return next.run(request, call);
        };
        let begun = Instant::now();
        let asked = limit.asked(request.headers());
        let call = if asked.is_some() { call.hurried() } else { call };
        let end = begun + asked.unwrap_or(limit.time);
        Box::pin(async move {
            let matched = call.matched().clone();
            // What runs inside is polled first, so it can still say itself that it is late.
            let run = next.run(request, call.with_deadline(end));
            let Ok(result) = timeout_at(end, run).await else {
                self.count(&matched.target);
                return Err(CallError::Timeout("no response head by the deadline of the request"));
            };
            let response = result?;
            if response.extensions().get() == Some(&ErrorKind::Timeout) && Instant::now() >= end {
                self.count(&matched.target);
            }
            Ok(match limit.total {
                Some(total) => response.map(|body| total::within(body, begun + total)),
                None => response,
            })
        })
    }

    fn instrument(&self, meter: &Meter) {
        let exceeded = meter
            .u64_counter("mik.deadline.exceeded")
            .with_description("Requests without a response head by their deadline")
            .build();
        let _ = self.exceeded.set(exceeded);
    }
}
