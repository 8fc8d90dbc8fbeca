//! Which ends of a call speak against what was called.

use http::StatusCode;
use mik_core::{CallError, ErrorKind, UpstreamError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::circuit::Verdict;

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum Failure {
    /// No answer, or half of one: a trap, a panic, out of memory, no response, an exception of a script, a
    /// module or script that does not load; a host that cannot be reached or that breaks HTTP.
    #[serde(rename = "trap")]
    Trap,
    /// No answer in time.
    #[serde(rename = "timeout")]
    Timeout,
    /// An answer with a status from 500 to 599.
    #[serde(rename = "5xx")]
    Status,
}

/// Which failures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) trap: bool,
    pub(super) timeout: bool,
    pub(super) status: bool,
}

impl Counted {
    pub(super) fn of(failures: &[Failure]) -> Self {
        let counts = |failure| failures.contains(&failure);
        Self {
            trap: counts(Failure::Trap),
            timeout: counts(Failure::Timeout),
            status: counts(Failure::Status),
        }
    }

    /// A failure that does not count is as good as an answer: the one that was called did run.
    pub(super) fn failure(self, failure: Failure) -> Verdict {
        let counts = match failure {
            Failure::Trap => self.trap,
            Failure::Timeout => self.timeout,
            Failure::Status => self.status,
        };
        if counts { Verdict::Failure } else { Verdict::Success }
    }

    pub(super) fn error(self, error: &CallError) -> Verdict {
        failure_of(error).map_or(Verdict::Neither, |failure| self.failure(failure))
    }

    pub(super) fn status(self, status: StatusCode) -> Verdict {
        match status.is_server_error() {
            true => self.failure(Failure::Status),
            false => Verdict::Success,
        }
    }
}

/// How what was called has failed; `None` where it was not reached, or others are to blame.
fn failure_of(error: &CallError) -> Option<Failure> {
    match error.kind() {
        ErrorKind::Trap
        | ErrorKind::Panic
        | ErrorKind::Memory
        | ErrorKind::NoResponse
        | ErrorKind::Exception
        | ErrorKind::Load => Some(Failure::Trap),
        ErrorKind::Timeout => Some(Failure::Timeout),
        ErrorKind::BadGateway => match error {
            CallError::Upstream(error) => failure_of_host(error),
            _ => Some(Failure::Status),
        },
        ErrorKind::NotFound
        | ErrorKind::Method
        | ErrorKind::Malformed
        | ErrorKind::Input
        | ErrorKind::Head
        | ErrorKind::Target
        | ErrorKind::Body
        | ErrorKind::BodyTimeout
        | ErrorKind::Coding
        | ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::RateLimited
        | ErrorKind::CircuitOpen
        | ErrorKind::Overloaded
        | ErrorKind::Draining
        | ErrorKind::Loop
        | ErrorKind::ClientGone => None,
    }
}

fn failure_of_host(error: &UpstreamError) -> Option<Failure> {
    match error {
        UpstreamError::Denied(_)
        | UpstreamError::AddressDenied(_)
        | UpstreamError::Invalid(_)
        | UpstreamError::Method(_)
        | UpstreamError::RequestBody(_) => None,
        UpstreamError::ConnectTimeout(_)
        | UpstreamError::WriteTimeout
        | UpstreamError::ResponseTimeout
        | UpstreamError::BodyTimeout => Some(Failure::Timeout),
        _ => Some(Failure::Trap),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const ALL: [Failure; 3] = [Failure::Trap, Failure::Timeout, Failure::Status];

    #[test]
    fn only_what_was_called_is_to_blame() {
        let all = Counted::of(&ALL);
        for (error, verdict) in [
            (CallError::Trap("x".into()), Verdict::Failure),
            (CallError::Panic("x".into()), Verdict::Failure),
            (CallError::Memory("x".into()), Verdict::Failure),
            (CallError::NoResponse("x".into()), Verdict::Failure),
            (CallError::Script { message: "x".into() }, Verdict::Failure),
            (CallError::Timeout("x"), Verdict::Failure),
            (CallError::BadGateway("x".into()), Verdict::Failure),
            (UpstreamError::Dns("x".into()).into(), Verdict::Failure),
            (UpstreamError::ResponseTimeout.into(), Verdict::Failure),
            (UpstreamError::Denied("x".into()).into(), Verdict::Neither),
            (UpstreamError::AddressDenied("x".into()).into(), Verdict::Neither),
            (UpstreamError::Invalid("x").into(), Verdict::Neither),
            (UpstreamError::RequestBody("x".into()).into(), Verdict::Neither),
            (CallError::NotFound("x".into()), Verdict::Neither),
            (CallError::RateLimited(Duration::ZERO), Verdict::Neither),
            (CallError::Overloaded("x"), Verdict::Neither),
            (CallError::Draining, Verdict::Neither),
            (CallError::Loop(8), Verdict::Neither),
            (CallError::ClientGone, Verdict::Neither),
            (CallError::Malformed("x"), Verdict::Neither),
            (CallError::Input("x".into()), Verdict::Neither),
            (CallError::BodyTooLarge(1), Verdict::Neither),
        ] {
            assert_eq!(all.error(&error), verdict, "{error}");
        }
        assert_eq!(all.status(StatusCode::OK), Verdict::Success);
        assert_eq!(all.status(StatusCode::NOT_FOUND), Verdict::Success);
        assert_eq!(all.status(StatusCode::BAD_GATEWAY), Verdict::Failure);
    }

    #[test]
    fn what_does_not_count_is_a_success() {
        let traps = Counted::of(&[Failure::Trap]);
        assert_eq!(traps.error(&CallError::Trap("x".into())), Verdict::Failure);
        assert_eq!(traps.error(&CallError::Timeout("x")), Verdict::Success);
        assert_eq!(traps.status(StatusCode::BAD_GATEWAY), Verdict::Success);
        assert_eq!(traps.error(&CallError::ClientGone), Verdict::Neither);
    }
}
