//! The table of retries.

use std::time::Duration;

use http::StatusCode;
use mik_core::SettingsError;
use mik_core::values::{Count, MINUTE, Time};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Plan;
use super::budget::Income;
use super::reasons::{Cause, Reasons};

/// `[middleware.retry]`: makes calls again that have failed, where that can do no harm.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    /// Attempts in all, the first included. Default 3.
    attempts: Count<2, 10>,
    /// Failures without an answer that are tried again: `trap`, `connect`, `timeout`, `overloaded`.
    /// Default `trap` and `connect`.
    on: Vec<Cause>,
    /// Statuses of answers that are tried again, from 500 to 599. Default 502, 503 and 504.
    statuses: Vec<Count<500, 599>>,
    /// Whether requests with an `Idempotency-Key` field are tried again whatever their method: only where
    /// modules keep to it. Default false.
    idempotency_key: bool,
    /// The longest wait before the second attempt; it doubles with each further one. Default 25ms.
    delay: Time<1, MINUTE>,
    /// The longest wait before any attempt. Default 1s.
    max_delay: Time<1, MINUTE>,
    /// Retries as a share of the calls of one target, 0 to 1. Default 0.2.
    budget: f64,
    /// Retries a second that are allowed for one target however few calls there are. Default 10.
    min_per_second: Count<0, 1_000>,
    /// Whether requests to outgoing hosts are tried again too. Default false.
    pub(super) upstream: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            attempts: Count::new(3),
            on: vec![Cause::Trap, Cause::Connect],
            statuses: [502, 503, 504].map(Count::new).to_vec(),
            idempotency_key: false,
            delay: Time::new(Duration::from_millis(25)),
            max_delay: Time::new(Duration::from_secs(1)),
            budget: 0.2,
            min_per_second: Count::new(10),
            upstream: false,
        }
    }
}

impl Table {
    pub(super) fn plan(self) -> Result<Plan, SettingsError> {
        let wrong = |message: &str| SettingsError::new(message);
        if !(0.0..=1.0).contains(&self.budget) {
            return Err(wrong("`budget` must be from 0 to 1").of_key("budget"));
        }
        let per_second = u32::try_from(self.min_per_second.get()).unwrap_or(u32::MAX);
        if self.budget == 0.0 && per_second == 0 {
            return Err(wrong("nothing would be tried again: set `budget` or `min_per_second`"));
        }
        if self.on.is_empty() && self.statuses.is_empty() {
            return Err(wrong("nothing would be tried again: name causes in `on`, or `statuses`"));
        }
        if self.delay.get() > self.max_delay.get() {
            return Err(wrong("`delay` must not be longer than `max_delay`").of_key("delay"));
        }
        let statuses = self
            .statuses
            .iter()
            .filter_map(|status| StatusCode::from_u16(u16::try_from(status.get()).ok()?).ok());
        Ok(Plan {
            attempts: self.attempts.as_usize(),
            idempotency_key: self.idempotency_key,
            reasons: Reasons { causes: self.on, statuses: statuses.collect() },
            delay: self.delay.get(),
            max_delay: self.max_delay.get(),
            income: Income { share: self.budget, per_second },
        })
    }
}
