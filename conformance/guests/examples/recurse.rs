//! Calls a module of the same host, itself by default, one level less deep, and passes the answer on:
//! status, `mik-error` and body. At depth 0 it answers `bottom`. A call that fails is a 502 whose body is
//! the host's error code.
//!
//! - `depth`: how deep, default 1; `max`: without end
//! - `name`: the module to call, default `recurse`

use guests::wasip2::http::outgoing_handler;
use guests::wasip2::http::types::Method;
use guests::{client, fields, Fields, IncomingRequest, Input, Outcome, Query, Reply};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let name = query.text("name").unwrap_or("recurse");
    let below = match query.text("depth") {
        Some("max") => "max".to_owned(),
        _ => match query.number_or("depth", 1)? {
            0 => return reply.text(200, "bottom\n"),
            depth => (depth - 1).to_string(),
        },
    };

    let url = format!("http://{name}.mik.internal/?depth={below}&name={name}");
    let outgoing = client::request(&Method::Get, &url, Fields::new())?;
    let sent = outgoing_handler::handle(outgoing, None);
    let response = match sent.and_then(|future| client::wait(&future)) {
        Ok(response) => response,
        Err(code) => return reply.text(502, format!("{code:?}")),
    };
    let body = match Input::of_response(&response).bytes() {
        Ok(body) => body,
        Err(error) => return reply.text(502, error),
    };
    let head = fields(&[("content-type", "text/plain")])?;
    for kind in response.headers().get("mik-error") {
        head.append("mik-error", &kind)
            .map_err(|error| format!("the host refused mik-error: {error:?}"))?;
    }
    let output = reply.head(response.status(), head)?;
    output.write(&body)?;
    output.finish(None)
}
