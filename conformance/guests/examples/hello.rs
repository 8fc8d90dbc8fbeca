//! Answers any request with `Hello from mik!`, the way an author would write it by hand: straight on
//! the bindings and the standard library, without the code that the other guests share.
//!
//! No parameters. Sets no content-length.

use std::io::Write as _;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Hello;

wasip2::http::proxy::export!(Hello);

impl Guest for Hello {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let headers = Fields::new();
        headers
            .append("content-type", b"text/plain")
            .expect("a valid header");
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("a new response has its body");
        ResponseOutparam::set(out, Ok(response));

        // A write fails when the client has gone, or wanted the head alone: nobody is left to tell.
        let mut stream = body.write().expect("a new body has its stream");
        let _ = stream.write_all(b"Hello from mik!\n");
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}
