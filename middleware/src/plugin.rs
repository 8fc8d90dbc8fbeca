//! Middleware from dynamic libraries.

mod body;
mod context;
mod error;
mod exchange;
mod hook;
mod host;
mod instance;
mod library;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use mik_core::opentelemetry::metrics::Meter;
use mik_core::{BoxFuture, Call, CallError, Middleware, Next, Request, Response, Rings};

pub use error::PluginError;
use exchange::Exchange;
use hook::{Seen, Verdict};
use instance::{Instance, State};

/// A middleware of the edge ring in a dynamic library.
///
/// It sees each inbound request and its response, `/health` and `/metrics` included: the heads, the chunks
/// of the bodies where it asks for them, and the end. It may change headers and chunks, or answer in place of
/// the handler. `mik-plugin` is the SDK for those who write one in Rust; it also has the C header, and
/// `ABI.md` with the rules.
///
/// ```toml
/// [[plugin]]
/// path = "plugins/libapi_key.so"      # relative to the folder of mik.toml
/// name = "api-key"                    # default: what it calls itself
/// config = { key = "…" }              # what its own documentation says
/// ```
///
/// ```no_run
/// # fn load() -> Result<(), mik_middleware::PluginError> {
/// use mik_middleware::Plugin;
///
/// let config = serde_json::json!({ "key": "…" });
/// let host = mik_core::Host::builder()
///     .middleware(Plugin::load("plugins/libapi_key.so".as_ref(), &config)?);
/// # Ok(()) }
/// ```
///
/// A plugin that panics, or whose hook fails, fails closed: the request is answered with 500, or broken
/// off where its head has been sent. Failures are counted in `mik.plugin.failures`; the metrics of the
/// plugin itself are called `mik.plugin.NAME.…`. A library is never unloaded.
pub struct Plugin {
    name: Arc<str>,
    instance: Arc<Instance>,
}

impl Plugin {
    /// Loads the library at `path` and starts it with `config`, which it gets as JSON text.
    ///
    /// The library runs as part of this process, with all that the process may do: load only what you
    /// would also compile in.
    ///
    /// # Errors
    /// The file is missing or no library for this machine; it is no plugin, or one of another major
    /// version of the ABI; the plugin itself refuses to start. The message names both versions and says what
    /// to do.
    pub fn load(path: &Path, config: &serde_json::Value) -> Result<Self, PluginError> {
        let told = |(fault, version)| PluginError::new(path, fault, version);
        let plugin = library::open(path).map_err(told)?;
        let version = plugin.version().into();
        let instance = Instance::create(&plugin, &config.to_string());
        let instance = instance.map_err(|fault| told((fault, Some(version))))?;
        Ok(Self { name: plugin.name.into(), instance: Arc::new(instance) })
    }

    /// The same under another name: in the order of middleware, in the log and in metrics.
    #[must_use]
    pub fn with_name(mut self, name: String) -> Self {
        self.name = name.into();
        self.instance.context().rename(self.name.clone());
        self
    }

    /// Where neither bodies nor the end were asked for: the two heads, and nothing to keep beside them.
    async fn heads(
        &self,
        seen: Seen,
        mut state: State,
        next: BoxFuture<'static, Result<Response, CallError>>,
    ) -> Result<Response, CallError> {
        let mut response = next.await?;
        let (verdict, asked) = self.instance.response_head(&seen, &mut response, &mut state);
        if !self.instance.must_keep(asked, &state) {
            return verdict.into_result(response);
        }
        let exchange = Exchange::new(self.instance.clone(), seen, state, asked);
        exchange.respond(verdict, response)
    }

    /// Where there is more to do than that.
    async fn exchange(
        exchange: Arc<Exchange>,
        mut request: Request,
        call: Call,
        next: Next,
    ) -> Result<Response, CallError> {
        match exchange.watch_request(&mut request) {
            Verdict::Go => {}
            verdict => return exchange.respond(verdict, Response::default()),
        }
        let mut response = match exchange.unless_refused(next.run(request, call)).await {
            Ok(response) => response,
            Err(verdict) => return exchange.respond(verdict, Response::default()),
        };
        let verdict = exchange.response_head(&mut response);
        exchange.respond(verdict, response)
    }
}

impl Middleware for Plugin {
    fn name(&self) -> &str {
        &self.name
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
        let seen = Seen::of(&request, &call);
        let mut state = State::default();
        let (verdict, asked) = self.instance.request_head(&seen, request.headers_mut(), &mut state);
        if self.instance.must_keep(asked, &state) {
            let exchange = Exchange::new(self.instance.clone(), seen, state, asked);
            return match verdict {
                Verdict::Go => Box::pin(Self::exchange(exchange, request, call, next)),
                verdict => {
                    let answer = exchange.respond(verdict, Response::default());
                    Box::pin(std::future::ready(answer))
                }
            };
        }
        match verdict {
            Verdict::Go if !self.instance.has_response_head() => next.run(request, call),
            Verdict::Go => Box::pin(self.heads(seen, state, next.run(request, call))),
            verdict => Box::pin(std::future::ready(verdict.into_result(Response::default()))),
        }
    }

    fn instrument(&self, meter: &Meter) {
        self.instance.context().instrument(meter);
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).finish_non_exhaustive()
    }
}
