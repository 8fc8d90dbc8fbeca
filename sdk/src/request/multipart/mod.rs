//! Forms with files, read as they come.

mod head;
mod part;

use std::io;

pub use part::Part;

use crate::body::{BodyStream, ReadError};
use crate::Response;
use head::Head;

/// How large the header fields of one part may be, in bytes.
const HEAD_LIMIT: usize = 16 << 10;

/// The parts of a form, one after the other.
///
/// ```no_run
/// # use mik_sdk::{Request, Response};
/// fn upload(request: &Request) -> Result<Response, Response> {
///     let mut form = request.multipart()?;
///     let mut size = 0;
///     while let Some(mut part) = form.next_part()? {
///         if part.file_name().is_some() {
///             while let Some(chunk) = part.chunk()? {
///                 size += chunk.len();
///             }
///         }
///     }
///     Ok(Response::text(200, size.to_string()))
/// }
/// ```
#[derive(Debug)]
pub struct Multipart {
    stream: BodyStream,
    /// CRLF, two hyphens, the boundary.
    delimiter: Vec<u8>,
    /// What came; `at` is how much of it is read.
    buffer: Vec<u8>,
    at: usize,
    /// How many bytes from `at` on are known to be content of the part.
    content: usize,
    place: Place,
}

/// Where in the content the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before a delimiter: in a part, or before the first.
    Content,
    /// After a delimiter.
    Delimiter,
    /// After the last delimiter, or after a failure.
    End,
}

impl Multipart {
    pub(super) fn new(stream: BodyStream, boundary: &str) -> Self {
        Self {
            stream,
            delimiter: ["\r\n--", boundary].concat().into_bytes(),
            // The first delimiter may stand at the very beginning.
            buffer: b"\r\n".to_vec(),
            at: 0,
            content: 0,
            place: Place::Content,
        }
    }

    /// The next part, or nothing after the last. What was not read of the one before is skipped.
    ///
    /// Fails with 400 where the content is not a form, or breaks off.
    pub fn next_part(&mut self) -> Result<Option<Part<'_>>, Response> {
        while self.content()? {
            self.consume(self.content);
        }
        if self.place == Place::End || self.is_last()? {
            self.place = Place::End;
            return Ok(None);
        }
        let head = self.head()?;
        let Some(head) = Head::parse(&head) else {
            return Err(self.malformed("a part of the form says no name").into());
        };
        self.place = Place::Content;
        Ok(Some(Part::new(self, head)))
    }

    /// Makes sure that some content is known; `false` once the delimiter after it is passed.
    fn content(&mut self) -> Result<bool, Failure> {
        while self.content == 0 && self.place == Place::Content {
            let rest = &self.buffer[self.at..];
            match find(rest, &self.delimiter) {
                Some(0) => {
                    self.consume(self.delimiter.len());
                    self.place = Place::Delimiter;
                }
                Some(at) => self.content = at,
                // The end of what is here may be the beginning of a delimiter.
                None => self.content = rest.len().saturating_sub(self.delimiter.len() - 1),
            }
            if self.content == 0 && self.place == Place::Content {
                self.fill()?;
            }
        }
        Ok(self.content > 0)
    }

    /// Whether the delimiter that was passed is the last, which two hyphens say.
    fn is_last(&mut self) -> Result<bool, Failure> {
        while self.buffer.len() < self.at + 2 {
            self.fill()?;
        }
        Ok(self.buffer[self.at..].starts_with(b"--"))
    }

    /// The header fields of a part: what is between the line of the delimiter and an empty line.
    fn head(&mut self) -> Result<Vec<u8>, Failure> {
        const EMPTY_LINE: &[u8] = b"\r\n\r\n";
        loop {
            let rest = &self.buffer[self.at..];
            if let Some(length) = find(rest, EMPTY_LINE) {
                let head = rest[..length].to_vec();
                self.consume(length + EMPTY_LINE.len());
                return Ok(head);
            }
            if rest.len() > HEAD_LIMIT {
                return Err(self.malformed("the header fields of a part of the form are too large"));
            }
            self.fill()?;
        }
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
        self.content = self.content.saturating_sub(count);
    }

    fn fill(&mut self) -> Result<(), Failure> {
        match self.stream.chunk() {
            Ok(Some(chunk)) => {
                self.buffer.drain(..std::mem::take(&mut self.at));
                self.buffer.extend_from_slice(&chunk);
                Ok(())
            }
            Ok(None) => Err(self.malformed("the form breaks off")),
            Err(error) => {
                self.place = Place::End;
                Err(Failure::Read(error))
            }
        }
    }

    fn malformed(&mut self, what: &'static str) -> Failure {
        self.place = Place::End;
        Failure::Malformed(what)
    }
}

/// Why the next piece cannot be had.
#[derive(Debug)]
enum Failure {
    Read(ReadError),
    Malformed(&'static str),
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Read(error) => error.into(),
            Failure::Malformed(what) => Self::problem(400, what),
        }
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Read(error) => error.into(),
            Failure::Malformed(_) => Self::from(io::ErrorKind::InvalidData),
        }
    }
}

/// Where the pattern first stands.
fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    let first = *pattern.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(pattern) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}
