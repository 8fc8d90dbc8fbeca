//! What the guest components share, so that each of them is only its own behaviour.
//!
//! A guest is one file in `examples/`: a function from a request to a reply, handed to [`serve!`].
//! Until it has begun its reply it may return an error, which becomes a 400.

pub mod client;
pub mod clock;
mod input;
pub mod json;
mod pump;
mod query;
mod reply;

pub use input::Input;
pub use pump::{Pump, Step};
pub use query::{percent_decoded, Query};
pub use reply::{fields, Output, Reply};
pub use wasip2;
pub use wasip2::http::types::{Fields, IncomingRequest, ResponseOutparam};

use wasip2::http::types::http_error_code;
use wasip2::io::streams::StreamError;

/// What a guest returns: nothing, or the sentence that says why it could not do as asked.
pub type Outcome = Result<(), String>;

/// Runs one request: what [`serve!`] exports.
///
/// An error before the reply has begun is answered with a 400. After that it can only be logged;
/// the body, dropped unfinished on the way out, is aborted by the host.
pub fn answer(
    request: IncomingRequest,
    out: ResponseOutparam,
    handle: fn(IncomingRequest, &Reply) -> Outcome,
) {
    let reply = Reply::new(out);
    let Err(sentence) = handle(request, &reply) else {
        return;
    };
    if !reply.is_begun() {
        let _ = reply.text(400, format!("{sentence}\n"));
    } else {
        eprintln!("after the head: {sentence}");
    }
}

/// What a stream's error says, as an HTTP error code where it is one.
pub fn describe(error: StreamError) -> String {
    match error {
        StreamError::Closed => "closed".to_owned(),
        StreamError::LastOperationFailed(error) => match http_error_code(&error) {
            Some(code) => format!("{code:?}"),
            None => error.to_debug_string(),
        },
    }
}

/// Exports a `fn(IncomingRequest, &Reply) -> Outcome` as the component's `wasi:http/incoming-handler`.
#[macro_export]
macro_rules! serve {
    ($handle:path) => {
        struct Component;

        impl $crate::wasip2::exports::http::incoming_handler::Guest for Component {
            fn handle(request: $crate::IncomingRequest, out: $crate::ResponseOutparam) {
                $crate::answer(request, out, $handle);
            }
        }

        $crate::wasip2::http::proxy::export!(Component);
    };
}
