//! What a program takes several functions for, and what is none.
//!
//! - `request METHOD URL [NAME:VALUE]…`: an `outgoing-request`
//! - `wait FUTURE`: the response, once it is there; the trailers of a `future-trailers`
//! - `send REQUEST [OPTIONS]`: `outgoing-handler.handle` and `wait`
//! - `content RESPONSE`: its whole body, or what came of it and why no more
//! - `read-all STREAM`, `count STREAM`: all that comes, or how many bytes, and why no more if that is no clean end
//! - `write-all STREAM TEXT [TIMES]`: as much at a time as `check-write` permits
//! - `fill STREAM`: writes until `check-write` permits nothing
//! - `tell STREAM`: writes what the lines so far have told
//! - `repeat N FUNCTION …`: calls it so often, tells what came last
//! - `drop NAME`, `leak NAME`, `sleep 10ms`, `trap`
//! - `same A B`, `at-least A B N`: whether two texts are the same; whether `A` is at least `N` more than `B`

use guests::wasip2::clocks::monotonic_clock::subscribe_duration;
use guests::wasip2::http::outgoing_handler;
use guests::wasip2::http::types::{
    FutureIncomingResponse, FutureTrailers, IncomingResponse, OutgoingRequest, RequestOptions,
};
use guests::wasip2::io::streams::{InputStream, OutputStream, StreamError};
use guests::{client, Fields};

use crate::fields::pairs;
use crate::program::{call as call_again, Arguments};
use crate::streams::ok;
use crate::told::{
    error_code, header_error, kept, made, quoted, stream_error, streamed, told, Returned,
};
use crate::{bodies, outgoing};

pub fn call(name: &str, a: &mut Arguments<'_>) -> Result<Option<Returned>, String> {
    Ok(Some(match name {
        "request" => {
            let fields = Fields::from_list(&pairs(&a.rest(2))?).map_err(header_error)?;
            kept(client::request(&client::method(a.word(0)?), a.word(1)?, fields)?)
        }
        "wait" => wait(a)?,
        "send" => {
            let options = a.take_optional::<RequestOptions>(1)?;
            let sent = outgoing_handler::handle(a.take::<OutgoingRequest>(0)?, options);
            made(sent.and_then(|future| client::wait(&future)), error_code)
        }
        "content" => {
            let body = a.get::<IncomingResponse>(0)?.consume().map_err(|()| "no body")?;
            let stream = body.stream().map_err(|()| "no stream")?;
            let (bytes, end) = read(&stream, a);
            told(quoted(bytes) + &end)
        }
        "read-all" => {
            let (bytes, end) = read(&*a.get::<InputStream>(0)?, a);
            told(quoted(bytes) + &end)
        }
        "count" => {
            let (bytes, end) = read(&*a.get::<InputStream>(0)?, a);
            told(bytes.len().to_string() + &end)
        }
        "write-all" => {
            let stream = a.get::<OutputStream>(0)?;
            let times = if a.word(2).is_ok() { a.number(2)? as usize } else { 1 };
            streamed(write(&stream, &a.bytes(1)?.repeat(times)), a, ok)
        }
        "fill" => streamed(fill(&*a.get::<OutputStream>(0)?), a, ok),
        "tell" => streamed(write(&*a.get::<OutputStream>(0)?, a.lines.as_bytes()), a, ok),
        "repeat" => {
            let mut last = Returned::Nothing;
            for _ in 0..a.number(0)? {
                last = call_again(a.rest(1), a.values, a.lines)?;
            }
            last
        }
        "drop" => {
            let name = a.word(0)?.to_owned();
            a.values.drop(&name)?;
            Returned::Nothing
        }
        "leak" => {
            let name = a.word(0)?.to_owned();
            a.values.leak(&name)?;
            Returned::Nothing
        }
        "sleep" => {
            subscribe_duration(a.number(0)?).block();
            Returned::Nothing
        }
        "trap" => core::arch::wasm32::unreachable(),
        "same" => told(a.get::<String>(0)? == a.get::<String>(1)?),
        "at-least" => {
            let number = |index| {
                let text = a.get::<String>(index)?;
                text.parse::<u128>().map_err(|_| format!("`{text}` is no number"))
            };
            told(number(0)? >= number(1)? + u128::from(a.number(2)?))
        }
        _ => return Ok(None),
    }))
}

fn wait(a: &Arguments<'_>) -> Result<Returned, String> {
    if let Ok(future) = a.get::<FutureTrailers>(0) {
        future.subscribe().block();
        return Ok(bodies::got(future.get()));
    }
    let future = a.get::<FutureIncomingResponse>(0)?;
    future.subscribe().block();
    Ok(outgoing::got(future.get()))
}

/// Everything that a stream has, and its end, unless that is a clean one.
fn read(stream: &InputStream, a: &mut Arguments<'_>) -> (Vec<u8>, String) {
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(bytes) => all.extend(bytes),
            Err(StreamError::Closed) => return (all, String::new()),
            Err(error) => return (all, format!(" err {}", stream_error(error, a))),
        }
    }
}

fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = stream.check_write()?;
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(bytes.len().min(room as usize));
        stream.write(now)?;
        bytes = later;
    }
    stream.blocking_flush()
}

fn fill(stream: &OutputStream) -> Result<(), StreamError> {
    loop {
        let room = stream.check_write()?;
        if room == 0 {
            return Ok(());
        }
        stream.write(&vec![b'f'; room as usize])?;
    }
}
