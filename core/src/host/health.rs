//! `/health`.

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};

use super::Host;
use crate::{Body, CallError, Request, Response};

pub(super) const NAME: &str = "health";
pub(super) const PATH: &str = "/health";

/// Whether the host is ready for requests, and a little about it. One that is degraded still serves
/// modules: that is no reason to send requests elsewhere, so it is answered 200.
pub(super) fn answer(host: &Host, request: &Request) -> Result<Response, CallError> {
    CallError::unless_read(request.method())?;
    let draining = host.is_draining();
    let trouble = host.orchestrator().and_then(|orchestrator| orchestrator.trouble());
    let status = match &trouble {
        _ if draining => "draining",
        Some(_) => "degraded",
        None => "ready",
    };
    let counts = |(known, loaded)| serde_json::json!({ "known": known, "loaded": loaded });
    let mut report = serde_json::json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": host.uptime().as_secs(),
        "modules": counts(host.module_counts()),
        "in_flight": host.in_flight(),
    });
    if let Some(scripts) = host.script_counts() {
        report["scripts"] = counts(scripts);
    }
    if let Some(trouble) = trouble {
        report["trouble"] = trouble.into();
    }
    let mut response = Response::new(Body::from(format!("{report}\n")));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if draining {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}
