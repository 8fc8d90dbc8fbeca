//! Requests and responses of `wasi:http/types`, but for the request that goes out.

use guests::client;
use guests::wasip2::http::types::{
    ErrorCode, Headers, IncomingResponse, Method, OutgoingResponse, Scheme,
};
use guests::{IncomingRequest, ResponseOutparam};

use crate::program::Arguments;
use crate::told::{done, kept, made, nothing, optional, told, Returned};

pub fn call(name: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    Ok(Some(match name {
        "incoming-request.method" => told(method(&a.get::<IncomingRequest>(0)?.method())),
        "incoming-request.path-with-query" => {
            optional(a.get::<IncomingRequest>(0)?.path_with_query())
        }
        "incoming-request.scheme" => optional(a.get::<IncomingRequest>(0)?.scheme().map(scheme)),
        "incoming-request.authority" => optional(a.get::<IncomingRequest>(0)?.authority()),
        "incoming-request.headers" => kept(a.get::<IncomingRequest>(0)?.headers()),
        "incoming-request.consume" => made(a.get::<IncomingRequest>(0)?.consume(), nothing),

        "incoming-response.status" => told(a.get::<IncomingResponse>(0)?.status()),
        "incoming-response.headers" => kept(a.get::<IncomingResponse>(0)?.headers()),
        "incoming-response.consume" => made(a.get::<IncomingResponse>(0)?.consume(), nothing),

        "outgoing-response.new" => kept(OutgoingResponse::new(a.take::<Headers>(0)?)),
        "outgoing-response.status-code" => told(a.get::<OutgoingResponse>(0)?.status_code()),
        "outgoing-response.set-status-code" => {
            let status = u16::try_from(a.number(1)?).map_err(|_| "a status has 16 bits")?;
            done(a.get::<OutgoingResponse>(0)?.set_status_code(status), nothing)
        }
        "outgoing-response.headers" => kept(a.get::<OutgoingResponse>(0)?.headers()),
        "outgoing-response.body" => made(a.get::<OutgoingResponse>(0)?.body(), nothing),

        "response-outparam.set" => {
            let response = match a.word(1)? {
                "internal-error" => Err(ErrorCode::InternalError(a.optional(2)?)),
                "http-request-denied" => Err(ErrorCode::HttpRequestDenied),
                _ => Ok(a.take::<OutgoingResponse>(1)?),
            };
            ResponseOutparam::set(a.take::<ResponseOutparam>(0)?, response);
            Returned::Nothing
        }
        _ => return Ok(None),
    }))
}

/// `GET`, or `other(GET)`.
pub fn method(method: &Method) -> String {
    match method {
        Method::Other(name) => format!("other({name})"),
        known => client::method_name(known).to_owned(),
    }
}

/// `HTTP`, or `other(http)`.
pub fn scheme(scheme: Scheme) -> String {
    match scheme {
        Scheme::Http => "HTTP".to_owned(),
        Scheme::Https => "HTTPS".to_owned(),
        Scheme::Other(name) => format!("other({name})"),
    }
}

/// What stands in `other(…)`.
pub fn other(text: &str) -> Option<&str> {
    text.strip_prefix("other(")?.strip_suffix(')')
}
