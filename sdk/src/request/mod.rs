//! What a client asks for.

mod content;
mod credentials;
mod multipart;
mod raw;

pub use multipart::{Multipart, Part};

use std::cell::{Cell, OnceCell};

use crate::bindings::wasi::http::types::{Method, Scheme};
use crate::body::ReadError;
use crate::headers::{media_type, Headers};
pub(crate) use raw::Raw;

/// A request. Nothing of it but its method and its target is fetched from the host before it is asked for.
#[derive(Debug)]
pub struct Request {
    raw: Raw,
    method: Method,
    /// The path, and the query if there is one.
    target: String,
    headers: OnceCell<Headers>,
    content: OnceCell<Vec<u8>>,
    /// Why there is no content to be had any more.
    spent: Cell<Option<ReadError>>,
}

impl Request {
    pub(crate) fn new(raw: Raw) -> Self {
        Self {
            method: raw.method(),
            target: raw.target(),
            raw,
            headers: OnceCell::new(),
            content: OnceCell::new(),
            spent: Cell::new(None),
        }
    }

    /// The method, as it came: `GET`.
    pub fn method(&self) -> &str {
        method_name(&self.method)
    }

    /// The path as it came, percent signs and all, below the prefix under which the handler is served.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query as it came, without the question mark; empty if there is none.
    pub fn query_string(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The value of the first header field with this name, if it is text. Upper and lower case are the same.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)
    }

    /// All header fields.
    pub fn headers(&self) -> &Headers {
        self.headers.get_or_init(|| self.raw.headers())
    }

    /// The media type of the content, without parameters.
    pub fn content_type(&self) -> Option<&str> {
        self.header("content-type").map(media_type)
    }

    /// The path under which the host serves the handler, `/run/my-api`: with it before, a path of a route becomes one
    /// that a client can ask for. Empty where the host says nothing.
    pub fn prefix(&self) -> &str {
        self.header("x-forwarded-prefix").unwrap_or_default()
    }

    /// What the host calls this request; its log has the same.
    pub fn request_id(&self) -> Option<&str> {
        self.header("x-request-id")
    }

    /// The address of the client, as the last server on the way here saw it: the last in `x-forwarded-for`. What stands
    /// before it is what others say, and may be made up.
    pub fn client_address(&self) -> Option<&str> {
        let line = self.headers().get_all("x-forwarded-for").last()?;
        line.rsplit(',').map(str::trim).find(|address| !address.is_empty())
    }

    /// The host and the port that the client asked, if it said so.
    pub fn authority(&self) -> Option<String> {
        self.raw.authority()
    }

    /// `http` or `https`, as far as the host knows.
    pub fn scheme(&self) -> Option<String> {
        self.raw.scheme().map(|scheme| match scheme {
            Scheme::Http => "http".to_owned(),
            Scheme::Https => "https".to_owned(),
            Scheme::Other(other) => other,
        })
    }
}

/// How a method is written.
pub(crate) fn method_name(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(other) => other,
    }
}

/// The method that is written like this. Methods tell upper from lower case (RFC 9110, section 9.1).
pub(crate) fn method_of(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

#[cfg(test)]
mod tests;
