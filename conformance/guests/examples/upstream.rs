//! Calls a URL and passes its status, content-type and body on, streaming both ways at once. Says the
//! status again in `x-upstream-status`. A call that fails is a 502 whose body is the host's error code.
//!
//! - `url`: absolute, percent-encoded
//! - `method`: default GET; with POST, PUT or PATCH the request's body and content-type go along
//! - `connect_ms`, `first_byte_ms`: the timeouts to ask the host for
//! - `count`: makes that many calls one after the other, each without a body, reads each answer whole
//!   and passes the last on

use guests::wasip2::http::outgoing_handler;
use guests::wasip2::http::types::{ErrorCode, IncomingResponse, Method, RequestOptions};
use guests::wasip2::io::poll::{poll, Pollable};
use guests::{client, Fields, IncomingRequest, Input, Outcome, Output, Pump, Query, Reply, Step};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let url = query
        .text("url")
        .ok_or("`url` is missing: which URL shall be called?")?;
    let method = client::method(query.text("method").unwrap_or("GET"));
    match query.number("count")? {
        Some(0) => Err("`count` must be at least 1".to_owned()),
        Some(count) => several(count, &method, url, &query, reply),
        None => one(request, &method, url, &query, reply),
    }
}

/// Call after call, the last answer passed on.
fn several(count: u64, method: &Method, url: &str, query: &Query, reply: &Reply) -> Outcome {
    let mut last = None;
    for _ in 0..count {
        let outgoing = client::request(method, url, Fields::new())?;
        let sent = outgoing_handler::handle(outgoing, Some(options(query)?));
        let response = match sent.and_then(|future| client::wait(&future)) {
            Ok(response) => response,
            Err(code) => return failed(&code, reply),
        };
        let body = match Input::of_response(&response).bytes() {
            Ok(body) => body,
            Err(error) => return reply.text(502, error),
        };
        last = Some((response, body));
    }
    let (response, body) = last.expect("at least one call");
    let output = begin(&response, reply)?;
    output.write(&body)?;
    output.finish(None)
}

/// One call, streamed.
fn one(
    request: IncomingRequest,
    method: &Method,
    url: &str,
    query: &Query,
    reply: &Reply,
) -> Outcome {
    let mut fields = Fields::new();
    let has_body = matches!(method, Method::Post | Method::Put | Method::Patch);
    if has_body {
        fields = only(&request.headers(), "content-type");
    }
    let outgoing = client::request(method, url, fields)?;
    let mut upload = has_body.then(|| Upload {
        input: Input::of_request(&request),
        output: Output::new(outgoing.body().expect("a new request has its body")),
    });
    let future = match outgoing_handler::handle(outgoing, Some(options(query)?)) {
        Ok(future) => future,
        Err(code) => return failed(&code, reply),
    };

    let response = loop {
        if let Some(result) = future.get() {
            break result.expect("the response is taken once");
        }
        wait(future.subscribe(), advance(&mut upload));
    };
    let response = match response {
        Ok(response) => response,
        Err(code) => return failed(&code, reply),
    };

    let input = Input::of_response(&response);
    let output = begin(&response, reply)?;
    let mut download = Pump::new(&input.stream, &output.stream);
    loop {
        match download.step()? {
            Step::Moved => {}
            Step::Waiting(pollable) => wait(pollable, advance(&mut upload)),
            Step::Ended => break,
        }
    }
    output.finish(None)
}

/// The request's body on its way to the upstream.
struct Upload {
    input: Input,
    output: Output,
}

/// Sends what can be sent of it at once. Returns what to wait for, or nothing if it is over: finished,
/// or dropped unfinished because one side broke, which the upstream then notices.
fn advance(upload: &mut Option<Upload>) -> Option<Pollable> {
    let Upload { input, output } = upload.as_ref()?;
    let mut pump = Pump::new(&input.stream, &output.stream);
    let ended = loop {
        match pump.step() {
            Ok(Step::Moved) => {}
            Ok(Step::Waiting(pollable)) => return Some(pollable),
            Ok(Step::Ended) => break true,
            Err(_) => break false,
        }
    };
    let Upload { output, .. } = upload.take()?;
    if ended {
        // An upstream that has answered early may want no more of it.
        let _ = output.finish(None);
    }
    None
}

fn wait(pollable: Pollable, other: Option<Pollable>) {
    match other {
        Some(other) => drop(poll(&[&pollable, &other])),
        None => pollable.block(),
    }
}

fn options(query: &Query) -> Result<RequestOptions, String> {
    let nanoseconds = |milliseconds: u64| milliseconds.saturating_mul(1_000_000);
    let options = RequestOptions::new();
    options
        .set_connect_timeout(query.number("connect_ms")?.map(nanoseconds))
        .map_err(|()| "the host knows no connect timeout")?;
    options
        .set_first_byte_timeout(query.number("first_byte_ms")?.map(nanoseconds))
        .map_err(|()| "the host knows no first-byte timeout")?;
    Ok(options)
}

fn begin(response: &IncomingResponse, reply: &Reply) -> Result<Output, String> {
    let status = response.status();
    let fields = only(&response.headers(), "content-type");
    fields
        .append("x-upstream-status", status.to_string().as_bytes())
        .map_err(|error| format!("the host refused x-upstream-status: {error:?}"))?;
    reply.head(status, fields)
}

fn failed(code: &ErrorCode, reply: &Reply) -> Outcome {
    reply.text(502, format!("{code:?}"))
}

/// The values of one field, alone.
fn only(fields: &Fields, name: &str) -> Fields {
    let kept = Fields::new();
    for value in fields.get(name) {
        let _ = kept.append(name, &value);
    }
    kept
}
