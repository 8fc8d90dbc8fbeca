//! What a middleware says to a request that it need not wait for.

use std::fmt;

use crate::{CallError, Response};

/// What is done with the answer. It runs when the response head is there, or the call has failed; if the
/// request is given up before, it is dropped.
pub type After<'a> = Box<dyn FnOnce(&mut Result<Response, CallError>) + Send + 'a>;

/// How a request goes on.
pub enum Step<'a> {
    /// To the next middleware; there is nothing more to do.
    Pass,
    /// To the next middleware, and with its answer as this says.
    After(After<'a>),
    /// Not at all: this is the answer.
    Answer(Result<Response, CallError>),
    /// By [`Middleware::handle`](crate::Middleware::handle).
    Handle,
}

impl<'a> Step<'a> {
    /// To the next middleware, and with its answer as `work` does. At the edge that is always a response.
    pub fn after(work: impl FnOnce(&mut Result<Response, CallError>) + Send + 'a) -> Self {
        Self::After(Box::new(work))
    }
}

impl fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "Pass",
            Self::After(_) => "After",
            Self::Answer(_) => "Answer",
            Self::Handle => "Handle",
        })
    }
}
