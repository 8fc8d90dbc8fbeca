//! `/health`.

use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};

use super::Host;
use crate::{Body, CallError, Request, Response};

pub(super) const NAME: &str = "health";
pub(super) const PATH: &str = "/health";

/// Whether the host is ready for requests, and a little about it.
pub(super) fn answer(host: &Host, request: &Request) -> Result<Response, CallError> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(CallError::Method(&[Method::GET, Method::HEAD]));
    }
    let draining = host.is_draining();
    let (known, loaded) = host.module_counts();
    let report = serde_json::json!({
        "status": if draining { "draining" } else { "ready" },
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": host.uptime().as_secs(),
        "modules": { "known": known, "loaded": loaded },
        "in_flight": host.in_flight(),
    });
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
