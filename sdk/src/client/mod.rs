//! Asking other servers, and other modules of the same host.
//!
//! The macros are the short way:
//!
//! ```no_run
//! # use mik_sdk::prelude::*;
//! # fn main() -> Result<(), mik_sdk::client::Error> {
//! let city = "Zürich";
//! let weather = fetch!(GET "https://example.org/weather", query: { "city": city }, timeout: 2s)?;
//! let created = call!("orders", POST "/create", json: { "city": city })?;
//! assert!(weather.is_success() && created.status() == 201);
//! # Ok(()) }
//! ```
//!
//! A [`Request`] is the long one; several are sent at the same time with [`join`] or [`all`].
//!
//! mik lets a request out only to hosts that `allowed_hosts` lists in `mik.toml`; anything else is [`Error::Denied`].

mod error;
mod exchange;
mod request;
mod response;
mod url;

pub use error::Error;
#[cfg(target_arch = "wasm32")]
pub(crate) use exchange::{Progress, Sending};
pub use request::{Content, Request};
pub use response::Response;

/// Sends two requests at the same time, and waits for both.
pub fn join(first: Request, second: Request) -> (Result<Response, Error>, Result<Response, Error>) {
    let mut responses = all([first, second]).into_iter();
    let mut next = || responses.next().unwrap_or(Err(Error::Broken));
    (next(), next())
}

/// Sends all of the requests at the same time, and waits for all; the responses come in the order of the requests.
///
/// A response is here when its head is: content is still on its way.
pub fn all(requests: impl IntoIterator<Item = Request>) -> Vec<Result<Response, Error>> {
    exchange::run(requests.into_iter().collect())
}

#[cfg(test)]
mod tests;
