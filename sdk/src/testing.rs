//! Tests of handlers without a host: `cargo test` on the machine that builds.
//!
//! `routes!` makes a function `respond` of the routes; here are requests for it, and a look into its responses.
//!
//! ```
//! use mik_sdk::{testing, Response};
//! # fn respond(request: &mik_sdk::Request) -> Response { Response::text(200, request.path()) }
//!
//! let response = respond(&testing::get("/users/1").header("accept", "text/plain").build());
//! assert_eq!(response.status, 200);
//! assert_eq!(testing::text(response), "/users/1");
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::bindings::exports::mik::core::handler::{GuestBodySource, ResponseBody};
use crate::body::{BodyStream, ReadError, Source as Pieces, TestChunks};
use crate::client;
use crate::headers::Headers;
use crate::request::{method_of, Raw};
use crate::response::Source;
use crate::{Request, Response};

/// A request in the making.
#[derive(Debug)]
pub struct Builder {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    chunks: TestChunks,
}

/// A GET request for a path, with a query or without.
pub fn get(target: &str) -> Builder {
    request("GET", target)
}

/// A POST request for a path, with a query or without.
pub fn post(target: &str) -> Builder {
    request("POST", target)
}

/// A request for a path, with a query or without.
pub fn request(method: &str, target: &str) -> Builder {
    Builder {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        chunks: VecDeque::new(),
    }
}

impl Builder {
    /// With one more header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    /// With one more piece of content.
    #[must_use]
    pub fn chunk(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.chunks.push_back(Ok(bytes.into()));
        self
    }

    /// With content that fails at this point.
    #[must_use]
    pub fn failure(mut self, error: ReadError) -> Self {
        self.chunks.push_back(Err(error));
        self
    }

    /// With JSON text as its content.
    #[must_use]
    pub fn json(self, text: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").chunk(text)
    }

    /// With a form as its content, `a=1&b=2`.
    #[must_use]
    pub fn form(self, pairs: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded").chunk(pairs)
    }

    /// The request.
    pub fn build(self) -> Request {
        Request::new(Raw {
            method: method_of(&self.method),
            target: self.target,
            headers: Headers::new(self.headers),
            content: RefCell::new(Some(self.chunks)),
        })
    }
}

/// The content of a response, all of it.
///
/// # Panics
/// The content breaks off.
pub fn bytes(response: Response) -> Vec<u8> {
    match pieces(response) {
        Ok(pieces) => pieces.concat(),
        Err(reason) => panic!("the content of the response breaks off: {reason}"),
    }
}

/// The content of a response, all of it, as text.
///
/// # Panics
/// The content breaks off, or is not UTF-8.
pub fn text(response: Response) -> String {
    match String::from_utf8(bytes(response)) {
        Ok(text) => text,
        Err(error) => panic!("the content of the response is no text: {error}"),
    }
}

/// The content of a response in the pieces in which it is sent; an error says why it breaks off.
pub fn pieces(response: Response) -> Result<Vec<Vec<u8>>, String> {
    let source = match response.body {
        ResponseBody::Text(text) => return Ok(vec![text.into_bytes()]),
        ResponseBody::Bytes(bytes) => return Ok(vec![bytes]),
        ResponseBody::Stream(source) => source,
    };
    let mut pieces = Vec::new();
    while let Some(piece) = source.get::<Source>().next()? {
        pieces.push(piece);
    }
    Ok(pieces)
}

type Server = Box<dyn FnMut(client::Request) -> Result<Response, client::Error>>;

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

/// Answers the requests that handlers of this thread send, in the place of other servers. Without it, all are denied.
///
/// ```
/// use mik_sdk::{client, testing, Response};
///
/// testing::serve(|request| match request.url() {
///     "https://example.org/" => Ok(Response::text(200, "hello")),
///     _ => Err(client::Error::Dns),
/// });
/// let mut response = client::Request::get("https://example.org/").send().unwrap();
/// assert_eq!(response.text().unwrap(), "hello");
/// ```
pub fn serve(server: impl FnMut(client::Request) -> Result<Response, client::Error> + 'static) {
    SERVER.set(Some(Box::new(server)));
}

/// What the server of this thread says.
pub(crate) fn ask(request: client::Request) -> Result<client::Response, client::Error> {
    // A server may itself send requests: it is not borrowed while it runs.
    let mut server = SERVER.take().ok_or(client::Error::Denied)?;
    let answer = server(request);
    SERVER.with_borrow_mut(|place| {
        place.get_or_insert(server);
    });
    answer.map(received)
}

fn received(mut answer: Response) -> client::Response {
    let headers = Headers::new(std::mem::take(&mut answer.headers));
    let status = answer.status;
    let chunks = match pieces(answer) {
        Ok(pieces) => pieces.into_iter().map(Ok).collect(),
        Err(_) => VecDeque::from([Err(ReadError::Broken)]),
    };
    client::Response::new(status, headers, BodyStream::new(Pieces(chunks)))
}
