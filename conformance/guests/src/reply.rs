//! The guest's answer: head, then body.

use std::cell::Cell;

use wasip2::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::OutputStream;

use crate::{describe, Outcome};

/// The answer that is still owed, or was begun.
pub struct Reply(Cell<Option<ResponseOutparam>>);

impl Reply {
    /// The answer that is owed through this out-parameter.
    pub fn new(out: ResponseOutparam) -> Self {
        Self(Cell::new(Some(out)))
    }

    pub(crate) fn is_begun(&self) -> bool {
        let out = self.0.take();
        let begun = out.is_none();
        self.0.set(out);
        begun
    }

    /// The bare out-parameter, for a guest that misuses it.
    pub fn take(&self) -> ResponseOutparam {
        self.0.take().expect("a guest answers once")
    }

    /// Sends the head with these fields; the body is the caller's to write and to finish.
    pub fn head(&self, status: u16, fields: Fields) -> Result<Output, String> {
        let response = OutgoingResponse::new(fields);
        response
            .set_status_code(status)
            .map_err(|()| format!("the host refused the status {status}"))?;
        let body = response.body().expect("a new response has its body");
        let output = Output::new(body);
        ResponseOutparam::set(self.take(), Ok(response));
        Ok(output)
    }

    /// Sends the head of a `text/plain` response without further fields.
    pub fn text_head(&self) -> Result<Output, String> {
        self.head(200, fields(&[("content-type", "text/plain")])?)
    }

    /// Sends a whole `text/plain` response.
    pub fn text(&self, status: u16, body: impl AsRef<[u8]>) -> Outcome {
        let output = self.head(status, fields(&[("content-type", "text/plain")])?)?;
        output.write(body.as_ref())?;
        output.finish(None)
    }
}

/// A body on its way out. Dropped before [`Output::finish`], it is aborted.
pub struct Output {
    /// Declared before the body, so that it is dropped before it, as the host demands.
    pub stream: OutputStream,
    body: OutgoingBody,
}

impl Output {
    /// The only stream of a body that nobody has touched yet.
    pub fn new(body: OutgoingBody) -> Self {
        let stream = body.write().expect("a new body has its stream");
        Self { stream, body }
    }

    /// Writes all of it, as much at a time as the host has room for.
    pub fn write(&self, mut bytes: &[u8]) -> Outcome {
        while !bytes.is_empty() {
            let room = self.stream.check_write().map_err(describe)?;
            if room == 0 {
                self.stream.subscribe().block();
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(room as usize));
            self.stream.write(now).map_err(describe)?;
            bytes = later;
        }
        Ok(())
    }

    /// Waits until the host has taken what was written.
    pub fn flush(&self) -> Outcome {
        self.stream.blocking_flush().map_err(describe)
    }

    /// Ends the body cleanly.
    pub fn finish(self, trailers: Option<Fields>) -> Outcome {
        let Self { stream, body } = self;
        drop(stream);
        OutgoingBody::finish(body, trailers).map_err(|code| format!("{code:?}"))
    }
}

/// Header fields that the host is expected to accept.
pub fn fields(entries: &[(&str, &str)]) -> Result<Fields, String> {
    let fields = Fields::new();
    for (name, value) in entries {
        fields
            .append(name, value.as_bytes())
            .map_err(|error| format!("the host refused the field `{name}`: {error:?}"))?;
    }
    Ok(fields)
}
