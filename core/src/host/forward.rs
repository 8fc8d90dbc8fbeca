//! What changes in a request on its way to a guest, and in the response on its way back.

use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri};

use crate::call::Matched;
use crate::framing::{X_FORWARDED_PREFIX, content_length, strip_hop_by_hop};
use crate::{CallError, Request, Response};

/// Cuts the prefix off the path and says so in `x-forwarded-prefix`. The rest of the target, percent
/// signs and query included, stays byte for byte.
pub(super) fn strip_prefix(request: &mut Request, matched: &Matched) -> Result<(), CallError> {
    // What a client claims about prefixes is not true here.
    request.headers_mut().remove(X_FORWARDED_PREFIX);
    let Some(prefix) = &matched.prefix else { return Ok(()) };
    request.headers_mut().insert(X_FORWARDED_PREFIX, prefix.clone());
    let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let rest = target.get(prefix.len()..).unwrap_or_default();
    let rest = match rest.as_bytes().first() {
        Some(b'/') => PathAndQuery::try_from(rest),
        _ => PathAndQuery::try_from(format!("/{rest}")),
    };
    let malformed = || CallError::Malformed("request target");
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.path_and_query = Some(rest.map_err(|_| malformed())?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| malformed())?;
    Ok(())
}

/// Takes away what ends at this host.
pub(super) fn clean_request(request: &mut Request) {
    strip_hop_by_hop(request.headers_mut());
}

/// Makes sure that a response can be framed: no fields of the connection, one valid length that the body
/// keeps, a status that ends the exchange.
pub(super) fn clean_response(
    mut response: Response,
    method: &Method,
) -> Result<Response, CallError> {
    strip_hop_by_hop(response.headers_mut());
    let status = response.status();
    if status.is_informational() {
        return Err(CallError::Trap(format!("the response has the status {status}").into()));
    }
    let length = content_length(response.headers())
        .map_err(|reason| CallError::Trap(format!("its response: {reason}").into()))?;
    let bodiless = *method == Method::HEAD
        || status == StatusCode::NOT_MODIFIED
        || status == StatusCode::NO_CONTENT;
    Ok(match length {
        Some(length) if !bodiless => response.map(|body| body.with_length(length)),
        _ => response,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Target};
    use http::HeaderValue;

    fn forwarded(target: &str, prefix: &str) -> Request {
        let mut matched = Matched::new("/run/orders/*", Target::Nothing);
        matched.prefix = Some(HeaderValue::try_from(prefix).unwrap());
        let mut request = http::Request::get(target).body(Body::empty()).unwrap();
        strip_prefix(&mut request, &matched).unwrap();
        request
    }

    #[test]
    fn the_guest_sees_its_own_path_byte_for_byte() {
        for (target, seen) in [
            ("/run/orders/a/b?x=1", "/a/b?x=1"),
            ("/run/orders/a%20b/c?x=1&y=%2F", "/a%20b/c?x=1&y=%2F"),
            ("/run/orders", "/"),
            ("/run/orders/", "/"),
            ("/run/orders?x", "/?x"),
            ("/run/orders//a", "//a"),
            ("http://h/run/orders/a", "http://h/a"),
        ] {
            let request = forwarded(target, "/run/orders");
            assert_eq!(request.uri().to_string(), seen, "{target}");
            assert_eq!(request.headers()["x-forwarded-prefix"], "/run/orders");
        }
    }

    #[test]
    fn a_response_has_one_valid_length_and_a_final_status() {
        let response = |length: &str| {
            http::Response::builder()
                .header("content-length", length)
                .body(Body::from("abc"))
                .unwrap()
        };
        assert!(clean_response(response("3"), &Method::GET).is_ok());
        for bad in ["+3", "3,3", "0x3", "-1", "99999999999999999999"] {
            assert!(clean_response(response(bad), &Method::GET).is_err(), "{bad}");
        }
        let early = http::Response::builder().status(103).body(Body::empty()).unwrap();
        assert!(clean_response(early, &Method::GET).is_err());
    }
}
