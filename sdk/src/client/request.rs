//! What is sent.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use super::url::Url;
use super::{all, Error, Response};
use crate::json::ToJson;
use crate::percent::encode_form;

/// A request that is not sent yet.
///
/// ```no_run
/// use mik_sdk::client::{self, Request};
///
/// let (news, weather) = client::join(
///     Request::get("https://example.org/news"),
///     Request::get("https://example.org/weather").query("city", "Zürich"),
/// );
/// ```
#[derive(Debug)]
pub struct Request {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) content: Content,
    pub(super) timeout: Option<Duration>,
    /// What makes it one that cannot be sent.
    mistake: Option<Error>,
}

/// What is sent along.
#[derive(Default)]
pub enum Content {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes that are here.
    Bytes(Vec<u8>),
    /// Pieces that are made while they are sent.
    Pieces(Box<dyn Iterator<Item = Result<Vec<u8>, String>>>),
}

impl Request {
    /// A request by this method to an absolute URL.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            content: Content::Empty,
            timeout: None,
            mistake: None,
        }
    }

    /// A GET request to an absolute URL.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A POST request to an absolute URL.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// A request to another module of the same host: to `http://MODULE.mik.internal/…`, which never leaves the process; or to
    /// a script, as `NAME.script`.
    ///
    /// A name that no module can have is never sent: what comes from a client must not lead elsewhere.
    pub fn call(module: impl AsRef<str>, method: &str, path: impl AsRef<str>) -> Self {
        let (module, path) = (module.as_ref(), path.as_ref());
        let slash = if path.starts_with('/') { "" } else { "/" };
        let url = ["http://", module, ".mik.internal", slash, path].concat();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let mistake = if module.is_empty() || !module.bytes().all(is_name) {
            Some(Error::Request(["`", module, "` is not the name of a module"].concat()))
        } else {
            None
        };
        Self { mistake, ..Self::new(method, url) }
    }

    /// With one more header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    /// With one more pair in the query, which is encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        let fragment = self.url.find('#').map(|at| self.url.split_off(at));
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        encode_pair(name, &value.to_string(), &mut self.url);
        self.url.extend(fragment);
        self
    }

    /// With a value as JSON.
    #[must_use]
    pub fn json<T: ToJson + ?Sized>(self, value: &T) -> Self {
        self.content_of("application/json", crate::json::to_string(value).into_bytes())
    }

    /// With one more field of a form (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn form(mut self, name: &str, value: impl fmt::Display) -> Self {
        let mut form = match std::mem::take(&mut self.content) {
            Content::Bytes(bytes) => String::from_utf8(bytes).unwrap_or_default(),
            _ => String::new(),
        };
        if !form.is_empty() {
            form.push('&');
        }
        encode_pair(name, &value.to_string(), &mut form);
        self.content_of("application/x-www-form-urlencoded", form.into_bytes())
    }

    /// With these bytes. Their `content-type` is a header field like others.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.content = Content::Bytes(bytes.into());
        self
    }

    /// With pieces that are made while they are sent, as fast as the server takes them. With an error the request breaks off.
    ///
    /// While a piece is made, nothing else happens: a response that comes meanwhile is seen after it.
    #[must_use]
    pub fn stream<I, E>(mut self, pieces: I) -> Self
    where
        I: IntoIterator<Item = Result<Vec<u8>, E>>,
        I::IntoIter: 'static,
        E: ToString,
    {
        let pieces = pieces.into_iter().map(|piece| piece.map_err(|error| error.to_string()));
        self.content = Content::Pieces(Box::new(pieces));
        self
    }

    /// With what a reader gives, sent as it is read.
    #[must_use]
    pub fn reader(self, reader: impl Read + 'static) -> Self {
        self.stream(crate::response::pieces(reader))
    }

    /// How long to wait for the head of the response, and then for each piece of its content. Without it, as long as the host
    /// allows.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it, and waits for the head of the response. Any status is a response; there are no redirects.
    pub fn send(self) -> Result<Response, Error> {
        all([self]).pop().unwrap_or(Err(Error::Broken))
    }

    /// Takes the URL apart, if there is nothing against sending the request.
    pub(super) fn parts(&self) -> Result<Url<'_>, Error> {
        match &self.mistake {
            Some(mistake) => Err(mistake.clone()),
            None => Url::parse(&self.url).map_err(Error::Request),
        }
    }

    fn content_of(mut self, content_type: &str, bytes: Vec<u8>) -> Self {
        if !self.headers.iter().any(|(name, _)| name == "content-type") {
            self.headers.push(("content-type".to_owned(), content_type.as_bytes().to_vec()));
        }
        self.body(bytes)
    }
}

/// Reading, for tests that answer in the place of a server.
impl Request {
    /// The method.
    pub fn method_name(&self) -> &str {
        &self.method
    }

    /// The URL, query included.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The value of the first header field with this name, if it is text.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// All of the content, its pieces made.
    pub fn into_bytes(self) -> Result<Vec<u8>, String> {
        match self.content {
            Content::Empty => Ok(Vec::new()),
            Content::Bytes(bytes) => Ok(bytes),
            Content::Pieces(pieces) => {
                pieces.collect::<Result<Vec<_>, _>>().map(|pieces| pieces.concat())
            }
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => f.debug_tuple("Bytes").field(bytes).finish(),
            Self::Pieces(_) => f.debug_tuple("Pieces").finish_non_exhaustive(),
        }
    }
}

fn encode_pair(name: &str, value: &str, out: &mut String) {
    encode_form(name, out);
    out.push('=');
    encode_form(value, out);
}
