//! Content that the host has.

use super::ReadError;
use crate::bindings::wasi::http::types::{http_error_code, ErrorCode, IncomingBody};
use crate::bindings::wasi::io::poll::poll;
use crate::bindings::wasi::io::streams::{Error, InputStream, StreamError};
use crate::client::{Progress, Sending};

/// How much is asked for at once.
const CHUNK: u64 = 64 << 10;

/// Content that the host has.
#[derive(Debug)]
pub(crate) struct Source {
    // A child of the body: dropped before it.
    stream: InputStream,
    _body: IncomingBody,
    /// Content that goes out while this comes in.
    sending: Option<Sending>,
}

impl Source {
    /// `None`: somebody has the stream already.
    pub(crate) fn new(body: IncomingBody) -> Option<Self> {
        let stream = body.stream().ok()?;
        Some(Self { stream, _body: body, sending: None })
    }

    /// A server may answer before it has read all; then both go on together.
    pub(crate) fn while_sending(mut self, sending: Option<Sending>) -> Self {
        self.sending = sending;
        self
    }

    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        loop {
            let bytes = match &mut self.sending {
                None => self.stream.blocking_read(CHUNK),
                Some(sending) => {
                    match sending.advance() {
                        Progress::Waiting => {
                            poll(&[&sending.subscribe(), &self.stream.subscribe()]);
                        }
                        Progress::Over => self.sending = None,
                        Progress::Failed(_) => return Err(ReadError::Broken),
                    }
                    self.stream.read(CHUNK)
                }
            };
            match bytes {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Ok(Some(bytes)),
                Err(StreamError::Closed) => return Ok(None),
                Err(StreamError::LastOperationFailed(error)) => return Err(cause(&error)),
            }
        }
    }
}

fn cause(error: &Error) -> ReadError {
    match http_error_code(error) {
        Some(ErrorCode::HttpRequestBodySize(_) | ErrorCode::HttpResponseBodySize(_)) => {
            ReadError::TooLarge
        }
        Some(ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout) => {
            ReadError::Timeout
        }
        Some(_) => ReadError::Broken,
        None => guess(&error.to_debug_string()),
    }
}

/// Some hosts, wasmtime 48 among them, know no code of an error, and name it here all the same.
fn guess(error: &str) -> ReadError {
    let says = |words: [&str; 2]| words.iter().any(|word| error.contains(word));
    if says(["body size", "BodySize"]) {
        ReadError::TooLarge
    } else if says(["timeout", "Timeout"]) {
        ReadError::Timeout
    } else {
        ReadError::Broken
    }
}
