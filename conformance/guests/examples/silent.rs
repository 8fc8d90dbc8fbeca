//! Returns without an answer.
//!
//! - `how`: absent, it leaves the out-parameter lying in its table; `drop` drops it; `error` sets it to an
//!   internal error whose text, `secret detail`, is not for the client

use guests::wasip2::http::types::ErrorCode;
use guests::{IncomingRequest, Outcome, Query, Reply, ResponseOutparam};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    match Query::of(&request).text("how") {
        None => std::mem::forget(reply.take()),
        Some("drop") => drop(reply.take()),
        Some("error") => {
            let detail = ErrorCode::InternalError(Some("secret detail".to_owned()));
            ResponseOutparam::set(reply.take(), Err(detail));
        }
        Some(other) => return Err(format!("`how` must be drop or error, not `{other}`")),
    }
    Ok(())
}
