//! Header fields that are set, removed, or added for safety.

mod rules;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mik_core::{
    BoxFuture, ByTarget, Call, CallError, Middleware, Next, Request, Response, Rings, Settings,
    SettingsError,
};

use rules::Rules;
pub use rules::{HeaderRules, Hsts};
use table::Table;

use crate::table::{Made, schema_of};

/// Sets and removes header fields of responses, and of requests on their way in.
///
/// Every response is changed, those of errors and static files too. It is changed in this order:
///
/// 1. What `remove` names goes.
/// 2. With `security = true`, these are added where the module has not set them and `remove` does not name
///    them:
///    `x-content-type-options: nosniff` (a browser goes by the content type and does not guess),
///    `x-frame-options: DENY` (no page shows this one within a frame),
///    `referrer-policy: same-origin` (other sites are not told where a visitor comes from),
///    `cross-origin-opener-policy: same-origin` (a page that opens this one has no hold of it),
///    `cross-origin-resource-policy: same-origin` (other origins cannot embed it; what
///    `cors` allows stays allowed). There is no `content-security-policy` among them: only who
///    wrote a page knows what it loads.
/// 3. `hsts` replaces `strict-transport-security`. Browsers obey it over HTTPS alone, so it is for hosts
///    that stand behind something that speaks TLS.
/// 4. What `set` names replaces what there is.
///
/// In `request`, `remove` and `set` do the same with the request, before any other middleware looks at it
/// but those that stand outside of this one. Fields on which the framing of a message or the host itself
/// depends are refused at the start.
///
/// ```toml
/// [middleware.headers]
/// security = true
/// remove = ["server", "x-powered-by"]
/// set = { "x-frame-options" = "SAMEORIGIN" }
/// hsts = { max_age = "8760h", include_subdomains = true, preload = true }
/// request = { set = { "x-tier" = "edge" }, remove = ["x-internal"] }
///
/// [modules.pages.headers]
/// set = { "content-security-policy" = "default-src 'self'" }   # instead of the `set` above
/// ```
///
/// Ring: edge, per module. In Rust:
/// `Headers::new(HeaderRules::new().security().set(SERVER, HeaderValue::from_static("mik")))?`.
#[derive(Debug, Clone)]
pub struct Headers {
    rules: ByTarget<Rules>,
}

impl Headers {
    /// The same rules for every module and script.
    ///
    /// # Errors
    /// A field that must be left alone, or one that is set as well as removed.
    pub fn new(rules: HeaderRules) -> Result<Self, SettingsError> {
        Ok(Self { rules: ByTarget::all(Rules::new(rules)?) })
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let rules = settings.by_target::<Table>()?;
        Ok(Arc::new(Self { rules: rules.try_map(|table| Rules::new(table.rules()))? }))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }
}

impl Middleware for Headers {
    fn name(&self) -> &str {
        "headers"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn handle<'a>(
        &'a self,
        mut request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let Some(rules) = self.rules.of(&call.matched().target) else {
            return next.run(request, call);
        };
        rules.request.apply(request.headers_mut());
        if rules.response.is_empty() {
            return next.run(request, call);
        }
        Box::pin(async move {
            let mut response = next.run(request, call).await?;
            rules.response.apply(response.headers_mut());
            Ok(response)
        })
    }
}
