//! Content that comes piece by piece: of a request, or of another server's response.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasi;

use std::fmt;
use std::io;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Source, TestChunks};
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

#[cfg(test)]
mod tests;
