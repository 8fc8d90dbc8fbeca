//! A handler: answers every request with a greeting and the path it was asked for.

use std::io::Write as _;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Handler;

wasip2::http::proxy::export!(Handler);

impl Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let greeting = format!("Hello from mik! You asked for {path}\n");

        // First the head: the status is 200 unless set otherwise.
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("a new response has its body");
        ResponseOutparam::set(out, Ok(response));

        // Then the body. A write fails only when the client wants no more of it.
        let mut stream = body.write().expect("a new body has its stream");
        let _ = stream.write_all(greeting.as_bytes());
        drop(stream); // the stream belongs to the body, which ends after it
        let _ = OutgoingBody::finish(body, None);
    }
}
