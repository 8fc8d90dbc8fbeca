//! Content that a test gives: outside a host.

use std::collections::VecDeque;

use super::ReadError;

pub(crate) type TestChunks = VecDeque<Result<Vec<u8>, ReadError>>;

/// Content that a test gives.
#[derive(Debug)]
pub(crate) struct Source(pub(crate) TestChunks);

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
