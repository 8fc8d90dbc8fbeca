//! What comes back.

use super::Error;
use crate::body::{BodyStream, DEFAULT_LIMIT};
use crate::headers::{media_type, Headers};
use crate::json::{self, FromJson};
use crate::response::Response as Answer;

/// The response of another server. Its content is read when it is asked for.
#[derive(Debug)]
pub struct Response {
    status: u16,
    headers: Headers,
    content: BodyStream,
}

impl Response {
    pub(crate) fn new(status: u16, headers: Headers, content: BodyStream) -> Self {
        Self { status, headers, content }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is one of success: 200 to 299.
    pub fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// The value of the first header field with this name, if it is text. Upper and lower case are the same.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// All header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The media type of the content, without parameters.
    pub fn content_type(&self) -> Option<&str> {
        self.header("content-type").map(media_type)
    }

    /// All that is left of the content, up to [`DEFAULT_LIMIT`] bytes; [`Error::TooLarge`] where it is more.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        self.bytes_within(DEFAULT_LIMIT)
    }

    /// All that is left of the content, if it is no more than `limit` bytes; else [`Error::TooLarge`].
    pub fn bytes_within(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        Ok(self.content.read_within(limit)?)
    }

    /// The content as text; [`Error::Content`] where it is not UTF-8.
    pub fn text(&mut self) -> Result<String, Error> {
        String::from_utf8(self.bytes()?)
            .map_err(|_| Error::Content("the content is not text in UTF-8".to_owned()))
    }

    /// The content as JSON, read into a type; [`Error::Content`] where it does not fit. The media type is not looked at.
    pub fn json<T: FromJson>(&mut self) -> Result<T, Error> {
        json::read(&self.bytes()?).map_err(|faults| Error::Content(faults.summary()))
    }

    /// The next piece of the content, as it comes; `None` at the end.
    pub fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.content.chunk()?)
    }

    /// The content as it comes: a [`std::io::Read`], and pieces.
    pub fn into_stream(self) -> BodyStream {
        self.content
    }
}

/// Hands the response on as it is, its content streamed; without the fields that describe how it was sent.
impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let mut answer = Self::stream(response.status, "", response.content);
        let fields = response.headers.iter().filter(|(name, _)| !describes_sending(name));
        answer.headers = fields.map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
        answer
    }
}

fn describes_sending(name: &str) -> bool {
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te"]
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other))
}
