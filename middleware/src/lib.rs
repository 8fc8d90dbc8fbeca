//! The middleware that come with mik: one module, one cargo feature and one line below for each.

#[cfg(feature = "rate-limit")]
mod client;
#[cfg(any(feature = "metrics", feature = "otlp"))]
mod exchange;
#[cfg(any(feature = "auth", feature = "rate-limit"))]
mod exempt;
#[cfg(any(feature = "cors", feature = "headers", feature = "static-files"))]
mod field;
#[cfg(any(
    feature = "auth",
    feature = "breaker",
    feature = "concurrency",
    feature = "deadline",
    feature = "fault",
    feature = "rate-limit",
    feature = "retry"
))]
mod label;
#[cfg(any(feature = "breaker", feature = "concurrency", feature = "metrics", feature = "retry"))]
mod lookup;
#[cfg(any(feature = "breaker", feature = "concurrency", feature = "retry"))]
mod per_target;
#[cfg(feature = "plugin")]
mod plugin;
#[cfg(any(feature = "body-limit", feature = "compression"))]
mod request_body;
mod table;

#[cfg(test)]
extern crate self as mik_middleware;
#[cfg(test)]
#[cfg(all(feature = "compression", feature = "static-files", feature = "trace"))]
mod fuzz;
#[cfg(test)]
#[allow(dead_code, reason = "each feature is tested alone as well, and uses only some of it")]
mod rig;

use mik_core::Registry;

#[cfg(feature = "plugin")]
pub use plugin::{Plugin, PluginError};

#[cfg(feature = "rate-limit")]
pub use client::{ForwardedHeader, Network};
#[cfg(feature = "cors")]
pub use cors::{CorsPolicy, InvalidOrigin};
#[cfg(any(feature = "auth", feature = "rate-limit"))]
pub use exempt::Exemption;
#[cfg(feature = "headers")]
pub use headers::{HeaderRules, Hsts};
#[cfg(feature = "otlp")]
pub use otlp::{InvalidOtlp, OtlpConfig};
#[cfg(feature = "rate-limit")]
pub use rate_limit::{LimitRing, RateLimitConfig, RateLimitKey};

/// What makes a middleware of its settings, unless its line says otherwise.
#[allow(unused_macros, reason = "without any of the features nothing is registered")]
macro_rules! factory {
    ($type:ident) => {
        $type::from_settings
    };
    ($type:ident $factory:expr) => {
        $factory
    };
}

/// One line for each: `feature: "name", module::Type, how it is registered;` in the order in which they
/// stand around a call by default, outermost first. `module::Type = factory` where it takes more than the type.
macro_rules! parts {
    ($($feature:literal: $name:literal, $module:ident::$type:ident $(= $factory:expr)?
        $(, $say:ident($($arg:expr)?))*;)*) => {
        $(
            #[cfg(feature = $feature)]
            mod $module;
            #[cfg(feature = $feature)]
            pub use $module::$type;
        )*

        /// Every middleware of this crate in the order in which they stand around a call by default,
        /// outermost first. Those that are not of this crate stand inside of all these.
        pub const DEFAULT_ORDER: &[&str] = &[$($name),*];

        /// Registers every middleware that is compiled in, and remembers the names of the others.
        pub fn register(registry: &mut Registry) {
            $(
                #[cfg(feature = $feature)]
                registry
                    .middleware($name, factory!($type $($factory)?))
                    .schema($type::schema)
                    $(.$say($($arg)?))*;
                #[cfg(not(feature = $feature))]
                registry.absent_middleware($name, $feature);
            )*
        }
    };
}

parts! {
    "request-id":   "request-id",   request_id::RequestIds, on();
    "trace":        "trace",        trace::Trace, on();
    "otlp":         "otlp",         otlp::Otlp;
    "access-log":   "access-log",   access_log::AccessLog, on();
    "metrics":      "metrics",      metrics::Metrics = Metrics::of_one_registry(), on();
    "headers":      "headers",      headers::Headers, per_module();
    "cors":         "cors",         cors::Cors, per_module();
    "compression":  "compression",  compression::Compression, on(), per_module();
    "rate-limit":   "rate-limit",   rate_limit::RateLimit, per_module();
    "auth":         "auth",         auth::Auth, per_module();
    "body-limit":   "body-limit",   body_limit::BodyLimit, per_module(), shorthand("bytes");
    "deadline":     "deadline",     deadline::Deadline, per_module(), shorthand("time");
    "static-files": "static",       static_files::StaticFiles, shorthand("root");
    "retry":        "retry",        retry::Retry, per_module();
    "breaker":      "breaker",      breaker::Breaker, on(), per_module();
    "concurrency":  "concurrency",  concurrency::Concurrency, on(), per_module(), shorthand("limit");
    "fault":        "fault",        fault::Fault, per_module();
}

#[cfg(feature = "compression")]
pub use compression::{Coding, CompressionOptions, InflateLimits, Levels, MediaRange};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_has_its_place_in_the_order_and_its_schema() {
        let mut registry = Registry::new();
        register(&mut registry);
        for name in registry.middlewares() {
            assert!(DEFAULT_ORDER.contains(&name), "{name} has no place in DEFAULT_ORDER");
            let schema = registry.middleware_schema(name).unwrap();
            assert_eq!(schema["type"], "object", "{name}: {schema}");
        }
    }
}
