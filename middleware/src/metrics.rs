//! Numbers, served to Prometheus.

mod calls;
mod labels;
mod made;
mod page;
mod requests;
mod upstream;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use mik_core::opentelemetry::metrics::Meter;
use mik_core::values::Text;
use mik_core::{
    Call, Endpoint, Middleware, Request, Ring, Rings, RoutePath, Settings, SettingsError, Step,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::exchange::{Exchange, Observer};
use crate::table::{Made, schema_of};
use calls::Calls;
use page::Page;
use requests::Requests;
use upstream::Upstreams;

/// Where the page is unless told otherwise.
const PATH: &str = "/metrics";
/// What the host answers itself, whatever is said here.
const TAKEN: [&str; 3] = ["/health", "/run", "/script"];

/// Counts and times what goes through the host, and shows it to Prometheus at `/metrics`.
///
/// It stands in all three rings and gives the host its [`Meter`], so that the page has the numbers of
/// every part: of the host, the engine and the other middleware. Its own are
///
/// | on the page | by |
/// |---|---|
/// | `http_server_request_duration_seconds` | `http_request_method`, `http_route`, `http_response_status_class`, `error_type` |
/// | `http_server_active_requests` | |
/// | `mik_rejections_total` | `error_type` (`rate-limited`, `circuit-open`, `overloaded`, `draining`), `http_route` |
/// | `mik_module_call_duration_seconds` | `mik_module`, `mik_outcome` |
/// | `mik_script_call_duration_seconds` | `mik_script`, `mik_outcome` |
/// | `mik_script_calls_total` | `mik_script`, `mik_module`, `mik_outcome` |
/// | `http_client_request_duration_seconds` | `server_address`, `server_port`, `http_response_status_class`, `error_type` |
///
/// A duration ends with the response body. `mik_script_calls_total` counts the calls that scripts make, once
/// they have reached their module and ended. `error_type` is the [`ErrorKind`](mik_core::ErrorKind), and
/// `client-gone` where the client left; `mik_outcome` is `ok`, `5xx` where the module said so itself,
/// the kind of its failure, or `cancelled`.
///
/// No label holds what a client sent: routes are patterns, a method that is not one of the ten of HTTP is
/// `other`, and after 100 upstream servers the rest are `other`.
///
/// On by default; the page is served to everybody who reaches the server, also while it drains.
/// ```toml
/// [middleware.metrics]
/// path = "/internal/metrics"
/// ```
/// In Rust: `Host::builder().middleware(Metrics::new())`.
#[derive(Clone)]
pub struct Metrics {
    numbers: Arc<Numbers>,
    path: RoutePath,
}

/// `[middleware.metrics]`: numbers for Prometheus.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// Where the page is. Default `/metrics`.
    path: Option<Text<RoutePath>>,
}

impl Metrics {
    /// Numbers of their own, shown at `/metrics`.
    pub fn new() -> Self {
        Self::of(Arc::new(Numbers::new()))
    }

    fn of(numbers: Arc<Numbers>) -> Self {
        let path = RoutePath::new(PATH).unwrap_or_else(|_| RoutePath::root());
        Self { numbers, path }
    }

    /// The same numbers, shown at `path`.
    #[must_use]
    pub fn at(mut self, path: RoutePath) -> Self {
        self.path = path;
        self
    }

    /// The page as it is now, in the text format of Prometheus.
    pub fn text(&self) -> String {
        self.numbers.page.text()
    }

    /// What makes all of one registry. They share their numbers, which go on when `mik.toml` is read again.
    pub(crate) fn of_one_registry() -> impl Fn(&Settings) -> Made {
        let shared = OnceLock::<Arc<Numbers>>::new();
        move |settings| {
            Self::of(shared.get_or_init(|| Arc::new(Numbers::new())).clone()).set(settings)
        }
    }

    fn set(self, settings: &Settings) -> Made {
        let table: Table = settings.parse()?;
        let Some(Text(path)) = table.path else { return Ok(Arc::new(self)) };
        if let Some(taken) = TAKEN.iter().find(|taken| is_below(&path, taken)) {
            return Err(SettingsError::new(format!(
                "path = \"{path}\" cannot be reached: {taken} is the host's own; choose another one, \
                 such as \"{PATH}\""
            ))
            .of_key("path"));
        }
        Ok(Arc::new(self.at(path)))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }
}

fn is_below(path: &RoutePath, prefix: &str) -> bool {
    let rest = path.as_str().strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Everything that is counted, and the page that shows it.
struct Numbers {
    page: Arc<Page>,
    requests: Requests,
    calls: Calls,
    upstreams: Upstreams,
}

impl Numbers {
    fn new() -> Self {
        let page = Arc::new(Page::new());
        let meter = page.meter();
        Self {
            requests: Requests::new(meter),
            calls: Calls::new(meter),
            upstreams: Upstreams::new(meter),
            page,
        }
    }
}

impl Middleware for Metrics {
    fn name(&self) -> &str {
        "metrics"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE | Rings::CALL | Rings::UPSTREAM
    }

    fn begin<'a>(&'a self, ring: Ring, request: &mut Request, call: &mut Call) -> Step<'a> {
        let numbers = &self.numbers;
        match ring {
            Ring::Edge => followed(call, numbers.requests.begin(request, call)),
            Ring::Call => match numbers.calls.begin(call) {
                Some(callee) => followed(call, callee),
                None => Step::Pass,
            },
            Ring::Upstream => followed(call, numbers.upstreams.begin(request, call)),
        }
    }

    fn endpoint(&self) -> Option<Endpoint> {
        let page = self.numbers.page.clone();
        let answer = move |request, _| page::answer(page.clone(), request);
        Some(Endpoint::new("metrics", self.path.clone(), answer).while_draining())
    }

    fn meter(&self) -> Option<Meter> {
        Some(self.numbers.page.meter().clone())
    }
}

/// Tells `observer` how `call` ends.
fn followed<'a>(call: &Call, observer: impl Observer) -> Step<'a> {
    let exchange = Exchange::start(call.started(), observer);
    Step::after(move |answer| exchange.answered(answer))
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").field("path", &self.path).finish_non_exhaustive()
    }
}
