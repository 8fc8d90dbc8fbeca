//! What went wrong with an outgoing request, in the terms of the contract.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter::successors;

use hyper_util::client::legacy;

use super::connect::ConnectError;
use crate::{CallError, UpstreamError};

type Cause = dyn Error + 'static;

/// Why there was no response head.
pub(super) fn of_send(error: &legacy::Error, authority: &str) -> CallError {
    if let Some(connect) = find::<ConnectError>(error) {
        return of_connect(connect, authority).into();
    }
    if let Some(body) = find::<CallError>(error) {
        return of_request_body(body);
    }
    let reason = || describe(error).into();
    let said = find::<hyper::Error>(error);
    let failed = find::<io::Error>(error).map(io::Error::kind);
    if error.is_connect() {
        let kind = failed.unwrap_or(ErrorKind::Other);
        return UpstreamError::Connect { authority: authority.into(), kind, reason: reason() }
            .into();
    }
    match failed {
        _ if said.is_some_and(hyper::Error::is_parse_too_large) => UpstreamError::ResponseHead,
        _ if said.is_some_and(ended_early) => UpstreamError::Closed(reason()),
        Some(kind) if is_end(kind) => UpstreamError::Closed(reason()),
        Some(ErrorKind::TimedOut) => UpstreamError::WriteTimeout,
        _ => UpstreamError::Protocol(reason()),
    }
    .into()
}

/// Why a response body broke off.
pub(super) fn of_body(error: &hyper::Error) -> CallError {
    if let Some(body) = find::<CallError>(error) {
        return of_request_body(body);
    }
    let reason = || describe(error).into();
    match find::<io::Error>(error).map(io::Error::kind) {
        _ if ended_early(error) => UpstreamError::Incomplete(reason()),
        Some(kind) if is_end(kind) => UpstreamError::Incomplete(reason()),
        // What hyper's decoder of chunks says.
        Some(ErrorKind::InvalidInput | ErrorKind::InvalidData) => {
            UpstreamError::TransferCoding(reason())
        }
        Some(ErrorKind::TimedOut) => UpstreamError::WriteTimeout,
        _ => UpstreamError::Protocol(reason()),
    }
    .into()
}

/// The guest's own body is to blame. Whoever it was that failed is not the upstream.
fn of_request_body(error: &CallError) -> CallError {
    match error {
        CallError::Trap(reason) => UpstreamError::RequestBody(reason.clone()).into(),
        other => other.clone(),
    }
}

/// Whether the peer was gone before its message was complete.
fn ended_early(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled()
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
    )
}

/// The address for which a connection was denied.
pub(super) fn denied_address(error: &legacy::Error) -> Option<std::net::IpAddr> {
    match find::<ConnectError>(error)? {
        ConnectError::Denied(address) => Some(*address),
        _ => None,
    }
}

fn of_connect(error: &ConnectError, authority: &str) -> UpstreamError {
    let authority = authority.to_owned();
    match error {
        ConnectError::Dns(_) => UpstreamError::Dns(authority),
        ConnectError::Denied(_) => UpstreamError::AddressDenied(authority),
        ConnectError::Timeout => UpstreamError::ConnectTimeout(authority),
        ConnectError::Tcp(error) if error.kind() == ErrorKind::TimedOut => {
            UpstreamError::ConnectTimeout(authority)
        }
        ConnectError::Tcp(error) => {
            let (kind, reason) = (error.kind(), error.to_string().into());
            UpstreamError::Connect { authority, kind, reason }
        }
        ConnectError::Certificate(reason) => {
            UpstreamError::Certificate { authority, reason: reason.as_str().into() }
        }
        ConnectError::Tls(reason) => {
            UpstreamError::Tls { authority, reason: reason.as_str().into() }
        }
    }
}

/// An error and its causes in one line; a cause that an error repeats is left out.
pub(super) fn describe(error: &Cause) -> String {
    let mut line = String::new();
    for text in causes(error).map(ToString::to_string) {
        if line.is_empty() {
            line = text;
        } else if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

pub(super) fn find<E: Error + 'static>(error: &Cause) -> Option<&E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn causes(error: &Cause) -> impl Iterator<Item = &Cause> {
    successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_described_with_its_causes_once() {
        let refused = || io::Error::from(ErrorKind::ConnectionRefused);
        let outer = ConnectError::Tcp(refused());
        assert_eq!(describe(&outer), "cannot connect: connection refused");
        assert_eq!(describe(&io::Error::other(refused())), "connection refused");
    }
}
