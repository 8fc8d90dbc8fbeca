//! A body on its way in.

use wasip2::http::types::{
    Fields, FutureTrailers, IncomingBody, IncomingRequest, IncomingResponse,
};
use wasip2::io::streams::{InputStream, StreamError};

use crate::describe;

/// The most that one read asks for.
pub(crate) const CHUNK: u64 = 64 * 1024;

/// The body of a request or of a response.
pub struct Input {
    /// Declared before the body, so that it is dropped before it, as the host demands.
    pub stream: InputStream,
    body: IncomingBody,
}

impl Input {
    /// The body of a request, which can be taken once.
    pub fn of_request(request: &IncomingRequest) -> Self {
        Self::new(request.consume().expect("the request's body is taken once"))
    }

    /// The body of a response, which can be taken once.
    pub fn of_response(response: &IncomingResponse) -> Self {
        Self::new(
            response
                .consume()
                .expect("the response's body is taken once"),
        )
    }

    fn new(body: IncomingBody) -> Self {
        let stream = body.stream().expect("a new body has its stream");
        Self { stream, body }
    }

    /// Waits for the next bytes; `None` is the clean end.
    pub fn chunk(&self) -> Result<Option<Vec<u8>>, String> {
        match self.stream.blocking_read(CHUNK) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StreamError::Closed) => Ok(None),
            Err(error) => Err(describe(error)),
        }
    }

    /// Reads to the end.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk()? {
            all.extend(chunk);
        }
        Ok(all)
    }

    /// Waits for the trailers, once the body has been read to its end.
    pub fn trailers(self) -> Result<Option<Fields>, String> {
        let Self { stream, body } = self;
        drop(stream);
        let trailers: FutureTrailers = IncomingBody::finish(body);
        loop {
            if let Some(result) = trailers.get() {
                let result = result.expect("the trailers are taken once");
                return result.map_err(|code| format!("{code:?}"));
            }
            trailers.subscribe().block();
        }
    }
}
