//! What the author of a plugin writes, and what its hooks say.

use std::error::Error;
use std::ops::BitOr;

use crate::{Chunk, Exchange, Host, RequestHead, ResponseHead};

/// Any error. Its text goes to the log of the host, never to a client.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What a hook returns. `?` works on every error, and on a `String` or `&str`.
pub type Outcome<T> = Result<T, BoxError>;

/// A middleware in a dynamic library.
///
/// One value serves all requests, from many threads at the same time; what belongs to one request lies in
/// its [`State`](Self::State). The hooks of one request are called one after another. Hooks must not
/// block: they run on the threads that serve all connections.
///
/// A hook that panics or returns an error fails its request: it is answered with 500, or broken off where
/// the response head has been sent already.
pub trait Plugin: Send + Sync + Sized + 'static {
    /// What it keeps for one request: made when the request comes, dropped after
    /// [`on_end`](Self::on_end). A type without content, such as `()`, costs nothing.
    type State: Default + Send + 'static;

    /// Starts it. `config` is the `config` of its `[[plugin]]` as JSON text, `{}` where there is none. An
    /// error stops the start of mik, or the reload, with its text.
    fn new(config: &str, host: &Host) -> Outcome<Self>;

    /// A request has come; its body has not been read.
    fn on_request(
        &self,
        request: &mut RequestHead<'_>,
        state: &mut Self::State,
    ) -> Outcome<Action> {
        let _ = (request, state);
        Ok(Action::Continue)
    }

    /// A chunk of the request body is on its way to the handler. Called where
    /// [`RequestHead::ask`] has asked for it, and once more at the end of the body
    /// ([`Chunk::is_end`]).
    ///
    /// A handler may work on what it has got while the rest is still coming, and need not read all.
    fn on_request_body(&self, chunk: &mut Chunk<'_>, state: &mut Self::State) -> Outcome<Action> {
        let _ = (chunk, state);
        Ok(Action::Continue)
    }

    /// The response head is there and has not been sent. Errors of the host come by as well; the
    /// plugin's own replies do not.
    fn on_response(
        &self,
        response: &mut ResponseHead<'_>,
        state: &mut Self::State,
    ) -> Outcome<Action> {
        let _ = (response, state);
        Ok(Action::Continue)
    }

    /// A chunk of the response body is on its way to the client. Called where
    /// [`RequestHead::ask`] or [`ResponseHead::ask`] has asked for it, and once more at the end.
    fn on_response_body(&self, chunk: &mut Chunk<'_>, state: &mut Self::State) -> Outcome<()> {
        let _ = (chunk, state);
        Ok(())
    }

    /// No other hook of this request will be called. Called exactly once for each request if
    /// [`State`](Self::State) has content, or if [`Asks::END`] was asked for.
    fn on_end(&self, request: &Exchange<'_>, state: Self::State, end: &End) {
        let _ = (request, state, end);
    }
}

/// How a request goes on after a hook.
#[derive(Debug)]
pub enum Action {
    /// As it would without the plugin.
    Continue,
    /// With this answer, in place of the handler's.
    Reply(Reply),
}

/// An answer of the plugin's own.
#[derive(Debug, Clone)]
#[must_use]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// An empty answer with this status, 200 to 599. One that HTTP does not allow becomes a 500.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header field.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body. The host sets `content-length`.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

impl From<Reply> for Action {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// The further hooks that a request needs: `Asks::REQUEST_BODY | Asks::END`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asks(pub(crate) u32);

impl Asks {
    /// [`Plugin::on_request_body`], to read.
    pub const REQUEST_BODY: Self = Self(crate::abi::ASK_REQUEST_BODY);
    /// [`Plugin::on_response_body`], to read.
    pub const RESPONSE_BODY: Self = Self(crate::abi::ASK_RESPONSE_BODY);
    /// [`Plugin::on_request_body`], to read and to change; the request loses its `content-length`.
    pub const REQUEST_BODY_CHANGES: Self = Self(crate::abi::ASK_REQUEST_BODY_CHANGES);
    /// [`Plugin::on_response_body`], to read and to change; the response loses its `content-length`.
    pub const RESPONSE_BODY_CHANGES: Self = Self(crate::abi::ASK_RESPONSE_BODY_CHANGES);
    /// [`Plugin::on_end`], although the plugin keeps no state.
    pub const END: Self = Self(crate::abi::ASK_END);
}

impl BitOr for Asks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// The status of the response, if there was one.
    pub status: Option<u16>,
    /// Bytes of the response body that were handed on.
    pub bytes: u64,
    /// Whether all of it was.
    pub how: Ended,
}

/// Whether a response was sent as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// All of it.
    Complete,
    /// An error ended it.
    Failed,
    /// The client went away, or the request was given up.
    Gone,
}
