//! Requests and responses, from Rust to JavaScript and back.

use std::fmt::Write;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery};
use http::{Method, StatusCode, Uri};
use http_body_util::BodyExt;
use mik_core::{Body, CallError, Request, Response};

use super::effect::Outgoing;
use crate::Value;

/// Bodies up to this size are handed to a script with their head, where they are in memory.
const AT_HAND: u64 = 64 << 10;

/// The facts of a request that the prelude is told, without its body.
pub(crate) fn facts(request: &http::request::Parts) -> [Value; 3] {
    let target = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or(request.uri.authority().map(Authority::as_str));
    let mut url = String::with_capacity(16 + target.len());
    // Writing to a string does not fail.
    let _ = write!(url, "http://{}{target}", host.unwrap_or("localhost"));
    [request.method.as_str().into(), url.into(), headers(&request.headers)]
}

/// Header fields as a flat list. A value has one character for each byte (Fetch, "isomorphic decode").
pub(crate) fn headers(fields: &HeaderMap) -> Value {
    let mut flat = Vec::with_capacity(2 * fields.len());
    for (name, value) in fields {
        flat.push(name.as_str().into());
        flat.push(match value.to_str() {
            Ok(text) => text.into(),
            Err(_) => {
                value.as_bytes().iter().map(|byte| char::from(*byte)).collect::<String>().into()
            }
        });
    }
    Value::List(flat)
}

fn field(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let value = match value.is_ascii() {
        true => HeaderValue::from_str(value).ok()?,
        false => {
            let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
            HeaderValue::from_bytes(&bytes?).ok()?
        }
    };
    Some((name, value))
}

/// The request that a script sends to a module; what is wrong with it, in words.
pub(crate) fn request(call: &Outgoing, body: Body) -> Result<Request, String> {
    let uri = Uri::builder()
        .scheme("http")
        .authority(format!("{}.mik.internal", call.module))
        .path_and_query(call.target.as_str())
        .build()
        .map_err(|_| format!("{:?} is not a path", call.target))?;
    let method = Method::from_bytes(call.method.as_bytes())
        .map_err(|_| format!("{:?} is not a method", call.method))?;
    let length = body.length().filter(|length| *length > 0);
    let mut request = Request::new(body);
    *request.uri_mut() = uri;
    *request.method_mut() = method;
    let headers = request.headers_mut();
    extend(headers, &call.headers)?;
    // Whom it goes to is said by the binding.
    headers.remove(HOST);
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    Ok(request)
}

/// The answer of a script; what is wrong with it, in words.
pub(crate) fn response(
    status: f64,
    headers: &[(String, String)],
    body: Body,
) -> Result<Response, String> {
    let is_final = status.fract() == 0.0 && (200.0..=599.0).contains(&status);
    let code = is_final.then(|| StatusCode::from_u16(status as u16).ok()).flatten();
    let code = code.ok_or_else(|| format!("{status} is not a status from 200 to 599"))?;
    let mut response = Response::new(body);
    *response.status_mut() = code;
    extend(response.headers_mut(), headers)?;
    Ok(response)
}

fn extend(map: &mut HeaderMap, fields: &[(String, String)]) -> Result<(), String> {
    map.reserve(fields.len());
    for (name, value) in fields {
        let (name, value) =
            field(name, value).ok_or_else(|| format!("{name:?} is not a valid header field"))?;
        map.try_append(name, value).map_err(|_| "too many header fields".to_owned())?;
    }
    // A script hands fields on together with another body: how long that is, it knows itself.
    map.remove(CONTENT_LENGTH);
    map.remove(TRANSFER_ENCODING);
    Ok(())
}

/// What a body can be to a script.
pub(crate) enum Arrived {
    Empty,
    /// All of it, in memory.
    Whole(Bytes),
    Stream(Body),
}

impl Arrived {
    pub(crate) fn from(body: Body) -> Self {
        match body.length() {
            Some(0) => {
                body.discard();
                Self::Empty
            }
            // Only a body that is in memory can be cloned.
            Some(..=AT_HAND) if body.try_clone().is_some() => match body.collect().now_or_never() {
                Some(Ok(whole)) => Self::Whole(whole.to_bytes()),
                // Neither happens: it is in memory.
                _ => Self::Empty,
            },
            _ => Self::Stream(body),
        }
    }
}

/// The code by which a script knows a failed call.
pub(crate) fn code(error: &CallError) -> &'static str {
    use mik_core::UpstreamError;
    match error {
        CallError::NotFound(_) | CallError::Upstream(UpstreamError::Denied(_)) => {
            "MODULE_NOT_FOUND"
        }
        CallError::CircuitOpen { .. } => "CIRCUIT_OPEN",
        CallError::RateLimited(_) => "RATE_LIMITED",
        CallError::Overloaded(_) | CallError::Draining => "OVERLOADED",
        CallError::Timeout(_) => "TIMEOUT",
        CallError::Loop(_) => "LOOP_DETECTED",
        _ => "HANDLER_ERROR",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(target: &str) -> Outgoing {
        Outgoing {
            op: 1,
            module: "orders".into(),
            method: "POST".into(),
            target: target.into(),
            headers: vec![("x-name".into(), "Zo\u{eb}".into()), ("host".into(), "evil".into())],
            body: super::super::effect::Content::Empty,
            timeout: None,
        }
    }

    #[test]
    fn a_call_goes_to_its_module_whatever_the_script_says() {
        let request = request(&outgoing("/create?x=%2F"), Body::empty()).unwrap();
        assert_eq!(request.uri(), "http://orders.mik.internal/create?x=%2F");
        assert_eq!(request.headers()["x-name"].as_bytes(), b"Zo\xeb");
        assert!(!request.headers().contains_key(HOST));
        for bad in ["@evil.com/", "no path", "/a b"] {
            let request = super::request(&outgoing(bad), Body::empty());
            let host = request.map(|request| request.uri().host().map(ToOwned::to_owned));
            assert!(host.is_err() || host == Ok(Some("orders.mik.internal".to_owned())), "{bad}");
        }
    }

    #[test]
    fn field_values_have_a_character_for_each_byte() {
        let mut fields = HeaderMap::new();
        fields.insert("a", HeaderValue::from_bytes(b"\xff\xe9").unwrap());
        assert_eq!(headers(&fields), Value::texts(["a", "\u{ff}\u{e9}"]));
        assert!(field("a", "\u{20ac}").is_none());
        assert!(field("a b", "x").is_none());
        assert!(field("a", "x\r\ny: z").is_none());
    }

    #[test]
    fn the_length_of_a_message_is_that_of_its_body() {
        let old = [("Content-Length".to_owned(), "99".to_owned())];
        let response = response(200.0, &old, Body::from("abc")).unwrap();
        assert!(response.headers().is_empty());
        let call = Outgoing { headers: old.to_vec(), ..outgoing("/") };
        let lengths = |body: Body| {
            let request = request(&call, body).unwrap();
            request.headers().get(CONTENT_LENGTH).map(|length| length.to_str().unwrap().to_owned())
        };
        assert_eq!(lengths(Body::from("abc")), Some("3".to_owned()));
        assert_eq!(lengths(Body::empty()), None);
    }

    #[test]
    fn only_final_statuses_are_answers() {
        for bad in [199.0, 101.0, 600.0, 200.5, f64::NAN, -1.0] {
            assert!(response(bad, &[], Body::empty()).is_err(), "{bad}");
        }
        assert_eq!(response(299.0, &[], Body::empty()).unwrap().status(), 299);
    }

    #[test]
    fn what_is_in_memory_arrives_as_a_whole() {
        assert!(matches!(Arrived::from(Body::empty()), Arrived::Empty));
        assert!(
            matches!(Arrived::from(Body::from("abc")), Arrived::Whole(bytes) if bytes == "abc")
        );
        let large = Bytes::from(vec![0; 100 << 10]);
        assert!(matches!(Arrived::from(Body::from(large)), Arrived::Stream(_)));
    }
}
