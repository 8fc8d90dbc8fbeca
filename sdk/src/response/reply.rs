//! What a handler may return.

use super::Response;

/// What a handler may return: a [`Response`], a [`Problem`](super::Problem), or a `Result` of what is one.
///
/// With `Result<Response, Response>` a handler can use `?` on whatever becomes a response: what the accessors of
/// [`Request`](crate::Request) fail with, and [`client::Error`](crate::client::Error).
#[diagnostic::on_unimplemented(
    message = "a handler returns a `Response`, not `{Self}`",
    note = "or a `Result<Response, Response>`; `ok!(value)` makes a response of a value"
)]
pub trait Reply {
    /// The response.
    fn reply(self) -> Response;
}

impl Reply for Response {
    fn reply(self) -> Response {
        self
    }
}

impl Reply for super::Problem {
    fn reply(self) -> Response {
        self.into()
    }
}

impl<T: Reply, E: Into<Response>> Reply for Result<T, E> {
    fn reply(self) -> Response {
        match self {
            Ok(reply) => reply.reply(),
            Err(error) => error.into(),
        }
    }
}
