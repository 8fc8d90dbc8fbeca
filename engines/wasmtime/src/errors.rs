//! Errors in the terms of wasi:http, and what a guest learns of them.

use std::io::ErrorKind;

use mik_core::{CallError, UpstreamError};
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

/// The code of what [`to_wasi`] makes.
pub(crate) fn code_of(error: &Error) -> ErrorCode {
    match error {
        Error::HttpRequestBodySize(limit) => ErrorCode::HttpRequestBodySize(*limit),
        Error::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        Error::ConnectionWriteTimeout => ErrorCode::ConnectionWriteTimeout,
        Error::ConnectionTerminated => ErrorCode::ConnectionTerminated,
        Error::HttpResponseIncomplete => ErrorCode::HttpResponseIncomplete,
        Error::HttpResponseTransferCoding(coding) => {
            ErrorCode::HttpResponseTransferCoding(coding.clone())
        }
        Error::HttpProtocolError => ErrorCode::HttpProtocolError,
        other => ErrorCode::InternalError(Some(other.to_string())),
    }
}

/// What a guest is told when a body that it reads breaks off.
pub(crate) fn to_wasi(error: CallError) -> Error {
    match error {
        CallError::BodyTooLarge(limit) => Error::HttpRequestBodySize(Some(limit)),
        CallError::BodyTimeout(_) => Error::ConnectionReadTimeout,
        CallError::ClientGone => Error::ConnectionTerminated,
        CallError::Upstream(error) => upstream_to_wasi(&error),
        CallError::Malformed(_) => Error::HttpProtocolError,
        _ => Error::HttpResponseIncomplete,
    }
}

/// What the reader of a guest's response is told when the guest breaks it off.
#[expect(clippy::needless_pass_by_value, reason = "it maps the errors of bodies")]
pub(crate) fn from_wasi(error: Error) -> CallError {
    CallError::Trap(format!("the guest's body broke off: {error}").into())
}

/// The same of a request that the guest sends: whoever reads that is not to blame for it.
#[expect(clippy::needless_pass_by_value, reason = "it maps the errors of bodies")]
pub(crate) fn request_from_wasi(error: Error) -> CallError {
    UpstreamError::RequestBody(format!("its body broke off: {error}").into()).into()
}

/// The code of a failed request, by the proxy error types that these codes come from (RFC 9209, 2.3).
pub(crate) fn upstream_to_wasi(error: &UpstreamError) -> Error {
    match error {
        UpstreamError::Denied(_) => Error::HttpRequestDenied,
        UpstreamError::AddressDenied(_) => Error::DestinationIpProhibited,
        UpstreamError::Invalid(_) => Error::HttpRequestUriInvalid,
        UpstreamError::Method(_) => Error::HttpRequestMethodInvalid,
        UpstreamError::Dns(_) => Error::DnsError { rcode: None, info_code: None },
        UpstreamError::ConnectTimeout(_) => Error::ConnectionTimeout,
        UpstreamError::Connect { kind, .. } => match kind {
            ErrorKind::ConnectionRefused => Error::ConnectionRefused,
            ErrorKind::NetworkUnreachable => Error::DestinationIpUnroutable,
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
                Error::ConnectionTerminated
            }
            _ => Error::DestinationUnavailable,
        },
        UpstreamError::Certificate { .. } => Error::TlsCertificateError,
        UpstreamError::Tls { .. } => Error::TlsProtocolError,
        UpstreamError::Closed(_) => Error::ConnectionTerminated,
        UpstreamError::WriteTimeout => Error::ConnectionWriteTimeout,
        UpstreamError::ResponseTimeout => Error::HttpResponseTimeout,
        UpstreamError::BodyTimeout => Error::ConnectionReadTimeout,
        UpstreamError::ResponseHead => Error::HttpResponseHeaderSectionSize(None),
        UpstreamError::Incomplete(_) => Error::HttpResponseIncomplete,
        UpstreamError::TransferCoding(_) => Error::HttpResponseTransferCoding(None),
        _ => Error::HttpProtocolError,
    }
}
