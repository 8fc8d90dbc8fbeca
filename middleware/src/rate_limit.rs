//! How many requests who may make.

mod config;
mod fields;
mod key;
mod keys;
mod limiter;

use std::hash::RandomState;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};

use mik_core::opentelemetry::metrics::{Counter, Meter};
use mik_core::{
    BoxFuture, ByTarget, Call, CallError, Middleware, Next, Request, Response, Ring, Rings,
    Settings, SettingsError,
};

use crate::client::TrustedProxies;
use crate::exempt::Exempt;
use crate::label::label;
use crate::table::{Made, schema_of};
pub use config::{LimitRing, RateLimitConfig};
use fields::Fields;
pub use key::RateLimitKey;
use keys::Keys;
use limiter::{Limiter, Verdict, whole_seconds};

/// Limits how many requests each client may make, or each whatever else the key says.
///
/// ```toml
/// [middleware.rate-limit]
/// requests = 100          # 100 requests …
/// per = "1m"              # … a minute and client,
/// burst = 20              # … 20 of them at once
/// key = "client"          # or "route", "module", "header:x-api-key", or a list of them
/// trusted_proxies = ["10.0.0.0/8"]
///
/// [modules.search.rate-limit]     # a limit of its own, with what is not said here as above
/// requests = 10
/// ```
///
/// ```
/// # use mik_middleware::{RateLimit, RateLimitConfig};
/// # use mik_core::values::Count;
/// let limit = RateLimit::new(RateLimitConfig { requests: Count::new(10), ..Default::default() })?;
/// # Ok::<_, mik_core::SettingsError>(())
/// ```
///
/// A request past the limit is answered with 429 and `retry-after`. At the edge, each response tells the
/// client where it stands in the fields `ratelimit-policy` and `ratelimit`
/// (draft-ietf-httpapi-ratelimit-headers-11): what is left at once, and after how many seconds there is
/// surely more.
///
/// The rate is that of the generic cell rate algorithm: in no time `t` are there more than
/// `burst + t * requests / per` requests of one key, and a client that has waited as long as it was told
/// to is let in. Time is monotonic; a wall clock that jumps changes nothing.
///
/// It stands at the edge, where it counts what clients send, or with `ring = "call"` around each call of a
/// module or script, also those that other modules make; there its errors are typed. `/health` and
/// `/metrics` are not counted unless `exempt` says otherwise.
///
/// Keys are kept as hashes, at most `max_keys` of them for each table. Those that are as good as new are
/// dropped; when there are more, the longest unused are, and start anew when they come back. All start anew
/// when mik reads `mik.toml` again.
///
/// A header that a client can choose freely limits nobody by itself: use it where something in front of mik
/// has checked it, or in the call ring behind `auth` with `forward = true`.
#[derive(Debug)]
pub struct RateLimit {
    limits: ByTarget<Limit>,
    proxies: TrustedProxies,
    rings: Rings,
    hasher: RandomState,
    rejections: OnceLock<Counter<u64>>,
}

/// What one table makes.
#[derive(Debug)]
struct Limit {
    limiter: Limiter,
    key: RateLimitKey,
    ring: Ring,
    exempt: Exempt,
    /// Bits of an IPv6 address that tell clients apart.
    ipv6_prefix: u32,
    fields: Option<Fields>,
}

impl RateLimit {
    /// The same limit for every target.
    ///
    /// # Errors
    /// Where the values make no sense together.
    pub fn new(config: RateLimitConfig) -> Result<Self, SettingsError> {
        Self::of(ByTarget::all(config))
    }

    fn of(tables: ByTarget<RateLimitConfig>) -> Result<Self, SettingsError> {
        let proxies = config::proxies(&tables)?;
        let limits = tables.try_map_named(|target, config| config.limit(target))?;
        // At the edge it also finds out who the client is.
        let mut rings = if proxies.is_empty() { Rings::NONE } else { Rings::EDGE };
        for limit in all(&limits) {
            rings = rings | limit.ring.into();
        }
        Ok(Self { limits, proxies, rings, hasher: RandomState::new(), rejections: OnceLock::new() })
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        Ok(Arc::new(Self::of(settings.by_target()?)?))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<RateLimitConfig>()
    }

    /// The limit that holds for this request in this ring.
    fn limit(&self, request: &Request, call: &Call, ring: Ring) -> Option<&Limit> {
        let matched = call.matched();
        let limit = self.limits.of(&matched.target).filter(|limit| limit.ring == ring)?;
        // Behind the edge, paths are those that the target sees.
        let is_exempt = ring == Ring::Edge && limit.exempt.holds(matched, request.uri().path());
        (!is_exempt).then_some(limit)
    }

    /// The same call as from the client behind the proxies, for this ring and all within.
    fn past_proxies(&self, request: &Request, call: Call) -> Call {
        let Some(peer) = call.peer() else { return call };
        let client = self.proxies.client(peer.ip(), request.headers());
        match client == peer.ip().to_canonical() {
            true => call,
            false => call.with_peer(SocketAddr::new(client, 0)),
        }
    }

    fn reject(&self, call: &Call) {
        if let Some(rejections) = self.rejections.get() {
            rejections.add(1, &[label(&call.matched().target)]);
        }
    }
}

/// The limit of all targets and those of single ones.
fn all(limits: &ByTarget<Limit>) -> impl Iterator<Item = &Limit> {
    limits.default().into_iter().chain(limits.named().filter_map(|(_, limit)| limit))
}

impl Middleware for RateLimit {
    fn name(&self) -> &str {
        "rate-limit"
    }

    fn rings(&self) -> Rings {
        self.rings
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        mut call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let ring = next.ring();
        if ring == Ring::Edge && !self.proxies.is_empty() {
            call = self.past_proxies(&request, call);
        }
        if call.is_refused() {
            return next.run(request, call);
        }
        let Some(limit) = self.limit(&request, &call, ring) else {
            return next.run(request, call);
        };
        let key = limit.key.hash(&self.hasher, &request, &call, limit.ipv6_prefix);
        let verdict = limit.limiter.check(key);
        let fields = limit.fields.as_ref().filter(|_| ring == Ring::Edge);
        match (verdict, fields) {
            (Verdict::Admitted { .. }, None) => next.run(request, call),
            (Verdict::Admitted { left, more }, Some(fields)) => Box::pin(async move {
                let mut response = next.run(request, call).await?;
                fields.add(response.headers_mut(), left, whole_seconds(more));
                Ok(response)
            }),
            (Verdict::Refused(wait), fields) => {
                self.reject(&call);
                let error = CallError::RateLimited(wait);
                let answer = match fields {
                    None => Err(error),
                    Some(fields) => {
                        let mut response = error.into_response(call.request_id());
                        fields.add(response.headers_mut(), 0, whole_seconds(wait));
                        Ok(response)
                    }
                };
                Box::pin(std::future::ready(answer))
            }
        }
    }

    fn instrument(&self, meter: &Meter) {
        let rejections = meter.u64_counter("mik.rate_limit.rejections");
        let rejections = rejections.with_description("Requests past a rate limit").build();
        // A host is built once; were it twice, the first meter would keep counting.
        let _ = self.rejections.set(rejections);
        let keys: Vec<Weak<Keys>> = all(&self.limits).map(|limit| limit.limiter.keys()).collect();
        let gauge = meter.u64_observable_gauge("mik.rate_limit.keys");
        gauge
            .with_description("Keys that rate limits remember")
            .with_callback(move |to| {
                let mut keys = keys.iter().filter_map(Weak::upgrade).peekable();
                // What a reload has left behind says nothing any more.
                if keys.peek().is_some() {
                    to.observe(keys.map(|keys| keys.sweep() as u64).sum(), &[]);
                }
            })
            .build();
    }
}

#[cfg(test)]
mod tests;
