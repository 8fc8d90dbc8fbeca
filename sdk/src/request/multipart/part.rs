//! One part of a form.

use std::io::{self, Read};

use super::head::Head;
use super::Multipart;
use crate::body::{ReadError, DEFAULT_LIMIT};
use crate::Response;

/// One part of a form: a field, or a file.
#[derive(Debug)]
pub struct Part<'a> {
    form: &'a mut Multipart,
    head: Head,
}

impl<'f> Part<'f> {
    pub(super) fn new(form: &'f mut Multipart, head: Head) -> Self {
        Self { form, head }
    }

    /// The name of the field.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// What the client calls the file, if it is one. It may be anything: never make a path of it.
    pub fn file_name(&self) -> Option<&str> {
        self.head.file_name.as_deref()
    }

    /// The media type that the client says, parameters included.
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_deref()
    }

    /// The next piece of the content; `None` at the end.
    ///
    /// Fails with 400 where the form breaks off.
    pub fn chunk(&mut self) -> Result<Option<Vec<u8>>, Response> {
        if !self.form.content()? {
            return Ok(None);
        }
        Ok(Some(self.take(usize::MAX)))
    }

    /// All that is left of the content, up to [`DEFAULT_LIMIT`] bytes; fails with 413 where it is more.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Response> {
        self.bytes_within(DEFAULT_LIMIT)
    }

    /// All that is left of the content, if it is no more than `limit` bytes; else fails with 413.
    pub fn bytes_within(&mut self, limit: usize) -> Result<Vec<u8>, Response> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk()? {
            if chunk.len() > limit - bytes.len() {
                return Err(ReadError::TooLarge.into());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// All that is left of the content, as text; fails with 400 where it is not UTF-8, else as [`bytes`](Self::bytes).
    pub fn text(&mut self) -> Result<String, Response> {
        String::from_utf8(self.bytes()?)
            .map_err(|_| Response::problem(400, "a field of the form is not text in UTF-8"))
    }

    /// What is left of the content, to be read as it comes.
    pub fn reader<'p>(&'p mut self) -> impl Read + use<'p, 'f> {
        Reader(self)
    }

    /// Content that is known, as much as that at most.
    fn take(&mut self, limit: usize) -> Vec<u8> {
        let Multipart { at, content, .. } = *self.form;
        let count = content.min(limit);
        let piece = self.form.buffer[at..at + count].to_vec();
        self.form.consume(count);
        piece
    }
}

/// The content of a part, to be read.
struct Reader<'p, 'f>(&'p mut Part<'f>);

impl Read for Reader<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || !self.0.form.content()? {
            return Ok(0);
        }
        let piece = self.0.take(buffer.len());
        buffer[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}
