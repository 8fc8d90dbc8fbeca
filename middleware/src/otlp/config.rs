//! Where traces go, and which.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::Uri;
use http::header::{HeaderName, HeaderValue};
use mik_core::values::{MINUTE, Time};
use schemars::JsonSchema;
use serde::Deserialize;

/// The longest that sending one batch may take, unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where traces go, and which of them.
#[derive(Clone, PartialEq)]
pub struct OtlpConfig {
    /// Where the collector takes traces, such as `http://127.0.0.1:4318/v1/traces`. `None`: as
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` say, or port 4318 of this
    /// machine.
    pub endpoint: Option<Uri>,
    /// What this process is called. `None`: as `OTEL_SERVICE_NAME` says, or `mik`.
    pub service_name: Option<String>,
    /// The share of the traces that start here to send, from 0 to 1. Default 1.
    pub sample: f64,
    /// Header fields of what is sent to the collector, such as a token.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The longest that sending one batch may take. Default 10 s.
    pub timeout: Duration,
    /// Whether responses tell their trace in `traceresponse`. Default true.
    pub respond: bool,
}

/// A configuration that cannot be.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct InvalidOtlp(pub(super) String);

/// `[middleware.otlp]`: traces, sent to a collector over OTLP/HTTP.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    /// Where the collector takes traces. Default: as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` say, or `http://localhost:4318/v1/traces`.
    endpoint: Option<String>,
    /// What this process is called in traces. Default: as `OTEL_SERVICE_NAME` says, or `mik`.
    service_name: Option<String>,
    /// The share of the traces that start here to send, from 0 to 1. What clients have decided is
    /// followed.
    #[schemars(range(min = 0.0, max = 1.0))]
    sample: f64,
    /// Header fields of what is sent to the collector, each a text or `{ from = "VARIABLE" }`.
    headers: BTreeMap<String, Value>,
    /// The longest that sending one batch may take.
    timeout: Time<100, MINUTE>,
    /// Whether responses tell their trace in `traceresponse`.
    respond: bool,
}

/// The value of a header field.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or `{ from = \"VARIABLE\" }`")]
enum Value {
    /// As it stands there.
    Text(String),
    /// From the environment.
    Variable(Variable),
}

/// A variable of mik's own environment.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Variable {
    /// Its name.
    from: String,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            endpoint: None,
            service_name: None,
            sample: 1.0,
            headers: BTreeMap::new(),
            timeout: Time::new(TIMEOUT),
            respond: true,
        }
    }
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            service_name: None,
            sample: 1.0,
            headers: Vec::new(),
            timeout: TIMEOUT,
            respond: true,
        }
    }
}

impl Table {
    /// The configuration; what is wrong with it, without any value that may be a secret.
    pub(super) fn into_config(self) -> Result<OtlpConfig, String> {
        let endpoint = self.endpoint.map(|text| {
            text.parse::<Uri>().map_err(|error| format!("endpoint = {text:?} is no URL: {error}"))
        });
        let headers = self.headers.into_iter().map(|(name, value)| header(&name, value));
        Ok(OtlpConfig {
            endpoint: endpoint.transpose()?,
            service_name: self.service_name,
            sample: self.sample,
            headers: headers.collect::<Result<_, _>>()?,
            timeout: self.timeout.get(),
            respond: self.respond,
        })
    }
}

fn header(name: &str, value: Value) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = name.parse().map_err(|_| format!("headers: {name:?} is no name of a field"))?;
    let text = match value {
        Value::Text(text) => text,
        Value::Variable(Variable { from }) => std::env::var(&from).map_err(|_| {
            format!("headers.{name}: the environment of mik has no variable `{from}`")
        })?,
    };
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| format!("headers.{name}: the value cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

impl OtlpConfig {
    pub(super) fn check(&self) -> Result<(), InvalidOtlp> {
        if !(0.0..=1.0).contains(&self.sample) {
            let told = format!("sample = {} is no share: write a number from 0 to 1", self.sample);
            return Err(InvalidOtlp(told));
        }
        let Some(endpoint) = &self.endpoint else { return Ok(()) };
        let scheme = endpoint.scheme_str().unwrap_or_default();
        if !matches!(scheme, "http" | "https") || endpoint.host().is_none_or(str::is_empty) {
            return Err(InvalidOtlp(format!(
                "endpoint = \"{endpoint}\" is not where traces can go: write an http or https URL, \
                 such as \"http://127.0.0.1:4318/v1/traces\""
            )));
        }
        Ok(())
    }

    /// Whether what is sent goes the same way as with `other`.
    pub(super) fn goes_like(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint
            && self.service_name == other.service_name
            && self.headers == other.headers
            && self.timeout == other.timeout
    }
}

impl fmt::Debug for OtlpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the headers: they hold secrets.
        f.debug_struct("OtlpConfig")
            .field("endpoint", &self.endpoint)
            .field("service_name", &self.service_name)
            .field("sample", &self.sample)
            .finish_non_exhaustive()
    }
}
