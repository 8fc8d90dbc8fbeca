//! What `guard!` and `ensure!` stand on.

use crate::response::Response;

/// What a function may return early with: a handler's return type.
#[diagnostic::on_unimplemented(
    message = "`guard!` and `ensure!` return a response from a function that returns `{Self}`",
    note = "they are for functions that return `Response` or `Result<_, Response>`"
)]
pub trait Early {
    /// The response, as this type.
    fn early(response: Response) -> Self;
}

impl Early for Response {
    fn early(response: Response) -> Self {
        response
    }
}

impl<T, E: From<Response>> Early for Result<T, E> {
    fn early(response: Response) -> Self {
        Err(response.into())
    }
}

/// What `ensure!` finds a value in.
#[diagnostic::on_unimplemented(
    message = "`ensure!` takes an `Option` or a `Result`, not `{Self}`",
    note = "a condition is checked by `guard!`"
)]
pub trait Ensure {
    /// What is in it.
    type Value;

    /// The value, if there is one.
    fn ensured(self) -> Option<Self::Value>;
}

impl<T> Ensure for Option<T> {
    type Value = T;

    fn ensured(self) -> Option<T> {
        self
    }
}

impl<T, E> Ensure for Result<T, E> {
    type Value = T;

    fn ensured(self) -> Option<T> {
        self.ok()
    }
}
