//! What a program sees of its request, as JSON.

use http::header::{HOST, HeaderMap};
use http::request::Parts;
use http::{Method, uri::PathAndQuery};
use http_body::Frame;
use http_body_util::BodyExt;
use mik_core::{Body, Grants};
use serde_json::{Value, json};

/// Reads the body, unless the method is one that has none, and describes all.
pub(crate) async fn inspect(head: &Parts, body: Body, grants: &Grants) -> Value {
    let target = head.uri.path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let host =
        head.headers.get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    let authority = head.uri.authority().map(ToString::to_string).or(host);
    let env: serde_json::Map<_, _> =
        grants.env.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let read = match head.method {
        Method::GET | Method::HEAD => Read::default(),
        _ => read(body).await,
    };
    json!({
        "method": head.method.as_str(),
        "path_with_query": target,
        "path": path,
        "query": query,
        "scheme": head.uri.scheme_str().unwrap_or("http"),
        "authority": authority,
        "headers": pairs(&head.headers),
        "env": env,
        "body_bytes": read.bytes,
        "body_error": read.error,
        "trailers": pairs(&read.trailers),
        // Nothing of an earlier call is left.
        "calls": 1,
    })
}

/// What became of the request's body.
#[derive(Default)]
struct Read {
    bytes: Option<usize>,
    error: Option<String>,
    trailers: HeaderMap,
}

async fn read(mut body: Body) -> Read {
    let mut read = Read { bytes: Some(0), ..Read::default() };
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data().map_err(Frame::into_trailers)) {
            Ok(Ok(data)) => read.bytes = read.bytes.map(|bytes| bytes + data.len()),
            Ok(Err(trailers)) => read.trailers = trailers.unwrap_or_default(),
            Err(error) => read.error = Some(error.to_string()),
        }
    }
    read
}

/// Fields as pairs, but for the host, which is the authority.
fn pairs(fields: &HeaderMap) -> Vec<[String; 2]> {
    let fields = fields.iter().filter(|(name, _)| **name != HOST);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.map(|(name, value)| [name.to_string(), text(value.as_bytes())]).collect()
}
