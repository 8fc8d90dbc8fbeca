//! Bodies and trailers of `wasi:http/types`.

use guests::wasip2::http::types::{
    http_error_code, ErrorCode, FutureTrailers, IncomingBody, OutgoingBody, Trailers,
};
use guests::wasip2::io::error::Error;

use crate::program::Arguments;
use crate::told::{done, error_code, kept, made, nothing, told, Returned};

pub fn call(name: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    Ok(Some(match name {
        "incoming-body.stream" => made(a.get::<IncomingBody>(0)?.stream(), nothing),
        "incoming-body.finish" => kept(IncomingBody::finish(a.take::<IncomingBody>(0)?)),

        "future-trailers.subscribe" => kept(a.get::<FutureTrailers>(0)?.subscribe()),
        "future-trailers.get" => got(a.get::<FutureTrailers>(0)?.get()),

        "outgoing-body.write" => made(a.get::<OutgoingBody>(0)?.write(), nothing),
        "outgoing-body.finish" => {
            let trailers = a.take_optional::<Trailers>(1)?;
            done(OutgoingBody::finish(a.take::<OutgoingBody>(0)?, trailers), error_code)
        }

        "http-error-code" => {
            let code = http_error_code(&*a.get::<Error>(0)?);
            told(code.map_or("none".to_owned(), error_code))
        }
        _ => return Ok(None),
    }))
}

/// `err` alone says that the trailers were taken before, `no trailers` that there were none.
pub fn got(result: Option<Result<Result<Option<Trailers>, ErrorCode>, ()>>) -> Returned {
    match result {
        None => Returned::Refused("none".to_owned()),
        Some(Err(())) => Returned::Refused("err".to_owned()),
        Some(Ok(Ok(None))) => Returned::Refused("no trailers".to_owned()),
        Some(Ok(Ok(Some(trailers)))) => kept(trailers),
        Some(Ok(Err(code))) => Returned::Refused(format!("err {}", error_code(code))),
    }
}
