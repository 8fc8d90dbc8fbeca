//! Content that comes piece by piece: of a request, or of another server's response.

use std::fmt;
use std::io;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Chunks as TestChunks, Source};
#[cfg(target_arch = "wasm32")]
pub(crate) use wasi::Source;

/// How much of a content is read into memory where nothing else is said: 10 MiB.
pub const DEFAULT_LIMIT: usize = 10 << 20;

/// Content as it comes. What has not been read is not in memory.
///
/// It is read by [`chunk`](Self::chunk), as an iterator over chunks, or as a [`std::io::Read`].
#[derive(Debug)]
pub struct BodyStream {
    source: Option<Source>,
    /// What came, but was not read yet.
    ready: Vec<u8>,
    at: usize,
}

/// Why content cannot be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// It is larger than the limit.
    TooLarge,
    /// It did not come in time.
    Timeout,
    /// It broke off.
    Broken,
    /// It was read already, as a stream.
    Taken,
}

impl BodyStream {
    pub(crate) fn new(source: Source) -> Self {
        Self { source: Some(source), ready: Vec::new(), at: 0 }
    }

    /// Content that is in memory.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { source: None, ready: bytes, at: 0 }
    }

    /// The next piece, at least one byte, as large as it comes; `None` at the end.
    pub fn chunk(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        if self.at < self.ready.len() {
            let mut ready = std::mem::take(&mut self.ready);
            ready.drain(..std::mem::take(&mut self.at));
            return Ok(Some(ready));
        }
        let Some(source) = &mut self.source else { return Ok(None) };
        let next = source.next();
        if !matches!(next, Ok(Some(_))) {
            self.source = None;
        }
        next
    }

    /// All that is left, if it is no more than `limit` bytes.
    pub fn read_within(&mut self, limit: usize) -> Result<Vec<u8>, ReadError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk()? {
            if chunk.len() > limit - all.len() {
                return Err(ReadError::TooLarge);
            }
            if all.is_empty() {
                all = chunk;
            } else {
                all.extend_from_slice(&chunk);
            }
        }
        Ok(all)
    }
}

impl io::Read for BodyStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.at >= self.ready.len() {
            self.ready.clear();
            self.at = 0;
            self.ready = match self.chunk()? {
                Some(chunk) => chunk,
                None => return Ok(0),
            };
        }
        let ready = &self.ready[self.at..];
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.at += count;
        Ok(count)
    }
}

impl IntoIterator for BodyStream {
    type Item = Result<Vec<u8>, ReadError>;
    type IntoIter = Chunks;

    fn into_iter(self) -> Chunks {
        Chunks(self)
    }
}

/// The pieces of a [`BodyStream`].
#[derive(Debug)]
pub struct Chunks(BodyStream);

impl Iterator for Chunks {
    type Item = Result<Vec<u8>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.chunk().transpose()
    }
}

impl ReadError {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "the content is too large",
            Self::Timeout => "the content did not come in time",
            Self::Broken => "the content broke off",
            Self::Taken => "the content was read already",
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for ReadError {}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        Self::from(match error {
            ReadError::TooLarge => io::ErrorKind::FileTooLarge,
            ReadError::Timeout => io::ErrorKind::TimedOut,
            ReadError::Broken => io::ErrorKind::UnexpectedEof,
            ReadError::Taken => io::ErrorKind::NotFound,
        })
    }
}

/// What a client is told when its content cannot be read.
impl From<ReadError> for crate::Response {
    fn from(error: ReadError) -> Self {
        let status = match error {
            ReadError::TooLarge => 413,
            ReadError::Timeout => 408,
            ReadError::Broken => 400,
            ReadError::Taken => 500,
        };
        Self::problem(status, error.as_str())
    }
}

#[cfg(target_arch = "wasm32")]
mod wasi {
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
            _ => ReadError::Broken,
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::collections::VecDeque;

    use super::ReadError;

    pub(crate) type Chunks = VecDeque<Result<Vec<u8>, ReadError>>;

    /// Content that a test gives.
    #[derive(Debug)]
    pub(crate) struct Source(pub(crate) Chunks);

    impl Source {
        pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
            while let Some(chunk) = self.0.pop_front() {
                match chunk {
                    Ok(bytes) if bytes.is_empty() => {}
                    other => return other.map(Some),
                }
            }
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn stream(chunks: &[&str]) -> BodyStream {
        let chunks = chunks.iter().map(|chunk| Ok(chunk.as_bytes().to_vec()));
        BodyStream::new(Source(chunks.collect()))
    }

    #[test]
    fn chunks_come_as_they_are_and_empty_ones_do_not() {
        let mut stream = stream(&["ab", "", "c"]);
        assert_eq!(stream.chunk(), Ok(Some(b"ab".to_vec())));
        assert_eq!(stream.chunk(), Ok(Some(b"c".to_vec())));
        assert_eq!(stream.chunk(), Ok(None));
        assert_eq!(stream.chunk(), Ok(None));
    }

    #[test]
    fn content_is_read_up_to_its_limit() {
        assert_eq!(stream(&["abc", "de"]).read_within(5), Ok(b"abcde".to_vec()));
        assert_eq!(stream(&["abc", "de"]).read_within(4), Err(ReadError::TooLarge));
        assert_eq!(stream(&[]).read_within(0), Ok(Vec::new()));
        assert_eq!(BodyStream::of_bytes(b"abc".to_vec()).read_within(2), Err(ReadError::TooLarge));
    }

    #[test]
    fn a_reader_and_chunks_share_what_is_left() {
        let mut stream = stream(&["abcd", "ef"]);
        let mut two = [0; 2];
        stream.read_exact(&mut two).unwrap();
        assert_eq!(&two, b"ab");
        assert_eq!(stream.chunk(), Ok(Some(b"cd".to_vec())));
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "ef");
    }

    #[test]
    fn a_failure_ends_the_content_once() {
        let chunks = [Ok(b"a".to_vec()), Err(ReadError::Broken), Ok(b"b".to_vec())];
        let chunks: Vec<_> = BodyStream::new(Source(chunks.into())).into_iter().collect();
        assert_eq!(chunks, [Ok(b"a".to_vec()), Err(ReadError::Broken)]);
    }
}
