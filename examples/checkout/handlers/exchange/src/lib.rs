//! What the handlers share: a request in, JSON out, so that each of them is only what it is about.

use std::io::{Read as _, Write as _};

use serde_json::{json, Value};
pub use wasip2;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// What a handler is asked.
pub struct Asked {
    /// The method and the path, as in `GET /methods`.
    pub what: String,
    /// The body; null where there is none, or where it is no JSON.
    pub body: Value,
}

/// What it answers.
pub struct Answer {
    pub status: u16,
    /// The body; null for none.
    pub body: Value,
}

impl Answer {
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body }
    }

    /// An error, in a word that programs understand.
    pub fn error(status: u16, error: &str) -> Self {
        Self::new(status, json!({ "error": error }))
    }
}

/// Exports a `fn(Asked) -> Answer` as a component that serves HTTP.
#[macro_export]
macro_rules! serve {
    ($handle:path) => {
        struct Component;

        impl $crate::wasip2::exports::http::incoming_handler::Guest for Component {
            fn handle(
                request: $crate::wasip2::http::types::IncomingRequest,
                out: $crate::wasip2::http::types::ResponseOutparam,
            ) {
                $crate::send(out, $handle($crate::receive(request)));
            }
        }

        $crate::wasip2::http::proxy::export!(Component);
    };
}

/// Reads a request.
pub fn receive(request: IncomingRequest) -> Asked {
    let method = match request.method() {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Delete => "DELETE",
        _ => "OTHER",
    };
    let target = request.path_with_query().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let what = format!("{method} {path}");

    let mut text = Vec::new();
    let body = request.consume().expect("a request has one body");
    let mut stream = body.stream().expect("a body has one stream");
    // Half a body is no JSON.
    let _ = stream.read_to_end(&mut text);
    Asked { what, body: serde_json::from_slice(&text).unwrap_or_default() }
}

/// Sends an answer.
pub fn send(out: ResponseOutparam, answer: Answer) {
    let fields = Fields::new();
    let text = match &answer.body {
        Value::Null => String::new(),
        body => {
            fields.append("content-type", b"application/json").expect("a valid field");
            format!("{body}\n")
        }
    };
    let response = OutgoingResponse::new(fields);
    response.set_status_code(answer.status).expect("a valid status");
    let body = response.body().expect("a new response has its body");
    ResponseOutparam::set(out, Ok(response));

    // A write fails only when nobody wants more of it.
    let mut stream = body.write().expect("a new body has its stream");
    let _ = stream.write_all(text.as_bytes());
    drop(stream); // the stream belongs to the body, which ends after it
    let _ = OutgoingBody::finish(body, None);
}
