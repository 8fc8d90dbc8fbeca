//! What a client is told of its limit (draft-ietf-httpapi-ratelimit-headers-11).

use std::num::NonZeroU32;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use mik_core::SettingsError;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The fields of one limit.
#[derive(Debug)]
pub(super) struct Fields {
    name: String,
    policy: HeaderValue,
}

impl Fields {
    /// Those of the policy `name`: so many requests in a time, and a burst, which is told where it differs.
    pub(super) fn new(
        name: &str,
        requests: u64,
        per: Duration,
        burst: NonZeroU32,
    ) -> Result<Self, SettingsError> {
        let mut policy = format!("\"{name}\";q={requests};w={}", per.as_secs());
        if u64::from(burst.get()) != requests {
            policy += &format!(";mik-burst={burst}");
        }
        let policy = HeaderValue::try_from(policy);
        let policy =
            policy.map_err(|_| SettingsError::new("the name of a limit is no header value"))?;
        Ok(Self { name: name.to_owned(), policy })
    }

    /// Adds them to those that a handler may have set for limits of its own: both fields are lists.
    pub(super) fn add(&self, headers: &mut HeaderMap, left: u32, seconds: u64) {
        headers.append(RATELIMIT_POLICY, self.policy.clone());
        let limit = format!("\"{}\";r={left};t={seconds}", self.name);
        if let Ok(limit) = HeaderValue::try_from(limit) {
            headers.append(RATELIMIT, limit);
        }
    }
}
