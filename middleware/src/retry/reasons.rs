//! Which answers are worth another attempt.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use mik_core::{CallError, ErrorKind, Response, UpstreamError};
use schemars::JsonSchema;
use serde::Deserialize;

/// A failure without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cause {
    /// A trap, a panic, out of memory, no response, an exception of a script; a host that broke off.
    Trap,
    /// A host that cannot be reached.
    Connect,
    /// No answer in time, where time is left nevertheless.
    Timeout,
    /// Refused for want of a place.
    Overloaded,
}

/// What is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reasons {
    pub(super) causes: Vec<Cause>,
    pub(super) statuses: Vec<StatusCode>,
}

impl Reasons {
    /// Whether this answer is worth another attempt.
    pub(super) fn hold(&self, result: &Result<Response, CallError>) -> bool {
        match result {
            Ok(response) => self.statuses.contains(&response.status()),
            Err(CallError::BadGateway(_)) => self.statuses.contains(&StatusCode::BAD_GATEWAY),
            Err(error) => cause_of(error).is_some_and(|cause| self.causes.contains(&cause)),
        }
    }
}

/// `None` for what another attempt would not change, or must not try to.
fn cause_of(error: &CallError) -> Option<Cause> {
    match error {
        CallError::Upstream(error) => match error {
            UpstreamError::Dns(_)
            | UpstreamError::ConnectTimeout(_)
            | UpstreamError::Connect { .. } => Some(Cause::Connect),
            UpstreamError::ResponseTimeout => Some(Cause::Timeout),
            UpstreamError::Closed(_)
            | UpstreamError::Incomplete(_)
            | UpstreamError::ResponseHead
            | UpstreamError::TransferCoding(_)
            | UpstreamError::Protocol(_) => Some(Cause::Trap),
            _ => None,
        },
        error => match error.kind() {
            ErrorKind::Trap
            | ErrorKind::Panic
            | ErrorKind::Memory
            | ErrorKind::NoResponse
            | ErrorKind::Exception => Some(Cause::Trap),
            ErrorKind::Timeout => Some(Cause::Timeout),
            ErrorKind::Overloaded => Some(Cause::Overloaded),
            _ => None,
        },
    }
}

/// How long whoever answered asks to be left alone, where it says so in seconds.
pub(super) fn asked_pause(result: &Result<Response, CallError>) -> Option<Duration> {
    let value = result.as_ref().ok()?.headers().get(RETRY_AFTER)?;
    value.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mik_core::Target;

    #[test]
    fn some_failures_are_never_tried_again() {
        let causes = vec![Cause::Trap, Cause::Connect, Cause::Timeout, Cause::Overloaded];
        let statuses = (500..600).map(|status| StatusCode::from_u16(status).unwrap()).collect();
        let reasons = Reasons { causes, statuses };
        for (error, expected) in [
            (CallError::Trap("x".into()), true),
            (CallError::Memory("x".into()), true),
            (CallError::NoResponse("x".into()), true),
            (CallError::Script { message: "x".into() }, true),
            (CallError::Input("x".into()), false),
            (CallError::Timeout("x"), true),
            (CallError::Overloaded("x"), true),
            (CallError::BadGateway("x".into()), true),
            (UpstreamError::Dns("x".into()).into(), true),
            (UpstreamError::Protocol("x".into()).into(), true),
            (UpstreamError::Closed("x".into()).into(), true),
            (UpstreamError::RequestBody("x".into()).into(), false),
            (UpstreamError::Denied("x".into()).into(), false),
            (UpstreamError::AddressDenied("x".into()).into(), false),
            (UpstreamError::Invalid("x").into(), false),
            (
                CallError::CircuitOpen { target: Target::Nothing, retry_after: Duration::ZERO },
                false,
            ),
            (CallError::RateLimited(Duration::ZERO), false),
            (CallError::ClientGone, false),
            (CallError::NotFound("x".into()), false),
            (CallError::Loop(8), false),
            (CallError::Draining, false),
            (CallError::Malformed("x"), false),
        ] {
            let text = error.to_string();
            assert_eq!(reasons.hold(&Err(error)), expected, "{text}");
        }
        for (status, expected) in [(200, false), (404, false), (429, false), (503, true)] {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            assert_eq!(reasons.hold(&Ok(response)), expected, "{status}");
        }
    }
}
