//! What went wrong with an outgoing request, in the terms of the contract.

use std::error::Error;
use std::iter::successors;

use hyper_util::client::legacy;

use super::connect::ConnectError;
use crate::{CallError, UpstreamError};

type Cause = dyn Error + 'static;

/// Why there was no response head. A body of the guest's that failed is reported as it failed.
pub(super) fn of_send(error: &legacy::Error, authority: &str) -> CallError {
    if let Some(connect) = find::<ConnectError>(error) {
        return of_connect(connect, authority).into();
    }
    if let Some(body) = find::<CallError>(error) {
        return body.clone();
    }
    if error.is_connect() {
        let reason = describe(error).into();
        return UpstreamError::Connect { authority: authority.into(), reason }.into();
    }
    UpstreamError::Protocol(describe(error).into()).into()
}

/// Why a response body broke off.
pub(super) fn of_body(error: &hyper::Error) -> CallError {
    match find::<CallError>(error) {
        Some(body) => body.clone(),
        None => UpstreamError::Protocol(describe(error).into()).into(),
    }
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
        ConnectError::Tcp(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            UpstreamError::ConnectTimeout(authority)
        }
        ConnectError::Tcp(error) => {
            UpstreamError::Connect { authority, reason: error.to_string().into() }
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

fn find<E: Error + 'static>(error: &Cause) -> Option<&E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn causes(error: &Cause) -> impl Iterator<Item = &Cause> {
    successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn an_error_is_described_with_its_causes_once() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let outer = ConnectError::Tcp(refused());
        assert_eq!(describe(&outer), "cannot connect: connection refused");
        assert_eq!(describe(&io::Error::other(refused())), "connection refused");
    }
}
