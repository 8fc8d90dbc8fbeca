//! `outgoing-request` and `request-options` of `wasi:http/types`, and `wasi:http/outgoing-handler`.

use guests::client;
use guests::wasip2::http::outgoing_handler;
use guests::wasip2::http::types::{
    ErrorCode, FutureIncomingResponse, Headers, IncomingResponse, Method, OutgoingRequest,
    RequestOptions, Scheme,
};

use crate::messages::{method, other, scheme};
use crate::program::Arguments;
use crate::told::{done, error_code, kept, made, nothing, optional, told, Returned};

pub fn call(name: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    if let Some(function) = name.strip_prefix("outgoing-request.") {
        return request(function, a);
    }
    if let Some(function) = name.strip_prefix("request-options.") {
        return options(function, a);
    }
    Ok(Some(match name {
        "outgoing-handler.handle" => {
            let options = a.take_optional::<RequestOptions>(1)?;
            let sent = outgoing_handler::handle(a.take::<OutgoingRequest>(0)?, options);
            made(sent, error_code)
        }
        "future-incoming-response.subscribe" => {
            kept(a.get::<FutureIncomingResponse>(0)?.subscribe())
        }
        "future-incoming-response.get" => got(a.get::<FutureIncomingResponse>(0)?.get()),
        _ => return Ok(None),
    }))
}

/// `err` alone says that the response was taken before.
pub fn got(result: Option<Result<Result<IncomingResponse, ErrorCode>, ()>>) -> Returned {
    match result {
        None => Returned::Refused("none".to_owned()),
        Some(Err(())) => Returned::Refused("err".to_owned()),
        Some(Ok(result)) => made(result, error_code),
    }
}

fn request(function: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    if function == "new" {
        return Ok(Some(kept(OutgoingRequest::new(a.take::<Headers>(0)?))));
    }
    let request = a.get::<OutgoingRequest>(0)?;
    Ok(Some(match function {
        "body" => made(request.body(), nothing),
        "method" => told(method(&request.method())),
        "set-method" => {
            let text = a.text(1)?;
            let method = match other(&text) {
                Some(name) => Method::Other(name.to_owned()),
                None => client::method(&text),
            };
            done(request.set_method(&method), nothing)
        }
        "path-with-query" => optional(request.path_with_query()),
        "set-path-with-query" => {
            done(request.set_path_with_query(a.optional(1)?.as_deref()), nothing)
        }
        "scheme" => optional(request.scheme().map(scheme)),
        "set-scheme" => {
            let text = a.optional(1)?;
            let scheme = text.map(|text| match text.as_str() {
                "HTTP" => Scheme::Http,
                "HTTPS" => Scheme::Https,
                text => Scheme::Other(other(text).unwrap_or(text).to_owned()),
            });
            done(request.set_scheme(scheme.as_ref()), nothing)
        }
        "authority" => optional(request.authority()),
        "set-authority" => done(request.set_authority(a.optional(1)?.as_deref()), nothing),
        "headers" => kept(request.headers()),
        _ => return Ok(None),
    }))
}

fn options(function: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    if function == "new" {
        return Ok(Some(kept(RequestOptions::new())));
    }
    let options = a.get::<RequestOptions>(0)?;
    let time = || match a.word(1) {
        Ok("-") => Ok(None),
        _ => a.number(1).map(Some),
    };
    Ok(Some(match function {
        "connect-timeout" => optional(options.connect_timeout()),
        "set-connect-timeout" => done(options.set_connect_timeout(time()?), nothing),
        "first-byte-timeout" => optional(options.first_byte_timeout()),
        "set-first-byte-timeout" => done(options.set_first_byte_timeout(time()?), nothing),
        "between-bytes-timeout" => optional(options.between_bytes_timeout()),
        "set-between-bytes-timeout" => done(options.set_between_bytes_timeout(time()?), nothing),
        _ => return Ok(None),
    }))
}
