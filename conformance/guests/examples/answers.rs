//! Answers over `mik:core/handler`, in every way that the bridge has to make a response of. The build composes
//! it with the bridge.
//!
//! - `status`: default 200
//! - `bytes`: content of so many bytes, `abc…`, default 0
//! - `text`: in place of them text of so many characters `é`
//! - `chunks`, `size`: in place of it a stream of so many pieces of so many bytes, `aaa…bbb…`
//! - `delay_ms`: pause before each piece but the first
//! - `fail`: the stream fails with `secret detail` after so many pieces, with `how=trap` by a trap
//! - `echo=1`: in place of it a stream of what is in the request's body, as it comes
//! - `name`, `value`: a field of the head, percent-encoded; `count`: so many of them
//! - `log=1`: says on stderr which piece was pulled, and when a source is dropped
//!
//! `x-calls` is the count of calls that the instance has had, this one included.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use guests::wasip2::http::types::IncomingBody;
use guests::wasip2::io::streams::{InputStream, StreamError};
use guests::{clock, describe, IncomingRequest, Query};

mod bindings {
    wit_bindgen::generate!({
        path: "../../sdk/wit",
        world: "service",
        generate_all,
        with: {
            "wasi:io/error@0.2.12": guests::wasip2::io::error,
            "wasi:io/poll@0.2.12": guests::wasip2::io::poll,
            "wasi:io/streams@0.2.12": guests::wasip2::io::streams,
            "wasi:clocks/monotonic-clock@0.2.12": guests::wasip2::clocks::monotonic_clock,
            "wasi:http/types@0.2.12": guests::wasip2::http::types,
        },
    });
}

use bindings::exports::mik::core::handler::{
    BodySource, Guest, GuestBodySource, Response, ResponseBody,
};

static CALLS: AtomicU32 = AtomicU32::new(0);

struct Answers;

bindings::export!(Answers with_types_in bindings);

impl Guest for Answers {
    type BodySource = Source;

    fn handle(request: IncomingRequest) -> Response {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let query = Query::of(&request);
        answer(request, &query, calls).unwrap_or_else(|sentence| Response {
            status: 400,
            headers: Vec::new(),
            body: ResponseBody::Bytes(sentence.into_bytes()),
        })
    }
}

fn answer(request: IncomingRequest, query: &Query, calls: u32) -> Result<Response, String> {
    let status = query.number_or("status", 200)?;
    let status = u16::try_from(status).map_err(|_| "`status` must be below 65536".to_owned())?;
    let mut headers = vec![("x-calls".to_owned(), calls.to_string().into_bytes())];
    if let Some(name) = query.text("name") {
        let value = query.text("value").unwrap_or_default();
        for _ in 0..query.number_or("count", 1)? {
            headers.push((name.to_owned(), value.as_bytes().to_vec()));
        }
    }
    let body = if query.flag("echo") {
        ResponseBody::Stream(BodySource::new(Source::echo(&request, query.flag("log"))?))
    } else if query.text("chunks").is_some() {
        ResponseBody::Stream(BodySource::new(Source::letters(query)?))
    } else if query.text("text").is_some() {
        ResponseBody::Text("é".repeat(query.size_or("text", 0)?))
    } else {
        let letters = (b'a'..=b'z').cycle();
        ResponseBody::Bytes(letters.take(query.size_or("bytes", 0)?).collect())
    };
    Ok(Response { status, headers, body })
}

/// Where the pieces of a stream come from.
struct Source {
    from: From,
    pulled: Cell<u64>,
    log: bool,
}

enum From {
    /// The stream is declared before its body, so that it is dropped before it, as the host demands.
    Request { stream: InputStream, _body: IncomingBody },
    Letters { chunks: u64, size: usize, delay: u64, fail: Option<u64>, trap: bool },
}

impl Source {
    fn echo(request: &IncomingRequest, log: bool) -> Result<Self, String> {
        let body = request.consume().map_err(|()| "no body".to_owned())?;
        let stream = body.stream().map_err(|()| "no stream".to_owned())?;
        let from = From::Request { stream, _body: body };
        Ok(Self { from, pulled: Cell::new(0), log })
    }

    fn letters(query: &Query) -> Result<Self, String> {
        let from = From::Letters {
            chunks: query.number_or("chunks", 0)?,
            size: query.size_or("size", 1024)?,
            delay: query.number_or("delay_ms", 0)?,
            fail: query.number("fail")?,
            trap: query.text("how") == Some("trap"),
        };
        Ok(Self { from, pulled: Cell::new(0), log: query.flag("log") })
    }
}

impl GuestBodySource for Source {
    fn next(&self) -> Result<Option<Vec<u8>>, String> {
        let index = self.pulled.replace(self.pulled.get() + 1);
        if self.log {
            eprintln!("pulled {index}");
        }
        match &self.from {
            From::Request { stream, .. } => match stream.blocking_read(64 * 1024) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(StreamError::Closed) => Ok(None),
                Err(error) => Err(describe(error)),
            },
            From::Letters { fail, trap, .. } if *fail == Some(index) => {
                if *trap {
                    std::process::abort();
                }
                Err("secret detail".to_owned())
            }
            From::Letters { chunks, .. } if *chunks == index => Ok(None),
            From::Letters { size, delay, .. } => {
                if *delay > 0 && index > 0 {
                    clock::sleep(*delay);
                }
                Ok(Some(vec![b'a' + (index % 26) as u8; *size]))
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if self.log {
            eprintln!("dropped after {}", self.pulled.get());
        }
    }
}
