//! What a client sends.

use super::{Multipart, Request};
use crate::body::{BodyStream, ReadError, DEFAULT_LIMIT};
use crate::headers::{is_json, parameter};
use crate::json::{self, FromJson};
use crate::text::{Pairs, Query};
use crate::validate::Faults;
use crate::Response;

/// The query and the content. What does not fit is answered with a problem: these methods fail with the response to give.
impl Request {
    /// The query, read into a type.
    ///
    /// Fails with 400, all faults listed, where it does not fit.
    pub fn query<T: Query>(&self) -> Result<T, Response> {
        let mut faults = Faults::new();
        let value = T::read(&Pairs::of_query(self.query_string()), &mut faults);
        valid(value, faults)
    }

    /// The content, up to [`DEFAULT_LIMIT`] bytes. It is kept: asking again gives the same.
    ///
    /// Fails with 413 where it is larger, with 408 or 400 where it does not come, with 500 where
    /// [`body_stream`](Self::body_stream) has taken it.
    pub fn body(&self) -> Result<&[u8], Response> {
        self.body_within(DEFAULT_LIMIT)
    }

    /// The content, if it is no more than `limit` bytes; else as [`body`](Self::body).
    pub fn body_within(&self, limit: usize) -> Result<&[u8], Response> {
        self.content(limit).map_err(Response::from)
    }

    /// The content as it comes, of any size, once. The stream may outlive the request: an answer can be made of it.
    ///
    /// Fails with 500 where it was taken before.
    pub fn body_stream(&self) -> Result<BodyStream, Response> {
        if let Some(bytes) = self.content.get() {
            return Ok(BodyStream::of_bytes(bytes.clone()));
        }
        self.take().map_err(Response::from)
    }

    /// The content as text.
    ///
    /// Fails with 400 where it is not UTF-8; else as [`body`](Self::body).
    pub fn text(&self) -> Result<&str, Response> {
        std::str::from_utf8(self.body()?)
            .map_err(|_| Response::problem(400, "the content is not text in UTF-8"))
    }

    /// The content as JSON, read into a type.
    ///
    /// Fails with 415 where its `content-type` is not that of JSON, with 400, all faults listed, where it does not fit; else
    /// as [`body`](Self::body).
    pub fn json<T: FromJson>(&self) -> Result<T, Response> {
        let value = self.json_value()?;
        let mut faults = Faults::new();
        let value = T::from_json(&value, &mut faults);
        valid(value, faults)
    }

    /// The content as JSON of any form; fails as [`json`](Self::json).
    pub fn json_value(&self) -> Result<json::Value<'_>, Response> {
        if !self.content_type().is_some_and(is_json) {
            return Err(unsupported("application/json"));
        }
        json::Value::parse_bytes(self.body()?).map_err(|error| Faults::syntax(&error).into())
    }

    /// The content of a form (`application/x-www-form-urlencoded`), read into a type.
    ///
    /// Fails with 415 where it is something else, with 400, all faults listed, where it does not fit; else as
    /// [`body`](Self::body).
    pub fn form<T: Query>(&self) -> Result<T, Response> {
        let mut faults = Faults::new();
        let value = T::read(&self.form_pairs()?, &mut faults);
        valid(value, faults)
    }

    /// The parts of a form with files (`multipart/form-data`, RFC 7578), one after the other as they come.
    ///
    /// Fails with 415 where the content is something else, with 500 where it was taken before.
    pub fn multipart(&self) -> Result<Multipart, Response> {
        const TYPE: &str = "multipart/form-data";

        if !self.content_type().is_some_and(|media_type| media_type.eq_ignore_ascii_case(TYPE)) {
            return Err(unsupported(TYPE));
        }
        let boundary = self.header("content-type").and_then(|field| parameter(field, "boundary"));
        match boundary {
            Some(boundary) if matches!(boundary.len(), 1..=70) => {
                Ok(Multipart::new(self.body_stream()?, &boundary))
            }
            _ => Err(Response::problem(400, "the content's type names no valid boundary")),
        }
    }

    /// The fields of a form.
    pub(crate) fn form_pairs(&self) -> Result<Pairs<'_>, Response> {
        const TYPE: &str = "application/x-www-form-urlencoded";

        if !self.content_type().is_some_and(|media_type| media_type.eq_ignore_ascii_case(TYPE)) {
            return Err(unsupported(TYPE));
        }
        Ok(Pairs::of_form(self.text()?))
    }

    fn content(&self, limit: usize) -> Result<&[u8], ReadError> {
        if let Some(bytes) = self.content.get() {
            return if bytes.len() > limit { Err(ReadError::TooLarge) } else { Ok(bytes) };
        }
        if self.declared_length().is_some_and(|length| length > limit) {
            return Err(ReadError::TooLarge);
        }
        let bytes =
            self.take()?.read_within(limit).inspect_err(|error| self.spent.set(Some(*error)))?;
        Ok(self.content.get_or_init(|| bytes))
    }

    /// The content, which is not here any more afterwards.
    fn take(&self) -> Result<BodyStream, ReadError> {
        if let Some(error) = self.spent.get() {
            return Err(error);
        }
        self.spent.set(Some(ReadError::Taken));
        self.raw.content().ok_or(ReadError::Taken)
    }

    fn declared_length(&self) -> Option<usize> {
        self.header("content-length")?.parse().ok()
    }
}

/// The value, if nothing is wrong with it.
fn valid<T>(value: Option<T>, faults: Faults) -> Result<T, Response> {
    match value {
        Some(value) if faults.is_empty() => Ok(value),
        _ => Err(faults.into()),
    }
}

fn unsupported(expected: &str) -> Response {
    Response::problem(415, &["the content must be of the type `", expected, "`"].concat())
}
