//! The table of faults.

use http::StatusCode;
use mik_core::values::{Count, HOUR, MIB, Size, Time};
use mik_core::{CallError, Ring, SettingsError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::plan::{Failure, Plan};

/// `[middleware.fault]`: injects faults by chance, for drills.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    /// Where faults strike: `call`, closest to the module, or `edge`. Default `call`.
    ring: Place,
    /// Makes the sequence of faults the same each time. Default: another one at each start.
    seed: Option<u64>,
    /// Waits before the call is made.
    delay: Option<Delay>,
    /// Answers in place of the module.
    error: Option<ErrorTable>,
    /// Breaks the answer off.
    abort: Option<Abort>,
    /// Panics.
    panic: Option<Panic>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Place {
    #[default]
    Call,
    Edge,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delay {
    /// How often, 0 to 1.
    rate: f64,
    /// How long.
    time: Time<1, HOUR>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ErrorTable {
    /// How often, 0 to 1.
    rate: f64,
    /// The status of the answer, from 400 to 599.
    status: Option<Count<400, 599>>,
    /// The kind of the failure, instead of a status.
    kind: Option<Kind>,
}

/// The failures that can be injected.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Trap,
    Memory,
    NoResponse,
    Timeout,
    Overloaded,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Abort {
    /// How often, 0 to 1.
    rate: f64,
    /// After how much of the body. Default: right after the head.
    after: Option<Size<0, { 1024 * MIB }>>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Panic {
    /// How often, 0 to 1.
    rate: f64,
}

impl Table {
    pub(super) fn plan(self) -> Result<Plan, SettingsError> {
        let rate = |name: &'static str, rate: f64| match (0.0..=1.0).contains(&rate) {
            true => Ok(rate),
            false => {
                let message = format!("`rate` of `{name}` must be from 0 to 1");
                Err(SettingsError::new(message).of_key(name))
            }
        };
        let ring = match self.ring {
            Place::Call => Ring::Call,
            Place::Edge => Ring::Edge,
        };
        let mut plan = Plan::new(ring, self.seed.unwrap_or_else(|| fastrand::u64(..)));
        if let Some(delay) = self.delay {
            plan.delay = Some((rate("delay", delay.rate)?, delay.time.get()));
        }
        if let Some(error) = self.error {
            plan.error = Some((rate("error", error.rate)?, error.failure()?));
        }
        if let Some(abort) = self.abort {
            let after = abort.after.map_or(0, |size| size.get().get());
            plan.abort = Some((rate("abort", abort.rate)?, after));
        }
        if let Some(panic) = self.panic {
            plan.panic = Some(rate("panic", panic.rate)?);
        }
        Ok(plan)
    }
}

impl ErrorTable {
    fn failure(self) -> Result<Failure, SettingsError> {
        let injected = || "injected fault".into();
        let kind = match (self.status, self.kind) {
            (Some(status), None) => {
                let status = u16::try_from(status.get()).ok();
                let status = status.and_then(|status| StatusCode::from_u16(status).ok());
                return Ok(Failure::Status(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)));
            }
            (None, Some(kind)) => kind,
            _ => {
                let message = "`error` needs either `status` or `kind`";
                return Err(SettingsError::new(message).of_key("error"));
            }
        };
        Ok(Failure::Kind(match kind {
            Kind::Trap => CallError::Trap(injected()),
            Kind::Memory => CallError::Memory(injected()),
            Kind::NoResponse => CallError::NoResponse(injected()),
            Kind::Timeout => CallError::Timeout("injected fault"),
            Kind::Overloaded => CallError::Overloaded("injected fault"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_seed_each_start_has_another_one() {
        let seed = || {
            let table = Table { panic: Some(Panic { rate: 0.5 }), ..Table::default() };
            table.plan().unwrap().seed
        };
        assert_ne!(seed(), seed());
    }
}
