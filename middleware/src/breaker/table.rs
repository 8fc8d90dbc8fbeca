//! The table of the breaker.

use std::time::Duration;

use mik_core::SettingsError;
use mik_core::values::{Count, HOUR, Time};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Setting;
use super::circuit::{Policy, Rate};
use super::verdict::{Counted, Failure};

/// `[middleware.breaker]`: refuses calls of a module that has failed too often, until a probe succeeds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    /// Failures in a row that open the circuit; 0 for none. Default 5.
    consecutive: Count<0, 1_000_000>,
    /// The share of failed calls within `window` that opens the circuit, above 0 and at most 1. Not set,
    /// only failures in a row count.
    rate: Option<f64>,
    /// The time within which `rate` is measured. Default 10s.
    window: Time<100, HOUR>,
    /// With fewer calls than these within `window`, `rate` does not count. Default 20.
    min_calls: Count<1, 1_000_000>,
    /// How long the circuit stays open the first time. Default 5s.
    open: Time<10, HOUR>,
    /// The longest time that it stays open. Default 60s.
    max_open: Time<10, HOUR>,
    /// How many times longer it stays open after each probe that failed, 1 to 10. Default 2.
    factor: f64,
    /// What counts as a failure: `trap` (no answer, or half of one; an exception of a script), `timeout`, `5xx`.
    /// Default all three.
    failures: Vec<Failure>,
    /// Whether each outgoing host has a circuit too. Default false.
    pub(super) upstream: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            consecutive: Count::new(5),
            rate: None,
            window: Time::new(Duration::from_secs(10)),
            min_calls: Count::new(20),
            open: Time::new(Duration::from_secs(5)),
            max_open: Time::new(Duration::from_secs(60)),
            factor: 2.0,
            failures: vec![Failure::Trap, Failure::Timeout, Failure::Status],
            upstream: false,
        }
    }
}

impl Table {
    pub(super) fn setting(&self) -> Result<Setting, SettingsError> {
        let wrong = |message: &str| SettingsError::new(message);
        if self.rate.is_some_and(|rate| !(rate > 0.0 && rate <= 1.0)) {
            return Err(wrong("`rate` must be above 0 and at most 1").of_key("rate"));
        }
        if !(1.0..=10.0).contains(&self.factor) {
            return Err(wrong("`factor` must be from 1 to 10").of_key("factor"));
        }
        if self.open.get() > self.max_open.get() {
            return Err(wrong("`open` must not be longer than `max_open`").of_key("open"));
        }
        if self.consecutive.get() == 0 && self.rate.is_none() {
            let message = "it would never open: set `consecutive` or `rate`, or `enabled = false`";
            return Err(wrong(message).of_key("consecutive"));
        }
        if self.failures.is_empty() {
            let message = "it would never open: name `failures`, or set `enabled = false`";
            return Err(wrong(message).of_key("failures"));
        }
        let whole = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let rate = self.rate.map(|share| Rate {
            share,
            window: self.window.get(),
            min_calls: whole(self.min_calls.get()),
        });
        let policy = Policy {
            consecutive: whole(self.consecutive.get()),
            rate,
            open: self.open.get(),
            max_open: self.max_open.get(),
            factor: self.factor,
        };
        Ok(Setting { policy, counted: Counted::of(&self.failures) })
    }
}
