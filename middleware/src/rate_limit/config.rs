//! `[middleware.rate-limit]` and what it means.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use mik_core::values::{Count, HOUR, SECOND, Text, Time};
use mik_core::{ByTarget, Ring, SettingsError, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Limit;
use super::fields::Fields;
use super::key::RateLimitKey;
use super::limiter::Limiter;
use crate::client::{ForwardedHeader, Network, TrustedProxies};
use crate::exempt::{Exempt, Exemption};

/// Most requests that a rate or a burst may name.
const REQUESTS: u64 = 1_000_000;
/// Longest time of a rate, in milliseconds.
const DAY: u64 = 24 * HOUR;
/// Longest time in which a burst may be earned again.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// `[middleware.rate-limit]`: how many requests who may make.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimitConfig {
    /// Requests in `per`.
    pub requests: Count<1, REQUESTS>,
    /// The time for so many requests, in whole seconds.
    pub per: Time<SECOND, DAY>,
    /// Requests that may come at once after a pause; as many as `requests` unless said.
    pub burst: Option<Count<1, REQUESTS>>,
    /// What has a limit of its own: each "client" (by its address), "route", "module" or "header:NAME", or
    /// each combination of several of them.
    pub key: RateLimitKey,
    /// Where it counts: at the "edge" what clients send, or each "call" of a module or script.
    pub ring: LimitRing,
    /// Endpoints and paths that are not counted at the edge.
    pub exempt: Vec<Text<Exemption>>,
    /// Whether responses say what is left, in `ratelimit` and `ratelimit-policy`.
    pub headers: bool,
    /// Proxies that are believed whom they forward for: addresses or networks.
    pub trusted_proxies: Vec<Text<Network>>,
    /// The header in which they say it.
    pub forwarded_header: ForwardedHeader,
    /// Bits of an IPv6 address that tell clients apart. An IPv4 address counts whole.
    pub ipv6_prefix: Count<16, 128>,
    /// Keys that are remembered at most; past that, the longest unused are forgotten.
    pub max_keys: Count<1, 10_000_000>,
}

/// The rings in which a rate can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitRing {
    /// Around each inbound request.
    #[default]
    Edge,
    /// Around each call of a module or script.
    Call,
}

impl RateLimitConfig {
    /// What it makes for one target, or for all that have no table of their own.
    pub(super) fn limit(self, target: Option<&Target>) -> Result<Limit, SettingsError> {
        let quota = self.quota()?;
        let fields = self.headers.then(|| {
            Fields::new(&policy(target), self.requests.get(), self.per.get(), quota.burst_size())
        });
        Ok(Limit {
            limiter: Limiter::new(quota, self.max_keys.as_usize()),
            key: self.key,
            ring: self.ring.into(),
            exempt: Exempt::new(self.exempt),
            ipv6_prefix: u32::try_from(self.ipv6_prefix.get()).unwrap_or(128),
            fields: fields.transpose()?,
        })
    }

    fn quota(&self) -> Result<Quota, SettingsError> {
        let count = |number: Count<1, REQUESTS>, key: &str| {
            let number = u32::try_from(number.get()).ok().and_then(NonZeroU32::new);
            number.ok_or_else(|| SettingsError::new(format!("`{key}` must be 1 to {REQUESTS}")))
        };
        let requests = count(self.requests, "requests")?;
        let burst = self.burst.map_or(Ok(requests), |burst| count(burst, "burst"))?;
        let per = self.per.get();
        if per.is_zero() || per.subsec_nanos() != 0 {
            let message = "`per` must be whole seconds, such as \"1s\" or \"1m\": clients are told in seconds";
            return Err(SettingsError::new(message).of_key("per"));
        }
        // Rounded up, so that there is never more than was said.
        let interval = per.as_nanos().div_ceil(u128::from(requests.get()));
        let interval = Duration::from_nanos(u64::try_from(interval).unwrap_or(u64::MAX));
        if interval.saturating_mul(burst.get()) > LONGEST {
            let message = "a `burst` that takes more than 30 days to be earned again is a limit for ever: \
                           lower `burst`, or raise `requests`";
            return Err(SettingsError::new(message).of_key("burst"));
        }
        let quota = Quota::with_period(interval).map(|quota| quota.allow_burst(burst));
        quota.ok_or_else(|| SettingsError::new("`per` must not be zero"))
    }
}

/// What a limit is called towards clients.
fn policy(target: Option<&Target>) -> String {
    match target {
        Some(Target::Module(name)) => name.to_string(),
        Some(Target::Script(name)) => format!("script:{name}"),
        _ => "default".to_owned(),
    }
}

/// The proxies of all tables, which must agree: who the client is is found out once, whatever is called.
pub(super) fn proxies(tables: &ByTarget<RateLimitConfig>) -> Result<TrustedProxies, SettingsError> {
    let named = tables.named().filter_map(|(_, table)| table);
    let mut each = tables.default().into_iter().chain(named).map(|table| {
        let networks = table.trusted_proxies.iter().map(|Text(network)| *network).collect();
        TrustedProxies::new(networks, table.forwarded_header)
    });
    let first = each.next().unwrap_or_default();
    if each.all(|other| other == first) {
        return Ok(first);
    }
    Err(SettingsError::new(
        "`trusted_proxies` and `forwarded_header` must be the same for all modules: set them in \
         [middleware.rate-limit] alone, with `enabled = false` there if only single modules have a limit",
    ))
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        Self {
            requests: Count::new(100),
            per: Time::new(Duration::from_secs(1)),
            burst: None,
            key: RateLimitKey::default(),
            ring: LimitRing::Edge,
            exempt: ["health", "metrics"].map(|name| Text(Exemption::Endpoint(name.into()))).into(),
            headers: true,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
            ipv6_prefix: Count::new(64),
            max_keys: Count::new(100_000),
        }
    }
}

impl From<LimitRing> for Ring {
    fn from(ring: LimitRing) -> Self {
        match ring {
            LimitRing::Edge => Self::Edge,
            LimitRing::Call => Self::Call,
        }
    }
}
