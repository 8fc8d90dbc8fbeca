//! Forms with files, read as they come.

use std::io::{self, Read};

use crate::body::{BodyStream, ReadError, DEFAULT_LIMIT};
use crate::headers::parameter;
use crate::Response;

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

/// One part of a form: a field, or a file.
#[derive(Debug)]
pub struct Part<'a> {
    form: &'a mut Multipart,
    name: String,
    file_name: Option<String>,
    content_type: Option<String>,
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
        let Some(Head { name, file_name, content_type }) = Head::parse(&head) else {
            return Err(self.malformed("a part of the form says no name").into());
        };
        self.place = Place::Content;
        Ok(Some(Part { form: self, name, file_name, content_type }))
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

impl<'f> Part<'f> {
    /// The name of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the client calls the file, if it is one. It may be anything: never make a path of it.
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// The media type that the client says, parameters included.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
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

/// What the header fields of a part say.
struct Head {
    name: String,
    file_name: Option<String>,
    content_type: Option<String>,
}

impl Head {
    /// `None`: it is not a part of a form.
    fn parse(head: &[u8]) -> Option<Self> {
        let head = std::str::from_utf8(head).ok()?;
        // Blanks may follow the boundary, and nothing else.
        let (padding, head) = head.split_once("\r\n").unwrap_or((head, ""));
        if !padding.trim().is_empty() {
            return None;
        }
        let field = |name: &str| {
            head.split("\r\n").find_map(|line| {
                let (other, value) = line.split_once(':')?;
                other.trim().eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        let disposition = field("content-disposition")?;
        let kind = disposition.split(';').next().unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return None;
        }
        Some(Self {
            name: decoded(&parameter(disposition, "name")?),
            file_name: parameter(disposition, "filename").map(|name| decoded(&name)),
            content_type: field("content-type").map(str::to_owned),
        })
    }
}

/// A name as browsers write it: with quotes and line breaks, and only these, behind percent signs.
fn decoded(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
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
