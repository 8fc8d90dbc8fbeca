//! Answers.
//!
//! [`Response`] is the type of the interface `mik:core/handler`; what is here makes it easy to build.

mod check;
mod cookie;
mod events;
mod problem;
mod reply;
mod source;
mod status;

pub use cookie::{Cookie, SameSite};
pub use events::Event;
pub use problem::Problem;
pub use reply::Reply;
pub use source::Source;

pub(crate) use check::{checked, is_token};
pub(crate) use status::reason;

use std::io::{self, Read};

pub use crate::bindings::exports::mik::core::handler::{BodySource, Response, ResponseBody};
use crate::json::ToJson;

/// How much is read from a reader at once.
const CHUNK: usize = 64 << 10;

/// Building.
impl Response {
    /// Without content. A status that no answer may have (below 200, above 599) becomes 500 when it is sent.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: ResponseBody::Bytes(Vec::new()) }
    }

    /// A value as JSON.
    pub fn json<T: ToJson + ?Sized>(status: u16, value: &T) -> Self {
        Self::json_text(status, crate::json::to_string(value))
    }

    /// JSON that is written already.
    pub fn json_text(status: u16, json: impl Into<String>) -> Self {
        Self::of_text(status, "application/json", json.into())
    }

    /// Plain text.
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self::of_text(status, "text/plain; charset=utf-8", text.into())
    }

    /// A page.
    pub fn html(status: u16, page: impl Into<String>) -> Self {
        Self::of_text(status, "text/html; charset=utf-8", page.into())
    }

    /// Bytes of a media type.
    pub fn bytes(status: u16, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::with_body(status, content_type, ResponseBody::Bytes(bytes.into()))
    }

    /// A failure, as `application/problem+json` (RFC 9457). An empty detail is left out; [`Problem`] can say more.
    pub fn problem(status: u16, detail: &str) -> Self {
        Problem::new(status).detail(detail).into()
    }

    /// The client is to go elsewhere.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status).header("location", location)
    }

    /// Content that is made while it is sent, as fast as the client reads: each item is a piece of it. With an error
    /// the answer breaks off, so that the client sees that it is not complete.
    pub fn stream<I, E>(status: u16, content_type: &str, pieces: I) -> Self
    where
        I: IntoIterator<Item = Result<Vec<u8>, E>>,
        I::IntoIter: 'static,
        E: ToString,
    {
        let mut pieces = pieces.into_iter();
        let source = Source::new(move || {
            pieces.next().map(|piece| piece.map_err(|error| error.to_string()))
        });
        let body = ResponseBody::Stream(BodySource::new(source));
        Self::with_body(status, content_type, body)
    }

    /// Content from a reader, sent as it is read.
    pub fn reader(status: u16, content_type: &str, reader: impl Read + 'static) -> Self {
        Self::stream(status, content_type, pieces(reader))
    }

    /// Server-sent events: each is sent as soon as the iterator gives it. The connection stays open until it ends.
    pub fn events<I>(events: I) -> Self
    where
        I: IntoIterator<Item = Event>,
        I::IntoIter: 'static,
    {
        let pieces = events.into_iter().map(|event| Ok::<_, String>(event.into_bytes()));
        Self::stream(200, "text/event-stream", pieces).header("cache-control", "no-store")
    }

    /// Text goes to the bridge in one go, bytes go one by one.
    fn of_text(status: u16, content_type: &str, text: String) -> Self {
        Self::with_body(status, content_type, ResponseBody::Text(text))
    }

    fn with_body(status: u16, content_type: &str, body: ResponseBody) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.as_bytes().to_vec())];
        Self { status, headers, body }
    }
}

/// Changing.
///
/// A field whose name or value is not allowed (RFC 9110, section 5), or that belongs to the connection rather than to the
/// answer, is left out when the answer is sent; the log says so.
impl Response {
    /// With another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With a header field, in place of all that have this name.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.append_header(name, value)
    }

    /// With one more header field.
    #[must_use]
    pub fn append_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    /// With a cookie. One whose name or value is not allowed (RFC 6265, section 4.1.1) is left out; the log says so.
    #[must_use]
    pub fn cookie(self, cookie: &Cookie<'_>) -> Self {
        match cookie.to_field() {
            Some(field) => self.append_header("set-cookie", field),
            None => {
                crate::log::write_text(
                    crate::log::Level::Warn,
                    "a cookie that is not valid is left out",
                );
                self
            }
        }
    }

    /// The value of the first field with this name, if it is text.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let (_, value) = fields.find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// Whether there is a field with this name.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }
}

/// What a reader gives, piece by piece.
pub(crate) fn pieces(mut reader: impl Read + 'static) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    let mut has_failed = false;
    std::iter::from_fn(move || {
        if has_failed {
            return None;
        }
        let mut piece = vec![0; CHUNK];
        match read(&mut reader, &mut piece) {
            Ok(0) => None,
            Ok(count) => {
                piece.truncate(count);
                Some(Ok(piece))
            }
            Err(error) => {
                has_failed = true;
                Some(Err(error))
            }
        }
    })
}

/// Reads once, however often it is interrupted.
fn read(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests;
