//! Cross-origin resource sharing: which pages of other origins may call, told to their browsers.

mod origin;
mod policy;
mod table;
#[cfg(test)]
mod tests;

use std::future::ready;
use std::sync::Arc;

use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use http::{HeaderMap, Method};
use mik_core::{
    BoxFuture, ByTarget, Call, CallError, Middleware, Next, Request, Response, Rings, Settings,
    SettingsError,
};

pub use origin::InvalidOrigin;
pub use policy::CorsPolicy;
use policy::Policy;
use table::Table;

use crate::table::{Made, schema_of};

/// Tells browsers which pages of other origins may call (the CORS protocol of the Fetch standard).
///
/// A preflight, which is an `OPTIONS` with `origin` and `access-control-request-method`, is answered here
/// with 204, before limits are counted and without running a module; any other `OPTIONS` passes. All other
/// answers, errors included, are marked for the origins that are allowed. For origins that are not, nothing
/// is said, and their browsers keep the answer from the page: CORS restricts pages, never a client as such.
///
/// What a module says by itself in `access-control-` fields is replaced, as two voices would contradict each
/// other; `enabled = false` in its own table leaves the word to it. Where the answer depends on the origin,
/// `vary: origin` says so to caches.
///
/// ```toml
/// [middleware.cors]
/// origins = ["https://app.example.com", "http://localhost:5173"]   # or "*"; there is no default
/// methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]      # or "*"
/// headers = ["content-type", "authorization"]                      # or "*"; default: content-type
/// expose = ["x-request-id"]                                        # or "*"; default: none
/// credentials = true                                               # cookies; default: false
/// max_age = "10m"                                                  # how long a preflight holds
///
/// [modules.public.cors]
/// origins = "*"
/// credentials = false
/// ```
///
/// Ring: edge, per module. In Rust:
/// `Cors::new(CorsPolicy::origins(["https://app.example.com"])?)?`.
#[derive(Debug, Clone)]
pub struct Cors {
    policies: ByTarget<Policy>,
}

impl Cors {
    /// The same policy for every module and script.
    ///
    /// # Errors
    /// A policy that lets everybody in with credentials, which browsers do not accept.
    pub fn new(policy: CorsPolicy) -> Result<Self, SettingsError> {
        Ok(Self { policies: ByTarget::all(Policy::new(policy)?) })
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let policies = settings.by_target::<Table>()?;
        let policies = policies.try_map(|table| Policy::new(table.policy()?))?;
        Ok(Arc::new(Self { policies }))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }
}

impl Middleware for Cors {
    fn name(&self) -> &str {
        "cors"
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
        let Some(policy) = self.policies.of(&call.matched().target) else {
            return next.run(request, call);
        };
        let origin = policy.allowed(request.headers());
        // What was refused already is no preflight, whatever it looks like.
        if is_preflight(&request) && !call.is_refused() {
            return Box::pin(ready(Ok(policy.preflight(origin))));
        }
        Box::pin(async move {
            let mut response = next.run(request, call).await?;
            policy.mark(response.headers_mut(), origin);
            Ok(response)
        })
    }
}

fn is_preflight(request: &Request) -> bool {
    let has = |headers: &HeaderMap| {
        headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) && headers.contains_key(ORIGIN)
    };
    request.method() == Method::OPTIONS && has(request.headers())
}
